use serde_json::{Value, json};

use super::*;

fn schema(schema: &Value) -> Schema {
    Schema::compile(schema.as_object().unwrap()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(schema: &Value) -> String {
    Schema::compile(schema.as_object().unwrap()).unwrap_err().to_string()
}

fn told(rules: &Value, state: &Value) -> Vec<String> {
    match schema(rules).judge(state) {
        Standing::Violated(violations) => violations.told().to_vec(),
        Standing::Valid => Vec::new(),
        Standing::Unchecked(error) => panic!("{error}"),
    }
}

#[test]
fn each_violation_names_its_path_and_what_is_wanted() {
    let rules = json!({
        "type": "object",
        "required": ["app", "key.with.dots"],
        "properties": {
            "count": {"type": ["integer", "null"], "minimum": 3, "maximum": 5},
            "tag": {"pattern": "^v[0-9]+$", "maxLength": 3},
            "stage": {"enum": ["test", "prod"]},
            "kind": {"const": "release"},
            "list": {"items": {"properties": {"n": {"multipleOf": 2}}}, "maxItems": 2, "uniqueItems": true},
            "some": {"contains": {"type": "string"}},
            "map": {"additionalProperties": false, "properties": {"a": true}, "minProperties": 2},
            "names": {"propertyNames": {"maxLength": 2}},
            "any": {"anyOf": [{"type": "string"}, {"required": ["x"]}]},
            "one": {"oneOf": [{"type": "integer"}, {"minimum": 0}]},
            "never": false,
            "no": {"not": {"type": "string"}},
            "pair": {"dependentRequired": {"user": ["host"]}},
            "rest": {"prefixItems": [true], "unevaluatedItems": false},
        },
    });
    let state = json!({
        "count": 1.5, "tag": "latest", "stage": "live", "kind": 1, "list": [{"n": 2}, {"n": 3}, {"n": 3}], "some": [1],
        "map": {"b": 1}, "names": {"abc": 1}, "any": {}, "one": 1, "never": null, "no": "x", "pair": {"user": "a"},
        "rest": [1, 2],
    });
    let mut all = Vec::new();
    for (name, value) in state.as_object().unwrap() {
        all.extend(told(&rules, &json!({"app": 1, "key.with.dots": 1, name: value})));
    }
    all.extend(told(&rules, &json!({})));
    let expected = [
        "state.any is {} and satisfies no branch of anyOf",
        "state.count is 1.5 and must be at least 3",
        "state.count is 1.5 and must be of type null or integer",
        "state.kind is 1 and must be \"release\"",
        "state.list is [{\"n\":2},{\"n\":3},{\"n\":3}] and must have at most 2 items",
        "state.list is [{\"n\":2},{\"n\":3},{\"n\":3}] and holds an item twice",
        "state.list[1].n is 3 and must be a multiple of 2",
        "state.list[2].n is 3 and must be a multiple of 2",
        "state.map is {\"b\":1} and must have at least 2 keys",
        "state.map.b is not known to the schema",
        "state.names.abc has a name that is not allowed and must have at most 2 characters",
        "state.never must not be there",
        "state.no is \"x\" and is what not excludes",
        "state.one is 1 and satisfies more than one branch of oneOf",
        "state.pair.host is missing",
        "state.rest has items that the schema does not know: 2",
        "state.some is [1] and has too few or too many items of the kind that contains asks for",
        "state.stage is \"live\" and must be one of [\"test\",\"prod\"]",
        "state.tag is \"latest\" and must have at most 3 characters",
        "state.tag is \"latest\" and must match the pattern ^v[0-9]+$",
        "state.app is missing",
        "state['key.with.dots'] is missing",
    ];
    let sorted =
        |texts: Vec<&str>| -> std::collections::BTreeSet<String> { texts.into_iter().map(str::to_owned).collect() };
    assert_eq!(sorted(all.iter().map(String::as_str).collect()), sorted(expected.to_vec()));
}
#[test]
fn ten_violations_are_told_and_the_rest_counted_and_values_are_cut() {
    let rules = schema(&json!({"additionalProperties": {"type": "integer"}}));
    let of = |text: &str| -> Value { (10..25).map(|at| (format!("k{at}"), json!(text))).collect::<Map<_, _>>().into() };
    let Standing::Violated(violations) = rules.judge(&of("x")) else { panic!() };
    assert_eq!((violations.told().len(), violations.more()), (10, 5));
    let Standing::Violated(violations) = rules.judge(&of(&"x".repeat(100_000))) else { panic!() };
    assert_eq!((violations.told().len(), violations.more()), (5, 10));
    let text = violations.to_string();
    assert!(
        text.starts_with(&format!("state.k10 is \"{}...\" and must be of type integer; state.k11", "x".repeat(60))),
        "{text}"
    );
    assert!(text.ends_with("; and 10 more"), "{text}");
    assert!(text.len() < 600, "{}", text.len());
}

#[test]
fn a_large_value_is_cut_wherever_it_stands() {
    for value in [
        json!(vec!["ü".repeat(50); 1000]),
        json!({"k".repeat(10_000): 1}),
        json!({"a": {"b": vec![json!({"c": "d".repeat(10_000)}); 100]}}),
        json!("\u{1}".repeat(10_000)),
        json!([[[[[[[[[[[["x".repeat(10_000)]]]]]]]]]]]]),
    ] {
        let told = told(&json!({"properties": {"a": {"type": "boolean"}}}), &json!({"a": value}));
        assert!(told[0].len() < 200 && told[0].contains("... and must be of type boolean"), "{told:?}");
    }
    let long_key = told(&json!({"additionalProperties": false}), &json!({"k".repeat(10_000): 1}));
    assert!(long_key[0].len() < 200, "{long_key:?}");
    let options: Vec<usize> = (0..5000).collect();
    let of_many = told(&json!({"properties": {"a": {"enum": options}}}), &json!({"a": -1}));
    assert_eq!(
        of_many,
        [r"state.a is -1 and must be one of [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,..."]
    );
}

#[test]
fn references_within_the_document_are_followed() {
    let rules = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://schemas.example/state",
        "properties": {
            "pointer": {"$ref": "#/$defs/a%20name~1x"},
            "anchor": {"$ref": "#number"},
            "dynamic": {"$dynamicRef": "#dynamic"},
            "tree": {"$ref": "#/$defs/tree"},
            "odd": {"$ref": "#/x-own/odd"},
        },
        "$defs": {
            "a name/x": {"type": "integer"},
            "number": {"$anchor": "number", "type": "integer"},
            "dynamic": {"$dynamicAnchor": "dynamic", "type": "integer"},
            "tree": {"properties": {"n": {"type": "integer"}}, "additionalProperties": {"$ref": "#/$defs/tree"}},
        },
        "x-own": {"odd": {"type": "integer"}},
    });
    let state = json!({
        "pointer": "x", "anchor": "x", "dynamic": "x", "odd": "x", "tree": {"left": {"right": {"n": "x"}}, "n": 1},
    });
    let told = told(&rules, &state);
    let paths: Vec<&str> = told.iter().map(|text| text.split(' ').next().unwrap()).collect();
    assert_eq!(paths, ["state.pointer", "state.anchor", "state.dynamic", "state.odd", "state.tree.left.right.n"]);
}

