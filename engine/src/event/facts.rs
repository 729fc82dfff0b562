//! An event and its context, parsed once into what can only be valid.

use cicdcontext_crds::CicdEventSpec;
use jiff::Timestamp;
use serde_json::Value;

use super::annotation::shown;
use crate::state::{
    change::{PlainChange, place::kind},
    limits::size,
    path::Path,
};

/// Names below which templates find what is ours; `vars` cannot replace them.
pub const RESERVED_ROOTS: [&str; 10] =
    ["variables", "settings", "context", "pipeline", "event", "endpoint", "handler", "body", "status", "headers"];

/// Bytes that `data`, `vars` and `set` of one event may have together, as JSON.
pub const MAX_CONTENT_BYTES: usize = 256 * 1024;

/// The context that an event belongs to, as templates see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextFacts {
    /// Name of the CicdContext.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its UID.
    pub uid: String,
}

/// What happened: an event, or the wish to run a generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// An event of this name.
    Event(String),
    /// A generator of this name is to be run.
    Generate(String),
}

/// An event as the engine sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct EventFacts {
    /// Name of the CicdEvent.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// The id of the annotation it was made from; for others its name.
    pub id: String,
    /// When it was created. Templates get it as `now`, so that rendering again gives the same.
    pub time: Timestamp,
    /// The pipeline in which it happened.
    pub pipeline: String,
    /// What happened.
    pub happened: Happened,
    /// Free-form facts.
    pub data: Value,
    /// Values that this event's templates see.
    pub vars: Vec<(Path, Value)>,
    /// Values that this event's templates see, by the path in the state that they are read from.
    pub vars_from: Vec<(Path, Path)>,
    /// Changes of state to make before the first handler.
    pub set: Vec<PlainChange>,
}

