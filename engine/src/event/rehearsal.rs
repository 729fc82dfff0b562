//! An event's run rehearsed: the very [`Run`], with answers that are assumed instead of sent for, and a state that is
//! changed nowhere but here. `dryRun` and `explain` show what comes of it.
//!
//! What a receiver will answer is not known, and so is not what a handler reads that an earlier one would capture of it.
//! Such a handler is marked. It knows no clock, socket or client, and is bounded as a run is.

mod assumption;
mod report;

use std::sync::Arc;

use cicdcontext_crds::HandlerStatus;
use serde_json::{Map, Value};

use self::assumption::{Assumed, written};
pub use self::{
    assumption::{Assumption, Origin},
    report::{Rehearsed, RehearsedChange, RehearsedHandler},
};
use super::{Delivered, Outcome, Run, Step, View, Write};
use crate::{
    handler::{Endpoints, Request},
    state::{ChangeSet, Draft, Limits, Schema, SchemaError, schema::Guard},
    template::{Extent, Reads},
};

/// Settings that are told of one handler.
const MAX_SETTINGS: usize = 64;

/// What the receiver of a handler's request is assumed to answer: gets the handler's name and the request.
///
/// None is a success of which nothing else is known: status 200 and the body `{}`. What cannot be captured of it is then
/// no failure of the handler.
pub type Answers<'a> = dyn Fn(&str, &Request) -> Option<Delivered> + 'a;

/// A rehearsal under way.
///
/// [`Rehearsal::next`] does one step at a time, as [`Run::next`] does, so that others get their turn in between.
/// [`Rehearsal::complete`] does all of them.
#[derive(Debug)]
pub struct Rehearsal {
    run: Run,
    state: Map<String, Value>,
    /// What is known of handlers that have not been reported, by position.
    open: Vec<Open>,
    reported: usize,
    assumed: Assumed,
    schema: Option<Arc<Result<Schema, SchemaError>>>,
}

/// What a handler that has not been reported did.
#[derive(Debug, Default)]
struct Open {
    request: Option<Box<Request>>,
    changes: Vec<RehearsedChange>,
    captured: Vec<RehearsedChange>,
}

/// What one step of a rehearsal came to.
#[derive(Debug)]
pub enum Progress {
    /// Nothing to tell yet.
    Again,
    /// `spec.set` was made, with these changes; or refused, which the outcome tells.
    Set(Vec<RehearsedChange>),
    /// A handler ended. They come in their order.
    Handler(Box<RehearsedHandler>),
    /// All has been told. So would the event end.
    Done(Box<Outcome>),
}

impl Rehearsal {
    /// Begins the rehearsal of `run`, which has made no step yet, over `state`.
    pub fn new(mut run: Run, state: Map<String, Value>) -> Self {
        run.trace();
        let open = run.handlers().iter().map(|_| Open::default()).collect();
        Self { run, state, open, reported: 0, assumed: Assumed::default(), schema: None }
    }

    /// The same with the context's stateSchema, which refuses what it would refuse in earnest. One that cannot be used
    /// refuses nothing, as in earnest.
    #[must_use]
    pub fn within(self, schema: Arc<Result<Schema, SchemaError>>) -> Self {
        Self { schema: Some(schema), ..self }
    }

    /// The state as all that has been rehearsed would leave it.
    pub fn state(&self) -> &Map<String, Value> {
        &self.state
    }

    /// Does the next step.
    pub fn next(&mut self, endpoints: &dyn Endpoints, answers: &Answers<'_>) -> Progress {
        if let Some(report) = self.report() {
            return Progress::Handler(report);
        }
        match self.run.next(View { state: &self.state, endpoints }) {
            // Whatever ended in this step is told first; asked again, the run says Done again.
            Step::Done(outcome) | Step::Wait(outcome) => match self.report() {
                Some(report) => Progress::Handler(report),
                None => Progress::Done(Box::new(outcome)),
            },
            Step::Again => Progress::Again,
            Step::Send(request) => {
                let position = self.run.position();
                let name = self.run.handlers().get(position).map(|status| status.name.clone()).unwrap_or_default();
                self.run.assume(answers(&name, &request));
                if let Some(open) = self.open.get_mut(position) {
                    open.request = Some(request);
                }
                Progress::Again
            }
            // Nothing is waited for, and nothing is sent a second time.
            Step::Undelivered(failure) => {
                self.run.give_up(&failure.reason, &failure.message);
                Progress::Again
            }
            Step::Write(write) => self.write(write),
        }
    }

