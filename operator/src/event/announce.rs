//! Counts, logs and tells people what becomes of an event and its deliveries.
//!
//! Lines of the log about one delivery have the same fields, as far as they are known: namespace, context, event, handler,
//! attempt, webhook_id, endpoint, reason and detail. It writes down nothing.

use cicdcontext_crds::{
    CicdEvent, CicdEventStatus, EventPhase, HandlerPhase, HandlerStatus,
    vocabulary::{annotation::REDELIVER_PREFIX, reason},
};
use cicdcontext_engine::event::Outcome;

use crate::{
    cache::Stored,
    metrics::{OutcomeLabels, known_reason},
    report::Severity,
    shared::{Operator, context_of_event},
};

/// Reasons of the Kubernetes Events about an event's end; the note begins with the event's own reason.
const WAITING: &str = "EventWaiting";
const FAILED: &str = "EventFailed";
const SKIPPED: &str = "EventSkipped";
/// Reason of the Kubernetes Event about a delivery after its last attempt.
const GIVEN_UP: &str = "DeliveryGivenUp";

/// Most deliveries of one event that are told of one by one; all are in its status.
const TOLD_ONE_BY_ONE: usize = 8;

/// Tells people that an event waits, and for what.
pub fn waiting(operator: &Operator, event: &Stored<CicdEvent>, outcome: &Outcome) {
    let severity = if outcome.reason == reason::SUSPENDED { Severity::Normal } else { Severity::Warning };
    let note = format!("{}: {}", outcome.reason, outcome.message);
    operator.reporter.report(event, severity, WAITING, "Handle", note);
}

/// Tells people which deliveries wait for another attempt, and which have ended.
pub fn retrying(operator: &Operator, event: &Stored<CicdEvent>, status: &CicdEventStatus, outcome: &Outcome) {
    let before = event.status_or_default();
    let context = context(event);
    let news = |one: &&HandlerStatus| {
        let stands = |one: &HandlerStatus| (one.phase, one.attempts, one.reason.clone());
        let known = before.handlers.iter().find(|known| known.name == one.name);
        one.phase == HandlerPhase::Waiting && known.is_none_or(|known| stands(known) != stands(one))
    };
    for handler in status.handlers.iter().filter(news) {
        let delivery = Delivery { event, context: &context, handler };
        let ordinary = [reason::SUSPENDED, reason::LIMITED, reason::REDELIVERY];
        if handler.reason.as_deref().is_some_and(|reason| ordinary.contains(&reason)) {
            delivery.log("delivery waits");
        } else {
            delivery.warn("delivery waits");
        }
    }
    ended(operator, event, &before, status, &context);
    if before.phase != EventPhase::Retrying {
        let note = format!("{}: {}", outcome.reason, outcome.message);
        operator.reporter.report(event, Severity::Warning, WAITING, "Deliver", note);
    }
}

/// Counts an outcome, logs it, and tells people what they must see.
pub fn finished(operator: &Operator, event: &Stored<CicdEvent>, status: &CicdEventStatus, outcome: &Outcome) {
    let phase = match outcome.phase {
        EventPhase::Succeeded => "Succeeded",
        EventPhase::Failed => "Failed",
        EventPhase::Skipped => "Skipped",
        EventPhase::Pending | EventPhase::Running | EventPhase::Retrying => return,
    };
    let labels = OutcomeLabels { phase, reason: known_reason(&outcome.reason) };
    operator.metrics.events.get_or_create(&labels).inc();
    let context = context(event);
    ended(operator, event, &event.status_or_default(), status, &context);
    tracing::info!(
        namespace = event.namespace(),
        context,
        event = event.name(),
        phase,
        reason = outcome.reason,
        detail = outcome.message,
        handlers = status.handlers.len(),
        "event finished"
    );
    if !outcome.succeeded {
        let reason = if outcome.phase == EventPhase::Failed { FAILED } else { SKIPPED };
        let note = format!("{}: {}", outcome.reason, outcome.message);
        operator.reporter.report(event, Severity::Warning, reason, "Handle", note);
    }
}

/// Somebody asked for these handlers to be sent again.
pub fn redelivered(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    status: &CicdEventStatus,
    id: &str,
    handlers: &[String],
) {
    let context = context(event);
    operator.metrics.redeliveries.inc_by(u64::try_from(handlers.len()).unwrap_or(u64::MAX));
    for handler in status.handlers.iter().filter(|one| handlers.contains(&one.name)) {
        Delivery { event, context: &context, handler }.log("redelivery asked for");
    }
    let note = format!("{REDELIVER_PREFIX}{id}: {} sent again, of CicdContext {context}", handlers.join(", "));
    operator.reporter.report(event, Severity::Normal, reason::REDELIVERY, "Redeliver", note);
}

