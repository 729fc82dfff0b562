//! Schemas and states that mean harm. Each must end soon, as an error that names the bound, or harmlessly; all of it on
//! a stack of 2 MiB and in little memory: see [`crate::attack`].

use std::fs;

use serde_json::{Map, Value, json};

use super::{Schema, Standing};
use crate::attack::attack;

/// What came of compiling the schema and of judging the state.
fn judged(schema: &Value, state: &Value) -> String {
    let schema = match Schema::compile(schema.as_object().unwrap()) {
        Ok(schema) => schema,
        Err(error) => return error.to_string(),
    };
    match schema.judge(state) {
        Standing::Valid => "valid".to_owned(),
        Standing::Violated(violations) => format!("violated: {violations}"),
        Standing::Unchecked(error) => error.to_string(),
    }
}

/// The same, and the most memory that the process had, so that a test can bound it.
fn judged_in_memory(schema: &Value, state: &Value, mib: usize) -> String {
    let before = peak_mib();
    let outcome = judged(schema, state);
    let used = peak_mib() - before;
    assert!(used <= mib, "{used} MiB, allowed are {mib}: {outcome}");
    outcome
}

/// The most memory that this process had so far.
fn peak_mib() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap_or_default() / 1024
}

/// `$defs` d0 to d`count`, each made from its own number.
fn definitions(count: usize, make: impl Fn(usize) -> Value) -> Value {
    Value::Object((0..=count).map(|at| (format!("d{at}"), make(at))).collect())
}

fn reference(at: usize) -> Value {
    json!({"$ref": format!("#/$defs/d{at}")})
}

/// `levels` maps or lists inside each other.
fn nested(levels: usize, wrap: impl Fn(Value) -> Value) -> Value {
    (0..levels).fold(json!(1), |inner, _| wrap(inner))
}

/// `{"a": [[[]...` as a state of one list of `count` such items, no two the same but all alike to a hash.
fn bracketed(count: usize) -> Vec<Value> {
    let items = (0..count).map(|at| {
        (0..12).fold(json!([]), |list, bit| if at >> bit & 1 == 1 { json!([list, 0]) } else { json!([list, [0]]) })
    });
    items.collect()
}

