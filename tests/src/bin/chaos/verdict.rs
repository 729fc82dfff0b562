//! What came of a workload: what was lost, what was doubled, what is not at its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cicdcontext_crds::{
    CicdContext, CicdEvent, CicdStateWrite, EventPhase, conditions,
    vocabulary::{annotation, condition},
};
use cicdcontext_tests::receiver::Arrived;
use kube::{ResourceExt, api::ListParams};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{error::ChaosError, follow::is_finished, ground::Ground, workload::Deed};

/// How often it is looked whether all is at its end.
const POLL: Duration = Duration::from_millis(500);

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) lost: Vec<String>,
    pub(crate) doubled: Vec<String>,
    pub(crate) stuck: Vec<String>,
    pub(crate) repeated: usize,
}

/// Waits until nothing is left to be done, or the time is over, and then judges what came of each deed.
pub(crate) async fn judge(ground: &Ground<'_>, deeds: &[Deed], within: Duration) -> Result<Verdict, ChaosError> {
    let begun = Instant::now();
    let seen = loop {
        let seen = Seen::look(ground).await;
        let is_over = begun.elapsed() > within;
        match seen {
            Ok(seen) if is_over || seen.is_settled() => break seen,
            Err(error) if is_over => return Err(error),
            // An API server that has just come back says 429 for a moment.
            Ok(_) | Err(_) => sleep(POLL).await,
        }
    };
    Ok(seen.judge(deeds, &ground.receiver.requests().iter().map(|request| (**request).clone()).collect::<Vec<_>>()))
}

/// All that there is to see in the end.
#[derive(Default)]
struct Seen {
    contexts: Vec<CicdContext>,
    events: Vec<CicdEvent>,
    state_writes: Vec<CicdStateWrite>,
}

impl Seen {
    async fn look(ground: &Ground<'_>) -> Result<Self, ChaosError> {
        let all = ListParams::default();
        let failed = || ChaosError::kubernetes(format!("list what is in {}", ground.namespace));
        Ok(Self {
            contexts: ground.api().list(&all).await.map_err(failed())?.items,
            events: ground.api().list(&all).await.map_err(failed())?.items,
            state_writes: ground.api().list(&all).await.map_err(failed())?.items,
        })
    }

    fn is_settled(&self) -> bool {
        self.state_writes.is_empty() && self.events.iter().all(is_finished) && self.annotations().next().is_none()
    }

    /// The event annotations that are left.
    fn annotations(&self) -> impl Iterator<Item = String> {
        self.contexts.iter().flat_map(|context| {
            let left = context.annotations().keys().filter(|key| key.starts_with(annotation::EVENT_PREFIX));
            left.map(|key| format!("{}: annotation {key} is left", context.name_any()))
        })
    }

    fn judge(&self, deeds: &[Deed], arrived: &[Arrived]) -> Verdict {
        let mut verdict = Verdict { stuck: self.annotations().collect(), ..Verdict::default() };
        for write in &self.state_writes {
            let why = write.status.as_ref().and_then(|status| conditions::get(&status.conditions, condition::APPLIED));
            let why = why.map(|why| format!(": {} {}", why.reason, why.message)).unwrap_or_default();
            verdict.stuck.push(format!("{} {} is not applied{why}", write.spec.context_ref.name, write.name_any()));
        }
        self.judge_events(deeds, &mut verdict);
        judge_requests(deeds, arrived, &mut verdict);
        for context in &self.contexts {
            for (list, of_events) in LISTS {
                let name = context.name_any();
                let expected = deeds.iter().filter(|deed| deed.context == name && deed.is_event() == of_events);
                judge_list(context, list, &expected.map(|deed| deed.id.as_str()).collect(), &mut verdict);
            }
        }
        verdict
    }

