//! Resolved configuration: what is left when bases, context and selected entry are merged and checked.
//!
//! These types can only hold what is usable: a notify handler has an endpoint and a message, a JSONPath parses, each
//! template knows its name and engine. They know nothing of how they were made, and they render nothing.

use std::collections::BTreeMap;

use cicdcontext_crds::{
    BaseReference, ChangeOperation, HandlerType,
    handler::{EndpointReference, HttpMethod, OnFailure},
};
use serde_json::{Map, Value};

use super::{Origin, path::ConfigurationPath, provenance::Provenance};
use crate::template::Source;

/// The configuration that is in force for one context (or that one base makes, seen alone).
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Hash of all that follows from the merged configuration: 32 hexadecimal digits, the same on every machine. It
    /// covers content, engines and the selected name; not the names of the objects that the content came from
    /// (`bases`, [`Self::origin_of`]), nor `selectable`.
    pub hash: String,
    /// The entry of `contexts` that is merged over the rest.
    pub selected: Option<String>,
    /// The entries of `contexts` that could be selected, sorted.
    pub selectable: Vec<String>,
    /// All bases that went into it, bases of bases included, in the order of merging.
    pub bases: Vec<BaseReference>,
    /// Free-form settings.
    pub settings: Map<String, Value>,
    /// Templates by name, to be rendered at use.
    pub variables: BTreeMap<String, Source>,
    /// Templates that others include, by name. One is visible to templates of its own engine only.
    pub partials: BTreeMap<String, Source>,
    /// Pipelines by name.
    pub pipelines: BTreeMap<String, Pipeline>,
    pub(super) templates: Vec<Source>,
    pub(super) provenance: Provenance,
}

impl Resolved {
    /// Every template: variables, partials, and all of handlers and generators, those of incomplete handlers of a base
    /// included. What is switched off is left out.
    pub fn templates(&self) -> impl Iterator<Item = &Source> {
        self.templates.iter()
    }

    /// Who wrote the value at a path such as `settings.a.b` or `pipelines.build.eventHandlers.success[tell].notify`
    /// (paths as in `unset`). A map belongs to whoever began it. Below a list that is replaced as a whole, the list's
    /// writer. None if nothing stands there, or the path cannot be read.
    pub fn origin_of(&self, path: &str) -> Option<&Origin> {
        self.provenance.origin_of(&ConfigurationPath::parse(path).ok()?)
    }

    /// Who wrote each scalar below a path, by its path from there, such as `notify.message`; in the order of their keys.
    /// A list that is replaced as a whole counts as one. Nothing if nothing stands there, or the path cannot be read.
    pub fn origins_below(&self, path: &str) -> Vec<(String, &Origin)> {
        ConfigurationPath::parse(path).map(|path| self.provenance.origins_below(&path)).unwrap_or_default()
    }
}

/// One pipeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    /// Free-form settings of the pipeline.
    pub settings: Map<String, Value>,
    /// The handlers that run on each event, in their order: at least one and at most 64 per event. An event whose
    /// handlers are all switched off is not here.
    pub events: BTreeMap<String, Vec<Handler>>,
    /// The handlers that `enabled: false` switches off, by event. They are not checked.
    pub disabled: BTreeMap<String, Vec<String>>,
    /// Handlers that lack a required field, by event. Only ever filled when a base is resolved alone; what a context
    /// inherits must be complete.
    pub incomplete: BTreeMap<String, Vec<String>>,
    /// The items of each generator, in their order, without those that are switched off. A generator may be empty.
    pub generators: BTreeMap<String, Vec<GeneratorItem>>,
}

impl Pipeline {
    /// The handlers of an event; none if nobody listens to it.
    pub fn handlers(&self, event: &str) -> &[Handler] {
        self.events.get(event).map_or(&[], Vec::as_slice)
    }

    /// Whether the event has a handler of this name that is switched off.
    pub fn is_disabled(&self, event: &str, handler: &str) -> bool {
        self.disabled.get(event).is_some_and(|names| names.iter().any(|name| name == handler))
    }
}

