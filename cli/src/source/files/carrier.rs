//! Carries out the events of a context as far as somebody waits for one: in their order, one at a time.
//!
//! Processes take turns: one has the turn while it runs handlers or makes an attempt, and lets go of it while there is
//! nothing to do but to wait until the next attempt is due. How a single event runs is the business of `performance`.

use std::io::ErrorKind;

use cicdcontext_crds::{CicdEvent, EventPhase, HandlerPhase, HandlerStatus, vocabulary::reason::OUTCOME_UNKNOWN};
use cicdcontext_delivery::classify::reason::TIMEOUT;
use futures::channel::mpsc::UnboundedSender;
use jiff::Timestamp;
use tokio::time::sleep;

use super::{
    Files,
    contexts::LOOK_AGAIN,
    courier::Courier,
    events::{is_finished, order},
    lock::{Held, try_lock},
    performance::{Progress, perform},
};
use crate::source::{Problem, SourceError};

/// What watchers of an event see.
pub(super) type Seen = UnboundedSender<Result<Option<CicdEvent>, SourceError>>;

/// Carries out until one event is finished.
pub(super) struct Carrier<'a> {
    files: &'a Files,
    name: String,
    courier: Courier,
    shown: Shown,
}

/// What the watcher of an event has seen of it.
pub(super) struct Shown {
    name: String,
    seen: Seen,
    version: Option<String>,
}

impl Shown {
    /// Shows how an event stands, if it is the one that is watched, and that is new.
    pub(super) fn show(&mut self, event: &CicdEvent) {
        let version = &event.metadata.resource_version;
        if event.metadata.name.as_ref() == Some(&self.name) && self.version != *version {
            self.version.clone_from(version);
            // Who does not watch any more drops the carrier with it.
            self.seen.unbounded_send(Ok(Some(event.clone()))).ok();
        }
    }

    fn end(&self, end: Result<Option<CicdEvent>, SourceError>) {
        self.seen.unbounded_send(end).ok();
    }
}

impl<'a> Carrier<'a> {
    pub(super) fn new(files: &'a Files, name: &str, seen: Seen) -> Self {
        let shown = Shown { name: name.to_owned(), seen, version: None };
        Self { files, name: name.to_owned(), courier: Courier::default(), shown }
    }

    /// Carries out until the event is finished, gone, or cannot go on.
    pub(super) async fn carry_out(&mut self) {
        if let Err(problem) = self.finish().await {
            let error = self.files.of_event("carry out", &self.name)(problem);
            self.shown.end(Err(error));
        }
    }

    async fn finish(&mut self) -> Result<(), Problem> {
        while let Some(event) = self.look()? {
            let turn = match try_lock(&self.files.folder_of(&event.spec.context_ref.name).turn()) {
                // The context was deleted a moment ago.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                turn => turn.map_err(|error| Problem::Files(format!("take the turn of the context: {error}")))?,
            };
            let Some(turn) = turn else {
                // Somebody else carries out, perhaps this very event.
                sleep(LOOK_AGAIN).await;
                continue;
            };
            let due = self.round(&event, turn).await?;
            // Others may redeliver meanwhile, and manifests may change.
            while let Some(event) = self.look()?
                && due.is_some_and(|due| due > Timestamp::now())
                && event.metadata.resource_version == self.shown.version
            {
                sleep(LOOK_AGAIN).await;
            }
        }
        Ok(())
    }

    /// Shows how the event stands. None if there is nothing to do any more.
    fn look(&mut self) -> Result<Option<CicdEvent>, Problem> {
        let Some(event) = self.files.find_event(&self.name)? else {
            self.shown.end(Ok(None));
            return Ok(None);
        };
        self.shown.show(&event);
        Ok(Some(event).filter(|event| !is_finished(event)))
    }

    /// Carries out what is due of the event and of those before it. Tells when to look again, if it is not finished.
    ///
    /// What has not begun begins in its order, and what waits is attempted in between, but for what kept somebody waiting
    /// for an answer in vain: that has its next attempt after all others, as long as the event is not finished.
    async fn round(&mut self, last: &CicdEvent, _turn: Held) -> Result<Option<Timestamp>, Problem> {
        let files = self.files.refreshed();
        let context = Some(&*last.spec.context_ref.name);
        let is_wanted = |event: &CicdEvent| order(event) <= order(last) && !is_finished(event);
        let mut due = Due(None);
        for event in files.list(context)?.into_iter().filter(is_wanted) {
            let (waits, is_late) = (waits(&event), is_late(&event));
            // It was late before: what follows looks when it is due. What was cut off is settled here nevertheless.
            let progress = perform(&files, event, waits && !is_late, &mut self.courier, &mut self.shown).await?;
            if !is_late {
                due.note(progress);
            }
        }
        let mut late: Vec<_> =
            files.list(context)?.into_iter().filter(|event| is_wanted(event) && is_late(event)).collect();
        late.sort_by_key(|event| order(event) < order(last));
        for event in late {
            if files.find_event(&self.name)?.is_none_or(|event| is_finished(&event)) {
                break;
            }
            due.note(perform(&files, event, true, &mut self.courier, &mut self.shown).await?);
        }
        Ok(due.0)
    }
}

/// When something is due first.
struct Due(Option<Timestamp>);

impl Due {
    fn note(&mut self, progress: Progress) {
        if let Progress::Waits(until) = progress {
            self.0 = Some(self.0.map_or(until, |due| until.min(due)));
        }
    }
}

/// Whether all that can begin has begun, and deliveries wait.
fn waits(event: &CicdEvent) -> bool {
    event.status.as_ref().is_some_and(|status| status.phase == EventPhase::Retrying)
}

/// Whether a delivery waits that kept somebody waiting for an answer in vain: it may do so again, and must not hold up
/// what has not been tried yet.
fn is_late(event: &CicdEvent) -> bool {
    let is_late = |handler: &HandlerStatus| match handler.phase {
        HandlerPhase::Sending => true,
        HandlerPhase::Waiting => matches!(handler.reason.as_deref(), Some(OUTCOME_UNKNOWN | TIMEOUT)),
        _ => false,
    };
    waits(event) && event.status.iter().flat_map(|status| &status.handlers).any(is_late)
}