attack!(
    references_that_double_60_times_are_refused,
    || {
        let double = |at| if at == 60 { json!(true) } else { json!({"allOf": [reference(at + 1), reference(at + 1)]}) };
        judged(&json!({"$ref": "#/$defs/d0", "$defs": definitions(60, double)}), &json!({}))
    },
    "compile spec.stateSchema at #/$defs/d"
);
attack!(
    references_that_double_16_times_are_counted,
    || {
        let double = |at| if at == 16 { json!(true) } else { json!({"anyOf": [reference(at + 1), reference(at + 1)]}) };
        judged(&json!({"$ref": "#/$defs/d0", "$defs": definitions(16, double)}), &json!({}))
    },
    "compile spec.stateSchema at #: 262142 subschemas look at one value, at most 4096 are allowed"
);
attack!(
    references_that_double_at_each_level_of_the_state_run_out_of_steps,
    || {
        let twice = json!({"allOf": [reference(0), reference(0)]});
        let schema = json!({"$ref": "#/$defs/d0", "$defs": {"d0": {"properties": {"a": twice}}}});
        judged(&schema, &nested(63, |inner| json!({ "a": inner })))
    },
    "check state against spec.stateSchema: it takes more than 500000 steps, at most 500000 are allowed for one check"
);
attack!(
    a_schema_that_is_applied_to_the_same_value_again_is_refused,
    || {
        let schema = json!({"properties": {"a": {"allOf": [{"$ref": "#/$defs/d"}]}}, "$defs": {"d": {"not": {"$ref": "#/properties/a"}}}});
        judged(&schema, &json!({"a": 1}))
    },
    "compile spec.stateSchema at #/$defs/d: it is applied to the same value again without end: #/$defs/d -> #/$defs/d/not -> #/properties/a -> #/properties/a/allOf/0 -> #/$defs/d"
);
attack!(
    a_circle_of_1000_references_is_refused_as_one,
    || {
        let next = |at| reference((at + 1) % 1001);
        judged(&json!({"$ref": "#/$defs/d0", "$defs": definitions(1000, next)}), &json!({}))
    },
    "it is applied to the same value again without end: #"
);
attack!(
    a_chain_of_1000_references_is_refused,
    || {
        let next = |at| if at == 1000 { json!(true) } else { reference(at + 1) };
        judged(&json!({"$ref": "#/$defs/d0", "$defs": definitions(1000, next)}), &json!({}))
    },
    "more than 64 subschemas inside each other look at one value, at most 64 are allowed"
);
attack!(
    a_chain_of_1000_properties_compiles_and_is_checked,
    || {
        let next = |at| if at == 900 { json!(true) } else { json!({"properties": {"a": reference(at + 1)}}) };
        let schema = json!({"$ref": "#/$defs/d0", "$defs": definitions(900, next)});
        judged(&schema, &nested(63, |inner| json!({ "a": inner })))
    },
    "valid"
);
attack!(
    as_many_subschemas_inside_each_other_as_are_allowed_at_each_level_of_a_deep_state_are_too_deep,
    || {
        let next = |at| if at == 60 { json!({"items": reference(0)}) } else { json!({"allOf": [reference(at + 1)]}) };
        let schema = json!({"$ref": "#/$defs/d0", "$defs": definitions(30, |at| next(if at == 30 { 60 } else { at }))});
        judged(&schema, &nested(64, |inner| json!([inner])))
    },
    "more than 256 schemas stand inside each other, at most 256 are allowed"
);
attack!(
    the_deepest_check_that_is_allowed_fits_the_stack,
    || {
        let branch = json!({"anyOf": [{"$ref": "#"}, false]});
        let member = json!({"properties": {"a": branch.clone()}, "items": branch, "unevaluatedItems": false});
        let mut outcome = String::new();
        for levels in [20, 40, 60, 64] {
            outcome += &judged(&member, &nested(levels, |inner| json!({ "a": inner })));
            outcome += &judged(
                &json!({"if": {"type": "object"}, "then": {"additionalProperties": {"oneOf": [{"$ref": "#"}, {"const": 2}]}}}),
                &nested(levels, |inner| json!({ "a": inner })),
            );
        }
        outcome
    },
    "valid"
);
attack!(
    the_deepest_and_widest_schema_that_is_allowed_compiles_on_the_stack,
    || {
        let mut outcome = String::new();
        for keyword in ["allOf", "anyOf", "oneOf", "prefixItems"] {
            outcome += &judged(&nested_in_list(keyword, 15), &json!({}));
        }
        for keyword in ["not", "items", "additionalProperties", "unevaluatedProperties", "contains", "if"] {
            let schema = (0..30).fold(json!({"type": "object"}), |inner, _| json!({ keyword: inner }));
            outcome += &judged(&schema, &nested(28, |inner| json!({ "a": inner })));
            // References from the innermost of each definition to the next, as deep inside as is allowed.
            let chained = |levels: usize, at: usize| {
                let inner = if at == 30 { json!(true) } else { reference(at + 1) };
                (0..levels).fold(inner, |inner, _| json!({"properties": {"a": true}, keyword: inner}))
            };
            let schema =
                |levels| json!({"properties": {"b": reference(0)}, "$defs": definitions(30, |at| chained(levels, at))});
            if keyword != "not" && keyword != "if" {
                let refused = judged(&schema(10), &json!({}));
                assert!(refused.contains("references stand 101 deep inside definitions"), "{refused}");
                outcome += &judged(&schema(7), &json!({"b": {"a": 1}}));
            }
        }
        outcome
    },
    "validvalidvalidvalidvalidvalid"
);
attack!(
    a_schema_nested_33_deep_is_refused,
    || judged(&nested_in_list("allOf", 16), &json!({})),
    "compile spec.stateSchema at #: it is nested 33 deep, at most 32 maps and lists may stand inside each other"
);
attack!(
    a_schema_of_100_kib_is_refused,
    || judged(&json!({"description": "x".repeat(100 * 1024)}), &json!({})),
    "compile spec.stateSchema at #: it has 102418 bytes, at most 65536 bytes are allowed"
);
attack!(
    a_huge_enum_at_many_items_runs_out_of_steps,
    || {
        let options: Vec<Value> = (0..10_000).map(|at| json!(at)).collect();
        judged(&json!({"properties": {"a": {"items": {"enum": options}}}}), &json!({"a": vec![-1; 50_000]}))
    },
    "it takes more than 500000 steps"
);
attack!(
    a_huge_constant_at_many_items_runs_out_of_steps,
    || {
        let deep: Vec<Value> = (0..8000).map(|at| json!(at)).collect();
        let items: Vec<Value> = vec![json!(deep); 10];
        let mut outcome = judged(&json!({"properties": {"a": {"items": {"const": deep}}}}), &json!({"a": items}));
        outcome += &judged(&json!({"properties": {"a": {"items": {"const": deep}}}}), &json!({"a": vec![0; 100_000]}));
        outcome
    },
    "it takes more than 500000 steps"
);
attack!(
    unique_items_that_a_hash_cannot_tell_apart_run_out_of_steps,
    || judged(&json!({"properties": {"a": {"uniqueItems": true}}}), &json!({"a": bracketed(4000)})),
    "it takes more than 500000 steps"
);
attack!(
    as_many_such_items_as_are_allowed_are_compared_in_time,
    || judged(&json!({"properties": {"a": {"uniqueItems": true}}}), &json!({"a": bracketed(1200)})),
    "valid"
);
attack!(
    many_plain_items_are_unique_in_time,
    || judged(&json!({"properties": {"a": {"uniqueItems": true}}}), &json!({"a": (0..60_000).collect::<Vec<usize>>()})),
    "valid"
);
attack!(
    thousands_of_branches_at_thousands_of_items_run_out_of_steps,
    || {
        let branches: Vec<Value> = (0..3000).map(|at| json!({"const": at})).collect();
        judged(&json!({"properties": {"a": {"items": {"anyOf": branches}}}}), &json!({"a": vec![-1; 50_000]}))
    },
    "it takes more than 500000 steps"
);
attack!(
    branches_that_would_copy_a_large_state_are_not_listed,
    || {
        let branches: Vec<Value> = (0..3000).map(|at| json!({"const": at})).collect();
        judged_in_memory(&json!({"anyOf": branches}), &json!({"a": "x".repeat(500_000)}), 48)
    },
    "a list of all places would take more than 50000 steps"
);
attack!(
    branches_inside_branches_at_each_level_of_the_state_are_bounded,
    || {
        let schema = json!({"anyOf": [{"additionalProperties": {"$ref": "#"}, "required": ["x"]}, {"additionalProperties": {"$ref": "#"}, "required": ["y"]}]});
        judged_in_memory(&schema, &nested(60, |inner| json!({ "a": inner })), 48)
    },
    "it takes more than 500000 steps"
);
attack!(
    as_many_violations_as_are_listed_take_little_memory,
    || {
        let schema = json!({"properties": {"a": {"items": {"type": "string", "minimum": 5, "enum": [], "const": 7}}}});
        judged_in_memory(&schema, &json!({"a": vec![1; 7_000]}), 48)
    },
    "violated: state.a[0] is 1 and must be"
);
attack!(
    violations_in_a_huge_list_take_little_memory,
    || judged_in_memory(
        &json!({"properties": {"a": {"items": {"type": "string"}}}}),
        &json!({"a": vec![1; 120_000]}),
        32
    ),
    "state.a[0] is 1 and must be of type string; state is not what spec.stateSchema asks for, and a list of all places would take more than 50000 steps"
);
attack!(
    violations_below_a_key_of_400_kib_take_little_memory,
    || {
        let items = vec![1; 50_000];
        let state = Value::Object(Map::from_iter([("k".repeat(400 * 1024), json!(items))]));
        judged_in_memory(&json!({"additionalProperties": {"items": {"type": "string"}}}), &state, 32)
    },
    "a list of all places would take more than 50000 steps"
);
attack!(
    a_large_schema_under_not_is_not_copied_for_each_item,
    || {
        let excluded = json!({"$comment": "x".repeat(60_000)});
        judged_in_memory(
            &json!({"properties": {"a": {"items": {"not": excluded}}}}),
            &json!({"a": vec![1; 60_000]}),
            32,
        )
    },
    "a list of all places would take more than 50000 steps"
);
attack!(
    a_pattern_of_1000_bytes_is_not_copied_for_each_item,
    || {
        let pattern = format!("^({})$", "abcdefgh|".repeat(100));
        judged_in_memory(
            &json!({"properties": {"a": {"items": {"pattern": pattern}}}}),
            &json!({"a": vec!["z"; 20_000]}),
            32,
        )
    },
    "a list of all places would take more than 50000 steps"
);
attack!(
    thousands_of_required_names_at_many_items_run_out_of_steps,
    || {
        let names: Vec<String> = (0..8000).map(|at| format!("n{at}")).collect();
        judged_in_memory(
            &json!({"properties": {"a": {"items": {"required": names}}}}),
            &json!({"a": vec![json!({}); 50_000]}),
            32,
        )
    },
    "it takes more than 500000 steps"
);
attack!(
    unevaluated_properties_at_each_level_run_out_of_steps,
    || {
        let schema = json!({"allOf": [{"properties": {"a": {"$ref": "#"}}}], "unevaluatedProperties": false});
        judged(&schema, &nested(63, |inner| json!({ "a": inner })))
    },
    "it takes more than 500000 steps"
);
attack!(
    unevaluated_items_beside_contains_at_each_level_run_out_of_steps,
    || {
        let items = json!({"contains": {"$ref": "#/$defs/d"}, "minContains": 0, "unevaluatedItems": false});
        let schema = json!({"properties": {"a": {"$ref": "#/$defs/d"}}, "$defs": {"d": items}});
        judged(&schema, &json!({"a": nested(60, |inner| json!([inner]))}))
    },
    "it takes more than 500000 steps"
);
attack!(
    the_longest_chain_under_unevaluated_properties_ends_in_time,
    || {
        let next = |at| if at == 29 { json!({"minProperties": 1}) } else { json!({"allOf": [reference(at + 1)]}) };
        let member = json!({"allOf": [reference(0)], "unevaluatedProperties": {"type": "integer"}});
        let schema = json!({"additionalProperties": member, "$defs": definitions(29, next)});
        let state: Map<String, Value> = (0..50).map(|at| (format!("k{at}"), json!({"a": 1}))).collect();
        judged(&schema, &Value::Object(state))
    },
    "valid"
);
attack!(
    unevaluated_properties_inside_each_other_are_refused,
    || {
        let next = |at| {
            let inner = if at == 40 { json!(true) } else { reference(at + 1) };
            json!({"allOf": [inner], "unevaluatedProperties": false})
        };
        judged(&json!({"$ref": "#/$defs/d0", "$defs": definitions(40, next)}), &json!({"a": 1}))
    },
    "subschemas inside each other look at one value"
);
attack!(
    unevaluated_properties_inside_each_other_as_deep_as_allowed_run_out_of_steps,
    || {
        let next = |at| {
            let inner = if at == 18 { json!(true) } else { reference(at + 1) };
            json!({"anyOf": [inner, {"properties": {"b": true}}], "unevaluatedProperties": false})
        };
        judged(&json!({"$ref": "#/$defs/d0", "$defs": definitions(18, next)}), &json!({"a": 1}))
    },
    "it takes more than 500000 steps"
);
attack!(
    many_unevaluated_keywords_beside_many_subschemas_are_refused,
    || {
        let many: Vec<Value> = (0..30).map(|_| json!({"$ref": "#/$defs/d0"})).collect();
        let wide = |at| {
            if at == 0 {
                json!({"allOf": vec![json!({"title": "x"}); 20]})
            } else {
                json!({"allOf": many, "unevaluatedProperties": false})
            }
        };
        judged(&json!({"$defs": definitions(60, wide)}), &json!({}))
    },
    "all unevaluatedProperties and unevaluatedItems together look at"
);
attack!(
    a_pattern_that_blows_up_elsewhere_is_harmless,
    || judged(&json!({"properties": {"a": {"pattern": "^(a+)+$"}}}), &json!({"a": "a".repeat(100_000) + "!"})),
    "violated: state.a is \"aaaaaaaaaa"
);
attack!(
    a_pattern_that_an_automaton_cannot_follow_runs_out_of_steps,
    || judged(&json!({"properties": {"a": {"pattern": "(a|b)*a(a|b){400}c"}}}), &json!({"a": "ab".repeat(200_000)})),
    "it takes more than 500000 steps"
);
attack!(
    such_a_pattern_ends_in_time_on_the_longest_text_that_is_allowed,
    || judged(&json!({"properties": {"a": {"pattern": "(a|b)*a(a|b){400}c"}}}), &json!({"a": "ab".repeat(15_000)})),
    "violated"
);
attack!(
    a_pattern_that_compiles_to_great_size_is_refused,
    || judged(&json!({"properties": {"a": {"pattern": "((a{100}){100}){100}"}}}), &json!({})),
    "compile spec.stateSchema at #/properties/a/pattern: the pattern ((a{100}){100}){100} has more than 131072 bytes once compiled"
);
attack!(
    a_pattern_of_10000_bytes_is_refused,
    || judged(&json!({"patternProperties": {"a".repeat(10_000): true}}), &json!({})),
    "the pattern has 10000 bytes, at most 1024 bytes are allowed"
);
attack!(
    hundreds_of_patterns_are_refused,
    || {
        let patterns: Map<String, Value> = (0..500).map(|at| (format!("^a{at}$"), json!(true))).collect();
        judged(&json!({"patternProperties": patterns}), &json!({}))
    },
    "it is one pattern too many, at most 64 different ones are allowed"
);
attack!(
    the_most_and_largest_patterns_take_little_memory,
    || {
        let items: Vec<Value> = (0..64).map(|at| json!({"pattern": format!("^(x{at}|[a-z]+){{120}}$")})).collect();
        let schema = json!({"properties": {"a": {"items": {"anyOf": items}}}});
        judged_in_memory(&schema, &json!({"a": ["abc"]}), 64)
    },
    "violated"
);
attack!(
    a_state_deeper_than_is_ever_read_is_too_deep_and_no_overflow,
    || {
        let deep: Value = serde_json::from_str(&("[".repeat(126) + &"]".repeat(126))).unwrap();
        judged(
            &json!({"properties": {"a": {"$ref": "#/$defs/d"}}, "$defs": {"d": {"items": {"allOf": [{"$ref": "#/$defs/d"}]}}}}),
            &json!({"a": deep}),
        )
    },
    "more than 256 schemas stand inside each other"
);
attack!(
    numbers_as_large_and_small_as_there_are_divide_in_time,
    || judged(
        &json!({"properties": {"a": {"items": {"multipleOf": 5e-324, "minimum": -1e308}}}}),
        &json!({"a": vec![1.797e308; 20_000]})
    ),
    "valid"
);
attack!(
    a_schema_that_is_no_schema_in_thousands_of_places_is_one_short_error,
    || {
        let wrong: Map<String, Value> = (0..2500).map(|at| (format!("p{at}"), json!({"type": at}))).collect();
        judged_in_memory(&json!({"properties": wrong}), &json!({}), 48)
    },
    "compile spec.stateSchema at #/properties/p"
);

