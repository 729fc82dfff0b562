//! What one block did to a document, so that it can be done to the document as others left it in the meantime.

use cicdcontext_compat::{document::Document, files::kind};
use serde_json::{Map, Value};

use super::StoreError;

/// One change at a path of keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edit {
    path: Vec<String>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// The value that is to stand there.
    Set(Value),
    /// A map is to stand there, whatever it holds.
    Map,
    /// Nothing is to stand there.
    Remove,
    /// These come behind what the list has.
    Append(Vec<Value>),
}

/// The changes that make `new` of `old`. Lists that only grew are told as what came behind them: others may append too.
pub(crate) fn edits(old: &Document, new: &Document) -> Vec<Edit> {
    let mut edits = Vec::new();
    of_map(&mut Vec::new(), &old.0, &new.0, &mut edits);
    edits
}

fn of_map(path: &mut Vec<String>, old: &Map<String, Value>, new: &Map<String, Value>, edits: &mut Vec<Edit>) {
    for (key, new) in new {
        path.push(key.clone());
        of_value(path, old.get(key), new, edits);
        path.pop();
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        let path = path.iter().cloned().chain([key.clone()]).collect();
        edits.push(Edit { path, kind: Kind::Remove });
    }
}

fn of_value(path: &mut Vec<String>, old: Option<&Value>, new: &Value, edits: &mut Vec<Edit>) {
    let kind = match (old, new) {
        (Some(old), new) if old == new => return,
        (Some(Value::Object(old)), Value::Object(new)) => return of_map(path, old, new, edits),
        (None | Some(Value::Null), Value::Object(new)) => {
            edits.push(Edit { path: path.clone(), kind: Kind::Map });
            return of_map(path, &Map::new(), new, edits);
        }
        (Some(Value::Array(old)), Value::Array(new)) if new.starts_with(old) => {
            Kind::Append(new.iter().skip(old.len()).cloned().collect())
        }
        // What makes a list of nothing is an append.
        (None, Value::Array(new)) if !new.is_empty() => Kind::Append(new.clone()),
        (_, new) => Kind::Set(new.clone()),
    };
    edits.push(Edit { path: path.clone(), kind });
}

/// Makes the changes to a document, which may be another by now than the one that they were found in.
pub(crate) fn apply(id: &str, document: &mut Document, edits: &[Edit]) -> Result<(), StoreError> {
    edits.iter().try_for_each(|edit| make(id, &mut document.0, edit))
}

fn make(id: &str, document: &mut Map<String, Value>, edit: &Edit) -> Result<(), StoreError> {
    let Some((last, way)) = edit.path.split_last() else { return Ok(()) };
    let mut map = document;
    for (depth, key) in way.iter().enumerate() {
        let value = map.entry(key.clone()).or_insert(Value::Null);
        if value.is_null() {
            *value = Value::Object(Map::new());
        }
        map = match value {
            Value::Object(below) => below,
            other => return Err(taken(id, way.get(..=depth).unwrap_or(way), other)),
        };
    }
    match &edit.kind {
        Kind::Remove => {
            // Not `swap_remove`: the order of keys is kept.
            map.shift_remove(last);
        }
        Kind::Set(value) => {
            map.insert(last.clone(), value.clone());
        }
        Kind::Map => match map.entry(last.clone()).or_insert(Value::Null) {
            Value::Object(_) => {}
            empty @ Value::Null => *empty = Value::Object(Map::new()),
            other => return Err(taken(id, &edit.path, other)),
        },
        Kind::Append(items) => match map.entry(last.clone()).or_insert(Value::Null) {
            Value::Array(present) => present.extend(items.iter().cloned()),
            empty @ Value::Null => *empty = Value::Array(items.clone()),
            other => return Err(taken(id, &edit.path, other)),
        },
    }
    Ok(())
}

fn taken(id: &str, path: &[String], by: &Value) -> StoreError {
    StoreError::Taken { id: id.to_owned(), path: path.join("."), found: kind(Some(by)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn document(value: Value) -> Document {
        Document(serde_json::from_value(value).unwrap())
    }

    /// What `old` to `new` does to `now`.
    fn moved(old: Value, new: Value, now: Value) -> Value {
        let edits = edits(&document(old), &document(new));
        let mut now = document(now);
        apply("r", &mut now, &edits).unwrap();
        Value::Object(now.0)
    }

    #[test]
    fn what_others_wrote_beside_it_stays() {
        let now = json!({"state": {"a": 1, "theirs": true, "l": ["x", "theirs"]}});
        let moved = moved(
            json!({"state": {"a": 1, "l": ["x"], "gone": 1}}),
            json!({"state": {"a": 2, "l": ["x", "ours"], "new": {"deep": "v"}}}),
            now,
        );
        assert_eq!(
            moved,
            json!({"state": {"a": 2, "theirs": true, "l": ["x", "theirs", "ours"], "new": {"deep": "v"}}})
        );
    }

    #[test]
    fn two_who_begin_a_list_both_have_their_item_in_it() {
        let moved = moved(json!({}), json!({"state": {"l": ["ours"]}}), json!({"state": {"l": ["theirs"], "x": 1}}));
        assert_eq!(moved, json!({"state": {"l": ["theirs", "ours"], "x": 1}}));
    }

    #[test]
    fn a_place_that_somebody_took_is_told_and_not_taken_back() {
        let edits = edits(&document(json!({"state": {"a": {}}})), &document(json!({"state": {"a": {"b": 1}}})));
        let mut now = document(json!({"state": {"a": "text"}}));
        let error = apply("r", &mut now, &edits).unwrap_err().to_string();
        assert_eq!(
            error,
            "change run \"r\": state.a holds a text by now, where a map or a list was to be; somebody else wrote there"
        );
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), "[a-c]{0,2}".prop_map(Value::from)];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn edits_make_the_new_of_the_old(old in value(), new in value()) {
            let (old, new) = (json!({"state": old}), json!({"state": new}));
            prop_assert_eq!(moved(old.clone(), new.clone(), old), new);
        }
    }
}
