//! `--set PATH=TEXT|PATH=file://FILE`: what is to be written, read from the arguments and the files that they name. Files are
//! read here and nowhere else: what a template or an answer gives is never one.

use std::path::Path;

use cicdcontext_compat::{
    document::Document,
    notice::Notice,
    write::{WriteError, strip, write, write_value},
    yaml,
};
use serde_json::Value;

use super::failure::Failure;
use crate::input::text_of_file;

/// How much of a file is read, in bytes.
pub(super) const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// What makes a value a file's content.
const FILE: &str = "file://";

/// One value to write.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assignment {
    path: String,
    value: Content,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Text(String),
    File(Value),
}

/// What `--set` asks for, and what people should know.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Assignments {
    pub list: Vec<Assignment>,
    /// Items that are none: they are left out, as ever.
    pub warnings: Vec<String>,
    pub notices: Vec<Notice>,
}

impl Assignments {
    /// Reads the arguments of all `--set`, each of which may hold several pairs with `separator` between them.
    pub(super) fn read(arguments: &[String], separator: &str) -> Result<Self, Failure> {
        let mut all = Self::default();
        for argument in arguments {
            if separator.is_empty() {
                all.add(argument)?;
            } else {
                argument.split(separator).try_for_each(|pair| all.add(pair))?;
            }
        }
        Ok(all)
    }

    fn add(&mut self, pair: &str) -> Result<(), Failure> {
        let read = pair.split_once('=').map(|(path, text)| (strip(path), strip(text)));
        // The value may be a secret, what stands before it is not.
        let problem = match read {
            Some(("", _)) => "there is no path before the '='".to_owned(),
            Some((path, "")) => format!("{path} has no value"),
            None => format!("{} characters hold no '='", pair.chars().count()),
            Some((path, text)) => return self.take(path, text),
        };
        self.warnings.push(format!("--set: {problem}; nothing is written for it: write PATH=TEXT"));
        Ok(())
    }

    fn take(&mut self, path: &str, text: &str) -> Result<(), Failure> {
        let value = match text.strip_prefix(FILE) {
            Some(file) => Content::File(self.file(path, file)?),
            None => Content::Text(text.to_owned()),
        };
        self.list.push(Assignment { path: path.to_owned(), value });
        Ok(())
    }

    fn file(&mut self, path: &str, file: &str) -> Result<Value, Failure> {
        let (value, is_text_now) = content(&format!("--set {path}"), file)?;
        if is_text_now {
            let text = format!(
                "{file} is taken as text; before, it was read as JSON or YAML: name it .json or .yaml for that"
            );
            self.notices.push(Notice { place: format!("--set {path}"), text, anchor: "file-values" });
        }
        Ok(value)
    }

    /// Writes all of it, or fails.
    pub(super) fn write(&self, document: &mut Document) -> Result<(), WriteError> {
        self.list.iter().try_for_each(|Assignment { path, value }| match value {
            Content::Text(text) => write(&mut document.0, path, text),
            Content::File(value) => write_value(&mut document.0, path, value.clone()),
        })
    }
}

/// What a file holds: JSON or YAML by its name, else its text; and whether that is something else than before.
pub(super) fn content(what: &str, file: &str) -> Result<(Value, bool), Failure> {
    let failed = |problem: String| Failure::Read { what: format!("file of {what}"), path: file.to_owned(), problem };
    let text = text_of_file(Path::new(file), LARGEST_FILE).map_err(failed)?;
    let ending = Path::new(file).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "json" => {
            // NaN and the like are JSON for Python; they are none here.
            let value = serde_json::from_str(&text).map_err(|error| failed(format!("it is no JSON: {error}")))?;
            Ok((value, false))
        }
        "yaml" | "yml" => {
            let read = yaml::read(&text).map_err(|error| failed(format!("it is no YAML: {error}")))?;
            Ok((read.value, false))
        }
        _ => {
            let text = Value::String(text);
            let before = text
                .as_str()
                .map(|text| serde_json::from_str(text).ok().or_else(|| yaml::read(text).ok().map(|read| read.value)));
            let differs = before.flatten().is_some_and(|before| before != text);
            Ok((text, differs))
        }
    }
}

/// The file that an expression of `--tmpl-ctx-var` names.
pub(super) fn named_file(expression: &str) -> Option<&str> {
    strip(expression).strip_prefix(FILE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(arguments: &[&str], separator: &str) -> Assignments {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        Assignments::read(&arguments, separator).unwrap()
    }

    fn written(arguments: &[&str], separator: &str) -> Value {
        let mut document = Document::default();
        read(arguments, separator).write(&mut document).unwrap();
        Value::Object(document.0)
    }

    #[test]
    fn one_argument_holds_several_pairs_unless_that_is_switched_off() {
        assert_eq!(written(&["a= 1 | b = x=y ", "c.d=2"], "|"), json!({"a": "1", "b": "x=y", "c": {"d": "2"}}));
        assert_eq!(written(&["a=1|b=2"], ""), json!({"a": "1|b=2"}));
        assert_eq!(written(&["a=1|x;;b=2"], ";;"), json!({"a": "1|x", "b": "2"}));
    }

    #[test]
    fn an_item_that_is_none_is_told_without_its_value() {
        let read = read(&["secret", "=secret", "a=", "b=1"], "|");
        assert_eq!(read.list.len(), 1);
        assert_eq!(
            read.warnings,
            [
                "--set: 6 characters hold no '='; nothing is written for it: write PATH=TEXT",
                "--set: there is no path before the '='; nothing is written for it: write PATH=TEXT",
                "--set: a has no value; nothing is written for it: write PATH=TEXT",
            ]
        );
    }

    #[test]
    fn a_file_is_read_as_its_name_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
            format!("a=file://{}", folder.path().join(name).display())
        };
        for (name, text, value, notices) in [
            ("a.json", r#"{"b": [1, "x"]}"#, json!({"b": [1, "x"]}), 0),
            ("a.yaml", "b: yes\nc: 012\n", json!({"b": true, "c": 10}), 0),
            ("a.YML", "- 1", json!([1]), 0),
            ("version.txt", "1.10\n", json!("1.10\n"), 1),
            ("plain", "text", json!("text"), 0),
        ] {
            let argument = file(name, text);
            assert_eq!(written(&[&argument], "|"), json!({"a": value}), "{name}");
            assert_eq!(read(&[&argument], "|").notices.len(), notices, "{name}");
        }
        for (argument, expected) in [
            (file("b.json", "{"), "b.json: it is no JSON: EOF while parsing an object at line 1 column 1"),
            ("a=file:///nowhere/x.json".to_owned(), "read file of --set a /nowhere/x.json: No such file or directory"),
        ] {
            let error = Assignments::read(&[argument], "|").unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
