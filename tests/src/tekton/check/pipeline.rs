//! Pipelines.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{Parameters, Report, described, passes, segments, texts};
use crate::tekton::{Catalog, Parameter, Reference, references};

/// What Tekton knows of a run inside of a Pipeline.
const CONTEXT: [&[&str]; 5] = [
    &["pipelineRun", "name"],
    &["pipelineRun", "namespace"],
    &["pipelineRun", "uid"],
    &["pipeline", "name"],
    &["pipelineTask", "retries"],
];

pub(super) fn check(catalog: &Catalog, document: &Value, report: &mut Report) {
    described(document, report);
    let mut spec = document["spec"].clone();
    let declared = spec.as_object_mut().and_then(|fields| fields.remove("params")).unwrap_or_default();
    let declared = match Option::<Vec<Parameter>>::deserialize(&declared) {
        Ok(declared) => declared.unwrap_or_default(),
        Err(error) => return report.add("spec.params", format!("cannot be read: {error}")),
    };
    let parameters = Parameters::new(&declared);
    let names: BTreeSet<&str> = list(&spec["tasks"]).filter_map(|task| task["name"].as_str()).collect();
    for (field, in_finally) in [("tasks", false), ("finally", true)] {
        for (index, task) in list(&spec[field]).enumerate() {
            let place = format!("spec.{field}[{index}]");
            passes::reference(catalog, task, &place, report);
            for before in list(&task["runAfter"]) {
                if before.as_str().is_none_or(|before| !names.contains(before) || task["name"] == before) {
                    report.add(&place, format!("runAfter {before}: there is no such other task"));
                }
            }
            let uses = Uses { catalog, tasks: &spec["tasks"], own: &task["name"], in_finally };
            uses.check(&place, task, &parameters, report);
        }
    }
    let uses = Uses { catalog, tasks: &spec["tasks"], own: &Value::Null, in_finally: false };
    uses.check("spec.results", &spec["results"], &parameters, report);
    parameters.report_unused(report);
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

struct Uses<'u> {
    catalog: &'u Catalog,
    tasks: &'u Value,
    /// The task that uses something; null for results of the Pipeline.
    own: &'u Value,
    in_finally: bool,
}

impl Uses<'_> {
    fn check(&self, path: &str, value: &Value, parameters: &Parameters, report: &mut Report) {
        for place in texts(path, value, &[]) {
            for reference in references(&place.text) {
                let problem = match segments(&reference).as_slice() {
                    ["params", name] => {
                        // A text of its own may stand for a list where one is passed.
                        parameters.use_it(
                            name,
                            &reference,
                            place.is_item || place.path.rsplit('.').next() == Some("value"),
                        )
                    }
                    segments => self.problem(segments, &reference),
                };
                if let Some(problem) = problem {
                    report.add(&place.path, problem);
                }
            }
        }
    }

    fn problem(&self, segments: &[&str], reference: &Reference) -> Option<String> {
        let text = &reference.text;
        match segments {
            ["tasks", "status"] | ["tasks", _, "status"] if !self.in_finally => {
                Some(format!("{text}: a status is known in finally only"))
            }
            ["tasks", "status"] => None,
            ["tasks", name, "status"] => self.task(name).is_none().then(|| format!("{text}: there is no task {name}")),
            ["tasks", name, "results", result] => {
                let Some(task) = self.task(name) else { return Some(format!("{text}: there is no task {name}")) };
                if self.own == name {
                    return Some(format!("{text}: a task waits for itself"));
                }
                let task = self.catalog.task(task["taskRef"]["name"].as_str()?)?;
                let declared = task.results.iter().any(|declared| declared.name == *result);
                (!declared).then(|| format!("{text}: Task {} has no result {result}", task.name))
            }
            ["context", variable @ ..] if CONTEXT.contains(&variable) => None,
            _ => Some(format!("{text}: there is no such variable in a Pipeline")),
        }
    }

    fn task(&self, name: &str) -> Option<&Value> {
        list(self.tasks).find(|task| task["name"] == name)
    }
}
