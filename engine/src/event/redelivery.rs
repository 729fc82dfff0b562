//! Sending again what had ended Failed or Unknown, since somebody asks for it with the annotation
//! `redeliver.cicdcontext.io/<id>: <handler or *>`.
//!
//! It changes a status and does nothing else: from then on the delivery waits like any other, with its time and attempts
//! counted anew, and the same webhook-id and bytes as before.

use cicdcontext_crds::{
    AttemptHistory, CicdEventStatus, HandlerPhase, HandlerStatus, Time,
    vocabulary::{annotation::REDELIVER_PREFIX, reason},
};

use super::Outcome;

/// Redeliveries of a handler that are remembered.
const MAX_REMEMBERED: usize = 8;

/// Names all handlers whose requests can be sent again.
pub const EVERY_HANDLER: &str = "*";

/// Why nothing is sent again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NothingToRedeliver {
    /// The event does not have the handler.
    #[error("redeliver {asked:?}: the event has no handler of this name; write one of {}, or *", known.join(", "))]
    UnknownHandler {
        /// What was asked for.
        asked: String,
        /// The handlers that there are.
        known: Vec<String>,
    },
    /// The handler has nothing that could be sent again.
    #[error(
        "redeliver {handler}: it is {phase:?}, and no request of it is kept; only what ended Failed or Unknown after it was rendered can be sent again"
    )]
    NotKept {
        /// The handler.
        handler: String,
        /// How it ended.
        phase: HandlerPhase,
    },
    /// No handler has.
    #[error(
        "redeliver *: no request of the event's handlers is kept; only what ended Failed or Unknown after it was rendered can be sent again"
    )]
    NoneKept,
}

/// Has the named handler, or every one that can, wait to be sent again. Gives their names; none if this very redelivery
/// was taken in before.
///
/// ```
/// use cicdcontext_crds::{CicdEventStatus, EventPhase, HandlerPhase};
/// use cicdcontext_engine::event::redeliver;
/// use serde_json::json;
///
/// let mut status: CicdEventStatus = serde_json::from_value(json!({
///     "phase": "Failed",
///     "handlers": [{"name": "tell", "phase": "Failed", "attempts": 8}],
///     "requests": [{"handler": "tell", "content": "...", "history": {"attempts": 8, "startMs": 0}}],
/// }))?;
/// assert_eq!(redeliver(&mut status, "again", "tell", None, "2026-01-02T03:04:05Z".parse()?)?, ["tell"]);
/// assert_eq!((status.phase, status.handlers[0].phase), (EventPhase::Retrying, HandlerPhase::Waiting));
/// // The annotation is seen a second time, before it could be taken away.
/// assert!(redeliver(&mut status, "again", "tell", None, "2026-01-02T03:04:06Z".parse()?)?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn redeliver(
    status: &mut CicdEventStatus,
    id: &str,
    handler: &str,
    generation: Option<i64>,
    now: jiff::Timestamp,
) -> Result<Vec<String>, NothingToRedeliver> {
    let asked = handler.trim();
    if status.handlers.iter().any(|one| one.redeliveries.iter().any(|known| known == id)) {
        return Ok(Vec::new());
    }
    if asked != EVERY_HANDLER && !status.handlers.iter().any(|one| one.name == asked) {
        let known = status.handlers.iter().map(|one| one.name.clone()).collect();
        return Err(NothingToRedeliver::UnknownHandler { asked: asked.to_owned(), known });
    }
    let mut waiting = Vec::new();
    let CicdEventStatus { handlers, requests, .. } = status;
    for one in handlers.iter_mut().filter(|one| asked == EVERY_HANDLER || one.name == asked) {
        let stored = requests.iter_mut().find(|stored| stored.handler == one.name);
        let ended = matches!(one.phase, HandlerPhase::Failed | HandlerPhase::Unknown);
        match (stored, one.phase) {
            (Some(stored), _) if ended => {
                stored.history = AttemptHistory { attempts: 0, start_ms: now.as_millisecond(), held_ms: None };
                wait(one, id);
                waiting.push(one.name.clone());
            }
            // It need not wait any longer.
            (_, HandlerPhase::Waiting) => {
                wait(one, id);
                waiting.push(one.name.clone());
            }
            _ if asked != EVERY_HANDLER => {
                return Err(NothingToRedeliver::NotKept { handler: one.name.clone(), phase: one.phase });
            }
            _ => {}
        }
    }
    if waiting.is_empty() {
        return Err(NothingToRedeliver::NoneKept);
    }
    let outcome = Outcome {
        requests: std::mem::take(&mut status.requests),
        ..Outcome::waiting(std::mem::take(&mut status.handlers), std::mem::take(&mut status.paths))
    };
    outcome.apply(status, generation, &Time(now));
    Ok(waiting)
}