/// One handler that is switched on.
#[derive(Clone, Debug, PartialEq)]
pub struct Handler {
    /// Its name, unique in its event.
    pub name: String,
    /// Where it stands in the configuration: `pipelines.build.eventHandlers.success[tell]`. Names of its templates
    /// begin with it.
    pub path: String,
    /// The template of `if`; none runs always.
    pub condition: Option<Source>,
    /// What its failure means for those behind it.
    pub on_failure: OnFailure,
    /// What it does.
    pub action: Action,
}

/// What a handler does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send a message.
    Notify(Notify),
    /// Answer to a URL that came with an earlier request.
    Respond(Respond),
    /// Offer choices.
    ManualChoice(ManualChoice),
    /// Start another pipeline.
    TriggerPipeline(TriggerPipeline),
    /// Change the state, one change after the other; at least one.
    SetValues(Vec<ChangeTemplate>),
    /// Run a generator.
    Generate(Generate),
    /// Send an HTTP request.
    Webhook(Webhook),
}

impl Action {
    /// The type, as it is named in status.
    pub fn kind(&self) -> HandlerType {
        match self {
            Self::Notify(_) => HandlerType::Notify,
            Self::Respond(_) => HandlerType::Respond,
            Self::ManualChoice(_) => HandlerType::ManualChoice,
            Self::TriggerPipeline(_) => HandlerType::TriggerPipeline,
            Self::SetValues(_) => HandlerType::SetValues,
            Self::Generate(_) => HandlerType::Generate,
            Self::Webhook(_) => HandlerType::Webhook,
        }
    }

    /// The endpoint that it sends to; none for what sends nothing and for a webhook to a plain URL.
    pub fn endpoint(&self) -> Option<&EndpointReference> {
        match self {
            Self::Notify(notify) => Some(&notify.endpoint),
            Self::Respond(respond) => Some(&respond.endpoint),
            Self::ManualChoice(choice) => Some(&choice.endpoint),
            Self::TriggerPipeline(trigger) => Some(&trigger.endpoint),
            Self::Webhook(Webhook { target: WebhookTarget::Endpoint(endpoint), .. }) => Some(endpoint),
            Self::Webhook(_) | Self::SetValues(_) | Self::Generate(_) => None,
        }
    }

    /// What to keep of the response, in order.
    pub fn capture(&self) -> &[ChangeTemplate] {
        match self {
            Self::Notify(notify) => &notify.capture,
            Self::Respond(respond) => &respond.capture,
            Self::ManualChoice(choice) => &choice.capture,
            Self::TriggerPipeline(trigger) => &trigger.capture,
            Self::Webhook(webhook) => &webhook.capture,
            Self::SetValues(_) | Self::Generate(_) => &[],
        }
    }
}

/// A literal name and the template of its value.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedSource {
    /// The name, taken literally.
    pub name: String,
    /// The template.
    pub value: Source,
}

/// Sends a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Notify {
    /// Where to.
    pub endpoint: EndpointReference,
    /// The endpoint's body reads its text as `handler.message`.
    pub message: Source,
    /// The endpoint's body reads their texts as `handler.fields.NAME`.
    pub fields: Vec<NamedSource>,
    /// What to keep of the response.
    pub capture: Vec<ChangeTemplate>,
}

/// Answers to a URL.
#[derive(Clone, Debug, PartialEq)]
pub struct Respond {
    /// Whose credentials, bodies and allowed hosts apply.
    pub endpoint: EndpointReference,
    /// Template of the URL; none is the endpoint's own.
    pub url: Option<Source>,
    /// The endpoint's body reads its text as `handler.message`.
    pub message: Source,
    /// The endpoint's body reads their texts as `handler.fields.NAME`.
    pub fields: Vec<NamedSource>,
    /// What to keep of the response.
    pub capture: Vec<ChangeTemplate>,
}