#[test]
fn what_is_no_usable_schema_is_refused_and_the_place_is_named() {
    for (rules, expected) in [
        (
            json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
            "compile spec.stateSchema at #: $schema is \"http://json-schema.org/draft-07/schema#\"; only JSON Schema 2020-12 is \
             understood: leave it out or write https://json-schema.org/draft/2020-12/schema",
        ),
        (
            json!({"properties": {"a": {"$ref": "https://a.example/s.json#/a"}}}),
            "compile spec.stateSchema at #/properties/a/$ref: https://a.example/s.json#/a refers to another document, which \
             is never fetched; refer to a place in this one: #/$defs/name",
        ),
        (
            json!({"$defs": {"unused": {"$dynamicRef": "file:///etc/passwd"}}}),
            "at #/$defs/unused/$dynamicRef: file:///etc/passwd",
        ),
        (
            json!({"contentSchema": {"$ref": "other.json"}}),
            "at #/contentSchema/$ref: other.json refers to another document",
        ),
        (
            json!({"$ref": "#/$defs/a"}),
            "compile spec.stateSchema at #/$ref: #/$defs/a refers to nothing in this document",
        ),
        (json!({"$ref": "#a"}), "compile spec.stateSchema at #/$ref: #a refers to nothing in this document"),
        (
            json!({"$ref": "#/$comment", "$comment": "x"}),
            "compile spec.stateSchema at #/$comment: a schema is a map, true or false, not \"x\"",
        ),
        (
            json!({"properties": {"a": {"$id": "https://a.example/s"}}}),
            "compile spec.stateSchema at #/properties/a: $id is not understood there; name places with $anchor, and refer to \
             them as #name",
        ),
        (json!({"items": {"$schema": "x"}}), "at #/items: $schema is not understood there; it belongs at the top"),
        (json!({"dependencies": {}}), "at #: dependencies is not understood there; write dependentSchemas"),
        (
            json!({"$defs": {"a": {"$anchor": "x"}, "b": {"$dynamicAnchor": "x"}}}),
            "the anchor x is at #/$defs/b already; give each its own name",
        ),
        (
            json!({"properties": {"a": {"type": "strnig"}}}),
            "compile spec.stateSchema at #/properties/a/type: \"strnig\" and satisfies no branch of anyOf",
        ),
        (json!({"properties": {"a": {"minimum": "5"}}}), "at #/properties/a/minimum: \"5\" and must be of type number"),
        (json!({"required": "a"}), "compile spec.stateSchema at #/required: \"a\" and must be of type array"),
        (json!({"properties": []}), "at #/properties: [] and must be of type object"),
        (
            json!({"properties": {"a": 5}}),
            "compile spec.stateSchema at #/properties/a: a schema is a map, true or false, not 5",
        ),
        (
            json!({"properties": {"a": {"pattern": "a(?!b)"}}}),
            "compile spec.stateSchema at #/properties/a/pattern: a(?!b) is no pattern that can be matched in linear time (no \
             look-around, no backreferences): look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            json!({"patternProperties": {"(a)\\1": true}}),
            "at #/patternProperties/(a)\\1: (a)\\1 is no pattern that can be matched in linear time (no look-around, no \
             backreferences): backreferences are not supported",
        ),
        (json!({"properties": {"a": {"pattern": "("}}}), "at #/properties/a/pattern: ( is no pattern"),
    ] {
        let error = refused(&rules);
        assert!(error.contains(expected), "{rules}\n{error}\n{expected}");
    }
}