/// Why an event cannot be handled whatever the configuration says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// It came from an annotation that could not be understood.
    #[error("{0}")]
    Raw(String),
    /// pipeline is missing.
    #[error("spec.pipeline is missing: name the pipeline in which it happened")]
    NoPipeline,
    /// Neither event nor generate.
    #[error("spec.event is missing: name what happened, or in spec.generate the generator to run")]
    NothingHappened,
    /// vars is not a map.
    #[error("spec.vars is {found}: write a map of paths to values")]
    VarsShape {
        /// What it is.
        found: &'static str,
    },
    /// A path of vars or varsFrom cannot be used.
    #[error("spec.{field}: {problem}")]
    Vars {
        /// vars or varsFrom
        field: &'static str,
        /// What is wrong with the path.
        problem: String,
    },
    /// data, vars and set are too large together.
    #[error(
        "spec.data, vars, varsFrom and set have {actual} bytes, at most {MAX_CONTENT_BYTES} are allowed; put large data into the state"
    )]
    TooLarge {
        /// Bytes that they have.
        actual: usize,
    },
    /// A change of set cannot be used.
    #[error("spec.set[{index}]: {problem}")]
    Set {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// Bytes of what an event carries: `data`, `vars`, `varsFrom` and `set` as JSON.
pub fn content_bytes(spec: &CicdEventSpec) -> usize {
    size(&spec.data) + size(&spec.vars) + size(&spec.vars_from) + size(&spec.set)
}

impl EventFacts {
    /// Reads a CicdEvent's spec. `id` is the annotation's, or the event's name.
    pub fn read(spec: CicdEventSpec, name: &str, uid: &str, id: &str, time: Timestamp) -> Result<Self, FactsError> {
        if let Some(raw) = spec.raw {
            // Whoever took the annotation in said what is wrong with it; `raw` may be only its beginning.
            let problem = spec.data.as_ref().and_then(|data| data.get("problem")).and_then(Value::as_str);
            return Err(FactsError::Raw(problem.map_or_else(|| format!("read annotation: {raw:?}"), str::to_owned)));
        }
        let actual = content_bytes(&spec);
        if actual > MAX_CONTENT_BYTES {
            return Err(FactsError::TooLarge { actual });
        }
        let happened = match (spec.event, spec.generate) {
            (Some(event), None) => Happened::Event(event),
            (None, Some(generator)) => Happened::Generate(generator),
            _ => return Err(FactsError::NothingHappened),
        };
        let mut vars = Vec::new();
        match spec.vars {
            None | Some(Value::Null) => {}
            Some(Value::Object(mut map)) => {
                // Of two paths of which one leads into the other, the shorter is set first, in whatever order they were
                // written: the API server gives them back sorted.
                map.sort_keys();
                for (path, value) in map {
                    vars.push((variable_path("vars", &path)?, value));
                }
            }
            Some(other) => return Err(FactsError::VarsShape { found: kind(&other) }),
        }
        let mut vars_from = Vec::new();
        for (path, source) in spec.vars_from.unwrap_or_default() {
            let source = Path::parse(&source).map_err(|error| FactsError::Vars {
                field: "varsFrom",
                problem: format!("{}: {error}", shown(&path)),
            })?;
            vars_from.push((variable_path("varsFrom", &path)?, source));
        }
        let mut set = Vec::new();
        for (index, change) in spec.set.iter().flatten().enumerate() {
            let change = PlainChange::from_value(change)
                .map_err(|error| FactsError::Set { index, problem: error.to_string() })?;
            set.push(change);
        }
        Ok(Self {
            name: name.to_owned(),
            uid: uid.to_owned(),
            id: id.to_owned(),
            time,
            pipeline: spec.pipeline.ok_or(FactsError::NoPipeline)?,
            happened,
            data: spec.data.unwrap_or(Value::Null),
            vars,
            vars_from,
            set,
        })
    }

    /// `build=success`, or `build.dockerfile` for a generator.
    pub fn label(&self) -> String {
        match &self.happened {
            Happened::Event(event) => format!("{}={event}", self.pipeline),
            Happened::Generate(generator) => format!("{}.{generator}", self.pipeline),
        }
    }
}

fn variable_path(field: &'static str, text: &str) -> Result<Path, FactsError> {
    let path = Path::parse_any_root(text)
        .map_err(|error| FactsError::Vars { field, problem: format!("{}: {error}", shown(text)) })?;
    if RESERVED_ROOTS.contains(&path.root()) {
        let problem = format!("{text}: {} is a reserved name; choose another one, or a path below state", path.root());
        return Err(FactsError::Vars { field, problem });
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(spec: Value) -> Result<EventFacts, FactsError> {
        let spec: CicdEventSpec = serde_json::from_value(spec).unwrap();
        EventFacts::read(spec, "e", "uid", "e", Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn vars_cannot_replace_what_is_ours() {
        let error =
            read(json!({"contextRef": {"name": "c"}, "pipeline": "b", "event": "s", "vars": {"settings.x": 1}}))
                .unwrap_err();
        assert_eq!(
            error.to_string(),
            "spec.vars: settings.x: settings is a reserved name; choose another one, or a path below state"
        );
    }

    #[test]
    fn vars_are_set_from_the_outside_in_whatever_the_order_in_which_they_are_written() {
        let vars = serde_json::from_str::<Value>(r#"{"ctx.b": {"z": 1, "a": 2}, "ctx.a.x": 1, "ctx.a": {}}"#).unwrap();
        let facts = read(json!({"contextRef": {"name": "c"}, "pipeline": "b", "event": "s", "vars": vars})).unwrap();
        let vars: Vec<String> = facts.vars.iter().map(|(path, value)| format!("{path} {value}")).collect();
        assert_eq!(vars, ["ctx.a {}", "ctx.a.x 1", r#"ctx.b {"z":1,"a":2}"#], "a value keeps its own order");
    }

    #[test]
    fn an_event_with_more_than_256_kib_is_refused_with_its_size() {
        let data = "x".repeat(MAX_CONTENT_BYTES);
        let error =
            read(json!({"contextRef": {"name": "c"}, "pipeline": "b", "event": "s", "data": data})).unwrap_err();
        assert!(error.to_string().contains(" bytes, at most 262144 are allowed"), "{error}");
    }

    #[test]
    fn of_a_path_of_vars_that_is_too_long_only_the_beginning_is_told() {
        let vars = json!({"a".repeat(12_000): 1});
        let error =
            read(json!({"contextRef": {"name": "c"}, "pipeline": "b", "event": "s", "vars": vars})).unwrap_err();
        assert!(error.to_string().starts_with(&format!("spec.vars: {}...: ", "a".repeat(80))), "{error}");
        assert!(error.to_string().len() < 300, "{error}");
    }

    #[test]
    fn vars_must_be_a_map() {
        let error = read(json!({"contextRef": {"name": "c"}, "pipeline": "b", "event": "s", "vars": [1]})).unwrap_err();
        assert_eq!(error.to_string(), "spec.vars is a list: write a map of paths to values");
    }

    #[test]
    fn a_wrong_change_is_named_by_its_place() {
        let error = read(json!({"contextRef": {"name": "c"}, "pipeline": "b", "event": "s",
            "set": [{"path": "state.a", "value": 1}, {"path": "stat.b", "value": 1}]}))
        .unwrap_err();
        assert!(error.to_string().starts_with("spec.set[1]: "), "{error}");
    }
}