attack!(
    what_a_compiled_schema_is_said_to_take_is_no_less_than_it_takes,
    || {
        let small: Map<String, Value> = (0..2500).map(|at| (format!("p{at}"), json!({"type": "null"}))).collect();
        let branches: Vec<Value> = (0..3500).map(|at| json!({"const": at})).collect();
        let patterns: Vec<Value> = (0..16).map(|at| json!({"pattern": format!("^(x{at}|[a-z]+){{120}}$")})).collect();
        let mut outcome = String::new();
        for rules in [json!({"properties": small}), json!({"anyOf": branches}), json!({"anyOf": patterns})] {
            let (before, mut said) = (peak_mib(), 0);
            let kept: Vec<Schema> = (0..3).map(|_| Schema::compile(rules.as_object().unwrap()).unwrap()).collect();
            for schema in &kept {
                schema.judge(&json!({"a": "abc".repeat(100)}));
                said += schema.memory() / 1024;
            }
            let (took, said) = (peak_mib() - before, said / 1024);
            let enough = if took <= said { "enough" } else { "too little" };
            outcome += &[enough, ": took ", &took.to_string(), " MiB, said ", &said.to_string(), " MiB; "].concat();
        }
        if outcome.contains("too little") { outcome } else { format!("all enough, {outcome}") }
    },
    "all enough"
);

fn nested_in_list(keyword: &str, levels: usize) -> Value {
    (0..levels).fold(json!({}), |inner, _| json!({ keyword: [inner] }))
}
