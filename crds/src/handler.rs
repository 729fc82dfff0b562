//! Event handlers: what the operator does when an event happens.
//!
//! Fields that a handler cannot do without are optional in the schema, since a later block may change one field of an
//! inherited handler only. Whether the merged handler is complete is checked when configuration is resolved.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::change::{Capture, Change};

/// One handler of an event. It has exactly one type; a later block that only changes `if`, `enabled` or `onFailure` of
/// an inherited handler may leave the type out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("example" = [
    {"required": ["notify"]},
    {"required": ["respond"]},
    {"required": ["manualChoice"]},
    {"required": ["triggerPipeline"]},
    {"required": ["setValues"]},
    {"required": ["generate"]},
    {"required": ["webhook"]},
    {"not": {"anyOf": [
        {"required": ["notify"]}, {"required": ["respond"]}, {"required": ["manualChoice"]},
        {"required": ["triggerPipeline"]}, {"required": ["setValues"]}, {"required": ["generate"]},
        {"required": ["webhook"]},
    ]}},
]))]
pub struct EventHandler {
    /// Name of the handler, unique in its list. A later block changes the handler of the same name.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// False switches an inherited handler off. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// A template; if its trimmed text is blank, false, 0, null or none (in any case), the handler is Skipped.
    /// Default: the handler runs.
    #[serde(rename = "if", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub condition: Option<String>,
    /// What a failure of this handler means for the ones behind it. Default: Continue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// Send the endpoint's notify body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<NotifyHandler>,
    /// Answer to a URL that was received earlier, with the endpoint's respond body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub respond: Option<RespondHandler>,
    /// Offer choices to people, with the endpoint's manualChoice body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manual_choice: Option<ManualChoiceHandler>,
    /// Start another pipeline: POST the endpoint's args and these args as a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_pipeline: Option<TriggerPipelineHandler>,
    /// Change the state, one change after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub set_values: Option<Vec<Change>>,
    /// Run a generator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<GenerateHandler>,
    /// Send any HTTP request that the endpoint allows, or a request without credentials to a public https URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookHandler>,
}

/// What a handler does, as it is named in status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = crate::schema::without_description)]
pub enum HandlerType {
    /// Sends the endpoint's notify body.
    Notify,
    /// Sends the endpoint's respond body.
    Respond,
    /// Sends the endpoint's manualChoice body.
    ManualChoice,
    /// Starts another pipeline.
    TriggerPipeline,
    /// Changes the state.
    SetValues,
    /// Runs a generator.
    Generate,
    /// Sends any HTTP request.
    Webhook,
}

impl HandlerType {
    /// The name of the field that holds a handler of this type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Respond => "respond",
            Self::ManualChoice => "manualChoice",
            Self::TriggerPipeline => "triggerPipeline",
            Self::SetValues => "setValues",
            Self::Generate => "generate",
            Self::Webhook => "webhook",
        }
    }
}

/// What a failed handler means for those behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::schema::without_description)]
pub enum OnFailure {
    /// The next handler runs.
    #[default]
    Continue,
    /// The handlers behind are Skipped.
    Stop,
}

/// Names the endpoint that a request goes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct EndpointReference {
    /// Name of the CicdEndpoint. Not a template.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace of the CicdEndpoint, which must list ours in its allowedNamespaces. Default: the context's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
}

/// A name and a templated value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedTemplate {
    /// The name, taken literally.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// A template.
    #[schemars(length(max = 65536))]
    pub value: String,
}

/// Sends a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotifyHandler {
    /// Where to send it. Required once configuration is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointReference>,
    /// A template; the endpoint's body reads its text as handler.message. Required once configuration is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub message: Option<String>,
    /// More templates; the endpoint's body reads their texts as handler.fields.NAME.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub fields: Option<Vec<NamedTemplate>>,
    /// Values of the response to keep in the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub capture: Option<Vec<Capture>>,
}

/// Answers to a URL that came with an earlier request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RespondHandler {
    /// Whose credentials, bodies and allowedHosts apply. Required once configuration is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointReference>,
    /// A template of the URL; its host must be one of the endpoint's allowedHosts. Default: the endpoint's url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8192))]
    pub url: Option<String>,
    /// A template; the endpoint's body reads its text as handler.message. Required once configuration is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub message: Option<String>,
    /// More templates; the endpoint's body reads their texts as handler.fields.NAME.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub fields: Option<Vec<NamedTemplate>>,
    /// Values of the response to keep in the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub capture: Option<Vec<Capture>>,
}

