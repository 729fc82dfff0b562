//! What must hold for any input, whoever wrote it: one function a target, which panics if it does not hold. An input is
//! a text; its parts stand between lines with nothing but `---`.
//!
//! `make fuzz` looks for inputs that break something; the engine's test `fuzz_corpus` runs the same functions over the
//! inputs in `corpus`, among which each that ever broke something belongs. This file must not need libFuzzer.

mod changes;
mod configuration;
mod templates;

use cicdcontext_crds::CicdEventSpec;
use cicdcontext_engine::{
    configuration::json_path as path,
    event::{
        EventFacts,
        annotation::{self, Front},
    },
    state::{Path, limits, path as state},
};
use serde_json::Value;

pub use changes::changes;
pub use configuration::merge;
pub use templates::{handlebars, jinja};

/// A target: what it is called, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 7] = [
    ("state_path", state_path),
    ("handlebars", handlebars),
    ("jinja", jinja),
    ("annotation", annotation),
    ("merge", merge),
    ("changes", changes),
    ("json_path", json_path),
];

/// Bytes that the message of an error may have: it goes into statuses, Kubernetes Events and logs.
const MESSAGE_BYTES: usize = 8 * 1024;
/// Characters of a JSONPath, as the schema allows.
const JSON_PATH_CHARACTERS: usize = 1024;

/// A path is read back as it was written, and stays within its limits.
pub fn state_path(input: &[u8]) {
    let Some(text) = text(input) else { return };
    match Path::parse_any_root(text) {
        Err(error) => bounded(&error),
        Ok(path) => {
            assert!(text.len() <= state::MAX_BYTES && path.segments().len() <= state::MAX_SEGMENTS);
            let written = path.to_string();
            let again = Path::parse_any_root(&written);
            assert_eq!(again.as_ref(), Ok(&path), "{written}");
            assert_eq!(Path::parse(text).is_ok(), path.is_state());
        }
    }
}

/// An annotation that is understood becomes an event that is within its limits and survives being stored.
pub fn annotation(input: &[u8]) {
    let Some(text) = text(input) else { return };
    assert!(text.starts_with(annotation::raw(text)) && annotation::raw(text).len() <= annotation::RAW_BYTES);
    for front in [Front::Event, Front::Generate] {
        match annotation::parse(front, text) {
            Err(error) => bounded(&error),
            Ok(parsed) => {
                let spec = parsed.into_spec("shop", "uid");
                let stored = serde_json::to_value(&spec).expect("an event can be stored");
                assert!(limits::depth(&stored) <= 2 + annotation::MAX_DEPTH, "{stored}");
                let read: CicdEventSpec = serde_json::from_value(stored).expect("a stored event can be read");
                assert_eq!(read, spec);
                if let Err(error) = EventFacts::read(spec, "shop-1", "event", "1", jiff::Timestamp::UNIX_EPOCH) {
                    bounded(&error);
                }
            }
        }
    }
}

/// A JSONPath that is accepted gives an answer over any data, in bounded time: JSONPath, then data.
pub fn json_path(input: &[u8]) {
    let Some([query, data]) = parts(input) else { return };
    let query = query.trim_end_matches('\n');
    if query.chars().count() > JSON_PATH_CHARACTERS {
        return;
    }
    match path::parse(query) {
        Err(error) => bounded(&error),
        Ok(query) => {
            let Ok(data) = serde_json::from_str::<Value>(data) else { return };
            let found = query.query(&data).all();
            assert!(found.iter().all(|found| limits::size(*found) <= limits::size(&data)));
        }
    }
}

/// An input as text.
fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// The parts of an input; those that are missing are blank.
fn parts<const N: usize>(input: &[u8]) -> Option<[&str; N]> {
    let mut parts = [""; N];
    for (part, text) in parts.iter_mut().zip(text(input)?.splitn(N, "\n---\n")) {
        *part = text;
    }
    Some(parts)
}

/// An error can be told, and is not longer than anything should be that goes into a status.
fn bounded(error: &impl std::error::Error) {
    let message = error.to_string();
    assert!(!message.is_empty() && message.len() <= MESSAGE_BYTES, "{} bytes: {message}", message.len());
}
