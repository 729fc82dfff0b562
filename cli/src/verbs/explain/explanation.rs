//! What `explain` tells, as data: the machine form, and what the text is made of.

use cicdcontext_crds::{CicdContext, EventPhase, HandlerPhase, HandlerType};
use cicdcontext_delivery::Policy;
use cicdcontext_engine::{
    configuration::{Origin, Resolved},
    event::{
        Rehearsed, RehearsedHandler,
        rehearsal::{Assumption, RehearsedChange},
    },
    handler::Program,
};
use serde::Serialize;

use crate::configuration::{
    GatheredEndpoints,
    request::{Egress, ShownRequest, show},
};

/// What an event would do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The CicdContext.
    pub context: String,
    /// `PIPELINE=EVENT`.
    pub event: String,
    /// How the event would end, if each receiver answered 200 with `{}`.
    pub phase: EventPhase,
    /// Why: a word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// What else matters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The entry of `contexts` that is selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected: Option<String>,
    /// The objects that the configuration comes from, in the order of merging.
    pub sources: Vec<String>,
    /// The changes that the event itself makes before the first handler.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<RehearsedChange>,
    /// Each handler, in order.
    pub handlers: Vec<ExplainedHandler>,
}

/// What one handler would do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedHandler {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub handler_type: Option<HandlerType>,
    /// Succeeded, Failed or Skipped.
    pub phase: HandlerPhase,
    /// Why: a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What its `if` gave; none if it has none.
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The endpoint that it sends to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The request that it would send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<ShownRequest>,
    /// Whether that would be let out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<Egress>,
    /// The changes of the state that it would make.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<RehearsedChange>,
    /// Paths at which it would write what it captures of the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub captures: Vec<String>,
    /// Why all this is not certain. None if it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<Assumption>,
    /// The first of the assumptions, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assumption: Option<String>,
    /// What its templates were to print and had no value, so that it is blank.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What else matters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Who wrote the handler first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The fields that somebody else wrote.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<Field>,
    /// The settings that its templates read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Field>,
}

/// A piece of configuration, and who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The piece: a field of the handler, or a path of settings.
    pub path: String,
    /// Who wrote it; none if nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

impl Explanation {
    /// Puts together what was rehearsed and where it comes from.
    pub fn new(
        context: &CicdContext,
        event: String,
        notes: Vec<String>,
        rehearsed: Rehearsed,
        program: &Program,
        endpoints: &GatheredEndpoints,
        policy: &Policy,
    ) -> Self {
        let resolved = &program.resolved;
        let name = context.metadata.name.clone().unwrap_or_default();
        let bases = resolved.bases.iter().map(|base| Origin::base(base).to_string());
        let sources = bases.chain([Origin::context(name.as_str()).to_string()]).collect();
        let handlers = rehearsed.handlers.into_iter();
        let handlers =
            handlers.map(|handler| ExplainedHandler::new(handler, &event, resolved, endpoints, policy)).collect();
        Self {
            context: name,
            event,
            phase: rehearsed.phase,
            reason: rehearsed.reason,
            message: rehearsed.message,
            notes,
            selected: resolved.selected.clone(),
            sources,
            set: rehearsed.set,
            handlers,
        }
    }
}

impl ExplainedHandler {
    fn new(
        handler: RehearsedHandler,
        event: &str,
        resolved: &Resolved,
        endpoints: &GatheredEndpoints,
        policy: &Policy,
    ) -> Self {
        let assumption = handler.assumption();
        let configured = event.split_once('=').and_then(|(pipeline, event)| {
            let handlers = resolved.pipelines.get(pipeline)?.handlers(event);
            handlers.iter().find(|configured| configured.name == handler.name)
        });
        let path = configured.map(|configured| configured.path.as_str()).unwrap_or_default();
        let origin = resolved.origin_of(path);
        let overridden = resolved.origins_below(path).into_iter();
        let overridden = overridden.filter(|(field, writer)| field != "name" && Some(*writer) != origin);
        let overridden = overridden.map(|(path, writer)| Field { path, origin: Some(writer.to_string()) }).collect();
        let settings = handler.settings.into_iter().map(|path| {
            let origin = resolved.origin_of(&path).map(ToString::to_string);
            Field { path, origin }
        });
        let reference = configured.and_then(|configured| configured.action.endpoint());
        let mut notes = Vec::new();
        if let Some(reference) = reference {
            notes.extend(endpoints.doubt(reference).map(str::to_owned));
            if endpoints.spec(reference).is_some_and(|(_, spec)| spec.suspend == Some(true)) {
                notes.push("the endpoint is suspended: the request would wait".to_owned());
            }
        }
        let shown = handler.request.map(|request| show(&request, endpoints, policy));
        let (request, egress) = shown.map_or((None, None), |(request, egress)| (Some(request), Some(egress)));
        Self {
            name: handler.name,
            handler_type: handler.handler_type,
            phase: handler.phase,
            reason: handler.reason,
            message: handler.message,
            condition: handler.condition,
            endpoint: reference
                .cloned()
                .map(|reference| cicdcontext_engine::handler::Target::Endpoint(reference).to_string()),
            request,
            egress,
            changes: handler.changes,
            captures: handler.captures,
            assumptions: handler.assumptions,
            assumption,
            missing: handler.missing,
            notes,
            origin: origin.map(ToString::to_string),
            overridden,
            settings: settings.collect(),
        }
    }
}
