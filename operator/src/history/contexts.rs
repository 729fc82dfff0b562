//! Deletes contexts in which nothing has happened for as long as their `ttlSecondsAfterLastActivity` says.

use std::{sync::Arc, time::Duration};

use cicdcontext_crds::{CicdContext, CicdEvent, CicdStateWrite};
use cicdcontext_engine::event::annotation;
use jiff::{SignedDuration, Timestamp};
use kube::{
    Api, Resource,
    api::{ListParams, Preconditions},
    core::NamespaceResourceScope,
};
use serde::Deserialize;

use super::{
    CONTEXT,
    cleaning::{CleaningError, remove},
    idle::{self, Managed},
};
use crate::{
    cache::{ObjectKey, Stored},
    client::{RequestError, bounded},
    crash::Point,
    queue::Next,
    shared::Operator,
    state_write,
};

/// When a context is looked at again whose time is over and which has something unfinished.
const BUSY: Next = Next::After(Duration::from_mins(1));

/// Deletes a context whose time is over; else tells when it will be, as far as can be known.
///
/// What is known here is asked first, so that the API server is asked once a lifetime and not once a look.
pub async fn expire(
    operator: &Operator,
    key: &ObjectKey,
    context: &Arc<Stored<CicdContext>>,
    ttl: i64,
) -> Result<Next, CleaningError> {
    let ttl = SignedDuration::from_secs(ttl);
    if let Some(rest) = idle::rest(ttl, known_activity(operator, key, context), operator.now()) {
        return Ok(after(rest));
    }
    if is_busy(context, &operator.unfinished_events_of(key), &operator.state_writes_of(key)) {
        return Ok(BUSY);
    }
    // The caches may lag behind. The context comes last: what is created after that meets a context that is gone.
    let events = named::<CicdEvent>(operator, key).await?;
    let writes = named::<CicdStateWrite>(operator, key).await?;
    let Some((live, foreign_write)) = read(operator, key).await? else { return Ok(Next::Await) };
    let unfinished: Vec<_> = events.iter().filter(|event| !event.phase().is_final()).cloned().collect();
    if live.uid() != context.uid() || live.metadata.deletion_timestamp.is_some() || !operator.is_selected(key).await? {
        return Ok(Next::Await);
    }
    if is_busy(&live, &unfinished, &writes) {
        return Ok(BUSY);
    }
    let mut activity = known_activity(operator, key, &live);
    activity.push(foreign_write);
    for event in &events {
        activity.push(event.metadata.creation_timestamp.as_ref().map(|time| time.0));
        activity.push(event.status_or_default().completion_time.map(|time| time.0));
    }
    activity.extend(writes.iter().map(|write| write.metadata.creation_timestamp.as_ref().map(|time| time.0)));
    if let Some(rest) = idle::rest(ttl, activity.iter().copied(), operator.now()) {
        if let Some(last) = activity.into_iter().flatten().max() {
            operator.history.active(key, last.min(operator.now()));
        }
        return Ok(after(rest));
    }
    let judged =
        Preconditions { uid: Some(live.uid().to_owned()), resource_version: live.metadata.resource_version.clone() };
    if remove::<CicdContext>(operator, key, judged, "context_delete", Point::ContextDeleted, CONTEXT).await? {
        tracing::info!(
            namespace = key.namespace,
            context = key.name,
            uid = live.uid(),
            ttl_seconds = ttl.as_secs(),
            "context deleted: nothing happened in it for as long as its ttlSecondsAfterLastActivity says"
        );
    }
    Ok(Next::Await)
}

fn after(rest: SignedDuration) -> Next {
    Next::After(Duration::try_from(rest).unwrap_or_default())
}

/// Signs of activity that are known without asking.
fn known_activity(operator: &Operator, key: &ObjectKey, context: &Stored<CicdContext>) -> Vec<Option<Timestamp>> {
    let status = context.status_or_default();
    vec![
        context.metadata.creation_timestamp.as_ref().map(|time| time.0),
        status.last_activity_time.map(|time| time.0),
        status.last_event.and_then(|event| event.completion_time).map(|time| time.0),
        operator.history.last_activity(key),
    ]
}

/// Whether something waits that will change the context, or send something for it.
fn is_busy(
    context: &Stored<CicdContext>,
    unfinished: &[Arc<Stored<CicdEvent>>],
    writes: &[Arc<Stored<CicdStateWrite>>],
) -> bool {
    !unfinished.is_empty()
        || writes.iter().any(|write| !state_write::is_refused(write))
        || context.metadata.annotations.as_ref().is_some_and(|annotations| !annotation::ids(annotations).is_empty())
}

/// Objects that name the context, as the API server has them now.
async fn named<K>(operator: &Operator, key: &ObjectKey) -> Result<Vec<Arc<Stored<K>>>, RequestError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    Stored<K>: std::fmt::Debug,
{
    let api: Api<Stored<K>> = Api::namespaced(operator.client.clone(), &key.namespace);
    let parameters = ListParams::default().fields(&format!("spec.contextRef.name={}", key.name));
    Ok(bounded(api.list(&parameters)).await?.items.into_iter().map(Arc::new).collect())
}

#[derive(Deserialize)]
struct Written {
    metadata: WrittenMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenMetadata {
    #[serde(default)]
    managed_fields: Vec<Managed>,
}

/// The context as it is now, and when somebody else last wrote it. Its managedFields are read for this alone and kept
/// nowhere.
async fn read(
    operator: &Operator,
    key: &ObjectKey,
) -> Result<Option<(Stored<CicdContext>, Option<Timestamp>)>, RequestError> {
    let path = format!("{}/{}", CicdContext::url_path(&(), Some(&key.namespace)), key.name);
    let built = http::Request::get(path).header(http::header::ACCEPT, "application/json").body(Vec::new());
    let request = built.map_err(|error| RequestError::from(kube::Error::Service(error.into())))?;
    let text = match bounded(operator.client.request_text(request)).await {
        Ok(text) => text,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let unreadable = |error| RequestError::from(kube::Error::SerdeError(error));
    let context = serde_json::from_str(&text).map_err(unreadable)?;
    let written: Written = serde_json::from_str(&text).map_err(unreadable)?;
    Ok(Some((context, idle::last_foreign_write(&written.metadata.managed_fields))))
}
