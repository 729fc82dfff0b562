//! Following one event until it is where somebody waits for it to be, with its progress told meanwhile, and what to make
//! of its outcome. Knows no command line.

use std::time::Duration;

use cicdcontext_crds::{CicdEvent, EventPhase, HandlerPhase, conditions, vocabulary::condition};
use cicdcontext_engine::event::{annotation::Front, name::event_name};
use futures::StreamExt;

use crate::{
    arguments::{WaitFor, is_object_name},
    console::Console,
    failure::Failure,
    output::{color::Palette, handlers::word, progress::Seen},
    source::{Contexts, Events, Problem, SourceError},
};

/// Watches the event until `reached` says that it is where it should be, and gives it as it is then.
pub(crate) async fn until<S: Contexts + Events>(
    source: &S,
    name: &str,
    timeout: Duration,
    mut reached: impl FnMut(&CicdEvent) -> Result<bool, Failure>,
    console: &mut Console,
) -> Result<CicdEvent, Failure> {
    let mut changes = source.watch_event(name);
    let mut told = Seen::default();
    let mut last_seen = None;
    let waiting = async {
        while let Some(seen) = changes.next().await {
            let Some(event) = seen? else { break };
            if reached(&event)? {
                return Ok(event);
            }
            tell(&event, &mut told, console);
            last_seen = Some(event);
        }
        Err(Failure::EventDeleted { event: name.to_owned() })
    };
    let ended = tokio::time::timeout(timeout, waiting).await;
    console.end_progress();
    ended.unwrap_or_else(|_| {
        let local = source.carries_out_events();
        Err(Failure::NotFinished {
            event: name.to_owned(),
            after: timeout,
            standing: standing(last_seen.as_ref(), local),
            further: if local {
                format!("what still waits is kept: cicdctl wait NAME --for event={name} goes on with it, and so does the next event")
            } else {
                format!("it goes on without this command: kubectl get cicdevent {name} -n {}", source.namespace())
            },
        })
    })
}

/// Rewrites the progress on a terminal; in a log, a line for each handler whose phase has changed.
fn tell(event: &CicdEvent, told: &mut Seen, console: &mut Console) {
    let name = event.metadata.name.as_deref().unwrap_or_default();
    if console.shows_progress() {
        console.progress(&format!("{}: {name}", summary(event)));
        return;
    }
    for changed in told.handlers(event) {
        console.note(&format!("event {name}: {}", changed.line(Palette::Plain)));
    }
}

/// Phases of an event and its handlers in a few words.
fn summary(event: &CicdEvent) -> String {
    let status = event.status.clone().unwrap_or_default();
    let handlers = status.handlers.iter().map(|handler| {
        let attempts = handler.attempts.filter(|_| !handler.phase.is_final()).filter(|attempts| *attempts > 0);
        let attempts = attempts.map(|attempts| format!(" ({attempts} tried)")).unwrap_or_default();
        format!(", {} {}{attempts}", handler.name, word(&handler.phase))
    });
    word(&status.phase) + &handlers.collect::<String>()
}

/// Whether the event is as far as somebody waits for.
pub(crate) fn is_as_far(event: &CicdEvent, wait_for: WaitFor) -> bool {
    is_finished(event) || (wait_for == WaitFor::Attempted && is_attempted(event))
}

/// Whether nothing more will happen to it.
pub(crate) fn is_finished(event: &CicdEvent) -> bool {
    event.status.as_ref().is_some_and(|status| conditions::is_true(&status.conditions, condition::FINISHED))
}

/// Whether each handler has had an attempt or has ended. Before the event is Retrying, some have not had their turn.
fn is_attempted(event: &CicdEvent) -> bool {
    let Some(status) = &event.status else { return false };
    let attempted =
        status.handlers.iter().all(|handler| handler.phase.is_final() || handler.attempts.is_some_and(|made| made > 0));
    status.phase == EventPhase::Retrying && attempted
}

/// What an unfinished event does, and what it waits for.
fn standing(event: Option<&CicdEvent>, local: bool) -> String {
    let Some(status) = event.and_then(|event| event.status.as_ref()) else {
        let why = if local {
            "its turn has not come"
        } else {
            "it has not begun: an earlier event of its context is under way or waits for its turn, or no operator runs"
        };
        return why.to_owned();
    };
    let mut parts = vec![format!("it is {}", word(&status.phase))];
    if let Some(why) = conditions::get(&status.conditions, condition::SUCCEEDED) {
        parts.push(format!("{}: {}", why.reason, why.message));
    }
    let unfinished = status.handlers.iter().filter(|handler| !handler.phase.is_final());
    parts.extend(unfinished.map(|handler| format!("{} is {}", handler.name, word(&handler.phase))));
    parts.join(", ")
}

