//! An endpoint as handlers see it: its templates and what it allows, not its address or credentials.

use std::sync::Arc;

use cicdcontext_crds::{
    Capture, CicdEndpointSpec, TemplateEngine,
    endpoint::{Allow, EndpointHeader},
    handler::{EndpointReference, HttpMethod},
};

use super::{error::HandlerError, preset, scope::Scope};
use crate::{
    configuration::json_path,
    configuration::model::{ChangeTemplate, ChangeValue, NamedSource},
    template::{Engine, Library, Source, TemplateError},
};

/// Finds the endpoints of an event's handlers; whoever drives a run has gathered them.
pub trait Endpoints: Sync {
    /// The endpoint that `reference` names, seen from the context's namespace.
    fn find(&self, reference: &EndpointReference) -> EndpointLookup;
}

/// What there is under an endpoint's name.
#[derive(Clone, Debug)]
pub enum EndpointLookup {
    /// It can be used.
    Found(Arc<Endpoint>),
    /// There is none.
    NotFound,
    /// It does not list the context's namespace.
    NotAllowed,
    /// It cannot be read or used; why.
    Broken(String),
}

/// An endpoint's templates and permissions.
#[derive(Debug)]
pub struct Endpoint {
    /// Method of its requests.
    pub method: HttpMethod,
    /// Its headers that are templates.
    pub headers: Vec<NamedSource>,
    /// Its bodies.
    pub bodies: BodyTemplates,
    /// Arguments of every triggerPipeline body.
    pub args: Vec<NamedSource>,
    /// Hosts that a respond handler's URL may have.
    pub allowed_hosts: Vec<String>,
    /// Whether that URL may be plain http, too.
    pub allow_http: bool,
    /// What to keep of every response.
    pub capture: Vec<ChangeTemplate>,
    /// Judges a response that is delivered: no success unless its text counts as true.
    pub success_when: Option<Source>,
    /// Judges a response that `success_when` takes for no success: another attempt is made if its text counts as true.
    pub retry_when: Option<Source>,
    /// What webhook handlers may choose.
    pub allow: Allow,
    /// Its partials.
    pub library: Library,
    bytes: usize,
}

/// The templates of an endpoint's bodies; none where neither the endpoint nor its preset has one.
#[derive(Debug, Default)]
pub struct BodyTemplates {
    /// Of notify handlers.
    pub notify: Option<Source>,
    /// Of respond handlers.
    pub respond: Option<Source>,
    /// Of manualChoice handlers.
    pub manual_choice: Option<Source>,
    /// Of triggerPipeline handlers; none sends all arguments as a JSON object.
    pub trigger_pipeline: Option<Source>,
}

impl BodyTemplates {
    fn all(&self) -> impl Iterator<Item = &Source> {
        [&self.notify, &self.respond, &self.manual_choice, &self.trigger_pipeline].into_iter().flatten()
    }
}

/// Why an endpoint cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EndpointError {
    /// One of its templates does not compile.
    #[error(transparent)]
    Template(#[from] Box<TemplateError>),
    /// One of its captures cannot be used.
    #[error("{0}")]
    Capture(String),
}