/// Offers choices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManualChoiceHandler {
    /// Where to send them. Required once configuration is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointReference>,
    /// A template; the endpoint's body reads its text as handler.title. Required once configuration is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub title: Option<String>,
    /// More templates; the endpoint's body reads their texts as handler.fields.NAME.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub fields: Option<Vec<NamedTemplate>>,
    /// The choices, in the order in which they are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub choices: Option<Vec<Choice>>,
    /// Further choices, made from a list or map of the state; they follow the choices above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub choice_generators: Option<Vec<ChoiceGenerator>>,
    /// Values of the response to keep in the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub capture: Option<Vec<Capture>>,
}

/// One group of options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// Name of the group, unique in its list.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// A template of the text above the options. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8192))]
    pub header: Option<String>,
    /// What can be chosen, in the order shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub options: Option<Vec<ChoiceOption>>,
}

/// One option of a choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChoiceOption {
    /// A template of the text on the button.
    #[schemars(length(max = 8192))]
    pub text: String,
    /// A template of the value that comes back when the option is chosen.
    #[schemars(length(max = 8192))]
    pub value: String,
    /// How the option looks; a word that the receiver knows (primary, danger). Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub style: Option<String>,
    /// More templates of this option, which the endpoint's body reads as fields.NAME.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub fields: Option<Vec<NamedTemplate>>,
}

/// Makes choices out of data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChoiceGenerator {
    /// Name of the generator, unique in its list.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// An RFC 9535 JSONPath to a list or map (`$.state.targets`). Required once configuration is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub foreach: Option<String>,
    /// The name by which the template sees the item. Default: item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub iterator: Option<String>,
    /// A template, rendered for each item, whose text is YAML: a map of choices by name, or a list of choices.
    /// Required once configuration is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub template: Option<String>,
}

/// Starts another pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TriggerPipelineHandler {
    /// Where pipelines are started. Required once configuration is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointReference>,
    /// Name of the pipeline to start; the endpoint's templates read it as handler.pipeline. Not a template. Required
    /// once configuration is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub name: Option<String>,
    /// Arguments, in the order in which they stand in the JSON object; each value is a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub args: Option<Vec<NamedTemplate>>,
    /// Values of the response to keep in the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub capture: Option<Vec<Capture>>,
}

/// Runs a generator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GenerateHandler {
    /// The pipeline that has the generator. Default: the event's own pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub pipeline: Option<String>,
    /// Name of the generator. Required once configuration is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub generator: Option<String>,
}

/// Sends an HTTP request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("example" = [
    {"required": ["endpoint"]}, {"required": ["url"]},
    {"not": {"anyOf": [{"required": ["endpoint"]}, {"required": ["url"]}]}},
]))]
pub struct WebhookHandler {
    /// Where to send it, with that endpoint's credentials. Either this or url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointReference>,
    /// A template of a public https URL; nothing secret goes with the request. Either this or endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8192))]
    pub url: Option<String>,
    /// HTTP method, which the endpoint must allow. Default: the endpoint's, or POST.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<HttpMethod>,
    /// A template of a path below the endpoint's url, which the endpoint must allow. Each segment is encoded;
    /// `..`, `//` and backslashes are errors. Default: the endpoint's url as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8192))]
    pub path: Option<String>,
    /// Headers, which the endpoint must allow; each value is a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub headers: Option<Vec<NamedTemplate>>,
    /// A template of the body. Unless a Content-Type header says otherwise it is JSON: what is inserted is escaped for
    /// JSON strings, and a text that is not JSON is not sent. Default: no body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub body: Option<String>,
    /// Values of the response to keep in the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub capture: Option<Vec<Capture>>,
}

/// HTTP methods that a request may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
#[schemars(transform = crate::schema::without_description)]
pub enum HttpMethod {
    Get,
    #[default]
    Post,
    Put,
    Patch,
    Delete,
}

impl HttpMethod {
    /// The method as it stands in a request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl EventHandler {
    /// The types that the handler carries: one when it is complete, none when it only changes an inherited one.
    pub fn types(&self) -> Vec<HandlerType> {
        [
            (self.notify.is_some(), HandlerType::Notify),
            (self.respond.is_some(), HandlerType::Respond),
            (self.manual_choice.is_some(), HandlerType::ManualChoice),
            (self.trigger_pipeline.is_some(), HandlerType::TriggerPipeline),
            (self.set_values.is_some(), HandlerType::SetValues),
            (self.generate.is_some(), HandlerType::Generate),
            (self.webhook.is_some(), HandlerType::Webhook),
        ]
        .into_iter()
        .filter_map(|(present, kind)| present.then_some(kind))
        .collect()
    }
}
