//! From the predecessor's files to manifests, with a report of all that changes its meaning.
//!
//! Each file becomes an object of its own. Where the new rules of merging come to something else than the old ones, the
//! app's object says what is missing. Nothing is read or written here: files come as [`File`]s, and go as [`Manifest`]s.

mod changes;
mod checks;
mod choices;
mod condition;
mod emit;
mod endpoints;
mod foreach;
mod handlers;
mod layers;
mod macros;
mod native;
mod objects;
mod proof;
mod report;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use self::{
    checks::Use,
    endpoints::{EndpointNames, SecretValues},
    layers::Block,
    macros::Macros,
    objects::Names,
    report::Severity::{Changed, Hint},
};
pub use self::{
    objects::Manifest,
    report::{Remark, Report, Severity},
};
use crate::{
    document::{ID, NAME},
    files::{Core, File, Secrets, kind, plain_text},
    merge::{MergeError, merge},
    yaml::FindingKind,
};

/// The files to convert.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Core config.
    pub core: &'a Core,
    /// Secrets.
    pub secrets: &'a Secrets,
    /// Name of the file of secrets, as it was given.
    pub secrets_file: &'a str,
    /// The bases that the app lists, in their order.
    pub bases: &'a [File],
    /// The app file.
    pub app: &'a File,
    /// The cicd context that the CicdContext selects. A stored document says it itself.
    pub context: Option<&'a str>,
    /// A stored document, whose state and variables the CicdContext gets.
    pub document: Option<&'a File>,
    /// Whether config and base files become ClusterCicdBases.
    pub is_cluster_wide: bool,
}

/// What the files became.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// Manifests for Git, in the order in which they are applied.
    pub manifests: Vec<Manifest>,
    /// Secrets. Not for Git.
    pub secrets: Vec<Manifest>,
    /// What there is to say.
    pub report: Report,
    /// Name of the CicdContext.
    pub name: String,
    /// Name of the app's CicdBase.
    pub app: String,
    /// The cicd context that is selected.
    pub context: String,
}

/// Why files cannot be converted at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// Files disagree, and no run could begin.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The cicd context is not there.
    #[error("convert {file}: neither it nor its bases have cicd-contexts.{context}; {known}")]
    Context {
        /// The app file.
        file: String,
        /// Its name.
        context: String,
        /// What there is.
        known: String,
    },
    /// A stored document is not one.
    #[error("convert {file}: its state is {found}; give the whole document as it was stored")]
    Document {
        /// Its file.
        file: String,
        /// What stands there.
        found: &'static str,
    },
}

/// The cicd context that is selected unless another one is named.
pub const DEFAULT_CONTEXT: &str = "stage";

/// What a template is, as far as that decides what it sees.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Variable(String),
    Macro,
    Handler(&'static str),
    Choice,
    Generator,
    Capture,
    Header,
    Body,
}

/// A conversion that is under way.
#[derive(Clone, Debug)]
struct Conversion<'a> {
    core: &'a Core,
    secrets: &'a Secrets,
    report: Report,
    macros: Macros,
    /// Macros that the app file defines, with its name.
    app_macros: BTreeMap<String, String>,
    /// Names of variables, in merged order.
    variables: Vec<String>,
    /// Keys of contexts, which are settings now.
    settings_roots: BTreeSet<String>,
    config_keys: BTreeSet<String>,
    /// Keys of the config that templates read.
    config_read: BTreeSet<String>,
    endpoints: EndpointNames,
    allowed_hosts: Vec<String>,
    allows_http: bool,
    /// Types of handlers that there are, by their old names.
    kinds: BTreeSet<&'static str>,
    templates: Vec<Use>,
    /// Literal beginnings of the paths that handlers and generators write.
    writes: Vec<String>,
    iterators: Vec<String>,
    /// Settings whose keys are not in alphabetical order.
    unsorted: Vec<String>,
    reads_pipelines: bool,
    /// Whether settings have what templates read below `pipelines`.
    old_paths: bool,
    names: BTreeMap<(String, String), String>,
}