    fn judge_events(&self, deeds: &[Deed], verdict: &mut Verdict) {
        let mut found: BTreeMap<(&str, &str), Vec<&CicdEvent>> = BTreeMap::new();
        for event in &self.events {
            let name = event.metadata.name.as_deref().unwrap_or_default();
            let id = event.annotations().get(annotation::SOURCE_ID).map_or(name, String::as_str);
            found.entry((&event.spec.context_ref.name, id)).or_default().push(event);
        }
        for Deed { context, id, .. } in deeds.iter().filter(|deed| deed.is_event()) {
            match found.remove(&(context.as_str(), id.as_str())).unwrap_or_default().as_slice() {
                [] => verdict.lost.push(format!("{context} {id}: there is no CicdEvent of it")),
                [event] if !is_finished(event) => verdict.stuck.push(told(event)),
                [event] if event.status.as_ref().map(|status| status.phase) != Some(EventPhase::Succeeded) => {
                    verdict.lost.push(told(event));
                }
                [_] => {}
                several => verdict.doubled.push(format!("{context} {id}: {} CicdEvents of it", several.len())),
            }
        }
        let unexpected = found.into_values().flatten();
        verdict.doubled.extend(unexpected.map(|event| format!("nobody fired {}", told(event))));
    }
}

/// Which lists of a context's state hold each id once: of events, or of state writes.
const LISTS: [(&str, bool); 3] = [("noted", true), ("told", true), ("written", false)];

fn judge_list(context: &CicdContext, list: &str, expected: &BTreeSet<&str>, verdict: &mut Verdict) {
    let found = context.spec.state.as_ref().and_then(|state| state.get(list)?.as_array());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for item in found.into_iter().flatten() {
        *counts.entry(item.as_str().map_or_else(|| item.to_string(), str::to_owned)).or_default() += 1;
    }
    let name = context.name_any();
    for id in expected {
        if !counts.contains_key(*id) {
            verdict.lost.push(format!("{name} {id}: it is not in state.{list}"));
        }
    }
    for (id, count) in counts {
        if count > 1 || !expected.contains(id.as_str()) {
            verdict.doubled.push(format!("{name} {id}: {count} times in state.{list}"));
        }
    }
}

/// Each event tells its context and its id once or, with the same webhook-id, more often.
fn judge_requests(deeds: &[Deed], arrived: &[Arrived], verdict: &mut Verdict) {
    let mut of_message: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for request in arrived {
        let text = request.body.get("text").and_then(Value::as_str).unwrap_or(&request.text);
        of_message.entry(text.to_owned()).or_default().push(request.header("webhook-id"));
    }
    let mut all_ids: BTreeMap<&str, String> = BTreeMap::new();
    for Deed { context, id, .. } in deeds.iter().filter(|deed| deed.is_event()) {
        let message = format!("{context} {id}");
        let Some(arrivals) = of_message.remove(&message) else {
            verdict.lost.push(format!("{message}: its request did not arrive"));
            continue;
        };
        let ids: BTreeSet<&str> = arrivals.iter().copied().collect();
        if ids.len() > 1 || ids.contains("") {
            verdict.doubled.push(format!("{message}: its {} requests have the webhook-ids {ids:?}", arrivals.len()));
        }
        for webhook_id in ids {
            if let Some(other) = all_ids.insert(webhook_id, message.clone()) {
                verdict.lost.push(format!("{message} and {other} have the webhook-id {webhook_id}"));
            }
        }
        verdict.repeated += arrivals.len() - 1;
    }
    verdict.doubled.extend(of_message.into_keys().map(|message| format!("nobody fired {message:?}, which arrived")));
}

