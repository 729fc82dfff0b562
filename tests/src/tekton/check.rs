//! What Tekton's CRDs do not see: that every variable which is used is declared and of the right type, and the reverse; that
//! whoever refers to a Task passes what it needs; and the rules of this project (no scripts, the restricted profile).

mod passes;
mod pipeline;
#[cfg(test)]
mod tests;
mod triggers;
mod unit;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fmt::{self, Display, Formatter},
};

use serde_json::Value;

use super::{Catalog, Index, Parameter, ParameterType, Reference, catalog::object, references};

/// Something wrong in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Kind and name of the manifest.
    pub object: String,
    /// Where in it, as a path of fields.
    pub place: String,
    /// What is wrong.
    pub problem: String,
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {}", self.object, self.place, self.problem)
    }
}

/// Everything that is wrong with the manifests, in their order.
pub fn check(catalog: &Catalog) -> Vec<Fault> {
    let mut faults = Vec::new();
    for document in &catalog.documents {
        let mut report = Report { object: object(document), faults: &mut faults };
        match document["kind"].as_str() {
            Some("Task" | "StepAction") => unit::check(catalog, document, &mut report),
            Some("Pipeline") => pipeline::check(catalog, document, &mut report),
            Some("TaskRun") => passes::run(catalog, document, &mut report),
            Some("TriggerBinding") => triggers::binding(document, &mut report),
            Some("TriggerTemplate") => triggers::template(catalog, document, &mut report),
            Some("EventListener") => triggers::listener(catalog, document, &mut report),
            _ => {}
        }
    }
    faults
}

/// Takes faults of one manifest.
struct Report<'f> {
    object: String,
    faults: &'f mut Vec<Fault>,
}

impl Report<'_> {
    fn add(&mut self, place: &str, problem: impl Into<String>) {
        let fault = Fault { object: self.object.clone(), place: place.to_owned(), problem: problem.into() };
        self.faults.push(fault);
    }
}

/// A text of a manifest.
struct Place {
    path: String,
    text: String,
    /// Whether it is an item of a list, which `[*]` may replace by several.
    is_item: bool,
}

/// All texts below a value, but those for people and those in fields that `skip` names.
fn texts(path: &str, value: &Value, skip: &[&str]) -> Vec<Place> {
    let mut found = Vec::new();
    collect(path, value, skip, false, &mut found);
    found
}

fn collect(path: &str, value: &Value, skip: &[&str], is_item: bool, found: &mut Vec<Place>) {
    match value {
        Value::String(text) => found.push(Place { path: path.to_owned(), text: text.clone(), is_item }),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(&format!("{path}[{index}]"), item, skip, true, found);
            }
        }
        Value::Object(fields) => {
            for (field, value) in fields {
                if field != "description" && !skip.contains(&field.as_str()) {
                    collect(&format!("{path}.{field}"), value, skip, false, found);
                }
            }
        }
        _ => {}
    }
}

/// Declared parameters, and which of them were used.
struct Parameters<'p> {
    declared: &'p [Parameter],
    used: RefCell<BTreeSet<String>>,
}

impl<'p> Parameters<'p> {
    fn new(declared: &'p [Parameter]) -> Self {
        Self { declared, used: RefCell::default() }
    }

    /// What is wrong with the use of a parameter, if anything is.
    fn use_it(&self, name: &str, reference: &Reference, is_item: bool) -> Option<String> {
        let text = &reference.text;
        let Some(parameter) = self.declared.iter().find(|parameter| parameter.name == name) else {
            return Some(format!("{text}: no parameter {name} is declared"));
        };
        self.used.borrow_mut().insert(name.to_owned());
        match (parameter.type_, reference.index) {
            (ParameterType::String, Index::None) | (ParameterType::Array, Index::At(_)) => None,
            (ParameterType::Array, Index::All) if reference.alone && is_item => None,
            (ParameterType::String, _) => Some(format!("{text}: parameter {name} is a text, not a list")),
            (ParameterType::Array, _) => Some(format!(
                "{text}: parameter {name} is a list: write $(params.{name}[*]) alone as an item of a list"
            )),
        }
    }

    fn report_unused(&self, report: &mut Report) {
        for parameter in self.declared {
            let place = format!("spec.params.{}", parameter.name);
            if !self.used.borrow().contains(&parameter.name) {
                report.add(&place, "is declared and never used");
            }
            if let Some(default) = &parameter.default {
                let is_list = matches!(default, super::Given::List(_));
                if is_list != (parameter.type_ == ParameterType::Array) {
                    report.add(&place, "its default is of another type");
                }
            }
        }
    }
}

/// Every declaration says what it is.
fn described(value: &Value, report: &mut Report) {
    let spec = &value["spec"];
    if spec["description"].as_str().is_none_or(str::is_empty) {
        report.add("spec.description", "is missing");
    }
    for list in ["params", "results", "workspaces"] {
        for declared in spec[list].as_array().into_iter().flatten() {
            if declared["description"].as_str().is_none_or(str::is_empty) {
                let name = declared["name"].as_str().unwrap_or("?");
                report.add(&format!("spec.{list}.{name}"), "has no description");
            }
            for place in texts(&format!("spec.{list}"), &declared["default"], &[]) {
                if let [reference, ..] = references(&place.text).as_slice() {
                    report.add(&place.path, format!("{}: nothing is put in there", reference.text));
                }
            }
        }
    }
}

/// The segments of a reference.
fn segments(reference: &Reference) -> Vec<&str> {
    reference.path.iter().map(String::as_str).collect()
}
