//! Carries one event out: asks the run what is next, does it, and tells the run what came of it.

use std::{sync::Arc, time::Duration};

use cicdcontext_crds::{CicdContext, CicdEvent, CicdEventStatus, EventPhase, Time, vocabulary::reason};
use cicdcontext_engine::{
    event::{Outcome, Run, Step, View, Write},
    state::{ChangeSet, Limits},
};

use super::{
    gather::{self, Found, Ready},
    record, send,
};
use crate::{
    cache::{ObjectKey, Stored, watch},
    client::RequestError,
    queue::Next,
    shared::Operator,
    state::{Intent, WriteError},
    state_write,
};

/// Handling that takes longer than this shows as phase Running.
const SHOW_RUNNING_AFTER: Duration = Duration::from_secs(1);

/// Handles one event of the context `key` as far as it goes.
pub async fn perform(operator: &Operator, key: &ObjectKey, event: &Stored<CicdEvent>) -> Next {
    if let Some(status) = operator.unrecorded.get(event.uid()) {
        return match record::write(operator, event, &status).await {
            Ok(_) => Next::Await,
            Err(_) => Next::Retry,
        };
    }
    // State writes that were accepted before the event begins are applied before it.
    if let Err(error) = state_write::apply_waiting(operator, key).await {
        return retry(event, "apply the state writes before it", &error);
    }
    let found = match gather::gather(operator, key, event).await {
        Ok(found) => found,
        Err(error) => return retry(event, "gather what the event needs", &error),
    };
    match found {
        Found::NotOurs => Next::Await,
        Found::Waits(outcome, again) => {
            let status = record::status_of(operator, event, &outcome, None);
            match record::write(operator, event, &status).await {
                Ok(written) => {
                    if written {
                        record::report_waiting(operator, event, &outcome);
                    }
                    again.map_or(Next::Await, Next::After)
                }
                Err(error) => retry(event, "write that the event waits", &error),
            }
        }
        Found::Ends(outcome, context) => finish(operator, event, &outcome, None, context.as_deref()).await,
        Found::Ready(ready) => {
            let started = Time(operator.now());
            match Performance::new(operator, key, event, &started, *ready).run().await {
                Ok(performed) => {
                    let owner = performed.to_be_adopted.then_some(&*performed.context);
                    let next = finish(operator, event, &performed.outcome, Some(&started), owner).await;
                    if next == Next::Await {
                        operator.writers.retire(key, performed.effects);
                    }
                    next
                }
                Err(error) => retry(event, "handle the event", &error),
            }
        }
    }
}

fn retry(event: &Stored<CicdEvent>, what: &str, error: &RequestError) -> Next {
    tracing::warn!(namespace = event.namespace(), event = event.name(), %error, "{what}; it is tried again");
    Next::Retry
}

/// Adopts the event if need be, writes its outcome down and tells people.
async fn finish(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    outcome: &Outcome,
    started: Option<&Time>,
    owner: Option<&Stored<CicdContext>>,
) -> Next {
    let status = record::status_of(operator, event, outcome, started);
    let names_its_context = event.spec().is_ok_and(|spec| spec.context_ref.uid.is_some());
    // A stale copy is not adopted: it is not this context's.
    if let Some(owner) = owner.filter(|_| !names_its_context && outcome.reason != reason::STALE_OWNER)
        && let Err(error) = record::adopt(operator, event, owner).await
    {
        tracing::warn!(namespace = event.namespace(), event = event.name(), %error, "note the owner of an event");
    }
    record::report(operator, event, &status, outcome);
    match record::write(operator, event, &status).await {
        Ok(_) => {
            operator.queues.contexts.add(ObjectKey::new(event.namespace(), context_name(event)));
            Next::Await
        }
        Err(_) => Next::Retry,
    }
}

fn context_name(event: &Stored<CicdEvent>) -> String {
    event.spec().map_or_else(|_| String::new(), |spec| spec.context_ref.name)
}

/// What a run came to.
struct Performed {
    outcome: Outcome,
    context: Arc<Stored<CicdContext>>,
    to_be_adopted: bool,
    effects: Vec<cicdcontext_engine::state::ledger::EffectHash>,
}

/// One run under way.
struct Performance<'a> {
    operator: &'a Operator,
    key: &'a ObjectKey,
    event: &'a Stored<CicdEvent>,
    started: &'a Time,
    ready: Ready,
    /// The state may have changed since it was read.
    stale: bool,
}

impl<'a> Performance<'a> {
    fn new(
        operator: &'a Operator,
        key: &'a ObjectKey,
        event: &'a Stored<CicdEvent>,
        started: &'a Time,
        ready: Ready,
    ) -> Self {
        Self { operator, key, event, started, ready, stale: false }
    }

    async fn run(mut self) -> Result<Performed, RequestError> {
        let show = tokio::time::sleep(SHOW_RUNNING_AFTER);
        tokio::pin!(show);
        let mut shown = false;
        loop {
            let step = self.next().await?;
            match step {
                Step::Done(outcome) => {
                    let effects = self.ready.run.effects();
                    let Ready { context, to_be_adopted, .. } = self.ready;
                    return Ok(Performed { outcome, context, to_be_adopted, effects });
                }
                Step::Write(write) => self.write(write).await?,
                Step::Send(request) => {
                    if self.is_deleted() {
                        self.ready.run.cancel(reason::CONTEXT_DELETED, "the event was deleted before this was sent");
                        continue;
                    }
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
                    self.ready.run.answered(delivered);
                    self.stale = true;
                }
            }
        }
    }

    /// The next step, decided over the live state. Rendering may take its time and stack: it is done off the workers
    /// of the runtime.
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
        Ok(tokio::task::block_in_place(|| run.next(view)))
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
            Err(WriteError::Refused(message)) => {
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

const CONTEXT_DELETED: &str = "the CicdContext was deleted while the event was handled";

fn running(operator: &Operator, event: &Stored<CicdEvent>, run: &Run, started: &Time) -> CicdEventStatus {
    let mut outcome = Outcome::pending(reason::RUNNING, "handlers run");
    outcome.phase = EventPhase::Running;
    outcome.handlers = run.handlers().to_vec();
    record::status_of(operator, event, &outcome, Some(started))
}
