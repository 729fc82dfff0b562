//! generate: the items of a generator, each seeing what the items before it wrote.

use serde_json::{Map, Value};

use super::{error::HandlerError, scope::Scope};
use crate::{
    configuration::model::Generate,
    state::{Limits, PlainChange, apply},
    template::truthy,
};

pub(super) fn prepare(generate: &Generate, scope: &mut Scope<'_>) -> Result<Vec<PlainChange>, HandlerError> {
    let unknown = |problem: String| HandlerError::UnknownGenerator {
        pipeline: generate.pipeline.clone(),
        generator: generate.generator.clone(),
        problem,
    };
    let pipelines = &scope.program.resolved.pipelines;
    let pipeline = pipelines
        .get(&generate.pipeline)
        .ok_or_else(|| unknown(format!("there is no such pipeline; {}", list("pipelines", pipelines.keys()))))?;
    let items = pipeline.generators.get(&generate.generator).ok_or_else(|| {
        unknown(format!("the pipeline has no such generator; {}", list("generators", pipeline.generators.keys())))
    })?;
    let mut all = Vec::new();
    for item in items {
        if let Some(condition) = &item.condition
            && !truthy(&scope.text(condition)?)
        {
            continue;
        }
        let changes = scope.changes(&item.changes)?;
        if changes.is_empty() {
            continue;
        }
        // The next item sees what this one writes; whether it may be written is decided when all of it is.
        let state: Map<String, Value> =
            scope.root().get("state").and_then(Value::as_object).cloned().unwrap_or_default();
        if let Ok(outcome) = apply(Some(&state), &changes, &Limits::default()) {
            scope.insert("state", Value::Object(outcome.state));
        }
        all.extend(changes);
    }
    Ok(all)
}

/// `the pipelines are: build, deploy`
pub(crate) fn list<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { format!("there are no {what}") } else { format!("the {what} are: {}", names.join(", ")) }
}