#[test]
fn a_property_may_be_named_as_a_keyword() {
    let names = ["$id", "$schema", "$ref", "enum", "dependencies", "items", "pattern"];
    let properties: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({"type": "integer"}))).collect();
    let rules = json!({"properties": properties, "enum": [{"$ref": "https://a.example", "$id": "x"}, {"$id": 1}]});
    assert_eq!(schema(&rules).judge(&json!({"$id": 1})), Standing::Valid);
    assert_eq!(
        told(&json!({"properties": properties}), &json!({"$ref": "x"})),
        ["state['$ref'] is \"x\" and must be of type integer"]
    );
}

#[test]
fn format_and_content_say_something_and_demand_nothing() {
    let rules = json!({"properties": {"a": {"format": "date", "contentMediaType": "application/json", "contentEncoding": "base64"}}});
    assert_eq!(schema(&rules).judge(&json!({"a": "no date, no JSON, no base64"})), Standing::Valid);
}

#[test]
fn numbers_keep_their_value_and_not_their_spelling() {
    let rules =
        schema(&json!({"properties": {"a": {"type": "integer"}, "b": {"const": 1}, "c": {"uniqueItems": true}}}));
    assert_eq!(rules.judge(&json!({"a": 1.0, "b": 1.0, "c": [false, 0, "", null]})), Standing::Valid);
}

#[test]
fn a_write_is_refused_for_what_it_breaks_and_not_for_what_was_broken() {
    let rules = schema(&json!({
        "properties": {"n": {"type": "integer"}, "list": {"items": {"type": "integer"}}},
        "required": ["app"],
    }));
    let broken = rules.judge(&json!({"n": "x", "list": [1, "x", 2, "y"]}));
    for harmless in [
        json!({"n": "x", "list": [1, "x", 2, "y"], "other": 1}),
        json!({"n": "y", "list": [1, "x", 2, "y"]}),
        json!({"n": 1, "list": [1, "x", 2, "y"]}),
        // The items after it move.
        json!({"n": "x", "list": ["x", 2, "y"]}),
        json!({"list": []}),
    ] {
        let (standing, refused) = rules.judge_write(&broken, &harmless);
        assert!(matches!(standing, Standing::Violated(_)), "{harmless}");
        assert_eq!(refused, None, "{harmless}");
    }
    let (_, refused) = rules.judge_write(&broken, &json!({"n": "x", "list": [1, "x", 2, "y", "z"], "app": null}));
    assert!(refused.unwrap().to_string().contains("state.list[4] is \"z\" and must be of type integer"));
    let (standing, refused) = rules.judge_write(&broken, &json!({"app": 1}));
    assert_eq!((standing, refused), (Standing::Valid, None));
    let (_, refused) = rules.judge_write(&Standing::Valid, &json!({"n": "x"}));
    assert_eq!(refused.unwrap().to_string(), "state.app is missing; state.n is \"x\" and must be of type integer");
}

#[test]
fn a_broken_state_that_is_too_large_to_be_listed_can_be_mended_but_not_be_made_from_a_small_one() {
    let rules = schema(&json!({"properties": {"list": {"items": {"type": "integer"}}}}));
    let of = |length: usize| json!({"list": vec!["x"; length]});
    let large = rules.judge(&of(30_000));
    assert_eq!(rules.judge_write(&large, &of(29_999)).1, None);
    assert_eq!(rules.judge_write(&large, &of(10)).1, None);
    let refused = rules.judge_write(&rules.judge(&of(10)), &of(30_000)).1.unwrap();
    assert!(
        refused.to_string().starts_with("state.list[0] is \"x\" and must be of type integer; state is not"),
        "{refused}"
    );
    assert!(rules.judge_write(&Standing::Valid, &of(30_000)).1.is_some());
}

#[test]
fn what_cannot_be_checked_is_not_refused() {
    let rules = schema(&json!({"properties": {"list": {"uniqueItems": true}, "n": {"type": "integer"}}}));
    let list: Vec<Value> = (0..9000).map(|at| json!([at])).collect();
    let (standing, refused) = rules.judge_write(&Standing::Valid, &json!({"list": list, "n": "x"}));
    assert_eq!(refused, None);
    assert!(matches!(standing, Standing::Unchecked(_)), "{standing:?}");
    let (_, refused) = rules.judge_write(&standing, &json!({"n": "x"}));
    assert_eq!(refused, None, "it is not known to be worse than before");
}
