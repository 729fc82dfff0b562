//! Reads the documents of files and folders, within bounds. What an object means is the business of `manifest`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;
use serde_saphyr::{Options, Spanned, options::NonFiniteFloatPolicy};
use thiserror::Error;

use super::{Kind, Origin};

/// Bytes that all files may have together; a Kubernetes object has at most about one and a half million.
pub(super) const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// How deep a YAML document may be nested: a state may be 64 deep, and an object in a List holds it. Reading that fits a
/// stack of 2 MiB in a debug build.
const MAX_DEPTH: usize = 72;
/// Files of a folder that are looked at.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Why manifests cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A file or folder cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is neither a file nor a folder.
    #[error("{path}: it is neither a file nor a folder; name manifests in files")]
    NotAFile {
        /// What was named.
        path: String,
    },
    /// A file is not text.
    #[error("{path}: it is not UTF-8 text")]
    NotText {
        /// The file.
        path: String,
    },
    /// The files are too large.
    #[error("{path}: with it the files have more than {} MiB, which is too much for manifests; name fewer", MAX_BYTES >> 20)]
    TooLarge {
        /// The first file that is too much.
        path: String,
    },
    /// A document is neither YAML nor JSON.
    #[error("{path}{}: {problem}", .line.map_or_else(String::new, |line| format!(", line {line}")))]
    Syntax {
        /// The file.
        path: String,
        /// The line, from 1, if it is known.
        line: Option<u64>,
        /// What is wrong.
        problem: String,
    },
    /// An object is none.
    #[error("{origin}: {problem}")]
    Object {
        /// Where it stands.
        origin: Origin,
        /// What is wrong.
        problem: String,
    },
    /// Two objects of one kind and name.
    #[error("{second}: {kind} {name} stands in {first} too; leave one of them out", kind = kind.as_str())]
    Twice {
        /// The kind.
        kind: Kind,
        /// Namespace and name.
        name: String,
        /// The first.
        first: Box<Origin>,
        /// The second.
        second: Box<Origin>,
    },
    /// Nothing was found.
    #[error(
        "{paths}: there is no manifest of a CicdContext, CicdBase, ClusterCicdBase or CicdEndpoint; name other files with -f"
    )]
    Nothing {
        /// What was named.
        paths: String,
    },
}

/// The files that `paths` name: each itself, or those of a folder, by name. A file that is named twice is read once.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ReadError> {
    let mut files = Vec::new();
    for path in paths {
        let failed = |source| ReadError::Io { path: path.display().to_string(), source };
        let kind = fs::metadata(path).map_err(failed)?;
        if kind.is_dir() {
            let mut found = Vec::new();
            for entry in fs::read_dir(path).map_err(failed)? {
                let file = entry.map_err(failed)?.path();
                if is_manifest(&file) && file.is_file() {
                    found.push(file);
                }
            }
            found.sort();
            files.extend(found);
        } else if kind.is_file() {
            files.push(path.clone());
        } else {
            return Err(ReadError::NotAFile { path: path.display().to_string() });
        }
    }
    let mut known = Vec::with_capacity(files.len());
    files.retain(|file| {
        // What cannot be resolved now cannot be read later, which tells.
        let real = fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        let is_new = !known.contains(&real);
        known.push(real);
        is_new
    });
    Ok(files)
}

