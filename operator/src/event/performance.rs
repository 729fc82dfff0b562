//! One run under way: asks it what is next, does that, and tells it what came of it.

use std::{sync::Arc, time::Duration};

use cicdcontext_crds::{CicdContext, CicdEvent, CicdEventStatus, EventPhase, Time, vocabulary::reason};
use cicdcontext_engine::{
    event::{Outcome, Run, Step, View, Write},
    state::{ChangeSet, Limits},
};

use super::{
    delivered::{self, Judging},
    gather::Ready,
    record, send,
};
use crate::{
    cache::{ObjectKey, Stored, watch},
    client::RequestError,
    shared::Operator,
    state::{Intent, WriteError},
};

/// Handling that takes longer than this shows as phase Running.
const SHOW_RUNNING_AFTER: Duration = Duration::from_secs(1);

const CONTEXT_DELETED: &str = "the CicdContext was deleted while the event was handled";

/// Why a run did not come to its end.
#[derive(Debug)]
pub enum Interruption {
    /// The process is told to stop: the next one goes on.
    Stopping,
    /// The API server was needed and did not answer. The run is kept, and goes on where it is.
    Request(RequestError),
}

impl From<RequestError> for Interruption {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

/// One run under way.
pub struct Performance<'a> {
    operator: &'a Operator,
    key: &'a ObjectKey,
    event: &'a Stored<CicdEvent>,
    started: &'a Time,
    ready: Ready,
    /// The state may have changed since it was read.
    stale: bool,
    /// The answer that the next step judges.
    judging: Option<Judging>,
}

impl<'a> Performance<'a> {
    /// Begins, or goes on with the run that an unreachable API server interrupted: what was sent is not sent again.
    pub fn new(
        operator: &'a Operator,
        key: &'a ObjectKey,
        event: &'a Stored<CicdEvent>,
        started: &'a Time,
        mut ready: Ready,
    ) -> Self {
        if let Some(run) = operator.interrupted.take(event.uid()) {
            ready.run = run;
        }
        Self { operator, key, event, started, ready, stale: false, judging: None }
    }

    /// Runs to the end; gives the outcome and the context as it is then.
    pub async fn run(mut self) -> Result<(Outcome, Arc<Stored<CicdContext>>), Interruption> {
        match self.steps().await {
            Ok(outcome) => Ok((outcome, self.ready.context)),
            Err(interruption) => {
                if matches!(interruption, Interruption::Request(_)) {
                    self.operator.interrupted.keep(self.event.uid(), self.ready.run);
                }
                Err(interruption)
            }
        }
    }

    async fn steps(&mut self) -> Result<Outcome, Interruption> {
        let show = tokio::time::sleep(SHOW_RUNNING_AFTER);
        tokio::pin!(show);
        let mut shown = false;
        loop {
            match self.next().await? {
                Step::Again => {}
                Step::Done(outcome) => return Ok(outcome),
                Step::Write(write) => self.write(write).await?,
                Step::Send(_) if self.operator.stop.is_cancelled() || !self.operator.leadership.holds() => {
                    return Err(Interruption::Stopping);
                }
                Step::Send(_) if self.is_deleted() => {
                    self.ready.run.cancel(reason::EVENT_DELETED, "the event was deleted before this was sent");
                }
                Step::Send(request) => {
                    let sending = send::send(self.operator, &self.ready.endpoints, &request);
                    tokio::pin!(sending);
                    let delivered = tokio::select! {
                        delivered = &mut sending => delivered,
                        () = &mut show, if !shown => {
                            shown = true;
                            self.show_running().await;
                            sending.await
                        }
                    };
                    self.judging = delivered::note(self.operator, &self.ready.endpoints, &request, &delivered);
                    self.ready.run.answered(delivered);
                    self.stale = true;
                }
            }
        }
    }

    /// The next step, decided over the live state. Rendering may take its time and stack: it waits for its turn, and is
    /// done off the workers of the runtime.
    async fn next(&mut self) -> Result<Step, RequestError> {
        if self.stale && self.ready.run.looks_at_state(&self.ready.endpoints) {
            match self.operator.live_context(self.key).await? {
                Some(context) if context.uid() == self.ready.context.uid() => self.take(Arc::new(context)),
                _ => self.ready.run.cancel(reason::CONTEXT_DELETED, CONTEXT_DELETED),
            }
            self.stale = false;
        }
        let Ready { run, state, endpoints, .. } = &mut self.ready;
        let view = View { state, endpoints };
        let step = self.operator.compute(&self.key.namespace, || run.next(view)).await;
        if let Some(judging) = self.judging.take() {
            judging.judged(self.operator, &self.ready.endpoints, self.ready.run.handlers());
        }
        Ok(step)
    }

    async fn write(&mut self, write: Write) -> Result<(), RequestError> {
        let limits = if write.captured { Limits::capture() } else { Limits::default() };
        let set = ChangeSet { changes: write.changes, limits, ..ChangeSet::default() };
        let intent = Intent::Change { effect: write.effect, set };
        match self.operator.writers.write(self.key, &self.ready.context, intent).await {
            Ok(committed) => {
                self.take(committed.context);
                self.stale = false;
                self.ready.run.written(Ok(committed.paths));
                Ok(())
            }
            Err(WriteError::Refused { message, .. }) => {
                self.ready.run.written(Err(message));
                Ok(())
            }
            Err(WriteError::Gone) => {
                self.ready.run.cancel(reason::CONTEXT_DELETED, CONTEXT_DELETED);
                Ok(())
            }
            Err(WriteError::Unavailable(message)) => Err(RequestError::from(kube::Error::Service(message.into()))),
        }
    }

    /// Goes on with this version of the context.
    fn take(&mut self, context: Arc<Stored<CicdContext>>) {
        // A state that cannot be read any more: the last one that could is what the handlers go on with, and the
        // context's conditions tell.
        if let Ok(spec) = context.spec() {
            self.ready.state = spec.state.unwrap_or_default();
        }
        self.ready.context = context;
    }

    fn is_deleted(&self) -> bool {
        let key = ObjectKey::new(self.event.namespace(), self.event.name());
        watch::read(&self.operator.caches.events, |store| store.get(&key))
            .is_none_or(|known| known.uid() != self.event.uid() || known.metadata.deletion_timestamp.is_some())
    }

    async fn show_running(&self) {
        let status = running(self.operator, self.event, &self.ready.run, self.started);
        if let Err(error) = record::write(self.operator, self.event, &status).await {
            tracing::debug!(event = self.event.name(), %error, "show that an event runs");
        }
    }
}

fn running(operator: &Operator, event: &Stored<CicdEvent>, run: &Run, started: &Time) -> CicdEventStatus {
    let mut outcome = Outcome::pending(reason::RUNNING, "handlers run");
    outcome.phase = EventPhase::Running;
    outcome.handlers = run.handlers().to_vec();
    record::status_of(operator, event, &outcome, Some(started))
}