/// How an event failed, if it did: one that was skipped may have succeeded, and one that still waits fails with the first
/// of its handlers that has failed for good.
pub(crate) fn failure(event: &CicdEvent) -> Option<Failure> {
    let status = event.status.clone().unwrap_or_default();
    let outcome = conditions::get(&status.conditions, condition::SUCCEEDED);
    let (reason, message) = if is_finished(event) {
        if outcome.is_some_and(|outcome| outcome.status == "True") {
            return None;
        }
        outcome.map(|outcome| (outcome.reason.clone(), outcome.message.clone())).unwrap_or_default()
    } else {
        let failed = |phase| matches!(phase, HandlerPhase::Failed | HandlerPhase::Unknown);
        let handler = status.handlers.into_iter().find(|handler| failed(handler.phase))?;
        let message = format!("{}: {}", handler.name, handler.message.unwrap_or_default());
        (handler.reason.unwrap_or_default(), message)
    };
    let event = event.metadata.name.clone().unwrap_or_default();
    Some(Failure::EventFailed { event, phase: word(&status.phase), reason, message })
}

/// The names that the event of a context may have which somebody calls `called`: by its id, of either front door, or by
/// its name.
pub(crate) fn names(context: &str, uid: Option<&str>, called: &str) -> Vec<String> {
    let of_id = |uid| [Front::Event, Front::Generate].map(|front| event_name(context, uid, front, called));
    let of_ids = uid.map(of_id).into_iter().flatten();
    of_ids.chain(Some(called.to_owned()).filter(|name| is_object_name(name))).collect()
}

/// The event of a context that somebody calls by its id or name.
pub(crate) async fn find<S: Contexts + Events>(source: &S, context: &str, called: &str) -> Result<CicdEvent, Failure> {
    // An event may be there longer than its context.
    let uid = known(source.context(context).await)?.map(|context| context.uid);
    for name in names(context, uid.as_deref(), called) {
        let found = known(source.event(&name).await)?;
        if let Some(event) = found.filter(|event| event.spec.context_ref.name == context) {
            return Ok(event);
        }
    }
    Err(Failure::NoSuchEvent { context: context.to_owned(), event: called.to_owned() })
}

/// What was read, if it is there.
pub(crate) fn known<T>(read: Result<T, SourceError>) -> Result<Option<T>, SourceError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if matches!(error.problem, Problem::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The object without what only the API server has a use for.
pub(crate) fn bare(mut event: CicdEvent) -> CicdEvent {
    event.metadata.managed_fields = None;
    event
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::fake::Fake;

    fn event(name: &str, context: &str) -> CicdEvent {
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"contextRef": {"name": context}}})).unwrap()
    }

    #[test]
    fn only_the_condition_says_that_an_event_is_finished() {
        let mut finished = event("e", "shop");
        assert!(!is_finished(&finished));
        finished.status = Some(serde_json::from_value(json!({"phase": "Succeeded"})).unwrap());
        assert!(!is_finished(&finished));
        let condition = json!({"type": "Finished", "status": "True", "reason": "x", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z"});
        finished.status = Some(serde_json::from_value(json!({"conditions": [condition]})).unwrap());
        assert!(is_finished(&finished));
    }

    #[tokio::test]
    async fn an_event_is_found_by_its_id_at_either_door_and_by_its_name() {
        let fake = Fake::default();
        let fired = event_name("shop", "u1", Front::Event, "Run_1");
        let generated = event_name("shop", "u1", Front::Generate, "run-2");
        *fake.events.borrow_mut() =
            vec![event(&fired, "shop"), event(&generated, "shop"), event("by-hand", "shop"), event("other", "web")];
        for (called, expected) in
            [("Run_1", fired.as_str()), (&fired, &fired), ("run-2", &generated), ("by-hand", "by-hand")]
        {
            let found = find(&fake, "shop", called).await.unwrap();
            assert_eq!(found.metadata.name.as_deref(), Some(expected), "{called}");
        }
        for missing in ["run_1", "nobody", "other", "../x"] {
            assert_eq!(
                find(&fake, "shop", missing).await.unwrap_err().to_string(),
                format!(
                    "find event '{missing}' of CicdContext shop: it has none of this name or id; cicdctl events shop \
                     lists those that there are"
                )
            );
        }
        // Its context is gone, and it is not yet.
        assert_eq!(find(&fake, "web", "other").await.unwrap().metadata.name.as_deref(), Some("other"));
    }
}
