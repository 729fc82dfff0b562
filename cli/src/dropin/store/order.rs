//! The order of a document's keys, beside the document: an API server gives keys back sorted, and handlers, choices and
//! arguments have an order. Pure.
//!
//! A map is a list of its keys, each with the order of what is below it if that is not sorted: `["b", ["a", ["z", "x"]]]`. A
//! list is a map of positions. Nothing stands for what is sorted all through. It is only about order: keys that it does not
//! know come behind the others, sorted, and those that are gone are left out.

use cicdcontext_compat::document::{APP, Document, STATE};
use serde_json::{Map, Value};

/// The longest text: annotations of one object may have 256 KiB together.
const LONGEST: usize = 192 * 1024;

/// The order of a document's keys as a text. If it is too long, that of the raw app file is left out, which nothing runs,
/// and then that of the state.
pub(super) fn of(document: &Document) -> String {
    let mut root = document.0.clone();
    let mut text = text_of(&root);
    for dispensable in [APP, STATE] {
        if text.len() > LONGEST
            && let Some(value) = root.get_mut(dispensable)
        {
            value.sort_all_objects();
            text = text_of(&root);
        }
    }
    text
}

fn text_of(root: &Map<String, Value>) -> String {
    of_map(root).unwrap_or_default().to_string()
}

/// The document with its keys in this order. What is no order changes nothing.
pub(super) fn restored(mut document: Document, order: Option<&str>) -> Document {
    if let Some(order) = order.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        restore_map(&mut document.0, &order);
    }
    document
}

fn of_value(value: &Value) -> Option<Value> {
    match value {
        Value::Object(map) => of_map(map),
        Value::Array(items) => {
            let orders = items.iter().enumerate();
            let orders = orders.filter_map(|(index, item)| Some((index.to_string(), of_value(item)?)));
            Some(orders.collect::<Map<_, _>>()).filter(|orders| !orders.is_empty()).map(Value::Object)
        }
        _ => None,
    }
}

fn of_map(map: &Map<String, Value>) -> Option<Value> {
    let mut is_sorted = map.keys().is_sorted();
    let entries = map.iter().map(|(key, value)| match of_value(value) {
        None => Value::from(key.as_str()),
        Some(below) => {
            is_sorted = false;
            Value::Array(vec![Value::from(key.as_str()), below])
        }
    });
    let entries = entries.collect();
    (!is_sorted).then_some(Value::Array(entries))
}

fn restore(value: &mut Value, order: &Value) {
    match (value, order) {
        (Value::Object(map), order) => restore_map(map, order),
        (Value::Array(items), Value::Object(orders)) => {
            for (index, order) in orders {
                if let Some(item) = index.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                    restore(item, order);
                }
            }
        }
        _ => {}
    }
}

fn restore_map(map: &mut Map<String, Value>, order: &Value) {
    let Value::Array(entries) = order else { return };
    let mut rest = std::mem::take(map);
    for entry in entries {
        let (key, below) = match entry {
            Value::Array(pair) => (pair.first().and_then(Value::as_str), pair.get(1)),
            other => (other.as_str(), None),
        };
        // The order of the rest does not matter yet.
        if let Some(key) = key
            && let Some((key, mut value)) = rest.swap_remove_entry(key)
        {
            if let Some(below) = below {
                restore(&mut value, below);
            }
            map.insert(key, value);
        }
    }
    rest.sort_keys();
    map.extend(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document(serde_json::from_str(text).unwrap())
    }

    fn sorted(document: &Document) -> Document {
        let mut sorted = Value::Object(document.0.clone());
        sorted.sort_all_objects();
        Document(sorted.as_object().cloned().unwrap())
    }

    fn text(document: Document) -> String {
        Value::Object(document.0).to_string()
    }

    #[test]
    fn what_was_sorted_has_its_order_again_at_any_depth_and_in_lists() {
        let original =
            r#"{"room":1,"pipelines":{"z":{"set":[{"to":"x","from":"y"},5],"if":""},"a":{}},"b":{"c":1,"d":2}}"#;
        let document = document(original);
        let order = of(&document);
        assert_eq!(order, r#"["room",["pipelines",[["z",[["set",{"0":["to","from"]}],"if"]],"a"]],"b"]"#);
        assert_eq!(text(restored(sorted(&document), Some(&order))), original);
    }

    #[test]
    fn keys_that_are_new_come_behind_and_those_that_are_gone_are_left_out() {
        let order = of(&document(r#"{"c":1,"gone":2,"a":{"y":1,"x":2}}"#));
        let now = document(r#"{"a":{"w":0,"x":2,"y":1},"b":3,"c":1}"#);
        assert_eq!(text(restored(now, Some(&order))), r#"{"c":1,"a":{"y":1,"x":2,"w":0},"b":3}"#);
    }

    #[test]
    fn what_is_sorted_needs_nothing_and_what_is_no_order_changes_nothing() {
        let plain = document(r#"{"a":{"b":1,"c":[{"d":1}]}}"#);
        assert_eq!(of(&plain), "null");
        for order in [None, Some("null"), Some("{"), Some(r#"[5,["a"],["a",7],[["x"]]]"#)] {
            assert_eq!(text(restored(plain.clone(), order)), text(plain.clone()), "{order:?}");
        }
    }

    #[test]
    fn of_a_large_document_the_order_of_what_nothing_runs_is_left_out_first() {
        let many = |name: &str| {
            (0..10_000).rev().map(|number| (format!("{name}{number:010}"), 1.into())).collect::<Map<_, _>>()
        };
        let mut large = document(r#"{"z":1,"a":{"y":1,"x":1}}"#);
        large.0.insert(APP.to_owned(), Value::Object(many("app")));
        large.0.insert(STATE.to_owned(), Value::Object(many("state")));
        let order = of(&large);
        assert!(order.len() <= LONGEST, "{}", order.len());
        let back = restored(sorted(&large), Some(&order));
        assert!(text(back).starts_with(r#"{"z":1,"a":{"y":1,"x":1}"#));
    }
}