/// Counts, logs and tells of the handlers that have ended since the event was read.
fn ended(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    before: &CicdEventStatus,
    status: &CicdEventStatus,
    context: &str,
) {
    let ended_before = |name: &str| before.handlers.iter().any(|one| one.name == name && one.phase.is_final());
    let mut told = 0;
    for handler in status.handlers.iter().filter(|one| one.phase.is_final() && !ended_before(&one.name)) {
        let delivery = Delivery { event, context, handler };
        let bad = matches!(handler.phase, HandlerPhase::Failed | HandlerPhase::Unknown);
        if handler.reason.as_deref() == Some(reason::TEMPLATE_ERROR) {
            operator.metrics.template_errors.inc();
        }
        if handler.webhook_id.is_none() {
            if bad {
                delivery.warn("handler failed");
            }
            continue;
        }
        let phase = phase_of(handler);
        let reason = known_reason(handler.reason.as_deref().unwrap_or_default());
        operator.metrics.delivery_ended(phase, reason);
        if !bad {
            delivery.log("delivery ended");
            continue;
        }
        delivery.warn("delivery ended");
        told += 1;
        if told <= TOLD_ONE_BY_ONE {
            let kept = status.requests.iter().any(|request| request.handler == handler.name);
            let (why, note) = delivery.note(kept);
            operator.reporter.report(event, Severity::Warning, why, "Deliver", note);
        }
    }
}

/// One delivery as it stands.
struct Delivery<'a> {
    event: &'a Stored<CicdEvent>,
    context: &'a str,
    handler: &'a HandlerStatus,
}

macro_rules! line {
    ($level:ident, $delivery:expr, $what:expr) => {
        tracing::$level!(
            namespace = $delivery.event.namespace(),
            context = $delivery.context,
            event = $delivery.event.name(),
            handler = $delivery.handler.name,
            attempt = $delivery.handler.attempts.unwrap_or_default(),
            webhook_id = $delivery.handler.webhook_id,
            endpoint = $delivery.handler.endpoint,
            phase = phase_of($delivery.handler),
            reason = $delivery.handler.reason,
            detail = $delivery.handler.message,
            "{}",
            $what
        )
    };
}

impl Delivery<'_> {
    fn log(&self, what: &str) {
        line!(info, self, what);
    }

    fn warn(&self, what: &str) {
        line!(warn, self, what);
    }

    /// What people are told of one that failed, and what they can do.
    fn note(&self, kept: bool) -> (&'static str, String) {
        let Self { event, context, handler } = self;
        let place = handler.endpoint.as_deref().unwrap_or("an unknown endpoint");
        let told = handler.message.as_deref().unwrap_or_default();
        let what = format!("handler {} of CicdContext {context}, to {place}: {told}", handler.name);
        if handler.reason.as_deref() == Some(reason::CAPTURE_REFUSED) {
            let todo = "the request was delivered and is not sent again; change the capture or what its value must be";
            return (reason::CAPTURE_REFUSED, format!("{what}; {todo}"));
        }
        let todo = if kept {
            let annotate = format!("kubectl annotate cicdevent {} {REDELIVER_PREFIX}ID={}", event.name(), handler.name);
            format!("to send it again: {annotate}")
        } else {
            "its request is not kept; mend the cause and fire another event".to_owned()
        };
        (GIVEN_UP, format!("{what}; {todo}"))
    }
}

fn phase_of(handler: &HandlerStatus) -> &'static str {
    match handler.phase {
        HandlerPhase::Pending => "Pending",
        HandlerPhase::Waiting => "Waiting",
        HandlerPhase::Sending => "Sending",
        HandlerPhase::Succeeded => "Succeeded",
        HandlerPhase::Failed => "Failed",
        HandlerPhase::Skipped => "Skipped",
        HandlerPhase::Unknown => "Unknown",
    }
}

fn context(event: &Stored<CicdEvent>) -> String {
    context_of_event(event).map(|key| key.name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(handler: &str, kept: bool) -> (&'static str, String) {
        let event: Stored<CicdEvent> = serde_json::from_str(r#"{"metadata":{"name":"e"}}"#).unwrap();
        let handler: HandlerStatus = serde_json::from_str(handler).unwrap();
        Delivery { event: &event, context: "shop", handler: &handler }.note(kept)
    }

    #[test]
    fn who_reads_of_a_delivery_that_was_given_up_knows_which_one_and_how_to_send_it_again() {
        let handler = r#"{"name":"tell","phase":"Failed","endpoint":"chat","reason":"ServerError",
            "message":"chat answered with status 500; given up after attempt 8 of 8"}"#;
        let what =
            "handler tell of CicdContext shop, to chat: chat answered with status 500; given up after attempt 8 of 8";
        let kept = format!("{what}; to send it again: kubectl annotate cicdevent e redeliver.cicdcontext.io/ID=tell");
        assert_eq!(note(handler, true), ("DeliveryGivenUp", kept));
        let gone = format!("{what}; its request is not kept; mend the cause and fire another event");
        assert_eq!(note(handler, false), ("DeliveryGivenUp", gone));
    }

    #[test]
    fn a_refused_capture_is_told_as_what_it_is() {
        let handler = r#"{"name":"tell","phase":"Failed","endpoint":"chat","reason":"CaptureRefused","message":"no"}"#;
        let told = "handler tell of CicdContext shop, to chat: no; the request was delivered and is not sent again; \
                    change the capture or what its value must be";
        assert_eq!(note(handler, false), ("CaptureRefused", told.to_owned()));
    }
}