impl Endpoint {
    /// Compiles an endpoint's templates.
    pub fn new(spec: &CicdEndpointSpec) -> Result<Self, EndpointError> {
        let engine = match spec.template_engine.unwrap_or_default() {
            TemplateEngine::Handlebars => Engine::Handlebars,
            TemplateEngine::Jinja => Engine::Jinja,
        };
        let source = |name: &str, text: &str| Source::new(format!("spec.{name}"), text, engine);
        let partials = spec.partials.iter().flatten();
        let partials = partials.map(|(name, text)| (name.clone(), source(&format!("partials.{name}"), text))).collect();
        let (library, errors) =
            Library::new(partials, std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
        if let Some(error) = errors.into_iter().next() {
            return Err(Box::new(error).into());
        }
        let headers: Vec<NamedSource> = spec
            .headers
            .iter()
            .flatten()
            .filter_map(|EndpointHeader { name, value, .. }| {
                let value = source(&format!("headers[{name}].value"), value.as_deref()?);
                Some(NamedSource { name: name.clone(), value })
            })
            .collect();
        let args: Vec<NamedSource> = spec
            .args
            .iter()
            .flatten()
            .map(|arg| NamedSource {
                name: arg.name.clone(),
                value: source(&format!("args[{}].value", arg.name), &arg.value),
            })
            .collect();
        let bodies = bodies(spec, &source);
        let captures = spec.capture.iter().flatten().enumerate();
        let capture: Vec<ChangeTemplate> = captures
            .map(|(index, capture)| template_of(&format!("capture[{index}]"), capture, &source))
            .collect::<Result<_, _>>()?;
        let success_when = spec.success_when.as_deref().map(|text| source("successWhen", text));
        let retry_when = spec.retry_when.as_deref().map(|text| source("retryWhen", text));
        let named = headers.iter().chain(&args).map(|named| &named.value);
        let judging = success_when.iter().chain(&retry_when);
        let mut bytes =
            spec.partials.iter().flatten().map(|(_, text)| source("", text).estimated_bytes()).sum::<usize>();
        for template in named.chain(bodies.all()).chain(judging).chain(capture.iter().flat_map(templates_of)) {
            library.compile(template).map_err(Box::new)?;
            bytes += template.estimated_bytes();
        }
        Ok(Self {
            method: spec.method.unwrap_or_default(),
            headers,
            bodies,
            args,
            allowed_hosts: spec.allowed_hosts.clone().unwrap_or_default(),
            allow_http: spec.allow_http.unwrap_or_default(),
            capture,
            success_when,
            retry_when,
            allow: spec.allow.clone().unwrap_or_default(),
            library,
            bytes: bytes + 2 * crate::state::limits::size(spec),
        })
    }

    /// Bytes of memory that it takes, estimated; more rather than less. See [`Source::estimated_bytes`].
    pub fn estimated_bytes(&self) -> usize {
        self.bytes
    }

    /// The texts of the headers that are templates.
    pub(super) fn rendered_headers(&self, scope: &Scope<'_>) -> Result<Vec<(String, String)>, HandlerError> {
        let render = |header: &NamedSource| {
            let text = scope.render(&self.library, &header.value, crate::template::Escape::None)?;
            Ok((header.name.clone(), text.trim().to_owned()))
        };
        self.headers.iter().map(render).collect()
    }
}

fn bodies(spec: &CicdEndpointSpec, source: &impl Fn(&str, &str) -> Source) -> BodyTemplates {
    let own = spec.bodies.clone().unwrap_or_default();
    let preset = preset::bodies(spec.preset.unwrap_or_default());
    let body = |field: &str, own: Option<String>, built_in: &'static str| match own {
        Some(text) => source(&format!("bodies.{field}"), &text),
        None => Source::new(format!("preset {}, {field}", preset.preset), built_in, Engine::Handlebars),
    };
    BodyTemplates {
        notify: Some(body("notify", own.notify, preset.notify)),
        respond: Some(body("respond", own.respond, preset.respond)),
        manual_choice: Some(body("manualChoice", own.manual_choice, preset.manual_choice)),
        trigger_pipeline: own.trigger_pipeline.map(|text| source("bodies.triggerPipeline", &text)),
    }
}

fn template_of(
    place: &str,
    capture: &Capture,
    source: &impl Fn(&str, &str) -> Source,
) -> Result<ChangeTemplate, EndpointError> {
    let value = match (&capture.value, &capture.template, &capture.from_path) {
        (Some(value), _, _) => ChangeValue::Literal(value.clone()),
        (_, Some(template), _) => ChangeValue::Template(source(&format!("{place}.template"), template)),
        (_, _, Some(path)) => match json_path::parse(path) {
            Ok(_) => ChangeValue::FromPath(path.clone()),
            Err(error) => return Err(EndpointError::Capture(format!("spec.{place}.fromPath: {error}"))),
        },
        (None, None, None) => ChangeValue::None,
    };
    Ok(ChangeTemplate {
        path: source(&format!("{place}.path"), &capture.path),
        op: capture.op.unwrap_or_default(),
        value,
        split: capture.split.clone(),
        write_blank: capture.write_blank.unwrap_or_default(),
    })
}

fn templates_of(change: &ChangeTemplate) -> impl Iterator<Item = &Source> {
    let value = match &change.value {
        ChangeValue::Template(source) => Some(source),
        ChangeValue::None | ChangeValue::Literal(_) | ChangeValue::FromPath(_) => None,
    };
    value.into_iter().chain([&change.path])
}

/// Finds the endpoint, or says why it cannot be used.
pub(super) fn find(endpoints: &dyn Endpoints, reference: &EndpointReference) -> Result<Arc<Endpoint>, HandlerError> {
    let name = || super::request::Target::Endpoint(reference.clone()).to_string();
    match endpoints.find(reference) {
        EndpointLookup::Found(endpoint) => Ok(endpoint),
        EndpointLookup::NotFound => Err(HandlerError::EndpointNotFound(name())),
        EndpointLookup::NotAllowed => Err(HandlerError::EndpointNotAllowed {
            endpoint: name(),
            problem: "there is none that lists this namespace in spec.allowedNamespaces".to_owned(),
        }),
        EndpointLookup::Broken(problem) => Err(HandlerError::EndpointNotReady { endpoint: name(), problem }),
    }
}
