//! The files that the predecessor wrote after each command, for whoever reads them: `yamlfile`, `jsonfile`, `shellfile` and
//! `idfile` of the core config. They are written only: the document is read from its store.

mod shell;

use std::{
    fs::{self, DirBuilder},
    path::{Path, PathBuf},
};

use cicdcontext_compat::{
    document::Document,
    files::{Core, Secrets, kind},
    merge::merge,
    notice::Notice,
    template::{python_json_lines, python_yaml},
};
use serde_json::{Map, Value};

use super::{failure::Failure, session::Session};
use crate::output::file::{self, FileError, FileProblem, FileWrite, How, Mode};

/// The key of the stores in core config and secrets.
const STORES: &str = "datasources";

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Yaml,
    Json,
    Shell { without: Vec<String> },
    Id,
}

/// The files that are configured, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mirrors {
    files: Vec<(String, PathBuf, Form)>,
    /// Whether there is a `redis`, which nobody talks to.
    pub names_redis: bool,
    /// Stores that there are not.
    pub unknown: Vec<String>,
}

impl Mirrors {
    /// Reads what is configured: the secrets' part over that of the core config.
    pub(super) fn read(core: &Core, secrets: &Secrets) -> Result<Self, Failure> {
        let part = |content: &Map<String, Value>| {
            let stores = content.get(STORES).cloned();
            stores.map(|stores| Map::from_iter([(STORES.to_owned(), stores)])).unwrap_or_default()
        };
        let (of_core, of_secrets) = (part(core.config_data()), part(secrets.secret_data()));
        let mut merged = merge([(core.0.name.as_str(), &of_core), ("the secrets", &of_secrets)])?;
        let stores = match merged.remove(STORES) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(stores)) => stores,
            Some(other) => {
                let problem = format!("it is {}; write a map of stores", kind(Some(&other)));
                return Err(Failure::Mirror { name: String::new(), problem });
            }
        };
        let mut mirrors = Self::default();
        for (name, settings) in stores {
            let failed = |problem: String| Failure::Mirror { name: name.clone(), problem };
            let form = match name.as_str() {
                "yamlfile" => Form::Yaml,
                "jsonfile" => Form::Json,
                "shellfile" => Form::Shell { without: excluded(settings.get("excludeKeyNames")).map_err(failed)? },
                "idfile" => Form::Id,
                "redis" => {
                    mirrors.names_redis = true;
                    continue;
                }
                _ => {
                    mirrors.unknown.push(name);
                    continue;
                }
            };
            let path = settings.get("path");
            let Some(Value::String(path)) = path.filter(|path| *path != "") else {
                return Err(failed(format!("path is {}; write the name of a file", kind(path))));
            };
            let path = PathBuf::from(path);
            mirrors.files.push((name, path, form));
        }
        Ok(mirrors)
    }

    /// Whether the file that the predecessor read from is not there or empty: then it wrote all of them also when it was only
    /// asked for a value.
    pub(super) fn is_unfilled(&self) -> bool {
        let read_from = self.files.iter().find(|(_, _, form)| matches!(form, Form::Yaml | Form::Json));
        read_from.is_some_and(|(_, path, _)| fs::metadata(path).map_or(true, |about| about.len() == 0))
    }

    /// The files, and what people should know.
    fn render(&self, id: &str, document: &Document) -> Result<(Vec<FileWrite>, Vec<Notice>), Failure> {
        let whole = Value::Object(document.0.clone());
        let mut notices = Vec::new();
        let mut writes = Vec::with_capacity(self.files.len());
        for (name, path, form) in &self.files {
            let content = match form {
                Form::Yaml => python_yaml(&whole)?,
                Form::Json => python_json_lines(&whole)?,
                Form::Id => id.to_owned(),
                Form::Shell { without } => {
                    let (text, collisions) = shell::file(&document.0, without);
                    notices.extend(collisions.into_iter().map(|collision| Notice {
                        place: format!("{STORES}.{name}"),
                        text: collision,
                        anchor: "shell-file",
                    }));
                    text
                }
            };
            writes.push(FileWrite { path: path.clone(), content, mode: Mode::Umask, how: How::Replace });
        }
        Ok((writes, notices))
    }
}

fn excluded(names: Option<&Value>) -> Result<Vec<String>, String> {
    let wrong = |found: &Value| format!("excludeKeyNames is {}; write a list of key names", kind(Some(found)));
    match names {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(names)) => {
            names.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(|| wrong(name))).collect()
        }
        Some(other) => Err(wrong(other)),
    }
}

impl Session<'_> {
    /// Writes the mirror files of a run: all are complete before the first one takes its place.
    pub(super) fn write_mirrors(&mut self, id: &str, document: &Document) -> Result<(), Failure> {
        let (writes, notices) = self.mirrors.render(id, document)?;
        self.notices(&notices);
        for write in &writes {
            if let Some(folder) = write.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                make(folder).map_err(|problem| FileError { path: write.path.clone(), problem })?;
            }
        }
        Ok(file::write(&writes)?)
    }
}

fn make(folder: &Path) -> Result<(), FileProblem> {
    DirBuilder::new().recursive(true).create(folder).map_err(FileProblem::Other)
}

#[cfg(test)]
mod tests;