impl Conversion<'_> {
    /// The name of a handler or item: the type, and the name of its block.
    fn name(&mut self, event: &str, kind: &str, block: Option<&str>) -> String {
        let old = format!("{kind}\0{}", block.unwrap_or_default());
        if let Some(known) = self.names.get(&(event.to_owned(), old.clone())) {
            return known.clone();
        }
        let plain = |text: &str| -> String {
            text.chars()
                .map(|found| if found.is_ascii_alphanumeric() || matches!(found, '_' | '-') { found } else { '-' })
                .collect()
        };
        let joined = match block {
            Some(block) if kind.is_empty() => plain(block),
            Some(block) => format!("{kind}-{}", plain(block)),
            None => kind.to_owned(),
        };
        let base: String = if joined.is_empty() { "item".to_owned() } else { joined.chars().take(60).collect() };
        let taken = |name: &String| self.names.iter().any(|((of, _), found)| of == event && found == name);
        let mut name = base.clone();
        let mut number = 2;
        while taken(&name) {
            name = format!("{base}-{number}");
            number += 1;
        }
        self.names.insert((event.to_owned(), old), name.clone());
        name
    }

    /// The same conversion, whose report nobody reads.
    fn silent(&self) -> Self {
        self.clone()
    }
}

/// Converts.
///
/// # Errors
/// Only what made every run fail before: files that disagree, a context that is not there. Anything else that cannot be
/// carried over is in the report.
pub fn convert(input: &Input<'_>) -> Result<Converted, ConvertError> {
    let layers = input.bases.iter().chain([input.app]);
    let merged = merge(layers.clone().map(|file| (file.name.as_str(), &file.content)))?;
    let context = chosen(input, &merged)?;
    let mut conversion = begin(input, &merged);
    conversion.findings(layers.clone().chain([&input.core.0]));

    // Twice if templates turn out to read what pipelines hold at its old path.
    let start = conversion.clone();
    let mut blocks: Vec<Block>;
    let mut secrets;
    let mut endpoints;
    loop {
        blocks = layers.clone().map(|file| conversion.block(file, &merged, std::ptr::eq(file, input.app))).collect();
        secrets = SecretValues::new();
        endpoints = conversion.endpoints_of(&mut secrets);
        conversion.check_templates();
        if conversion.old_paths || !conversion.reads_pipelines {
            break;
        }
        conversion = Conversion { old_paths: true, ..start.clone() };
    }
    conversion.align(&mut blocks, &merged, &input.app.name);
    conversion.check_secrets(input.secrets_file, &secrets);
    if conversion.macros.is_numbered {
        let text = "partials stand in front of templates in the order of their names, so their names are numbered";
        conversion.report.add(
            Hint,
            &format!("{}: jinja2-macros", input.app.name),
            text,
            "keep the numbers, or the order no longer shows",
        );
    }

    let mut names = Names::default();
    let mut manifests = Vec::new();
    let kind = if input.is_cluster_wide { "ClusterCicdBase" } else { "CicdBase" };
    let mut bases = Vec::new();
    if let Some(spec) = platform(&conversion, input.core) {
        let name = names.take("platform");
        bases.push(json!({"kind": kind, "name": name}));
        let comment = format!("From {}: what templates read as configData.", input.core.0.name);
        manifests.push(Manifest::new(format!("base-{name}.yaml"), comment, kind, &name, spec));
    }
    let mut app = String::new();
    for (file, block) in layers.zip(blocks) {
        let is_app = std::ptr::eq(file, input.app);
        let name = names.take(&objects::name(objects::stem(&file.name)));
        let kind = if is_app { "CicdBase" } else { kind };
        let spec = spec(block, if is_app { &bases } else { &[] });
        manifests.push(Manifest::new(format!("base-{name}.yaml"), format!("From {}.", file.name), kind, &name, spec));
        if is_app {
            app = name;
        } else {
            bases.push(json!({"kind": kind, "name": name}));
        }
    }
    for (name, spec) in endpoints {
        let mut rest = Map::new();
        rest.insert("spec".to_owned(), spec);
        let comment = format!("From {}.", input.core.0.name);
        manifests.push(Manifest::new(format!("endpoint-{name}.yaml"), comment, "CicdEndpoint", &name, rest));
    }
    let (name, manifest) = conversion.cicd_context(input, &app, &context)?;
    manifests.push(manifest);
    let secrets = objects::secrets(&secrets, input.secrets_file);
    proof::check(&manifests, &name, &mut conversion.report);
    Ok(Converted { manifests, secrets, report: conversion.report, name, app, context })
}

