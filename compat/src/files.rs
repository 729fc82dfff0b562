//! The predecessor's files: core config, secrets, bases and app file, each read from its text.
//!
//! Knows nothing of where they lie. An error names the file and the key; what a file of secrets holds is in no error.

use serde_json::{Map, Value};

use crate::{
    template::python_text,
    yaml::{self, Finding, YamlError},
};

/// The key that core config and secrets stand below.
pub const ROOT: &str = "cicdstatemgr";

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is no YAML.
    #[error("read {file}: {problem}")]
    Yaml {
        /// Its name, as it was given.
        file: String,
        /// What is wrong.
        problem: YamlError,
    },
    /// Something is missing or of another type.
    #[error("read {file}: {path} is {found}; {expected}")]
    Shape {
        /// Its name, as it was given.
        file: String,
        /// Where.
        path: String,
        /// What stands there: `missing`, `a list` ...
        found: &'static str,
        /// What would be right.
        expected: &'static str,
    },
}

/// A file of which the root is known to be a map.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Its name, as it was given.
    pub name: String,
    /// What it holds, below the root key where it has one.
    pub content: Map<String, Value>,
    /// What is not as it looks in it.
    pub findings: Vec<Finding>,
}

impl File {
    /// Reads a base or an app file.
    pub fn layer(name: &str, text: &str) -> Result<Self, FileError> {
        let read = yaml::read(text).map_err(|problem| FileError::Yaml { file: name.to_owned(), problem })?;
        let found = kind(Some(&read.value));
        let Value::Object(content) = read.value else {
            return Err(FileError::Shape {
                file: name.to_owned(),
                path: "the file".to_owned(),
                found,
                expected: "write a map of bases, jinja2-macros, variables and cicd-contexts",
            });
        };
        Ok(Self { name: name.to_owned(), content, findings: read.findings })
    }

    /// Reads what stands below the root key of core config or secrets.
    fn below_root(name: &str, text: &str) -> Result<Self, FileError> {
        let read = yaml::read(text).map_err(|problem| FileError::Yaml { file: name.to_owned(), problem })?;
        let root = read.value.get(ROOT);
        let Some(Value::Object(content)) = root else {
            return Err(FileError::Shape {
                file: name.to_owned(),
                path: ROOT.to_owned(),
                found: kind(root),
                expected: "everything stands below this root key",
            });
        };
        Ok(Self { name: name.to_owned(), content: content.clone(), findings: read.findings })
    }

    /// The base files that an app file lists, in their order. Anything but a list means none, as ever.
    pub fn bases(&self) -> Vec<&str> {
        let listed = self.content.get("bases").and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn shape(&self, path: impl Into<String>, found: Option<&Value>, expected: &'static str) -> FileError {
        FileError::Shape { file: self.name.clone(), path: path.into(), found: kind(found), expected }
    }

    /// What stands at a path of names.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.content.get(*first)?, |value, name| value.get(name))
    }

    /// The text at a path of names.
    fn text(&self, path: &[&str], expected: &'static str) -> Result<&str, FileError> {
        let found = self.at(path);
        found.and_then(Value::as_str).ok_or_else(|| self.shape(path.join("."), found, expected))
    }
}

/// The name and value of a header of trigger requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Name, as written.
    pub name: String,
    /// Template of the value.
    pub value: String,
}

/// A capture that is configured: both are templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// What is written. None where the configuration holds no text.
    pub from: String,
    /// Where to.
    pub to: String,
}

/// The core config.
#[derive(Clone, Debug, PartialEq)]
pub struct Core(pub File);

impl Core {
    /// Reads it.
    pub fn read(name: &str, text: &str) -> Result<Self, FileError> {
        File::below_root(name, text).map(Self)
    }

    /// `configData`.
    pub fn config_data(&self) -> &Map<String, Value> {
        &self.0.content
    }

    /// Where notify and manual-choice go.
    pub fn slack_url(&self) -> Result<&str, FileError> {
        self.0.text(&["slack", "url"], "notify and manual-choice POST to it: write a URL")
    }

    /// Where trigger-pipeline goes.
    pub fn trigger_url(&self) -> Result<&str, FileError> {
        self.0.text(&["trigger", "url"], "trigger-pipeline POSTs to it: write a URL")
    }

