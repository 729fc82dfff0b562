//! What a rehearsal wants to know of a run beyond the statuses of its handlers: what they read, and where they could
//! write. A run that is no rehearsal has none of this.

use serde_json::json;

use super::{Delivered, Run, Stage, answer::used_endpoint};
use crate::{
    configuration::model::{Action, Handler},
    handler::{Endpoints, Scope},
    state::Path,
    template::Reads,
};

/// The traces of all handlers.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) handlers: Vec<HandlerTrace>,
    /// Whether the answer that was taken in last is only assumed.
    pub(super) assumed: bool,
}

/// What one handler read, and where it could write.
#[derive(Debug, Default)]
pub(in crate::event) struct HandlerTrace {
    /// The text of its `if`, if that lets it run.
    pub(in crate::event) condition: Option<String>,
    /// What its `if`, its request and its changes read.
    pub(in crate::event) reads: Reads,
    /// What its captures and those of its endpoint read.
    pub(in crate::event) capture_reads: Reads,
    /// Where captures of an answer would be written, whatever the answer says.
    pub(in crate::event) captures: Vec<Path>,
    /// Where its own changes would be written, even if it is skipped this time.
    pub(in crate::event) writes: Vec<Path>,
}

impl HandlerTrace {
    /// The trace of a handler that was prepared in `scope`.
    pub(super) fn of(handler: &Handler, mut scope: Scope<'_>, endpoints: &dyn Endpoints) -> Self {
        let reads = scope.take_reads();
        let library = &scope.program.library;
        let writes = match &handler.action {
            Action::SetValues(changes) => scope.paths(library, changes),
            Action::Generate(generate) => {
                let pipeline = scope.program.resolved.pipelines.get(&generate.pipeline);
                let items = pipeline.and_then(|pipeline| pipeline.generators.get(&generate.generator));
                items.into_iter().flatten().flat_map(|item| scope.paths(library, &item.changes)).collect()
            }
            _ => Vec::new(),
        };
        scope.insert("body", json!({}));
        scope.insert("status", json!(200));
        scope.insert("headers", json!({}));
        let endpoint = used_endpoint(handler, endpoints);
        let mut captures =
            endpoint.map(|endpoint| scope.paths(&endpoint.library, &endpoint.capture)).unwrap_or_default();
        captures.extend(scope.paths(library, handler.action.capture()));
        Self { condition: None, reads, capture_reads: Reads::default(), captures, writes }
    }
}

impl Run {
    /// From now on traces are kept.
    pub(in crate::event) fn trace(&mut self) {
        let handlers = self.slots.iter().map(|_| HandlerTrace::default()).collect();
        self.trace = Some(Trace { handlers, assumed: false });
    }

    /// The trace of a handler that has ended; it is kept no longer.
    pub(in crate::event) fn take_trace(&mut self, position: usize) -> HandlerTrace {
        let trace = self.trace.as_mut().and_then(|trace| trace.handlers.get_mut(position));
        trace.map(std::mem::take).unwrap_or_default()
    }

    /// Whether what is to be written next is `spec.set`.
    pub(in crate::event) fn is_setting(&self) -> bool {
        matches!(self.stage, Stage::Setting(_))
    }

    /// Where the event's `vars` and `varsFrom` stand in front of the state, or beside it.
    pub(in crate::event) fn covered(&self) -> impl Iterator<Item = &Path> {
        self.event.vars.iter().chain(self.from_state.iter().flatten()).map(|(path, _)| path)
    }

    /// How many handlers have ended.
    pub(in crate::event) fn position(&self) -> usize {
        self.statuses.iter().take_while(|status| status.phase.is_final()).count()
    }

    /// Takes in `delivered`, or an answer of which nothing is known but that it is a success.
    pub(in crate::event) fn assume(&mut self, delivered: Option<Delivered>) {
        if let Some(trace) = &mut self.trace {
            trace.assumed = delivered.is_none();
        }
        let unknown = || Delivered { status: Some(200), body: "{}".to_owned(), ..Delivered::default() };
        self.answered(delivered.unwrap_or_else(unknown));
    }
}
