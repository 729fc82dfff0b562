//! The containers of a Task, as they are once Tekton has put in the values of a run. Must not know how they are started.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::Value;
use thiserror::Error;

use super::{
    Catalog, Given, Index, Reference, Step, Unit,
    catalog::{NamedValue, Parameter, ParameterType},
    references,
};

/// Why a Task cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StartError {
    /// Nothing is called so.
    #[error("start {kind} {name}: there is none of this name")]
    Unknown {
        /// Task or `StepAction`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A parameter without a default is not given.
    #[error("start {unit}: parameter {parameter} has no default and is not given")]
    Missing {
        /// The Task or `StepAction`.
        unit: String,
        /// The parameter.
        parameter: String,
    },
    /// A parameter is given that is not declared.
    #[error("start {unit}: there is no parameter {parameter}")]
    NotDeclared {
        /// The Task or `StepAction`.
        unit: String,
        /// The parameter.
        parameter: String,
    },
    /// A text is given for a list, or a list for a text.
    #[error("start {unit}: parameter {parameter} is of another type")]
    WrongType {
        /// The Task or `StepAction`.
        unit: String,
        /// The parameter.
        parameter: String,
    },
    /// A variable has no value.
    #[error("start {unit}: {variable} has no value")]
    NoValue {
        /// The Task or `StepAction`.
        unit: String,
        /// The variable.
        variable: String,
    },
}

/// What a run puts in.
#[derive(Clone, Debug)]
pub struct Run<'r> {
    /// UID of the `TaskRun`.
    pub uid: &'r str,
    /// Name of the `TaskRun`.
    pub name: &'r str,
    /// Its namespace.
    pub namespace: &'r str,
    /// Where Tekton's own files are, `/tekton` in a Pod: results are below it.
    pub folder: &'r Path,
    /// Where each workspace is mounted.
    pub workspaces: &'r [(&'r str, &'r Path)],
    /// The parameters that are given.
    pub given: &'r [(&'r str, Given)],
}

/// A container of a Task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Name of the step.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Its program.
    pub command: Vec<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// Where it starts, if the step says so.
    pub working_dir: Option<String>,
    /// Its security context, as the step has it.
    pub security_context: Value,
}

/// A Task with the values of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its containers, which run one after the other.
    pub containers: Vec<Container>,
    /// The file of each result, which a container writes; its folder has to be there.
    pub results: Vec<(String, PathBuf)>,
}

impl Catalog {
    /// What Tekton starts for a Task.
    ///
    /// # Errors
    ///
    /// When Tekton would not: a parameter is missing, unknown or of another type, or a variable has no value.
    pub fn start(&self, task: &str, run: &Run) -> Result<Started, StartError> {
        let unit = self.task(task).ok_or_else(|| StartError::Unknown { kind: "Task", name: task.to_owned() })?;
        let given = run.given.iter().map(|(name, value)| NamedValue { name: (*name).to_owned(), value: value.clone() });
        let values = values(unit, given.collect())?;
        let scope = Scope { unit, run, values, step: None };
        let container = |step: &Step| match step.action() {
            None => scope.container(&step.name, step),
            Some(action) => self.action(&scope, step, action),
        };
        let containers = unit.steps.iter().map(container).collect::<Result<_, _>>()?;
        let file = |(name, value): (&String, Option<&String>)| {
            let from = value.and_then(|value| references(value).into_iter().next());
            match from.as_ref().map(|from| from.path.iter().map(String::as_str).collect::<Vec<_>>()).as_deref() {
                Some(["steps", step, "results", result]) => step_result(run.folder, step, result),
                _ => run.folder.join("results").join(name),
            }
        };
        let declared = unit.results.iter();
        let results =
            declared.map(|result| (result.name.clone(), file((&result.name, result.value.as_ref())))).collect();
        Ok(Started { containers, results })
    }

    fn action(&self, task: &Scope, step: &Step, action: &str) -> Result<Container, StartError> {
        let unknown = || StartError::Unknown { kind: "StepAction", name: action.to_owned() };
        let unit = self.step_action(action).ok_or_else(unknown)?;
        let put_in = |passed: &NamedValue| {
            let value = match &passed.value {
                Given::Text(text) => Given::Text(task.text(text)?),
                Given::List(list) => Given::List(task.list(list)?),
            };
            Ok(NamedValue { name: passed.name.clone(), value })
        };
        let passed = step.params.iter().map(put_in).collect::<Result<_, _>>()?;
        let scope = Scope { unit, run: task.run, values: values(unit, passed)?, step: Some(&step.name) };
        let Some(described) = unit.steps.first() else { return Err(unknown()) };
        scope.container(&step.name, described)
    }
}

