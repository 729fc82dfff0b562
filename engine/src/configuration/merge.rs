//! Merging what a later writer wrote into what was inherited.
//!
//! Maps are merged key by key, the schema's lists by the names of their items, everything else is replaced. Two values
//! of different JSON types are a clash: it is more often a mistake than a wish, and a template that loops over a map
//! would see a text. `null` is the exception: it stands for "no value", replaces anything and gives way to anything.

use serde_json::Value;

use super::{
    shape::{HANDLER_TYPES, Shape},
    tree::{Content, Located, Node, WriterIndex},
};

/// Two values that cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clash {
    pub(super) first: WriterIndex,
    pub(super) first_type: String,
    pub(super) second: WriterIndex,
    pub(super) second_type: String,
}

/// Merges `later` into `inherited`. After a clash `inherited` is half merged and of no use.
pub(super) fn merge(inherited: &mut Node, later: Node, shape: &Shape) -> Result<(), Located<Clash>> {
    if let Some(clash) = handler_types_clash(inherited, &later, shape) {
        return Err(Located::here(clash));
    }
    let writers = (inherited.writer, later.writer);
    match (&mut inherited.content, later.content) {
        (Content::Map(map), Content::Map(later)) => {
            for (key, node) in later {
                match map.get_mut(&key) {
                    Some(inherited) => {
                        merge(inherited, node, shape.below(&key).unwrap_or(&Shape::Whole))
                            .map_err(|clash| clash.below_key(&key))?;
                    }
                    None => {
                        map.insert(key, node);
                    }
                }
            }
        }
        (Content::List(list), Content::List(later)) => {
            for (name, node) in later.into_ordered() {
                match list.get_mut(&name) {
                    Some(inherited) => {
                        merge(inherited, node, shape.below(&name).unwrap_or(&Shape::Whole))
                            .map_err(|clash| clash.below_item(&name))?;
                    }
                    None => {
                        list.push(name, node);
                    }
                }
            }
        }
        (content, later) => {
            let (first_type, second_type) = (type_of(content), type_of(&later));
            if first_type != second_type && first_type != NULL && second_type != NULL {
                let (first, second) = writers;
                let (first_type, second_type) = (first_type.to_owned(), second_type.to_owned());
                return Err(Located::here(Clash { first, first_type, second, second_type }));
            }
            *inherited = Node { writer: writers.1, content: later };
        }
    }
    Ok(())
}

const NULL: &str = "null";

fn type_of(content: &Content) -> &'static str {
    match content {
        Content::Map(_) | Content::Leaf(Value::Object(_)) => "a map",
        Content::List(_) | Content::Leaf(Value::Array(_)) => "a list",
        Content::Leaf(Value::String(_)) => "a text",
        Content::Leaf(Value::Number(_)) => "a number",
        Content::Leaf(Value::Bool(_)) => "a boolean",
        Content::Leaf(Value::Null) => NULL,
    }
}

