//! One run under way: asks it what is next, does that, and tells it what came of it.

mod claim;

use std::{sync::Arc, time::Duration};

use cicdcontext_crds::{CicdContext, CicdEndpointSpec, CicdEvent, EventPhase, Time, vocabulary::reason};
use cicdcontext_delivery::History;
use cicdcontext_dispatch::{CONTEXT_DELETED, Specs, Verdict, after, terms, without_endpoint};
use cicdcontext_engine::{
    event::{Failure, Outcome, Run, Step, View, Wait, Write},
    handler::{Request, Target, request::endpoint_of},
    state::{ChangeSet, Limits},
};
use tokio::time::Sleep;

use self::claim::{begin, unclaimed};
use super::{
    delivered::{self, Judging},
    gather::Ready,
    line, record, send,
};
use crate::{
    cache::{ObjectKey, Stored, watch},
    client::RequestError,
    shared::{Operator, memory::BusyWith},
    state::{Intent, WriteError},
    waiting::{First, Line, Slot, Why},
};

/// Handling that takes longer than this shows as phase Running.
const SHOW_RUNNING_AFTER: Duration = Duration::from_secs(1);
/// How long a first attempt stands in line in memory before it is written down that it waits: most requests are short.
const PATIENCE: Duration = Duration::from_millis(500);

/// Why a run did not come to its end.
#[derive(Debug)]
pub enum Interruption {
    /// The process is told to stop: the next one goes on.
    Stopping,
    /// The API server was needed and did not answer. The run is kept, and goes on where it is.
    Request(RequestError),
    /// An attempt could not be claimed, since others have changed the event. Nothing was sent; the run begins anew with
    /// what is written down.
    NotClaimed(RequestError),
}

impl From<RequestError> for Interruption {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

/// How far a run came.
#[derive(Debug)]
pub enum End {
    /// To its end.
    Done(Outcome),
    /// Something waits.
    Waits(Outcome),
}

/// What a run has come to.
#[derive(Debug)]
pub struct Performed {
    /// How far it came.
    pub end: End,
    /// The event as our own writes have left it: its outcome goes on top of that.
    pub event: Stored<CicdEvent>,
    /// The context as it is then.
    pub context: Arc<Stored<CicdContext>>,
}

/// The place in line of a delivery that is to be tried again.
#[derive(Debug)]
pub struct Place {
    /// The handler.
    pub handler: String,
    /// The line.
    pub line: Line,
    /// Its place under way.
    pub slot: Slot,
    /// How long it was held up by what is no failure.
    pub held: Duration,
}

/// What is known of an attempt until the run says what follows on it.
#[derive(Debug)]
struct Last {
    handler: String,
    history: History,
    retry_after: Option<Duration>,
    target: Target,
}

/// A run that an unreachable API server interrupted, with what is known of its last attempt.
#[derive(Debug)]
pub struct Halted {
    run: Run,
    last: Option<Last>,
    claimed: bool,
}

/// One run under way.
pub struct Performance<'a> {
    operator: &'a Operator,
    busy: &'a BusyWith<'a>,
    key: &'a ObjectKey,
    /// As our own claims have left it.
    event: Stored<CicdEvent>,
    started: &'a Time,
    ready: Ready,
    /// The state may have changed since it was read.
    stale: bool,
    /// The answer that the next step judges.
    judging: Option<Judging>,
    /// The place of the delivery that is tried again, until it is.
    place: Option<Place>,
    last: Option<Last>,
    /// The outcome of an attempt that was claimed is not written down yet.
    claimed: bool,
    /// The handlers have run before; now something that waited is tried.
    retrying: bool,
}

impl<'a> Performance<'a> {
    /// Begins, or goes on with the run that an unreachable API server interrupted: what was sent is not sent again.
    pub fn new(
        operator: &'a Operator,
        busy: &'a BusyWith<'a>,
        key: &'a ObjectKey,
        event: &Stored<CicdEvent>,
        started: &'a Time,
        mut ready: Ready,
    ) -> Self {
        let (mut last, mut claimed) = (None, false);
        // Context and endpoints have just been read.
        if let Some(halted) = operator.interrupted.take(event.uid()) {
            ready.run = halted.run;
            (last, claimed) = (halted.last, halted.claimed);
            if claimed {
                busy.claim();
            }
        }
        let retrying = event.phase() == EventPhase::Retrying;
        let (judging, place) = (None, None);
        let event = event.clone();
        Self { operator, busy, key, event, started, ready, stale: false, judging, place, last, claimed, retrying }
    }

    /// Tries the delivery again that has this place, unless it waits no more, or until later, or the run goes on with
    /// something else.
    pub fn retry(&mut self, place: Place) {
        let status = self.ready.run.handlers().iter().find(|one| one.name == place.handler);
        let due = status.and_then(|status| status.next_attempt_time.as_ref()).map(|time| time.0);
        if due.is_none_or(|due| due <= self.operator.precise_now()) && self.ready.run.attempt(&place.handler) {
            self.place = Some(place);
        }
    }

