//! Tasks and `StepAction`s.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Parameters, Place, Report, described, passes, segments, texts};
use crate::tekton::{Catalog, Reference, Unit, UnitKind, catalog::object, references};

/// What Tekton knows of a run inside of a Task.
const CONTEXT: [&[&str]; 5] =
    [&["taskRun", "name"], &["taskRun", "namespace"], &["taskRun", "uid"], &["task", "name"], &["task", "retry-count"]];

pub(super) fn check(catalog: &Catalog, document: &Value, report: &mut Report) {
    let Some(unit) = catalog.units().iter().find(|unit| is_of(unit, document)) else { return };
    described(document, report);
    let mut uses = Uses { catalog, unit, parameters: Parameters::new(&unit.params), used: BTreeSet::new() };
    // Parameters of a StepAction are declarations, those of a Step pass values.
    let mut spec = document["spec"].clone();
    if let Some(fields) = spec.as_object_mut() {
        fields.remove("params");
    }
    for place in texts("spec", &spec, &[]) {
        for reference in references(&place.text) {
            if let Some(problem) = uses.problem(&reference, &place) {
                report.add(&place.path, problem);
            }
        }
    }
    uses.parameters.report_unused(report);
    for result in &unit.results {
        if result.value.is_none() && !uses.used.contains(&format!("results.{}", result.name)) {
            report.add(&format!("spec.results.{}", result.name), "is declared and never written");
        }
    }
    for workspace in &unit.workspaces {
        if !uses.used.contains(&format!("workspaces.{}", workspace.name)) {
            report.add(&format!("spec.workspaces.{}", workspace.name), "is declared and never used");
        }
    }
    for (index, step) in unit.steps.iter().enumerate() {
        let place = if unit.kind == UnitKind::Task { format!("spec.steps[{index}]") } else { "spec".to_owned() };
        if let Some(action) = step.action() {
            match catalog.step_action(action) {
                Some(action) => passes::check(action, &step.params, &place, report),
                None => report.add(&place, format!("there is no StepAction {action}")),
            }
        } else {
            container(step, &place, report);
        }
    }
}

fn is_of(unit: &Unit, document: &Value) -> bool {
    let kind = if unit.kind == UnitKind::Task { "Task" } else { "StepAction" };
    object(document) == format!("{kind}/{}", unit.name)
}

/// The rules of this project for a container.
fn container(step: &crate::tekton::Step, place: &str, report: &mut Report) {
    if step.script.is_some() {
        report.add(place, "has a script: texts that are put in there are run");
    }
    if step.command.is_empty() {
        report.add(place, "has no command: what the image starts is not known");
    }
    let own = matches!(step.command.first().map(String::as_str), Some("cicdctl" | "kubectl"));
    let context = &step.security_context;
    for (is_kept, rule) in [
        (context["allowPrivilegeEscalation"] == false, "allowPrivilegeEscalation: false"),
        (context["capabilities"]["drop"] == serde_json::json!(["ALL"]), "capabilities: {drop: [ALL]}"),
        (context["runAsNonRoot"] == true, "runAsNonRoot: true"),
        (context["seccompProfile"]["type"] == "RuntimeDefault", "seccompProfile: {type: RuntimeDefault}"),
        (!own || context["readOnlyRootFilesystem"] == true, "readOnlyRootFilesystem: true"),
    ] {
        if !is_kept {
            report.add(&format!("{place}.securityContext"), format!("lacks {rule}"));
        }
    }
}

struct Uses<'u> {
    catalog: &'u Catalog,
    unit: &'u Unit,
    parameters: Parameters<'u>,
    used: BTreeSet<String>,
}

impl Uses<'_> {
    fn problem(&mut self, reference: &Reference, place: &Place) -> Option<String> {
        let text = &reference.text;
        let is_task = self.unit.kind == UnitKind::Task;
        match segments(reference).as_slice() {
            ["params", name] => self.parameters.use_it(name, reference, place.is_item),
            ["results", name, "path"] if is_task => self.result(name, reference),
            ["results", name, "path"] => Some(format!("{text}: a StepAction writes to $(step.results.{name}.path)")),
            ["step", "results", name, "path"] if !is_task => self.result(name, reference),
            ["steps", step, "results", name] if is_task => self.step_result(step, name, reference, place),
            ["workspaces", name, "path" | "bound"] if is_task => {
                self.used.insert(format!("workspaces.{name}"));
                let declared = self.unit.workspaces.iter().any(|workspace| workspace.name == *name);
                (!declared).then(|| format!("{text}: no workspace {name} is declared"))
            }
            ["workspaces", ..] => Some(format!("{text}: a StepAction has no workspaces: take the path as a parameter")),
            ["context", variable @ ..] if is_task && CONTEXT.contains(&variable) => None,
            ["context", ..] if !is_task => {
                Some(format!("{text}: nothing says that a StepAction knows its run: take it as a parameter"))
            }
            _ => {
                Some(format!("{text}: there is no such variable in a {}", if is_task { "Task" } else { "StepAction" }))
            }
        }
    }

    fn result(&mut self, name: &str, reference: &Reference) -> Option<String> {
        self.used.insert(format!("results.{name}"));
        let declared = self.unit.results.iter().any(|result| result.name == name);
        (!declared).then(|| format!("{}: no result {name} is declared", reference.text))
    }

    fn step_result(&self, step: &str, name: &str, reference: &Reference, place: &Place) -> Option<String> {
        let text = &reference.text;
        let at = self.unit.steps.iter().position(|found| found.name == step);
        let Some((at, action)) = at.and_then(|at| Some((at, self.unit.steps[at].action()?))) else {
            return Some(format!("{text}: no step {step} refers to a StepAction"));
        };
        // A step runs when those before it have ended, and sees nothing of those after it.
        let within =
            place.path.strip_prefix("spec.steps[").and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
        if within.is_some_and(|within| within <= at) {
            return Some(format!("{text}: step {step} has not run then"));
        }
        let declared = self.catalog.step_action(action)?.results.iter().any(|result| result.name == name);
        (!declared).then(|| format!("{text}: StepAction {action} has no result {name}"))
    }
}