/// The context that is selected, which has to be there.
fn chosen(input: &Input<'_>, merged: &Map<String, Value>) -> Result<String, ConvertError> {
    let stored = input.document.and_then(|document| document.at(&["state", NAME])).and_then(Value::as_str);
    let context = input.context.or(stored).unwrap_or(DEFAULT_CONTEXT);
    let contexts = merged.get("cicd-contexts").and_then(Value::as_object);
    if contexts.and_then(|contexts| contexts.get(context)).is_some_and(Value::is_object) {
        return Ok(context.to_owned());
    }
    let known = match contexts {
        Some(contexts) if !contexts.is_empty() => {
            let names: Vec<&str> = contexts.keys().map(String::as_str).collect();
            format!("name one of them with --cicd-context: {}", names.join(", "))
        }
        _ => "there are none".to_owned(),
    };
    Err(ConvertError::Context { file: input.app.name.clone(), context: context.to_owned(), known })
}

fn begin<'a>(input: &Input<'a>, merged: &Map<String, Value>) -> Conversion<'a> {
    let keys =
        |key: &str| merged.get(key).and_then(Value::as_object).map(|map| map.keys().cloned().collect::<Vec<_>>());
    let contexts = merged.get("cicd-contexts").and_then(Value::as_object).into_iter().flatten();
    let own = contexts.filter_map(|(_, context)| context.as_object()).flat_map(Map::keys);
    let special = ["pipelines", "variables", "state", "appPipelinesConfig", "jinja2Macros", "configData", "cicd"];
    let url = input.core.slack_url().unwrap_or_default();
    let parsed = url::Url::parse(url.trim()).ok();
    let host = parsed.as_ref().and_then(url::Url::host_str).map(str::to_owned);
    let mut allowed_hosts: Vec<String> = host.into_iter().collect();
    if allowed_hosts.iter().any(|host| host == "slack.com" || host == "www.slack.com") {
        allowed_hosts.push("hooks.slack.com".to_owned());
    }
    let none = Map::new();
    let macros = merged.get("jinja2-macros").and_then(Value::as_object).unwrap_or(&none);
    let of_app = input.app.content.get("jinja2-macros").and_then(Value::as_object).unwrap_or(&none);
    let captures = |kind: &str| input.core.0.at(&[kind, "auto-capture-response-data"]);
    Conversion {
        core: input.core,
        secrets: input.secrets,
        report: Report::default(),
        macros: Macros::new(macros),
        app_macros: of_app.keys().map(|key| (key.clone(), input.app.name.clone())).collect(),
        variables: keys("variables").unwrap_or_default(),
        settings_roots: own.filter(|key| !special.contains(&key.as_str())).cloned().collect(),
        config_keys: input.core.config_data().keys().cloned().collect(),
        config_read: BTreeSet::new(),
        endpoints: EndpointNames::new(captures("notify"), captures("manual-choice")),
        allowed_hosts,
        allows_http: parsed.is_some_and(|url| url.scheme() == "http"),
        kinds: BTreeSet::new(),
        templates: Vec::new(),
        writes: Vec::new(),
        iterators: Vec::new(),
        unsorted: Vec::new(),
        reads_pipelines: false,
        old_paths: false,
        names: BTreeMap::new(),
    }
}

/// The base with what templates read as `configData`.
fn platform(conversion: &Conversion<'_>, core: &Core) -> Option<Map<String, Value>> {
    const KNOWN: [&str; 6] = ["datasources", "slack", "trigger", "notify", "manual-choice", "templates"];
    let mut config = core.config_data().clone();
    config.retain(|key, _| {
        key != "datasources" && (!KNOWN.contains(&key.as_str()) || conversion.config_read.contains(key))
    });
    if config.is_empty() {
        return None;
    }
    let mut rest = Map::new();
    rest.insert("spec".to_owned(), json!({"templateEngine": "Jinja", "settings": {"configData": config}}));
    Some(rest)
}

fn spec(block: Block, bases: &[Value]) -> Map<String, Value> {
    let mut spec = Map::new();
    if !bases.is_empty() {
        spec.insert("bases".to_owned(), json!(bases));
    }
    spec.insert("templateEngine".to_owned(), json!("Jinja"));
    for (key, map) in [("variables", block.variables), ("partials", block.partials), ("contexts", block.contexts)] {
        if !map.is_empty() {
            spec.insert(key.to_owned(), Value::Object(map));
        }
    }
    if !block.unset.is_empty() {
        spec.insert("unset".to_owned(), json!(block.unset));
    }
    let mut rest = Map::new();
    rest.insert("spec".to_owned(), Value::Object(spec));
    rest
}