    /// Headers of trigger requests. A missing list is empty.
    pub fn trigger_headers(&self) -> Result<Vec<Header>, FileError> {
        let Some(listed) = self.0.at(&["trigger", "headers"]) else { return Ok(Vec::new()) };
        let expected = "write a list of {name, value}";
        let items = listed.as_array().ok_or_else(|| self.0.shape("trigger.headers", Some(listed), expected))?;
        let header = |(index, item): (usize, &Value)| {
            let name = item.get("name").and_then(Value::as_str);
            match (name, item.get("value")) {
                (Some(name), Some(value)) => Ok(Header { name: name.to_owned(), value: plain_text(value) }),
                _ => Err(self.0.shape(format!("trigger.headers[{index}]"), Some(item), expected)),
            }
        };
        items.iter().enumerate().map(header).collect()
    }

    /// Arguments of every trigger request, templates, in their order.
    pub fn auto_args(&self) -> Result<Vec<(String, String)>, FileError> {
        let Some(listed) = self.0.at(&["trigger", "auto-args"]) else { return Ok(Vec::new()) };
        let expected = "write a map of names to templates";
        let map = listed.as_object().ok_or_else(|| self.0.shape("trigger.auto-args", Some(listed), expected))?;
        Ok(map.iter().map(|(name, value)| (name.clone(), plain_text(value))).collect())
    }

    /// Captures of every answer to a type of handler: `notify` or `manual-choice`.
    pub fn auto_captures(&self, handler: &str) -> Result<Vec<Capture>, FileError> {
        let path = [handler, "auto-capture-response-data"];
        let Some(listed) = self.0.at(&path) else { return Ok(Vec::new()) };
        captures(listed).map_err(|(place, found)| {
            self.0.shape(format!("{}{place}", path.join(".")), Some(&found), "write a list of {from, to}")
        })
    }

    /// The body of a type of handler: `notify`, `respond` or `manual-choice`.
    pub fn body(&self, handler: &str) -> Result<&str, FileError> {
        self.0.text(&["templates", handler], "it is the body of this handler's requests: write a template")
    }
}

/// Reads a list of `{from, to}`; on failure gives the place below the list and what stands there.
pub fn captures(listed: &Value) -> Result<Vec<Capture>, (String, Value)> {
    let items = listed.as_array().ok_or_else(|| (String::new(), listed.clone()))?;
    let capture = |(index, item): (usize, &Value)| match (item.get("from"), item.get("to").and_then(Value::as_str)) {
        (Some(from), Some(to)) => Ok(Capture { from: plain_text(from), to: to.to_owned() }),
        _ => Err((format!("[{index}]"), item.clone())),
    };
    items.iter().enumerate().map(capture).collect()
}

/// The secrets.
#[derive(Clone, PartialEq)]
pub struct Secrets(File);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secrets")
    }
}

impl Secrets {
    /// Reads them. An empty file holds none.
    pub fn read(name: &str, text: &str) -> Result<Self, FileError> {
        let is_empty = yaml::read(text).is_ok_and(|read| read.value.is_null());
        if is_empty {
            return Ok(Self(File { name: name.to_owned(), content: Map::new(), findings: Vec::new() }));
        }
        File::below_root(name, text).map(Self)
    }

    #[cfg(test)]
    pub(crate) fn of(content: Map<String, Value>) -> Self {
        Self(File { name: "secrets.yaml".to_owned(), content, findings: Vec::new() })
    }

    /// `secretData`: only header values of trigger requests may see it.
    pub fn secret_data(&self) -> &Map<String, Value> {
        &self.0.content
    }

    /// The token of notify, manual-choice and respond.
    pub fn slack_token(&self) -> Result<&str, FileError> {
        self.0.text(&["slack", "token"], "notify, manual-choice and respond are sent with it: write a text")
    }

    /// Whether `trigger.token` is there, without which no pipeline is triggered.
    pub fn trigger_token(&self) -> Result<&str, FileError> {
        self.0.text(&["trigger", "token"], "trigger-pipeline needs it, even if no header uses it: write a text")
    }
}

/// A value as the text that Python makes of it.
pub fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        // JSON is what is left for a value too deep to be converted.
        other => python_text(other).unwrap_or_else(|_| other.to_string()),
    }
}

/// The kind of a value, for errors.
pub fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "missing",
        Some(Value::Null) => "empty",
        Some(Value::Bool(_)) => "a boolean",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a text",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "a map",
    }
}