    /// Gives up deliveries whose time is over while their endpoint could not be reached, or did not exist. With each, how
    /// long it has been held up by what does not count, since that was written down.
    pub fn expire(&mut self, handlers: &[(String, Duration)]) {
        for (name, held) in handlers {
            let status = self.ready.run.handlers().iter().find(|one| one.name == *name).cloned();
            let Some(status) = status else { continue };
            let spec = self.spec_named(status.endpoint.as_deref());
            let verdict = match self.ready.run.history_of(name) {
                Some(history) => {
                    let history = terms::history(history).held(*held);
                    after(&terms::schedule(spec), &history, None, self.operator.precise_now())
                }
                None if spec.is_some() => continue,
                None => without_endpoint(self.started.0, self.operator.precise_now()),
            };
            let Verdict::GiveUp(why) = verdict else { continue };
            // What could not be rendered is asked once more, and finds no endpoint.
            if self.ready.run.attempt(name) && self.ready.run.history_of(name).is_some() {
                let message = [status.message, why].into_iter().flatten().collect::<Vec<_>>().join("; ");
                self.ready.run.give_up(status.reason.as_deref().unwrap_or(reason::ENDPOINT_UNREACHABLE), &message);
            }
        }
    }

    /// Runs as far as possible.
    pub async fn run(mut self) -> Result<Performed, Interruption> {
        match self.steps().await {
            Ok(end) => Ok(Performed { end, event: self.event, context: self.ready.context }),
            Err(interruption) => {
                if matches!(interruption, Interruption::Request(_)) {
                    let halted = Halted { run: self.ready.run, last: self.last, claimed: self.claimed };
                    self.operator.interrupted.keep(self.event.uid(), halted);
                }
                Err(interruption)
            }
        }
    }

    async fn steps(&mut self) -> Result<End, Interruption> {
        let show = tokio::time::sleep(SHOW_RUNNING_AFTER);
        tokio::pin!(show);
        let mut shown = self.retrying;
        loop {
            let step = self.next().await?;
            if self.claimed && matches!(step, Step::Send(_) | Step::Write(_) | Step::Again) && self.handler_ended() {
                // What is known must not be told to be unknown because of what comes later.
                self.claimed = false;
                if self.show_running().await {
                    self.busy.settle();
                }
            }
            match step {
                Step::Again => {}
                Step::Done(outcome) => return Ok(End::Done(outcome)),
                Step::Wait(outcome) => return Ok(End::Waits(outcome)),
                Step::Write(write) => self.write(write).await?,
                Step::Undelivered(failure) => self.undelivered(failure),
                Step::Send(_) if self.operator.stop.is_cancelled() || !self.operator.leadership.holds() => {
                    return Err(Interruption::Stopping);
                }
                Step::Send(_) if self.is_deleted() => {
                    self.ready.run.cancel(reason::EVENT_DELETED, "the event was deleted before this was sent");
                }
                Step::Send(request) => self.send(&request, show.as_mut(), &mut shown).await?,
            }
        }
    }

