//! What manifests of Tekton declare, read into types. Must not know what is right or wrong in them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// Why manifests cannot be read.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// A file or folder cannot be read.
    #[error("read {}: {source}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not YAML.
    #[error("read {place}: {source}")]
    Yaml {
        /// Which one.
        place: String,
        /// Why.
        source: Box<serde_saphyr::Error>,
    },
    /// A manifest has not the form of its kind.
    #[error("read {object}: {source}")]
    Form {
        /// Kind and name.
        object: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// Whether a parameter is one text or a list of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterType {
    /// One text.
    #[default]
    String,
    /// A list of texts.
    Array,
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Given {
    /// One text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl From<&str> for Given {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<const N: usize> From<[&str; N]> for Given {
    fn from(list: [&str; N]) -> Self {
        Self::List(list.map(str::to_owned).to_vec())
    }
}

/// A declared parameter.
#[derive(Clone, Debug, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// One text, or a list.
    #[serde(default, rename = "type")]
    pub type_: ParameterType,
    /// What it is, for people.
    #[serde(default)]
    pub description: String,
    /// Its value where none is given; without one it has to be.
    pub default: Option<Given>,
}

/// A parameter that is passed on.
#[derive(Clone, Debug, Deserialize)]
pub struct NamedValue {
    /// Whose value.
    pub name: String,
    /// The value.
    pub value: Given,
}

/// A declared result.
#[derive(Clone, Debug, Deserialize)]
pub struct ResultDeclaration {
    /// Its name.
    pub name: String,
    /// What it is, for people.
    #[serde(default)]
    pub description: String,
    /// Where it comes from, if no step writes it into a file of its own.
    pub value: Option<String>,
}

/// A declared workspace.
#[derive(Clone, Debug, Deserialize)]
pub struct Workspace {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Whether it may be left out.
    #[serde(default)]
    pub optional: bool,
}

/// A variable of the environment.
#[derive(Clone, Debug, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// The name of another object.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

/// One container of a Task, or what a `StepAction` says of one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Step {
    /// Its name; a `StepAction` has none here.
    pub name: String,
    #[serde(rename = "ref")]
    pub(super) reference: Option<Named>,
    /// What it passes to the `StepAction` that it refers to.
    pub params: Vec<NamedValue>,
    /// The image.
    pub image: String,
    /// The program.
    pub command: Vec<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<Variable>,
    /// A script in the place of a command.
    pub script: Option<String>,
    /// Where it starts.
    pub working_dir: Option<String>,
    /// The container's security context, as it stands there.
    pub security_context: Value,
}

impl Step {
    /// The `StepAction` that this refers to.
    pub fn action(&self) -> Option<&str> {
        self.reference.as_ref().map(|reference| reference.name.as_str())
    }
}

/// Which of the two kinds with steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    /// A Task.
    Task,
    /// A `StepAction`, which is one step.
    StepAction,
}

/// A Task or a `StepAction`.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Which of both.
    pub kind: UnitKind,
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub params: Vec<Parameter>,
    /// Its results.
    pub results: Vec<ResultDeclaration>,
    /// Its workspaces; a `StepAction` has none.
    pub workspaces: Vec<Workspace>,
    /// Its steps; of a `StepAction` exactly one.
    pub steps: Vec<Step>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Declarations {
    params: Vec<Parameter>,
    results: Vec<ResultDeclaration>,
    workspaces: Vec<Workspace>,
}

/// All manifests of a folder.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub(super) documents: Vec<Value>,
    pub(super) units: Vec<Unit>,
}

impl Catalog {
    /// Reads every `*.yaml` of a folder and of those below it.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, is not YAML, or holds a Task that is none.
    pub fn read(folder: &Path) -> Result<Self, CatalogError> {
        let mut files = Vec::new();
        list(folder, &mut files)?;
        files.sort();
        let mut catalog = Self::default();
        for file in files {
            let text = fs::read_to_string(&file).map_err(|source| CatalogError::Read { path: file.clone(), source })?;
            catalog.add(&file.display().to_string(), &text)?;
        }
        Ok(catalog)
    }

    /// Adds the documents of a text; `place` is what an error names.
    ///
    /// # Errors
    ///
    /// When it is not YAML, or holds a Task that is none.
    pub fn add(&mut self, place: &str, text: &str) -> Result<(), CatalogError> {
        let yaml = |source| CatalogError::Yaml { place: place.to_owned(), source: Box::new(source) };
        let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(yaml)?;
        for document in documents {
            let form = |source| CatalogError::Form { object: object(&document), source };
            if let Some(unit) = unit(&document).map_err(form)? {
                self.units.push(unit);
            }
            self.documents.push(document);
        }
        Ok(())
    }

    /// The Task of this name.
    pub fn task(&self, name: &str) -> Option<&Unit> {
        self.unit(UnitKind::Task, name)
    }

    /// The `StepAction` of this name.
    pub fn step_action(&self, name: &str) -> Option<&Unit> {
        self.unit(UnitKind::StepAction, name)
    }

    /// All Tasks and `StepAction`s.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// All manifests, as they are.
    pub fn documents(&self) -> &[Value] {
        &self.documents
    }

    fn unit(&self, kind: UnitKind, name: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.kind == kind && unit.name == name)
    }

    /// The manifest of a kind and name.
    pub(super) fn document(&self, kind: &str, name: &str) -> Option<&Value> {
        self.documents.iter().find(|document| document["kind"] == kind && document["metadata"]["name"] == name)
    }
}

/// Kind and name of a manifest, as messages name it.
pub(super) fn object(document: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let metadata = &document["metadata"];
    let name = metadata.get("name").or_else(|| metadata.get("generateName")).unwrap_or(&Value::Null);
    format!("{}/{}", text(&document["kind"]), text(name))
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), CatalogError> {
    let read = |source| CatalogError::Read { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    Ok(())
}

fn unit(document: &Value) -> Result<Option<Unit>, serde_json::Error> {
    let kind = match document["kind"].as_str() {
        Some("Task") => UnitKind::Task,
        Some("StepAction") => UnitKind::StepAction,
        _ => return Ok(None),
    };
    let mut spec = document["spec"].clone();
    let Declarations { params, results, workspaces } = Declarations::deserialize(&spec)?;
    let steps = match kind {
        UnitKind::Task => Vec::deserialize(&spec["steps"])?,
        UnitKind::StepAction => {
            // A Step passes parameters, what it refers to declares them, under the same key.
            if let Some(fields) = spec.as_object_mut() {
                fields.remove("params");
            }
            vec![Step::deserialize(&spec)?]
        }
    };
    let name = document["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    Ok(Some(Unit { kind, name, params, results, workspaces, steps }))
}