fn wait(handler: &mut HandlerStatus, id: &str) {
    handler.phase = HandlerPhase::Waiting;
    handler.redeliveries.push(id.to_owned());
    let older = handler.redeliveries.len().saturating_sub(MAX_REMEMBERED);
    handler.redeliveries.drain(..older);
    handler.reason = Some(reason::REDELIVERY.to_owned());
    handler.message = Some(format!("annotation {REDELIVER_PREFIX}{id} asks for it"));
    handler.next_attempt_time = None;
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use cicdcontext_crds::EventPhase;

    fn status(handlers: &Value) -> CicdEventStatus {
        let kept = |name: &str| json!({"handler": name, "content": name, "history": {"attempts": 8, "startMs": 1}});
        serde_json::from_value(json!({
            "phase": "Failed", "completionTime": "2026-01-01T00:00:00Z", "handlers": handlers,
            "requests": [kept("failed"), kept("unknown"), kept("waiting")],
        }))
        .unwrap()
    }

    fn all() -> CicdEventStatus {
        let one = |name: &str, phase: &str| json!({"name": name, "phase": phase, "attempts": 3, "webhookId": "msg_1"});
        status(&json!([
            one("done", "Succeeded"),
            one("failed", "Failed"),
            one("unknown", "Unknown"),
            one("bad-template", "Failed"),
        ]))
    }

    fn ask(status: &mut CicdEventStatus, handler: &str) -> Result<Vec<String>, String> {
        let now = jiff::Timestamp::from_second(100).unwrap();
        redeliver(status, "r1", handler, Some(1), now).map_err(|error| error.to_string())
    }

    #[test]
    fn everything_that_ended_badly_after_it_was_rendered_is_sent_again_with_its_attempts_counted_anew() {
        let mut status = all();
        assert_eq!(ask(&mut status, "*").unwrap(), ["failed", "unknown"]);
        assert_eq!((status.phase, &status.completion_time), (EventPhase::Retrying, &None));
        let finished = cicdcontext_crds::conditions::get(&status.conditions, "Finished").unwrap();
        assert_eq!((finished.status.as_str(), finished.reason.as_str()), ("False", "Retrying"));
        let failed = &status.handlers[1];
        assert_eq!((failed.attempts, failed.webhook_id.as_deref()), (Some(3), Some("msg_1")));
        assert_eq!(failed.message.as_deref(), Some("annotation redeliver.cicdcontext.io/r1 asks for it"));
        assert_eq!(status.requests[0].history, AttemptHistory { attempts: 0, start_ms: 100_000, held_ms: None });
        assert_eq!(status.requests[2].history.attempts, 8, "nobody asked for that");
        assert_eq!(ask(&mut status, "*").unwrap(), Vec::<String>::new(), "the same redelivery");
        let now = jiff::Timestamp::from_second(200).unwrap();
        for number in 2..10 {
            redeliver(&mut status, &format!("r{number}"), "failed", Some(1), now).unwrap();
        }
        assert_eq!(status.handlers[1].redeliveries.len(), 8);
        let again = redeliver(&mut status, "r3", "failed", Some(1), now).unwrap();
        assert!(again.is_empty(), "put back later, it is the same still");
    }

    #[test]
    fn what_cannot_be_sent_again_is_told() {
        for (handler, problem) in [
            (
                "done",
                "redeliver done: it is Succeeded, and no request of it is kept; only what ended Failed or Unknown after it was rendered can be sent again",
            ),
            (
                "bad-template",
                "redeliver bad-template: it is Failed, and no request of it is kept; only what ended Failed or Unknown after it was rendered can be sent again",
            ),
            (
                "nobody",
                "redeliver \"nobody\": the event has no handler of this name; write one of done, failed, unknown, bad-template, or *",
            ),
        ] {
            let mut status = all();
            assert_eq!(ask(&mut status, handler).unwrap_err(), problem);
            assert_eq!(status, all(), "nothing changed");
        }
        let mut none = status(&json!([{"name": "done", "phase": "Succeeded"}]));
        let problem = ask(&mut none, "*").unwrap_err();
        assert!(problem.starts_with("redeliver *: no request of the event's handlers is kept"), "{problem}");
    }

    #[test]
    fn what_waits_already_waits_no_longer() {
        let mut status = status(&json!([
            {"name": "waiting", "phase": "Waiting", "nextAttemptTime": "2026-01-01T01:00:00Z"},
        ]));
        assert_eq!(ask(&mut status, "waiting").unwrap(), ["waiting"]);
        assert_eq!(status.handlers[0].next_attempt_time, None);
        assert_eq!(status.requests[2].history.attempts, 8);
    }
}
