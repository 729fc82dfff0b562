//! `TriggerBinding`s, `TriggerTemplate`s and `EventListener`s, for which there are no CRDs at hand.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Report, passes, segments, texts};
use crate::tekton::{Catalog, Index, references};

pub(super) fn binding(document: &Value, report: &mut Report) {
    for parameter in list(&document["spec"]["params"]) {
        let place = format!("spec.params.{}", name(parameter));
        let used = references(parameter["value"].as_str().unwrap_or_default());
        for reference in &used {
            if !matches!(
                segments(reference).as_slice(),
                ["body" | "header" | "extensions", _, ..] | ["context", "eventID"]
            ) {
                report.add(
                    &place,
                    format!("{}: a binding reads body, header, extensions and context.eventID", reference.text),
                );
            }
        }
        if used.is_empty() {
            report.add(&place, "reads nothing of the request");
        }
    }
}

pub(super) fn template(catalog: &Catalog, document: &Value, report: &mut Report) {
    let spec = &document["spec"];
    let declared = names(&spec["params"]);
    let mut used = BTreeSet::new();
    for place in texts("spec.resourcetemplates", &spec["resourcetemplates"], &[]) {
        for reference in references(&place.text) {
            let text = &reference.text;
            match (segments(&reference).as_slice(), reference.index) {
                (["tt", "params", name], Index::None) if declared.contains(*name) => {
                    used.insert((*name).to_owned());
                }
                (["tt", "params", name], Index::None) => {
                    report.add(&place.path, format!("{text}: no parameter {name} is declared"));
                }
                _ => report.add(&place.path, format!("{text}: a template knows $(tt.params.NAME) only")),
            }
        }
    }
    for name in declared.difference(&used) {
        report.add(&format!("spec.params.{name}"), "is declared and never used");
    }
    for (index, resource) in list(&spec["resourcetemplates"]).enumerate() {
        let place = format!("spec.resourcetemplates[{index}]");
        if resource["kind"] == "TaskRun" {
            passes::reference(catalog, &resource["spec"], &format!("{place}.spec"), report);
        } else {
            report.add(&place, format!("{} is no kind that is checked", resource["kind"]));
        }
        if resource["metadata"].get("generateName").is_none() {
            report.add(&place, "has no generateName: the second request would find the name taken");
        }
    }
}

pub(super) fn listener(catalog: &Catalog, document: &Value, report: &mut Report) {
    for (index, trigger) in list(&document["spec"]["triggers"]).enumerate() {
        let place = format!("spec.triggers[{index}]");
        let mut bound = BTreeSet::new();
        for binding in list(&trigger["bindings"]) {
            let name = binding["ref"].as_str().unwrap_or_default();
            match catalog.document("TriggerBinding", name) {
                Some(binding) => bound.extend(names(&binding["spec"]["params"])),
                None => report.add(&place, format!("there is no TriggerBinding {name}")),
            }
        }
        let name = trigger["template"]["ref"].as_str().unwrap_or_default();
        let Some(template) = catalog.document("TriggerTemplate", name) else {
            report.add(&place, format!("there is no TriggerTemplate {name}"));
            continue;
        };
        let needed = names(&template["spec"]["params"]);
        for parameter in needed.difference(&bound) {
            report.add(&place, format!("no binding has the parameter {parameter} of TriggerTemplate {name}"));
        }
        for parameter in bound.difference(&needed) {
            report.add(&place, format!("TriggerTemplate {name} has no parameter {parameter}"));
        }
        if list(&trigger["interceptors"]).next().is_none() {
            report.add(&place, "has no interceptor: it takes requests of anybody");
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap_or("?")
}

fn names(parameters: &Value) -> BTreeSet<String> {
    list(parameters).map(|parameter| name(parameter).to_owned()).collect()
}