/// Whether a file of a folder is taken for a manifest, by its name. That which kustomize reads holds none.
fn is_manifest(file: &Path) -> bool {
    if file.file_stem().is_some_and(|name| name == "kustomization") {
        return false;
    }
    let is_hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let ending = file.extension().and_then(|ending| ending.to_str());
    !is_hidden && ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

/// The objects of a file, those of Lists one by one. `left` counts down the bytes that may be read.
pub(super) fn objects(file: &Path, left: &mut u64) -> Result<Vec<(Origin, Value)>, ReadError> {
    let path = || file.display().to_string();
    let failed = |source| ReadError::Io { path: path(), source };
    let size = fs::metadata(file).map_err(failed)?.len();
    *left = left.checked_sub(size).ok_or_else(|| ReadError::TooLarge { path: path() })?;
    let text = String::from_utf8(fs::read(file).map_err(failed)?).map_err(|_| ReadError::NotText { path: path() })?;
    let is_json = file.extension().is_some_and(|ending| ending == "json");
    let documents = if is_json { json(&text) } else { yaml(&text) };
    let documents = documents.map_err(|(line, problem)| ReadError::Syntax { path: path(), line, problem })?;
    let mut objects = Vec::with_capacity(documents.len());
    for (position, (line, object)) in documents.into_iter().enumerate() {
        let origin = Origin { file: file.to_owned(), document: position + 1, line, item: None };
        flatten(origin, object, &mut objects)?;
    }
    Ok(objects)
}

/// A list is as good as its items.
fn flatten(origin: Origin, mut object: Value, objects: &mut Vec<(Origin, Value)>) -> Result<(), ReadError> {
    // As an API server gives it back, so that templates of a file see what they will see in a cluster.
    object.sort_all_objects();
    let is_list = object.get("apiVersion").is_some_and(|version| version == "v1")
        && object.get("kind").is_some_and(|kind| kind == "List");
    if !is_list {
        objects.push((origin, object));
        return Ok(());
    }
    match object.get_mut("items").map(Value::take) {
        None | Some(Value::Null) => {}
        Some(Value::Array(items)) => {
            let items = items.into_iter().enumerate();
            objects.extend(items.map(|(position, item)| (Origin { item: Some(position + 1), ..origin.clone() }, item)));
        }
        Some(_) => {
            return Err(ReadError::Object { origin, problem: "items of the List is no list of objects".to_owned() });
        }
    }
    Ok(())
}

type Documents = Result<Vec<(Option<u64>, Value)>, (Option<u64>, String)>;

fn json(text: &str) -> Documents {
    let mut documents = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    loop {
        let before = stream.byte_offset();
        let Some(document) = stream.next() else { return Ok(documents) };
        let document = document.map_err(|error| (u64::try_from(error.line()).ok(), without_place(&error)))?;
        let blank = text[before..].len() - text[before..].trim_start().len();
        let line = text[..before + blank].matches('\n').count() + 1;
        documents.push((u64::try_from(line).ok(), document));
    }
}

/// What the library says, but for the place, which is told beside it.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// YAML as kubectl reads it. A snippet of what is wrong might show a Secret.
pub fn yaml_options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
        non_finite_float_policy: NonFiniteFloatPolicy::Reject,
        legacy_octal_numbers: true,
        with_snippet: false,
    }
}

/// What the library says, but for the place, which is told beside it, and for keys: one may be a Secret's.
fn sentence(text: &str) -> String {
    if text.starts_with("duplicate mapping key") {
        return "a key stands twice in one map; remove one of them".to_owned();
    }
    if text.starts_with("budget breached") {
        return format!("it is larger than what is read, or nested deeper than {MAX_DEPTH} levels");
    }
    text.split(" at line ").next().unwrap_or(text).to_owned()
}

fn yaml(text: &str) -> Documents {
    let documents =
        serde_saphyr::from_multiple_with_options::<Spanned<Value>>(text, yaml_options()).map_err(|error| {
            let line = error.location().map(|location| location.line());
            (line, sentence(error.to_string().lines().next().unwrap_or_default()))
        })?;
    let line = |line: u64| Some(line).filter(|line| *line > 0);
    Ok(documents.into_iter().map(|document| (line(document.referenced.line()), document.value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_yaml_is_told_with_its_line_and_without_what_may_be_a_secret() {
        let wrong = |text: &str| yaml(text).map(drop).unwrap_err();
        let twice = wrong("kind: Secret\nstringData:\n  hunter2: a\n  hunter2: b\n");
        assert_eq!(twice, (Some(4), "a key stands twice in one map; remove one of them".to_owned()));
        let (_, deep) = wrong(&format!("a: {}{}", "[".repeat(100), "]".repeat(100)));
        assert!(deep.contains("nested deeper than"), "{deep}");
        let (line, open) = wrong("a: [1\nb: 2\n");
        assert!(line.is_some() && !open.contains(" at line "), "{open}");
    }
}