/// How an event stands, in words.
fn told(event: &CicdEvent) -> String {
    let status = event.status.clone().unwrap_or_default();
    let why = conditions::get(&status.conditions, condition::SUCCEEDED);
    let why = why.map(|why| format!(", {}: {}", why.reason, why.message)).unwrap_or_default();
    let handlers: Vec<String> = status
        .handlers
        .iter()
        .map(|handler| {
            let reason = handler.reason.as_deref().unwrap_or_default();
            format!("{} {:?}/{reason}", handler.name, handler.phase)
        })
        .collect();
    format!("{} {} is {:?}{why} ({})", event.spec.context_ref.name, event.name_any(), status.phase, handlers.join(", "))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use serde_json::{from_value, json};

    use super::*;
    use crate::workload::How;

    fn deed(how: How, id: &str) -> Deed {
        Deed { how, context: "c-000".to_owned(), id: id.to_owned() }
    }

    fn context(state: &Value) -> CicdContext {
        let metadata = json!({"name": "c-000", "annotations": {"event.cicdcontext.io/late": "build=success"}});
        from_value(json!({"metadata": metadata, "spec": {"state": state}})).unwrap()
    }

    fn event(name: &str, source: Option<&str>, phase: &str) -> CicdEvent {
        let finished = if phase == "Running" { "False" } else { "True" };
        let condition = json!({
            "type": "Finished", "status": finished, "reason": "R", "message": "m",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        from_value(json!({
            "metadata": {"name": name, "annotations": source.map(|id| json!({"cicdcontext.io/source-id": id}))},
            "spec": {"contextRef": {"name": "c-000"}},
            "status": {"phase": phase, "conditions": [condition]},
        }))
        .unwrap()
    }

    fn request(text: &str, id: &str) -> Arrived {
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        Arrived {
            at: Instant::now(),
            method: axum::http::Method::POST,
            path: "/chat".to_owned(),
            headers,
            client_certificate: None,
            body: json!({"text": text}),
            text: String::new(),
            answered: 200,
        }
    }

    #[test]
    fn what_went_well_is_neither_lost_nor_doubled_and_a_repeat_with_the_same_id_is_counted() {
        let deeds = [deed(How::Annotation, "a"), deed(How::Event, "b"), deed(How::StateWrite, "w")];
        let mut context = context(&json!({"noted": ["b", "a"], "told": ["a", "b"], "written": ["w"]}));
        context.metadata.annotations = None;
        let seen = Seen {
            contexts: vec![context],
            events: vec![event("c-000-a-hash", Some("a"), "Succeeded"), event("b", None, "Succeeded")],
            state_writes: Vec::new(),
        };
        assert!(seen.is_settled());
        let arrived = [request("c-000 a", "1"), request("c-000 b", "2"), request("c-000 a", "1")];
        assert_eq!(seen.judge(&deeds, &arrived), Verdict { repeated: 1, ..Verdict::default() });
    }

    #[test]
    fn each_way_to_go_wrong_is_seen() {
        let deeds = [deed(How::Event, "a"), deed(How::Event, "b"), deed(How::Event, "c"), deed(How::StateWrite, "w")];
        let write = json!({"metadata": {"name": "w"}, "spec": {"contextRef": {"name": "c-000"}, "changes": []}});
        let seen = Seen {
            contexts: vec![context(&json!({"noted": ["a", "a", "b"], "told": ["a", "x"]}))],
            events: vec![event("a", None, "Failed"), event("b", None, "Running"), event("z", None, "Succeeded")],
            state_writes: vec![from_value(write).unwrap()],
        };
        assert!(!seen.is_settled());
        let arrived = [request("c-000 a", "1"), request("c-000 a", "2"), request("c-000 y", "3")];
        let verdict = seen.judge(&deeds, &arrived);
        assert_eq!(
            verdict.lost,
            [
                "c-000 a is Failed ()",
                "c-000 c: there is no CicdEvent of it",
                "c-000 b: its request did not arrive",
                "c-000 c: its request did not arrive",
                "c-000 c: it is not in state.noted",
                "c-000 b: it is not in state.told",
                "c-000 c: it is not in state.told",
                "c-000 w: it is not in state.written",
            ]
        );
        assert_eq!(
            verdict.doubled,
            [
                "nobody fired c-000 z is Succeeded ()",
                "c-000 a: its 2 requests have the webhook-ids {\"1\", \"2\"}",
                "nobody fired \"c-000 y\", which arrived",
                "c-000 a: 2 times in state.noted",
                "c-000 x: 1 times in state.told",
            ]
        );
        assert_eq!(
            verdict.stuck,
            ["c-000: annotation event.cicdcontext.io/late is left", "c-000 w is not applied", "c-000 b is Running ()",]
        );
    }
}
