//! `render`: what a template renders to, over a context or over a JSON file, byte for byte.

use std::path::{Path, PathBuf};

use cicdcontext_crds::{CicdContext, TemplateEngine};
use cicdcontext_engine::{
    handler::Program,
    template::{Engine, Escape, Library, Seed, Source},
};
use serde_json::{Map, Value, json};

use crate::{
    arguments::{EngineName, RenderArguments, UsageError},
    configuration::{self, ConfigurationFailure},
    console::Console,
    failure::Failure,
    input,
    manifests::{MAX_FILE_BYTES, failure, text_of},
    setting::{Occasion, Setting},
    source::{Configuration, Contexts},
};

/// What errors call the template.
const NAME: &str = "template";
/// The argument that means standard input.
const STDIN: &str = "-";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    over: Over,
    /// None: read it from standard input.
    template: Option<String>,
    engine: Option<Engine>,
}

/// What the template sees.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Over {
    /// A JSON file alone.
    File(PathBuf),
    /// A context, and the settings of a pipeline.
    Context { name: String, pipeline: Option<String> },
}

impl Request {
    /// Understands the arguments.
    pub fn read(arguments: &RenderArguments, setting: Setting<'_>) -> Result<Self, UsageError> {
        let positional = arguments.object.iter().chain(&arguments.template);
        let (over, rest) = match &arguments.data {
            Some(_) if arguments.pipeline.is_some() || setting.global.name.is_some() => {
                let text = "render: --data is all that the template sees; leave out --name and --pipeline";
                return Err(UsageError::CommandLine { text: text.to_owned() });
            }
            Some(file) => (Over::File(file.clone()), positional.cloned().collect()),
            None => {
                let object = setting.object("render", positional)?;
                (Over::Context { name: object.name, pipeline: arguments.pipeline.clone() }, object.rest)
            }
        };
        let mut rest = rest.into_iter();
        let template = rest.next().filter(|template| template != STDIN);
        if let Some(found) = rest.next() {
            return Err(UsageError::TooMany { verb: "render", found });
        }
        let engine = arguments.engine.map(|engine| match engine {
            EngineName::Handlebars => Engine::Handlebars,
            EngineName::Jinja => Engine::Jinja,
        });
        Ok(Self { over, template, engine })
    }
}

/// Carries out the command.
pub async fn command(arguments: &RenderArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let request = Request::read(arguments, setting)?;
    let template = match &request.template {
        Some(template) => template.clone(),
        None => standard_input()?,
    };
    let occasion = Occasion::now()?;
    let text = match &request.over {
        Over::File(file) => over_data(&template, request.engine, &data(file)?, &occasion)?,
        Over::Context { name, pipeline } => {
            let pipeline = pipeline.as_deref();
            let place = setting.place().await?;
            over_context(&place, place.namespace(), name, pipeline, &template, request.engine, &occasion).await?
        }
    };
    console.data(&text)
}

/// Renders over the keys of a JSON object and nothing else.
fn over_data(
    template: &str,
    engine: Option<Engine>,
    data: &Map<String, Value>,
    occasion: &Occasion,
) -> Result<String, ConfigurationFailure> {
    let library = Library::default();
    let root = Value::Object(data.clone());
    rendered(&library, template, engine.unwrap_or_default(), &root, occasion)
}

/// Renders over what the templates of a context see, but for an event.
async fn over_context<C: Configuration>(
    source: &C,
    namespace: &str,
    name: &str,
    pipeline: Option<&str>,
    template: &str,
    engine: Option<Engine>,
    occasion: &Occasion,
) -> Result<String, Failure> {
    let context = source.whole_context(name).await?;
    let program = configuration::program(source, &context).await?;
    let engine = engine.unwrap_or(match context.spec.configuration.template_engine.unwrap_or_default() {
        TemplateEngine::Handlebars => Engine::Handlebars,
        TemplateEngine::Jinja => Engine::Jinja,
    });
    let root = root(&context, namespace, &program, pipeline)?;
    Ok(rendered(&program.library, template, engine, &root, occasion)?)
}

fn rendered(
    library: &Library,
    template: &str,
    engine: Engine,
    root: &Value,
    occasion: &Occasion,
) -> Result<String, ConfigurationFailure> {
    let template = library.compile(&Source::new(NAME, template, engine))?;
    let seed = Seed::new(occasion.random_id(), occasion.now);
    Ok(template.render(library, root, &seed, Escape::None)?)
}

/// What templates of the context see.
fn root(
    context: &CicdContext,
    namespace: &str,
    program: &Program,
    pipeline: Option<&str>,
) -> Result<Value, ConfigurationFailure> {
    let resolved = &program.resolved;
    let mut root = json!({
        "state": context.spec.state.clone().unwrap_or_default(),
        "settings": resolved.settings,
        "context": {
            "name": context.metadata.name, "namespace": namespace, "uid": context.metadata.uid,
            "selected": resolved.selected,
        },
    });
    if let Some(name) = pipeline {
        let Some(pipeline) = resolved.pipelines.get(name) else {
            let names: Vec<&str> = resolved.pipelines.keys().map(String::as_str).collect();
            let known =
                if names.is_empty() { "none is".to_owned() } else { format!("these are: {}", names.join(", ")) };
            return Err(ConfigurationFailure::UnknownPipeline { pipeline: name.to_owned(), known });
        };
        root["pipeline"] = json!({"name": name, "settings": pipeline.settings});
    }
    Ok(root)
}

/// The object in a JSON file.
fn data(file: &Path) -> Result<Map<String, Value>, ConfigurationFailure> {
    match serde_json::from_str(&text_of(file)?) {
        Ok(Value::Object(data)) => Ok(data),
        Ok(_) => Err(failure(file, "it is JSON, but no object; write an object, whose keys the template sees")),
        Err(error) => Err(failure(file, &format!("it is not JSON: {error}"))),
    }
}

fn standard_input() -> Result<String, ConfigurationFailure> {
    input::text(std::io::stdin(), MAX_FILE_BYTES).map_err(|problem| failure(Path::new("standard input"), &problem))
}

#[cfg(test)]
mod tests;
