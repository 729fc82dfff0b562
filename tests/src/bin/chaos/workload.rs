//! What is played: events, half of them as annotations, and state writes, over many contexts. Whoever fires them is as
//! stubborn as a good pipeline: a request that fails or is not answered is made again.

use std::time::Duration;

use cicdcontext_crds::{CicdContext, CicdEvent, CicdStateWrite, vocabulary::annotation};
use futures::{StreamExt, stream};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
    core::NamespaceResourceScope,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::random::Random;

/// How many fire at once.
const PIPELINES: usize = 16;
/// How long a request may take before it is made again.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Pause before a request is made again.
const AGAIN_AFTER: Duration = Duration::from_millis(150);

/// One thing that a pipeline does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deed {
    pub(crate) how: How,
    pub(crate) context: String,
    /// The id of the annotation, or the name of the object.
    pub(crate) id: String,
}

/// How it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// An event, by an annotation of its context.
    Annotation,
    /// An event, as an object.
    Event,
    /// An append of its name to `state.written`, as an object.
    StateWrite,
}

impl Deed {
    /// Whether it is an event.
    pub(crate) fn is_event(&self) -> bool {
        self.how != How::StateWrite
    }
}

/// `count` names of contexts.
pub(crate) fn contexts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("c-{number:03}")).collect()
}

/// So many events, every other one of a context as an annotation, and so many state writes, evenly over the contexts
/// and in random order.
pub(crate) fn deeds(contexts: &[String], events: usize, state_writes: usize, random: &mut Random) -> Vec<Deed> {
    let deed = |how: How, letter: char, number: usize| Deed {
        how,
        context: contexts.get(number % contexts.len()).cloned().unwrap_or_default(),
        id: format!("{letter}-{number:04}"),
    };
    let event = |number: usize| {
        let is_object = (number / contexts.len()) % 2 == 1;
        deed(if is_object { How::Event } else { How::Annotation }, 'e', number)
    };
    let mut all: Vec<Deed> = (0..events).map(event).collect();
    all.extend((0..state_writes).map(|number| deed(How::StateWrite, 'w', number)));
    random.shuffle(&mut all);
    all
}

/// Does all of it, evenly over a time, and gives what could not be done within `within` in words, and how many requests
/// had to be made again.
pub(crate) async fn carry_out(
    client: Client,
    namespace: &str,
    deeds: &[Deed],
    over: Duration,
    within: Duration,
) -> (Vec<String>, usize) {
    let begun = Instant::now();
    let count = u32::try_from(deeds.len()).unwrap_or(u32::MAX).max(1);
    let done = stream::iter(deeds.iter().zip(0u32..)).map(|(deed, place)| {
        let client = client.clone();
        async move {
            sleep_until(begun + over * place / count).await;
            let mut repeats = 0;
            loop {
                let problem = match timeout(ANSWER_WITHIN, carry_out_one(&client, namespace, deed)).await {
                    Ok(Ok(())) => return (None, repeats),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "no answer".to_owned(),
                };
                if begun.elapsed() > within {
                    return (Some(format!("{} {} could not be fired: {problem}", deed.context, deed.id)), repeats);
                }
                repeats += 1;
                sleep(AGAIN_AFTER).await;
            }
        }
    });
    let all: Vec<(Option<String>, usize)> = done.buffer_unordered(PIPELINES).collect().await;
    let repeats = all.iter().map(|(_, repeats)| repeats).sum();
    (all.into_iter().filter_map(|(problem, _)| problem).collect(), repeats)
}

async fn carry_out_one(client: &Client, namespace: &str, deed: &Deed) -> Result<(), kube::Error> {
    let context_ref = json!({"name": deed.context});
    match deed.how {
        How::Annotation => {
            let key = format!("{}{}", annotation::EVENT_PREFIX, deed.id);
            let patch = Patch::Merge(json!({"metadata": {"annotations": {key: "build=success"}}}));
            let api: Api<CicdContext> = Api::namespaced(client.clone(), namespace);
            api.patch(&deed.context, &PatchParams::default(), &patch).await.map(drop)
        }
        How::Event => {
            let spec = json!({"contextRef": context_ref, "pipeline": "build", "event": "success"});
            create::<CicdEvent>(client, namespace, &deed.id, &spec).await
        }
        How::StateWrite => {
            let changes = json!([{"path": "state.written", "op": "Append", "value": deed.id}]);
            let spec = json!({"contextRef": context_ref, "changes": changes});
            create::<CicdStateWrite>(client, namespace, &deed.id, &spec).await
        }
    }
}

/// Creates an object; one that is there already was created by a request whose answer was lost.
pub(crate) async fn create<K>(client: &Client, namespace: &str, name: &str, spec: &Value) -> Result<(), kube::Error>
where
    K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    K: Clone + std::fmt::Debug + serde::Serialize + DeserializeOwned,
{
    let object = json!({
        "apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": {"name": name}, "spec": spec,
    });
    let object: K = serde_json::from_value(object).map_err(kube::Error::SerdeError)?;
    match Api::<K>::namespaced(client.clone(), namespace).create(&PostParams::default(), &object).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        created => created.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_each_context_s_events_are_annotations_and_state_writes_go_to_all() {
        let contexts = contexts(10);
        let deeds = deeds(&contexts, 200, 50, &mut Random::new(1, "storm"));
        assert_eq!(deeds.len(), 250);
        for context in &contexts {
            let of = |how| deeds.iter().filter(|deed| deed.context == *context && deed.how == how).count();
            assert_eq!((of(How::Annotation), of(How::Event), of(How::StateWrite)), (10, 10, 5));
        }
    }
}
