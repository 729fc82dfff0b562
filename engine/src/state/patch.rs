//! JSON patches of a CicdContext as the API server wants them. Knows pointers and bytes, not why something is patched.
//!
//! The API server applies JSON patches with the Go library `evanphx/json-patch` v4, whose `test` differs from RFC 6902
//! in four ways that matter here (all tried with v4.13.0, which Kubernetes 1.36 uses):
//!
//! * `test` with `null` passes if the member is absent, but fails if the parent of the member is absent.
//! * Texts and numbers are compared **as written**, byte by byte, with the object as Go's `encoding/json` writes it:
//!   `a<b` never equals `a\u003cb`, nor `1e20` `100000000000000000000`. Whoever sends a patch has to write it in the
//!   same way: [`body`].
//! * `test` of a list that holds a `null` dereferences a null pointer: the request ends with status 500. Such a list
//!   has to be guarded by the object's resourceVersion: [`holds_untestable_null`], [`test_resource_version`].
//! * At most 10 000 operations.

use std::io;

use json_patch::{
    AddOperation, PatchOperation, RemoveOperation, TestOperation,
    jsonptr::{PointerBuf, Token},
};
use serde::{Serialize, Serializer};
use serde_json::{Value, ser::Formatter};

use super::path::Segment;

/// Operations that the API server takes in one JSON patch.
pub const MAX_OPERATIONS: usize = 10_000;

/// The pointer to the state's value at `segments`.
pub fn state_pointer(segments: &[Segment]) -> PointerBuf {
    let below = segments.iter().map(|segment| match segment {
        Segment::Key(key) => Token::new(key.as_str()),
        Segment::Index(index) => Token::from(*index),
    });
    PointerBuf::from_tokens([Token::new("spec"), Token::new("state")].into_iter().chain(below))
}

/// The pointer to `metadata.annotations`, or to one of them.
pub fn annotation_pointer(key: Option<&str>) -> PointerBuf {
    PointerBuf::from_tokens(["metadata", "annotations"].into_iter().chain(key))
}

/// Fails the patch unless `value` stands at `path`; `null` passes for an absent member too.
pub fn test(path: PointerBuf, value: Value) -> PatchOperation {
    PatchOperation::Test(TestOperation { path, value })
}

/// Fails the patch unless the object is still the very version that was read.
pub fn test_resource_version(resource_version: &str) -> PatchOperation {
    test(PointerBuf::from_tokens(["metadata", "resourceVersion"]), Value::from(resource_version))
}

/// Writes a member, whether or not it is there; its parent must be.
pub fn add(path: PointerBuf, value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path, value })
}

/// Removes a member, which must be there.
pub fn remove(path: PointerBuf) -> PatchOperation {
    PatchOperation::Remove(RemoveOperation { path })
}

/// Removes an annotation if it still has the value that was read.
pub fn take_annotation(key: &str, value: &str) -> [PatchOperation; 2] {
    let pointer = annotation_pointer(Some(key));
    [test(pointer.clone(), Value::from(value)), remove(pointer)]
}

/// Whether a list somewhere in `value` holds a `null`, which the API server cannot `test`.
pub fn holds_untestable_null(value: &Value) -> bool {
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(list) if list.iter().any(Value::is_null) => return true,
            Value::Array(list) => waiting.extend(list),
            Value::Object(map) => waiting.extend(map.values()),
            _ => {}
        }
    }
    false
}

/// A patch as bytes of a request (`application/json-patch+json`), written as Go would write it.
///
/// Without it a `test` of a text with `<`, `>`, `&`, U+2028 or U+2029, or of a number with an exponent, fails for ever.
pub fn body(operations: &[PatchOperation]) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(1024);
    operations.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, AsGo))?;
    Ok(bytes)
}

/// One text for all ways to write a value: equal texts are equal JSON. `1.0` is `1`, and the order of keys does not
/// count, as it does not for the API server, which sorts them.
///
/// Fingerprints are made of it and stored: its form must not change.
pub(crate) fn canonical(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // JSON values have text keys only, and memory takes every byte: this cannot fail.
    let _ = Sorted(value).serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, AsGo));
    bytes
}

/// Writes a value with the keys of all its maps in order.
struct Sorted<'v>(&'v Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().map(|(key, value)| (key, Sorted(value))).collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                serializer.collect_map(entries)
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

/// Writes texts and numbers as Go's `encoding/json` does.
struct AsGo;

impl Formatter for AsGo {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let text = format!("{value:e}");
            let signed = if text.contains("e-") { text } else { text.replace('e', "e+") };
            writer.write_all(signed.as_bytes())
        } else {
            write!(writer, "{value}")
        }
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut characters = from.chars();
            if let Some(character) = characters.next() {
                write!(writer, "\\u{:04x}", u32::from(character))?;
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pointers_escape_slashes_and_tildes() {
        let segments = [Segment::Key("a/b~c.d".to_owned()), Segment::Index(3), Segment::Key(String::new())];
        assert_eq!(state_pointer(&segments).as_str(), "/spec/state/a~1b~0c.d/3/");
        assert_eq!(
            annotation_pointer(Some("cicdcontext.io/applied")).as_str(),
            "/metadata/annotations/cicdcontext.io~1applied"
        );
        assert_eq!(annotation_pointer(None).as_str(), "/metadata/annotations");
    }

    #[test]
    fn the_body_is_written_as_go_writes_it() {
        let value = json!(["<a>&\u{2028}\u{2029}\"\\\n\u{1}ü", 1e20, -1e21, 2.5e22, 1e-6, 1.5e-7, -0.0, 0.1, 1, -5]);
        let body = body(&[test(state_pointer(&[]), value)]).unwrap();
        assert_eq!(
            String::from_utf8(body).unwrap(),
            concat!(
                r#"[{"op":"test","path":"/spec/state","value":["\u003ca\u003e\u0026\u2028\u2029\"\\\n\u0001ü","#,
                r#"100000000000000000000,-1e+21,2.5e+22,0.000001,1.5e-7,-0,0.1,1,-5]}]"#
            )
        );
    }

    #[test]
    fn the_canonical_text_is_one_for_all_orders_of_keys_at_any_depth() {
        let one = serde_json::from_str(r#"{"b": [{"d": 1.0, "c": "<"}], "a": {"z": null, "": 2}}"#).unwrap();
        let text = br#"{"a":{"":2,"z":null},"b":[{"c":"\u003c","d":1}]}"#;
        assert_eq!(String::from_utf8(canonical(&one)), String::from_utf8(text.to_vec()));
        let other = serde_json::from_str(r#"{"a": {"": 2, "z": null}, "b": [{"c": "<", "d": 1}]}"#).unwrap();
        assert_eq!(canonical(&other), text);
    }

    #[test]
    fn a_null_in_a_list_at_any_depth_cannot_be_tested_and_one_in_a_map_can() {
        assert!(holds_untestable_null(&json!([null])));
        assert!(holds_untestable_null(&json!({"a": [{"b": [[1, null]]}]})));
        assert!(!holds_untestable_null(&json!({"a": [{"b": null}]})));
        assert!(!holds_untestable_null(&json!(null)));
    }

    #[test]
    fn an_annotation_is_taken_only_with_the_value_that_was_read() {
        let operations = serde_json::to_value(take_annotation("event.cicdcontext.io/a", "build=success")).unwrap();
        assert_eq!(
            operations,
            json!([
                {"op": "test", "path": "/metadata/annotations/event.cicdcontext.io~1a", "value": "build=success"},
                {"op": "remove", "path": "/metadata/annotations/event.cicdcontext.io~1a"},
            ])
        );
    }
}