    /// The next step, decided over the live state. Rendering may take its time and stack: it waits for its turn, and is
    /// done off the workers of the runtime.
    async fn next(&mut self) -> Result<Step, RequestError> {
        if self.stale {
            // An attempt is made with the endpoint as it is then, not as it was when the event began.
            let references = self.ready.run.endpoints();
            self.ready.endpoints.refresh(self.operator, &self.key.namespace, &references).await?;
        }
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

    /// Sends the request of this step, unless it has to wait.
    async fn send(
        &mut self,
        request: &Request,
        mut show: std::pin::Pin<&mut Sleep>,
        shown: &mut bool,
    ) -> Result<(), Interruption> {
        let begun = || History::start(self.operator.precise_now().into());
        let history = self.ready.run.history().map_or_else(begun, terms::history);
        let line = line::of_target(&self.key.namespace, &request.target);
        // A place is one handler's, in one line: what is sent elsewhere by now has to stand in line there.
        let fits = |place: &Place| place.handler == self.ready.run.current() && place.line == line;
        let (slot, held) = match self.place.take().filter(fits) {
            Some(_) if self.spec(&request.target).is_some_and(|spec| spec.suspend == Some(true)) => {
                let (reason, message) = line::told(Why::Suspended, &request.target);
                let history = terms::kept(&history);
                self.ready.run.wait(Wait { reason: reason.to_owned(), message, until: None, history });
                return Ok(());
            }
            Some(place) => (place.slot, place.held),
            None => match self.enter(line).await {
                Ok(slot) => {
                    let held = slot.held();
                    (slot, held)
                }
                Err(why) => {
                    let (reason, message) = line::told(why, &request.target);
                    let history = terms::kept(&history);
                    self.ready.run.wait(Wait { reason: reason.to_owned(), message, until: None, history });
                    return Ok(());
                }
            },
        };
        let history = history.held(held);
        let at_most_once = terms::at_most_once(self.spec(&request.target));
        let claim = if at_most_once {
            let Some(claim) = self.claim(&history, &request.target).await? else { return Ok(()) };
            Some(claim)
        } else {
            None
        };
        delivered::starting(self.operator, &self.event, &self.ready, &history);
        let handler = self.ready.run.current().to_owned();
        let (uid, timeout) = (self.event.uid().to_owned(), terms::timeout(self.spec(&request.target)));
        let may_leave = || begin(self.operator, &uid, &handler, claim.as_ref().map(|claim| (claim, timeout)));
        let sending = send::send(self.operator, &self.ready.endpoints, request, at_most_once, may_leave);
        tokio::pin!(sending);
        let attempt = tokio::select! {
            attempt = &mut sending => attempt,
            () = &mut show, if !*shown => {
                *shown = true;
                // A claim is written down already.
                if at_most_once {
                    sending.await
                } else {
                    let standing = self.ready.run.standing(self.retrying);
                    // The attempt goes on meanwhile: what is not looked at in time has timed out.
                    let telling = tell(self.operator, &self.event, &standing, self.started);
                    let (written, attempt) = tokio::join!(telling, &mut sending);
                    if let Some(written) = written {
                        self.event = written;
                    }
                    attempt
                }
            }
        };
        let Some(attempt) = attempt else {
            // What to think of the claim is up to whoever leads.
            let claim = claim.as_ref().filter(|_| self.operator.leadership.holds());
            return Err(claim
                .map_or(Interruption::Stopping, |claim| unclaimed(&mut self.ready.run, claim, RequestError::Timeout)));
        };
        slot.finished(attempt.contact);
        delivered::reached(self.operator, self.key, &self.ready, request, &attempt);
        let history = history.attempted();
        tracing::info!(
            namespace = self.event.namespace(),
            context = self.key.name,
            event = self.event.name(),
            handler,
            attempt = history.attempts(),
            webhook_id = request.webhook_id,
            endpoint = %request.target,
            http_status = attempt.delivered.status,
            duration_ms = attempt.delivered.duration_ms,
            reason = attempt.delivered.failure.as_ref().map_or(reason::DELIVERED, |failure| failure.reason.as_str()),
            detail = attempt.delivered.failure.as_ref().map(|failure| failure.message.as_str()),
            "attempt made"
        );
        let target = request.target.clone();
        let handler = self.ready.run.current().to_owned();
        self.last = Some(Last { handler, history, retry_after: attempt.retry_after, target });
        self.judging = delivered::note(self.operator, &self.ready.endpoints, request, &attempt.delivered);
        self.ready.run.answered(attempt.delivered);
        (self.stale, self.claimed) = (true, at_most_once);
        Ok(())
    }

    /// A place for a first attempt, or why there is none.
    async fn enter(&self, line: Line) -> Result<Slot, Why> {
        let handler = self.ready.run.current();
        let position = self.ready.run.handlers().iter().position(|one| one.name == handler).unwrap_or_default();
        match self.operator.waiting.first(line::first(&self.event, handler, position, line)) {
            First::Now(slot) => Ok(slot),
            First::Soon(turn) => turn.within(PATIENCE).await,
            First::Waits(why) => Err(why),
        }
    }

    /// A delivery failed in a way that another attempt may mend.
    fn undelivered(&mut self, failure: Failure) {
        let last = self.last.take().filter(|last| last.handler == self.ready.run.current());
        let verdict = match last {
            Some(Last { history, retry_after, target, .. }) => {
                let schedule = terms::schedule(self.spec(&target));
                after(&schedule, &history, retry_after, self.operator.precise_now())
            }
            // It could not even be rendered.
            None => without_endpoint(self.started.0, self.operator.precise_now()),
        };
        verdict.tell(&mut self.ready.run, failure);
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

    fn spec(&self, target: &Target) -> Option<&CicdEndpointSpec> {
        self.ready.endpoints.spec(target.endpoint()?).map(|(_, spec)| spec)
    }

    /// The endpoint that a status names.
    fn spec_named(&self, endpoint: Option<&str>) -> Option<&CicdEndpointSpec> {
        let reference = endpoint_of(endpoint?)?;
        self.ready.endpoints.spec(&reference).map(|(_, spec)| spec)
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

    /// Writes down how the event stands. False if that is not possible now.
    async fn show_running(&mut self) -> bool {
        let standing = self.ready.run.standing(self.retrying);
        let written = tell(self.operator, &self.event, &standing, self.started).await;
        let shown = written.is_some();
        if let Some(written) = written {
            self.event = written;
        }
        shown
    }
}

/// Writes down how the event stands. That it could not be written harms nobody: it is told at the end.
async fn tell(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    standing: &Outcome,
    started: &Time,
) -> Option<Stored<CicdEvent>> {
    let status = record::status_of(operator, event, standing, Some(started));
    match record::write(operator, event, &status).await {
        Ok(written) => written,
        Err(error) => {
            tracing::debug!(event = event.name(), %error, "show that an event runs");
            None
        }
    }
}
