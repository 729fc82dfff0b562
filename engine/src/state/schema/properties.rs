//! What holds for every schema and every state.

use proptest::{collection, prelude::*, sample};
use serde_json::{Map, Value, json};

use super::{Cost, Rules, STEPS, Schema, Standing};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..4).prop_map(Value::from),
        sample::select(vec!["", "a", "ab", "1"]).prop_map(Value::from),
    ]
}

fn name() -> impl Strategy<Value = String> {
    sample::select(vec!["a", "b", "c.d", "$ref", "0", "~/"]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            collection::btree_map(name(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn state() -> impl Strategy<Value = Value> {
    collection::btree_map(name(), value(), 0..4).prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        sample::select(vec!["object", "array", "string", "integer", "null"]).prop_map(|kind| json!({"type": kind})),
        value().prop_map(|value| json!({ "const": value })),
        collection::vec(value(), 0..3).prop_map(|values| json!({ "enum": values })),
        (-2..3).prop_map(|limit| json!({"minimum": limit, "maxLength": 1, "maxItems": 2, "minProperties": 1})),
        name().prop_map(|name| json!({"required": [name]})),
        sample::select(vec!["^a", "b$", "[0-9]+"]).prop_map(|pattern| json!({"pattern": pattern, "uniqueItems": true})),
        sample::select(vec!["#", "#/$defs/one", "#/$defs/two", "#two"]).prop_map(|place| json!({"$ref": place})),
    ]
}

fn subschema() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 20, 3, |inner| {
        let one = sample::select(vec![
            "not",
            "items",
            "contains",
            "additionalProperties",
            "propertyNames",
            "unevaluatedProperties",
            "unevaluatedItems",
            "if",
        ]);
        let many = sample::select(vec!["allOf", "anyOf", "oneOf", "prefixItems"]);
        let named = sample::select(vec!["properties", "dependentSchemas", "patternProperties"]);
        prop_oneof![
            (one, inner.clone()).prop_map(|(keyword, schema)| json!({ keyword: schema })),
            (many, collection::vec(inner.clone(), 1..4)).prop_map(|(keyword, schemas)| json!({ keyword: schemas })),
            (named, name(), inner.clone()).prop_map(|(keyword, name, schema)| {
                let name = if keyword == "patternProperties" { "a|b".to_owned() } else { name };
                json!({ keyword: {name: schema} })
            }),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(test, yes, no)| json!({"if": test, "then": yes, "else": no})),
        ]
    })
}

fn schema() -> impl Strategy<Value = Map<String, Value>> {
    (subschema(), subschema(), subschema()).prop_map(|(top, one, two)| {
        let mut top = match top {
            Value::Object(map) => map,
            other => Map::from_iter([("not".to_owned(), Value::from(other == false))]),
        };
        let named = json!({"$anchor": "two", "allOf": [two]});
        top.insert("$defs".to_owned(), json!({"one": one, "two": named}));
        top
    })
}

proptest! {
    /// Whatever is compiled is judged without a panic, as the library judges it, and the violations say so.
    #[test]
    fn a_schema_is_refused_or_judges_any_state(rules in schema(), state in state()) {
        let Ok(schema) = Schema::compile(&rules) else { return Ok(()) };
        match schema.judge(&state) {
            Standing::Valid => prop_assert!(schema.validator.is_valid(&state)),
            Standing::Violated(violations) => {
                prop_assert!(!schema.validator.is_valid(&state));
                prop_assert!(!violations.told().is_empty());
                prop_assert!(violations.told().iter().all(|told| told.starts_with("state") && told.len() < 700), "{violations}");
            }
            Standing::Unchecked(_) => prop_assert!(Cost::of(&schema.rules, &state).is_err()),
        }
    }

    /// Only what the rules refuse, or the library, is refused: never an error without a place.
    #[test]
    fn a_refusal_names_a_place(rules in schema()) {
        if let Err(error) = Schema::compile(&rules) {
            prop_assert!(error.place.starts_with('#'), "{error}");
        }
    }

    /// A write that changes nothing is never refused, one that mends everything neither, and one that breaks a valid
    /// state always is.
    #[test]
    fn a_write_is_refused_only_if_it_breaks_something(rules in schema(), one in state(), two in state()) {
        let Ok(schema) = Schema::compile(&rules) else { return Ok(()) };
        let before = schema.judge(&one);
        let (same, refused) = schema.judge_write(&before, &one);
        prop_assert_eq!(&same, &before);
        prop_assert_eq!(refused, None);
        let (after, refused) = schema.judge_write(&before, &two);
        prop_assert_eq!(&after, &schema.judge(&two));
        match (&before, &after) {
            (_, Standing::Valid | Standing::Unchecked(_)) | (Standing::Unchecked(_), _) => prop_assert_eq!(refused, None),
            (Standing::Valid, Standing::Violated(_)) => prop_assert!(refused.is_some()),
            (Standing::Violated(_), Standing::Violated(_)) => {}
        }
    }

    /// The walk counts, and stops, whatever the rules are.
    #[test]
    fn a_cost_is_within_the_limit_or_an_error(rules in schema(), state in state()) {
        if let Ok(rules) = Rules::read(&Value::Object(rules)) && let Ok(cost) = Cost::of(&rules, &state) {
            prop_assert!(cost.steps > 0 && cost.steps <= STEPS && cost.listing >= cost.steps);
        }
    }

    /// Any JSON object whatever is a schema or an error.
    #[test]
    fn no_document_panics(document in state(), state in state()) {
        if let Ok(schema) = Schema::compile(document.as_object().unwrap()) {
            schema.judge(&state);
        }
    }
}