impl Conversion<'_> {
    /// What the readers of YAML found.
    fn findings<'f>(&mut self, files: impl Iterator<Item = &'f File>) {
        for file in files {
            for finding in &file.findings {
                let place = format!("{}, line {}: {}", file.name, finding.line, finding.path);
                let (severity, text, advice) = match &finding.kind {
                    FindingKind::Date(text) => {
                        (Changed, format!("a bare date was a date of Python; it is the text {text} now"), "quote it")
                    }
                    FindingKind::Key { written, read } => (
                        Changed,
                        format!(
                            "the key {written} is no text in YAML 1.1: it was {read}, which no template and no event finds; it is the text {read} now"
                        ),
                        "quote it in the file, and convert again",
                    ),
                    FindingKind::Alias(name) => (
                        Hint,
                        format!("the alias {name} is written out: a change of one place no longer changes the other"),
                        "nothing",
                    ),
                    FindingKind::Other(text) => (
                        Changed,
                        format!("JSON has no such value; it is the text {text} now"),
                        "write a text or number",
                    ),
                };
                self.report.add(severity, &place, text, advice);
            }
        }
    }

    /// The CicdContext: of a stored document, or an example of a run.
    fn cicd_context(
        &mut self,
        input: &Input<'_>,
        app: &str,
        context: &str,
    ) -> Result<(String, Manifest), ConvertError> {
        let mut spec = Map::new();
        spec.insert("context".to_owned(), json!(context));
        spec.insert("bases".to_owned(), json!([{"kind": "CicdBase", "name": app}]));
        let (name, comment, state) = match input.document {
            None => {
                let comment = format!(
                    "An example of a run; cicdctl init NAME --base CicdBase/{app} --cicd-context {context} makes others."
                );
                (app.to_owned(), comment, json!({ID: app, NAME: context}))
            }
            Some(document) => {
                let Some(Value::Object(state)) = document.at(&["state"]) else {
                    let found = kind(document.at(&["state"]));
                    return Err(ConvertError::Document { file: document.name.clone(), found });
                };
                let id = state.get(ID).map(plain_text).unwrap_or_default();
                let name = objects::name(&id);
                if name != id {
                    let text = format!("its ID {id:?} is no name of an object; the CicdContext is called {name}");
                    self.report.add(
                        Changed,
                        &format!("{}: state.{ID}", document.name),
                        text,
                        "name it so in the steps of this run",
                    );
                }
                if let Some(Value::Object(variables)) = document.at(&["variables"]) {
                    let values: Map<String, Value> =
                        variables.iter().map(|(name, value)| (name.clone(), json!(plain_text(value)))).collect();
                    spec.insert("variableValues".to_owned(), Value::Object(values));
                }
                let text = "its configuration was frozen at init; the CicdContext follows the bases, which are made of the files as they are now";
                self.report.add(Hint, &document.name, text, "convert the files that it was made with");
                (name, format!("From {}.", document.name), Value::Object(state.clone()))
            }
        };
        spec.insert("state".to_owned(), state);
        let mut rest = Map::new();
        rest.insert("spec".to_owned(), Value::Object(spec));
        Ok((name.clone(), Manifest::new(format!("context-{name}.yaml"), comment, "CicdContext", &name, rest)))
    }
}

impl Converted {
    /// The page that explains the folder: what to do next, and all remarks. `folder` is its name as it was given.
    pub fn page(&self, folder: &str) -> String {
        let Self { name, app, context, report, .. } = self;
        format!(
            "# Converted from cicdstatemgr\n\n\
             Manifests that mean what the files meant, and what there is to know of them. `secrets/` holds tokens: keep it out of \
             Git (its `.gitignore` does), and hand it to whatever keeps your secrets.\n\n\
             ## Next\n\n\
             ```sh\n\
             cicdctl validate -f {folder}   # check it, without a cluster\n\
             cicdctl explain -f {folder} -f {folder}/secrets {name} PIPELINE=EVENT   # see what an event would send\n\
             kubectl apply -f {folder}/secrets\n\
             kubectl apply -f {folder}\n\
             cicdctl init NAME --base CicdBase/{app} --cicd-context {context} --set state.cicdContextDataId=NAME --set state.cicdContextName={context}\n\
             cicdctl event NAME PIPELINE=EVENT\n\
             ```\n\n\
             What changed for everybody: a template error fails its handler and nothing is sent; a delivery that fails is repeated and \
             then visible; redirects are not followed; a token goes to the endpoint's own url only; files are read by flags of \
             `cicdctl` alone; an `if` whose text is False, None, null or 0 skips.\n\n{}",
            report.sections()
        )
    }
}