/// Offers choices.
#[derive(Clone, Debug, PartialEq)]
pub struct ManualChoice {
    /// Where to.
    pub endpoint: EndpointReference,
    /// The endpoint's body reads its text as `handler.title`.
    pub title: Source,
    /// The endpoint's body reads their texts as `handler.fields.NAME`.
    pub fields: Vec<NamedSource>,
    /// The choices, in the order shown.
    pub choices: Vec<Choice>,
    /// What makes further choices, which follow the ones above.
    pub choice_generators: Vec<ChoiceGenerator>,
    /// What to keep of the response.
    pub capture: Vec<ChangeTemplate>,
}

/// One group of options.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Name of the group.
    pub name: String,
    /// Template of the text above the options.
    pub header: Option<Source>,
    /// The options, in the order shown.
    pub options: Vec<ChoiceOption>,
}

/// One option of a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceOption {
    /// Template of the text on the button.
    pub text: Source,
    /// Template of the value that comes back.
    pub value: Source,
    /// How it looks, literally.
    pub style: Option<String>,
    /// The endpoint's body reads their texts as `fields.NAME` of the option.
    pub fields: Vec<NamedSource>,
}

/// Makes choices out of data.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceGenerator {
    /// Name of the generator.
    pub name: String,
    /// RFC 9535 JSONPath of the list or map to go through; it parses.
    pub foreach: String,
    /// The name by which the template sees an item: `item` unless configured.
    pub iterator: String,
    /// Template of a YAML text with choices, rendered for each item.
    pub template: Source,
}

/// Starts another pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerPipeline {
    /// Where pipelines are started.
    pub endpoint: EndpointReference,
    /// Name of the pipeline to start, literally.
    pub name: String,
    /// Arguments, in their order.
    pub args: Vec<NamedSource>,
    /// What to keep of the response.
    pub capture: Vec<ChangeTemplate>,
}

/// Runs a generator. Whether it exists is seen when it is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generate {
    /// The pipeline that has the generator: the handler's own unless configured.
    pub pipeline: String,
    /// Name of the generator.
    pub generator: String,
}

/// Sends an HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Where to.
    pub target: WebhookTarget,
    /// The method; none is the endpoint's, or POST.
    pub method: Option<HttpMethod>,
    /// Template of a path below the endpoint's URL. Never with a plain URL.
    pub path: Option<Source>,
    /// Headers; no two names differ in case only.
    pub headers: Vec<NamedSource>,
    /// Template of the body; none sends no body.
    pub body: Option<Source>,
    /// What to keep of the response.
    pub capture: Vec<ChangeTemplate>,
}

/// Where a webhook goes.
#[derive(Clone, Debug, PartialEq)]
pub enum WebhookTarget {
    /// An endpoint, with its credentials.
    Endpoint(EndpointReference),
    /// Template of a public https URL; no credentials go with the request.
    Url(Source),
}

/// One conditional list of changes.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratorItem {
    /// Its name, unique in its generator.
    pub name: String,
    /// The template of `if`; none runs always.
    pub condition: Option<Source>,
    /// The changes, in order.
    pub changes: Vec<ChangeTemplate>,
}

/// A change of state before its templates are rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeTemplate {
    /// Template of the path. A text without tags is a path that starts with `state.`.
    pub path: Source,
    /// What to do at the path.
    pub op: ChangeOperation,
    /// What to write.
    pub value: ChangeValue,
    /// Separator at which Append and Add split a text; not empty, and never with other operations.
    pub split: Option<String>,
    /// Whether a blank text of a template is written, too.
    pub write_blank: bool,
}

/// Where the value of a change comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeValue {
    /// Literal JSON, never rendered.
    Literal(Value),
    /// A template whose text is written.
    Template(Source),
    /// RFC 9535 JSONPath over what templates see; it parses.
    FromPath(String),
    /// No value: Unset and Clear, and only they.
    None,
}