/// A handler keeps its type: half a webhook in a notify would be neither.
fn handler_types_clash(inherited: &Node, later: &Node, shape: &Shape) -> Option<Clash> {
    if !matches!(shape, Shape::Handler(_)) {
        return None;
    }
    let typed = |node: &Node| HANDLER_TYPES.into_iter().find_map(|kind| Some((kind, node.child(kind)?.writer)));
    let ((first_kind, first), (second_kind, second)) = (typed(inherited)?, typed(later)?);
    (first_kind != second_kind).then(|| Clash {
        first,
        first_type: format!("a {first_kind} handler"),
        second,
        second_type: format!("a {second_kind} handler"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::configuration::shape::BLOCK;

    fn plant(value: Value, writer: WriterIndex) -> Node {
        Node::plant(value, &BLOCK, writer, 0).unwrap()
    }

    fn merged(values: &[Value]) -> Result<Node, Located<Clash>> {
        let mut root = Node::empty(0);
        for (writer, value) in values.iter().enumerate() {
            merge(&mut root, plant(value.clone(), writer), &BLOCK)?;
        }
        Ok(root)
    }

    fn settings(values: &[Value]) -> Value {
        let blocks: Vec<_> = values.iter().map(|value| json!({"settings": value})).collect();
        merged(&blocks).unwrap().to_value()["settings"].clone()
    }

    #[test]
    fn maps_are_merged_and_lists_and_scalars_of_settings_replaced() {
        let merged = settings(&[
            json!({"map": {"a": 1, "b": 1}, "list": [1, {"name": "x", "y": 1}], "text": "old", "kept": false}),
            json!({"map": {"b": 2, "c": 2}, "list": [{"name": "x"}], "text": "new", "more": 0}),
        ]);
        let expected = json!({
            "map": {"a": 1, "b": 2, "c": 2}, "list": [{"name": "x"}], "text": "new", "kept": false, "more": 0,
        });
        assert_eq!(merged, expected);
    }

    #[test]
    fn null_replaces_anything_and_gives_way_to_anything() {
        for value in [json!({"b": 1}), json!([1]), json!("x"), json!(1), json!(true)] {
            assert_eq!(settings(&[json!({"a": value}), json!({"a": null})]), json!({"a": null}));
            assert_eq!(settings(&[json!({"a": null}), json!({"a": value})]), json!({"a": value}));
        }
    }

    #[test]
    fn values_of_different_types_clash_whichever_comes_first() {
        let values = [json!({}), json!([]), json!("x"), json!(1), json!(true)];
        let names = ["a map", "a list", "a text", "a number", "a boolean"];
        for (first, first_name) in values.iter().zip(names) {
            for (second, second_name) in values.iter().zip(names).filter(|(_, name)| *name != first_name) {
                let blocks = [first, second].map(|value| json!({"settings": {"a": {"b.c": value}}}));
                let located = merged(&blocks).unwrap_err();
                assert_eq!(located.path(), "settings.a['b.c']");
                let expected = Clash {
                    first: 0,
                    first_type: first_name.to_owned(),
                    second: 1,
                    second_type: second_name.to_owned(),
                };
                assert_eq!(located.problem, expected);
            }
        }
    }

    #[test]
    fn whole_and_broken_numbers_do_not_clash() {
        assert_eq!(settings(&[json!({"a": 1}), json!({"a": 1.5})]), json!({"a": 1.5}));
    }

    #[test]
    fn items_are_merged_by_name_in_the_order_in_which_names_were_first_seen() {
        let args = |args: Value| json!({"pipelines": {"p": {"eventHandlers": {"e": [{"name": "h", "triggerPipeline": {"args": args}}]}}}});
        let merged = merged(&[
            args(json!([{"name": "b", "value": "1"}, {"name": "a", "value": "1"}])),
            args(json!([{"name": "c", "value": "2"}, {"name": "a", "value": "2"}])),
        ])
        .unwrap()
        .to_value();
        let expected = json!([{"name": "b", "value": "1"}, {"name": "a", "value": "2"}, {"name": "c", "value": "2"}]);
        assert_eq!(merged["pipelines"]["p"]["eventHandlers"]["e"][0]["triggerPipeline"]["args"], expected);
    }

    /// Free-form values without null, whose meaning depends on where it stands.
    fn free() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0..3).prop_map(Value::from),
            "[xy]".prop_map(Value::from),
            Just(json!([1, 2]))
        ];
        scalar.prop_recursive(3, 12, 3, |inner| {
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|map| json!(map))
        })
    }

    /// Lists of handlers with different names.
    fn handlers() -> impl Strategy<Value = Value> {
        prop::collection::btree_map("[hijk]", prop::option::of("[xy]"), 0..4).prop_map(|handlers: BTreeMap<_, _>| {
            let item = |(name, message): (String, Option<String>)| match message {
                Some(message) => json!({"name": name, "notify": {"message": message}}),
                None => json!({"name": name, "enabled": false}),
            };
            Value::Array(handlers.into_iter().rev().map(item).collect())
        })
    }

    fn blocks() -> impl Strategy<Value = Value> {
        (prop::collection::btree_map("[abc]", free(), 0..3), handlers()).prop_map(|(settings, handlers)| {
            json!({"settings": settings, "pipelines": {"p": {"eventHandlers": {"e": handlers}}}})
        })
    }

    proptest! {
        #[test]
        fn merging_nothing_changes_nothing(block in blocks()) {
            let alone = plant(block.clone(), 1);
            prop_assert_eq!(&merged(&[json!({}), block.clone()]).unwrap().to_value(), &alone.to_value());
            prop_assert_eq!(&merged(&[block, json!({})]).unwrap().to_value(), &alone.to_value());
        }

        #[test]
        fn merging_a_block_twice_is_merging_it_once(block in blocks()) {
            prop_assert_eq!(merged(&[block.clone(), block.clone()]).unwrap().to_value(), plant(block, 0).to_value());
        }

        #[test]
        fn merging_is_associative_values_order_and_writers(a in blocks(), b in blocks(), c in blocks()) {
            let (mut left, mut right, c) = (plant(a.clone(), 1), plant(b.clone(), 2), plant(c, 3));
            let left = merge(&mut left, plant(b, 2), &BLOCK).and_then(|()| merge(&mut left, c.clone(), &BLOCK)).map(|()| left);
            let mut first = plant(a, 1);
            let right = merge(&mut right, c, &BLOCK).and_then(|()| merge(&mut first, right, &BLOCK)).map(|()| first);
            prop_assert_eq!(left.ok(), right.ok());
        }

        #[test]
        fn the_later_block_wins_wherever_it_has_a_scalar(a in blocks(), b in blocks()) {
            if let Ok(merged) = merged(&[a, b.clone()]) {
                let merged = merged.to_value();
                for (key, value) in b["settings"].as_object().unwrap().iter().filter(|(_, value)| !value.is_object()) {
                    prop_assert_eq!(&merged["settings"][key], value);
                }
            }
        }
    }
}
