//! Whoever refers to a Task or a `StepAction` passes the parameters that it needs, and no others.

use serde::Deserialize;
use serde_json::Value;

use super::{Report, texts};
use crate::tekton::{Catalog, Given, Index, ParameterType, Unit, catalog::NamedValue, references};

/// Checks what is passed.
pub(super) fn check(unit: &Unit, passed: &[NamedValue], place: &str, report: &mut Report) {
    for parameter in &unit.params {
        if parameter.default.is_none() && passed.iter().all(|passed| passed.name != parameter.name) {
            report.add(place, format!("{} needs the parameter {}", unit.name, parameter.name));
        }
    }
    for (index, NamedValue { name, value }) in passed.iter().enumerate() {
        match unit.params.iter().find(|parameter| parameter.name == *name) {
            None => report.add(place, format!("{} has no parameter {name}", unit.name)),
            Some(parameter) if is_list(value) != (parameter.type_ == ParameterType::Array) => {
                report.add(place, format!("parameter {name} of {} is of another type", unit.name));
            }
            Some(_) => {}
        }
        if passed[..index].iter().any(|earlier| earlier.name == *name) {
            report.add(place, format!("parameter {name} is passed twice"));
        }
    }
}

/// A list, or a text that stands for one.
fn is_list(value: &Given) -> bool {
    match value {
        Given::List(_) => true,
        Given::Text(text) => {
            matches!(references(text).as_slice(), [all] if all.alone && all.index == Index::All)
        }
    }
}

/// Checks a reference to a Task with parameters and workspaces, as Pipelines and `TaskRun`s have it.
pub(super) fn reference(catalog: &Catalog, value: &Value, place: &str, report: &mut Report) {
    let Some(name) = value["taskRef"]["name"].as_str() else {
        return report.add(place, "names no Task");
    };
    let Some(task) = catalog.task(name) else {
        return report.add(place, format!("there is no Task {name}"));
    };
    match Option::<Vec<NamedValue>>::deserialize(&value["params"]) {
        Ok(passed) => check(task, &passed.unwrap_or_default(), place, report),
        Err(error) => report.add(place, format!("its params cannot be read: {error}")),
    }
    let bound: Vec<_> = value["workspaces"].as_array().into_iter().flatten().map(|bound| &bound["name"]).collect();
    for workspace in &task.workspaces {
        if !workspace.optional && !bound.iter().any(|bound| **bound == *workspace.name) {
            report.add(place, format!("{name} needs the workspace {}", workspace.name));
        }
    }
    for bound in bound {
        if !task.workspaces.iter().any(|workspace| *bound == *workspace.name) {
            report.add(place, format!("{name} has no workspace {bound}"));
        }
    }
}

/// A `TaskRun` by itself has no variables.
pub(super) fn run(catalog: &Catalog, document: &Value, report: &mut Report) {
    reference(catalog, &document["spec"], "spec", report);
    for place in texts("spec", &document["spec"], &[]) {
        for found in references(&place.text) {
            report.add(&place.path, format!("{}: nothing is put in there", found.text));
        }
    }
}