    /// Does all steps.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use cicdcontext_crds::{CicdEventSpec, ConfigurationBlock, handler::EndpointReference};
    /// use cicdcontext_engine::{
    ///     configuration::{Input, Lookup, Origin, resolve},
    ///     event::{ContextFacts, EventFacts, Rehearsal, Run},
    ///     handler::{EndpointLookup, Endpoints, Program},
    /// };
    /// use serde_json::json;
    ///
    /// struct NoEndpoints;
    /// impl Endpoints for NoEndpoints {
    ///     fn find(&self, _: &EndpointReference) -> EndpointLookup {
    ///         EndpointLookup::NotFound
    ///     }
    /// }
    ///
    /// let block: ConfigurationBlock = serde_json::from_value(json!({"pipelines": {"build": {"eventHandlers": {
    ///     "success": [{"name": "note", "setValues": [{"path": "state.built", "template": "{{event.data.tag}}"}]}],
    /// }}}}))?;
    /// let input = Input { owner: Origin::context("shop"), selected: None, bases: &[], block: &block };
    /// let program = Program::new(resolve(&input, &|_| Lookup::NotFound)?, &Default::default());
    /// let spec: CicdEventSpec = serde_json::from_value(json!({
    ///     "contextRef": {"name": "shop"}, "pipeline": "build", "event": "success", "data": {"tag": "1.4"},
    /// }))?;
    /// let event = EventFacts::read(spec, "e", "uid", "e", "2026-01-02T03:04:05Z".parse()?)?;
    /// let run = Run::new(event, ContextFacts::default(), Arc::new(program), []);
    ///
    /// let rehearsed = Rehearsal::new(run, Default::default()).complete(&NoEndpoints, &|_, _| None);
    /// assert_eq!(rehearsed.message, "1 of 1 handlers ran");
    /// assert_eq!(rehearsed.handlers[0].summary().as_deref(), Some(r#"would write state.built = "1.4""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn complete(mut self, endpoints: &dyn Endpoints, answers: &Answers<'_>) -> Rehearsed {
        let (mut set, mut handlers) = (Vec::new(), Vec::new());
        loop {
            match self.next(endpoints, answers) {
                Progress::Again => {}
                Progress::Set(changes) => set = changes,
                Progress::Handler(handler) => handlers.push(*handler),
                Progress::Done(outcome) => return Rehearsed::new(*outcome, set, handlers),
            }
        }
    }

    fn write(&mut self, write: Write) -> Progress {
        let limits = if write.captured { Limits::capture() } else { Limits::default() };
        let changes: Vec<_> = write.changes.iter().cloned().map(RehearsedChange::from).collect();
        let set = ChangeSet { changes: write.changes, limits, ..ChangeSet::default() };
        let schema = self.schema.as_ref().and_then(|schema| schema.as_ref().as_ref().ok());
        let mut guard = Guard::new(schema, Some(&self.state));
        let mut draft = Draft::new(Some(&self.state));
        let result = match draft.apply_checked(&set, |state| guard.check(state)) {
            Ok(paths) => {
                self.state = draft.finish().0;
                Ok(paths)
            }
            Err(refusal) => Err(refusal.to_string()),
        };
        let of_set = self.run.is_setting();
        let position = self.run.position();
        // What is refused would not be written; the handler's message says what was wrong with it.
        let changes = if result.is_ok() { changes } else { Vec::new() };
        self.run.written(result);
        if of_set {
            return Progress::Set(changes);
        }
        if let Some(open) = self.open.get_mut(position) {
            if write.captured {
                open.captured = changes;
            } else {
                open.changes = changes;
            }
        }
        Progress::Again
    }

    /// The next handler that has ended and was not told of.
    fn report(&mut self) -> Option<Box<RehearsedHandler>> {
        if self.reported >= self.run.position() {
            return None;
        }
        let position = self.reported;
        self.reported += 1;
        let status: HandlerStatus = self.run.handlers().get(position)?.clone();
        let open = self.open.get_mut(position).map(std::mem::take).unwrap_or_default();
        let trace = self.run.take_trace(position);
        let captures = trace.captures.iter().map(ToString::to_string).collect();
        let missing = trace.reads.missing().map(str::to_owned).collect();
        let settings = settings(&trace.reads);
        let covered: Vec<_> = self.run.covered().collect();
        let assumptions = self.assumed.meet(&covered, &status.name, open.request.is_some(), &trace);
        Some(Box::new(RehearsedHandler {
            name: status.name,
            handler_type: status.handler_type,
            phase: status.phase,
            reason: status.reason,
            message: status.message,
            condition: status.condition.or(trace.condition),
            request: open.request,
            changes: open.changes,
            captures,
            captured: open.captured,
            assumptions,
            missing,
            settings,
        }))
    }
}

/// The settings among what was read, those of the pipeline not.
fn settings(reads: &Reads) -> Vec<String> {
    let whole = reads.iter().filter(|read| read.extent == Extent::Whole);
    let of_settings = whole.filter(|read| read.path.len() > 1 && read.path[0] == "settings");
    of_settings.take(MAX_SETTINGS).map(|read| written(&read.path)).collect()
}

#[cfg(test)]
mod tests;