/// Where a `StepAction` writes a result.
fn step_result(folder: &Path, step: &str, result: &str) -> PathBuf {
    folder.join("steps").join(format!("step-{step}")).join("results").join(result)
}

/// The value of each parameter.
fn values(unit: &Unit, given: Vec<NamedValue>) -> Result<BTreeMap<String, Given>, StartError> {
    let mut given: BTreeMap<_, _> = given.into_iter().map(|given| (given.name, given.value)).collect();
    let mut values = BTreeMap::new();
    for Parameter { name, type_, default, .. } in &unit.params {
        let failed = (unit.name.clone(), name.clone());
        let Some(value) = given.remove(name).or_else(|| default.clone()) else {
            return Err(StartError::Missing { unit: failed.0, parameter: failed.1 });
        };
        if matches!(value, Given::List(_)) != (*type_ == ParameterType::Array) {
            return Err(StartError::WrongType { unit: failed.0, parameter: failed.1 });
        }
        values.insert(name.clone(), value);
    }
    match given.into_keys().next() {
        None => Ok(values),
        Some(parameter) => Err(StartError::NotDeclared { unit: unit.name.clone(), parameter }),
    }
}

/// The variables of one Task or `StepAction`.
struct Scope<'s> {
    unit: &'s Unit,
    run: &'s Run<'s>,
    values: BTreeMap<String, Given>,
    /// The step that uses the `StepAction`.
    step: Option<&'s str>,
}

impl Scope<'_> {
    fn container(&self, name: &str, step: &Step) -> Result<Container, StartError> {
        let variable = |variable: &super::Variable| Ok((variable.name.clone(), self.text(&variable.value)?));
        Ok(Container {
            name: name.to_owned(),
            image: self.text(&step.image)?,
            command: self.list(&step.command)?,
            args: self.list(&step.args)?,
            env: step.env.iter().map(variable).collect::<Result<_, _>>()?,
            working_dir: step.working_dir.as_deref().map(|folder| self.text(folder)).transpose()?,
            security_context: step.security_context.clone(),
        })
    }

    fn list(&self, items: &[String]) -> Result<Vec<String>, StartError> {
        let mut put_in = Vec::new();
        for item in items {
            match references(item).as_slice() {
                [all] if all.alone && all.index == Index::All => match self.value(all)? {
                    Given::List(list) => put_in.extend(list),
                    Given::Text(text) => put_in.push(text),
                },
                _ => put_in.push(self.text(item)?),
            }
        }
        Ok(put_in)
    }

    fn text(&self, text: &str) -> Result<String, StartError> {
        let mut put_in = String::new();
        let mut rest = text;
        for reference in references(text) {
            let Given::Text(value) = self.value(&reference)? else { return Err(self.no_value(&reference)) };
            let Some((before, after)) = rest.split_once(&reference.text) else { continue };
            put_in.push_str(before);
            put_in.push_str(&value);
            rest = after;
        }
        Ok(put_in + rest)
    }

    fn no_value(&self, reference: &Reference) -> StartError {
        StartError::NoValue { unit: self.unit.name.clone(), variable: reference.text.clone() }
    }

    fn value(&self, reference: &Reference) -> Result<Given, StartError> {
        let path: Vec<&str> = reference.path.iter().map(String::as_str).collect();
        let shown = |path: &Path| path.display().to_string();
        let text = match (path.as_slice(), self.step) {
            (["params", name], _) => {
                let value = match (self.values.get(*name), reference.index) {
                    (Some(Given::List(list)), Index::At(at)) => list.get(at).cloned().map(Given::Text),
                    (value, _) => value.cloned(),
                };
                return value.ok_or_else(|| self.no_value(reference));
            }
            (["context", "taskRun", "uid"], None) => Some(self.run.uid.to_owned()),
            (["context", "taskRun", "name"], None) => Some(self.run.name.to_owned()),
            (["context", "taskRun", "namespace"], None) => Some(self.run.namespace.to_owned()),
            (["context", "task", "name"], None) => Some(self.unit.name.clone()),
            (["results", name, "path"], None) => Some(shown(&self.run.folder.join("results").join(name))),
            (["step", "results", name, "path"], Some(step)) => Some(shown(&step_result(self.run.folder, step, name))),
            (["workspaces", name, "path"], None) => {
                self.run.workspaces.iter().find(|(mounted, _)| mounted == name).map(|(_, path)| shown(path))
            }
            _ => None,
        };
        text.map(Given::Text).ok_or_else(|| self.no_value(reference))
    }
}
