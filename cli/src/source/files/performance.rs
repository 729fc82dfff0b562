//! One event carried out as far as it goes now: the engine's run, driven over files.
//!
//! Each step is written down before the next one is made, so that a process that ends at any moment is followed by one
//! that goes on where it was. Whoever calls this has the turn of the context.

mod claim;
mod ready;
mod rehearse;
mod tidy;

use std::{collections::HashSet, sync::Arc, time::Duration};

use cicdcontext_crds::{
    CicdEndpointSpec, CicdEvent, CicdEventStatus, EventPhase, HandlerPhase, HandlerStatus, Time,
    vocabulary::{annotation::APPLIED, reason},
};
use cicdcontext_delivery::History;
use cicdcontext_dispatch::{Attempt, CONTEXT_DELETED, after, terms, without_endpoint};
use cicdcontext_engine::{
    event::{Failure, Outcome, Run, Step, View, Wait, Write},
    handler::{Request, Target},
    state::{ChangeSet, Draft, Ledger, LedgerState, Limits, Schema, SchemaError, schema::Guard},
};
use jiff::Timestamp;
use serde_json::{Map, Value};

use self::{
    ready::{Found, find},
    rehearse::rehearse,
    tidy::{History as Kept, tidy},
};
use super::{Files, carrier::Shown, contexts::Locked, courier::Courier, events::order};
use crate::{configuration::GatheredEndpoints, source::Problem};

/// When something is looked at again of which nobody knows when it comes: a Secret, an endpoint.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How far an event came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is finished, or gone.
    Finished,
    /// Something of it waits, until then.
    Waits(Timestamp),
}

/// What is known of an attempt until the run says what follows on it.
struct Last {
    handler: String,
    history: History,
    retry_after: Option<Duration>,
    target: Target,
}

/// One event under way.
struct Performance<'a> {
    files: &'a Files,
    courier: &'a mut Courier,
    shown: &'a mut Shown,
    event: CicdEvent,
    context_uid: String,
    run: Run,
    endpoints: GatheredEndpoints,
    schema: Option<Arc<Result<Schema, SchemaError>>>,
    kept: Kept,
    started: Time,
    /// The handlers have run before; now something that waited is tried.
    retrying: bool,
    /// Whether what waits is tried once it is due.
    attempts: bool,
    last: Option<Last>,
    /// What waits without a time, and had its turn.
    tried: HashSet<String>,
}

/// Carries an event out as far as it goes now. Deliveries that wait are left to wait, unless `attempts` are to be made.
pub(super) async fn perform(
    files: &Files,
    event: CicdEvent,
    attempts: bool,
    courier: &mut Courier,
    shown: &mut Shown,
) -> Result<Progress, Problem> {
    let ready = match find(files, &event).await? {
        Found::Gone => return Ok(Progress::Finished),
        Found::Ends(outcome) => {
            let outcome = outcome.over(event.status.as_ref().unwrap_or(&CicdEventStatus::default()));
            write(files, &event, &outcome, None, shown).await?;
            return Ok(Progress::Finished);
        }
        Found::Waits(outcome) => {
            // What was done is not forgotten.
            let begun = event.status.clone().unwrap_or_default();
            let outcome = Outcome { handlers: begun.handlers, requests: begun.requests, paths: begun.paths, ..outcome };
            write(files, &event, &outcome, None, shown).await?;
            // Nothing mends that by itself.
            return Err(Problem::Files(format!("{}; the event waits for that to change", outcome.message)));
        }
        Found::Ready(ready) => *ready,
    };
    let begun = event.status.clone().unwrap_or_default();
    let started = begun.start_time.unwrap_or_else(|| Time(Timestamp::now()));
    if event.spec.dry_run == Some(true) {
        let outcome = rehearse(ready.run, ready.state, &ready.endpoints, ready.schema);
        write(files, &event, &outcome, Some(&started), shown).await?;
        return Ok(Progress::Finished);
    }
    let mut run = ready.run;
    claim::settle(&mut run, &ready.endpoints, Timestamp::now());
    let performance = Performance {
        files,
        courier,
        shown,
        context_uid: ready.context_uid,
        run,
        endpoints: ready.endpoints,
        schema: ready.schema,
        kept: ready.kept,
        started,
        retrying: begun.phase == EventPhase::Retrying,
        attempts,
        last: None,
        tried: HashSet::new(),
        event,
    };
    Box::pin(performance.complete()).await
}

/// Writes how an event stands. None if it is gone.
async fn write(
    files: &Files,
    event: &CicdEvent,
    outcome: &Outcome,
    started: Option<&Time>,
    shown: &mut Shown,
) -> Result<Option<CicdEvent>, Problem> {
    let written = files.change_event(event, |event| {
        let place = i64::try_from(order(event)).ok();
        let generation = event.metadata.generation;
        let status = event.status.get_or_insert_default();
        outcome.apply(status, generation, &Time(Timestamp::now()));
        status.order = place;
        if status.start_time.is_none() {
            status.start_time = started.cloned();
        }
        Ok(())
    });
    let written = written.await?;
    if let Some(event) = &written {
        shown.show(event);
    }
    Ok(written)
}

impl Performance<'_> {
    async fn complete(mut self) -> Result<Progress, Problem> {
        let mut first = true;
        loop {
            let state = self.state()?;
            let step = self.run.next(View { state: &state, endpoints: &self.endpoints });
            match step {
                Step::Again => self.note().await?,
                // That it is sent is written down together with all that was before it.
                Step::Send(request) => self.send(&request).await?,
                Step::Write(write) => {
                    // Handlers are written down only after spec.set was made; and the answer that is captured is not
                    // taken in before it stands in the state.
                    if !first && !write.captured {
                        self.note().await?;
                    }
                    self.write(write).await?;
                }
                Step::Undelivered(failure) => self.undelivered(failure),
                Step::Done(outcome) => {
                    self.end(&outcome).await?;
                    return Ok(Progress::Finished);
                }
                Step::Wait(outcome) => {
                    if self.attempts && self.attempt_what_is_due() {
                        self.retrying = true;
                    } else {
                        self.end(&outcome).await?;
                        return Ok(Progress::Waits(self.due()));
                    }
                }
            }
            first = false;
        }
    }

    /// The state as it is now.
    fn state(&mut self) -> Result<Map<String, Value>, Problem> {
        match self.files.record(&self.event.spec.context_ref.name)? {
            Some(record) if record.uid == self.context_uid => Ok(record.state.unwrap_or_default()),
            _ => {
                self.run.cancel(reason::CONTEXT_DELETED, CONTEXT_DELETED);
                Ok(Map::new())
            }
        }
    }

    /// Writes down how the handlers stand, if that has changed.
    async fn note(&mut self) -> Result<(), Problem> {
        let known = self.event.status.as_ref();
        let is_known = known.is_some_and(|status| {
            matches!(status.phase, EventPhase::Running | EventPhase::Retrying) && status.handlers == self.run.handlers()
        });
        if is_known {
            return Ok(());
        }
        let standing = self.run.standing(self.retrying);
        self.tell(&standing).await
    }

    async fn tell(&mut self, outcome: &Outcome) -> Result<(), Problem> {
        match write(self.files, &self.event, outcome, Some(&self.started), self.shown).await? {
            Some(written) => self.event = written,
            None => self.run.cancel(reason::EVENT_DELETED, "the event was deleted before this was sent"),
        }
        Ok(())
    }

    /// The next handler whose time has come begins its attempt.
    fn attempt_what_is_due(&mut self) -> bool {
        let now = Timestamp::now();
        let is_due = |status: &&HandlerStatus| {
            status.phase == HandlerPhase::Waiting
                && match &status.next_attempt_time {
                    Some(time) => time.0 <= now,
                    None => !self.tried.contains(&status.name),
                }
        };
        let due: Vec<String> = self.run.handlers().iter().filter(is_due).map(|status| status.name.clone()).collect();
        for handler in due {
            self.tried.insert(handler.clone());
            if self.run.attempt(&handler) {
                return true;
            }
        }
        false
    }

    /// When the next attempt is due.
    fn due(&self) -> Timestamp {
        let again = Timestamp::now() + LOOK_AGAIN;
        let waiting = self.run.handlers().iter().filter(|status| status.phase == HandlerPhase::Waiting);
        waiting.map(|status| status.next_attempt_time.as_ref().map_or(again, |time| time.0)).min().unwrap_or(again)
    }

    fn spec(&self, target: &Target) -> Option<&CicdEndpointSpec> {
        self.endpoints.spec(target.endpoint()?).map(|(_, spec)| spec)
    }

    async fn send(&mut self, request: &Request) -> Result<(), Problem> {
        let history = self.run.history().map_or_else(|| History::start(Timestamp::now().into()), terms::history);
        if self.spec(&request.target).is_some_and(|spec| spec.suspend == Some(true)) {
            let (reason, history) = (reason::SUSPENDED.to_owned(), terms::kept(&history));
            let message = format!("spec.suspend of CicdEndpoint {} is true", request.target);
            self.run.wait(Wait { reason, message, until: None, history });
            return Ok(());
        }
        let manifests = Arc::clone(&self.files.manifests);
        let prepared = self.courier.prepare(request, &self.endpoints, &manifests).await;
        let at_most_once = terms::at_most_once(self.spec(&request.target));
        let attempt: Attempt = match prepared {
            Err(failure) => failure.into(),
            Ok((prepared, sender)) => {
                if !self.claim(&history, &request.target).await? {
                    return Ok(());
                }
                prepared.send(&sender).await.judge(at_most_once, Timestamp::now())
            }
        };
        let (target, handler) = (request.target.clone(), self.run.current().to_owned());
        self.last = Some(Last { handler, history: history.attempted(), retry_after: attempt.retry_after, target });
        self.run.answered(attempt.delivered);
        Ok(())
    }

    /// A delivery failed in a way that another attempt may mend.
    fn undelivered(&mut self, failure: Failure) {
        let last = self.last.take().filter(|last| last.handler == self.run.current());
        let verdict = match last {
            Some(Last { history, retry_after, target, .. }) => {
                after(&terms::schedule(self.spec(&target)), &history, retry_after, Timestamp::now())
            }
            // It could not even be rendered.
            None => without_endpoint(self.started.0, Timestamp::now()),
        };
        verdict.tell(&mut self.run, failure);
    }

    async fn write(&mut self, write: Write) -> Result<(), Problem> {
        let Some(mut locked) = self.locked().await? else {
            self.run.cancel(reason::CONTEXT_DELETED, CONTEXT_DELETED);
            return Ok(());
        };
        let limits = if write.captured { Limits::capture() } else { Limits::default() };
        let set = ChangeSet { changes: write.changes, limits, ..ChangeSet::default() };
        let schema = self.schema.as_ref().and_then(|schema| schema.as_ref().as_ref().ok());
        let mut guard = Guard::new(schema, locked.record.state.as_ref());
        let mut draft = Draft::new(locked.record.state.as_ref());
        let written = match draft.apply_checked(&set, |state| guard.check(state)) {
            Ok(paths) => {
                let (state, _, _) = draft.finish();
                locked.record.state = Some(state);
                // The state and the note that it was written go with one write: nothing is written twice.
                let mut ledger = ledger(&locked);
                ledger.enter(write.effect).map_err(|full| Problem::Files(full.to_string()))?;
                locked.record.annotations.insert(APPLIED.to_owned(), ledger.to_annotation());
                locked.write()?;
                Ok(paths)
            }
            Err(refusal) => Err(refusal.to_string()),
        };
        drop(locked);
        self.run.written(written);
        Ok(())
    }

    /// The context that nobody else changes, if it is still this one.
    async fn locked(&self) -> Result<Option<Locked>, Problem> {
        match self.files.locked(&self.event.spec.context_ref.name).await {
            Ok(locked) => Ok(Some(locked).filter(|locked| locked.record.uid == self.context_uid)),
            Err(Problem::NotFound(_)) => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// Writes down how far the event came.
    async fn end(&mut self, outcome: &Outcome) -> Result<(), Problem> {
        self.tell(outcome).await?;
        match self.locked().await? {
            Some(locked) => tidy(self.files, locked, &self.event, self.kept),
            None => Ok(()),
        }
    }
}

fn ledger(locked: &Locked) -> Ledger {
    let record = &locked.record;
    match Ledger::of(Some(&record.annotations), &record.uid) {
        LedgerState::Ours(ledger) => ledger,
        _ => Ledger::new(&record.uid, 0),
    }
}
