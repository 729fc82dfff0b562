//! JSONPaths that mean harm, over as much data as an event may see. Each ends soon, as an error that names the bound, or
//! harmlessly.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{JsonPathError, find};
use crate::attack::attack;

/// 512 KiB of JSON with as many values as that can hold.
fn flat() -> Value {
    json!({"state": {"list": vec![0; 260_000]}})
}

/// Up to 512 KiB of JSON, all of it 60 lists deep.
fn deep(values: usize) -> Value {
    let mut value = json!(vec![0; values]);
    for _ in 0..60 {
        value = json!([value]);
    }
    json!({"state": value})
}

/// 512 KiB of small objects.
fn objects() -> Value {
    let item = |at: usize| json!({"id": at, "name": "n", "up": {"x": 1}});
    json!({"state": {"items": (0..14_000).map(item).collect::<Vec<_>>(), "current": 3}})
}

fn tried(path: &str, root: &Value) -> Result<String, String> {
    let outcome: Result<Option<Value>, JsonPathError> = find(path, root);
    outcome.map(|found| found.map(|found| found.to_string()).unwrap_or_default()).map_err(|error| error.to_string())
}

attack!(
    descendants_of_descendants_are_refused,
    || tried("$..*..*..*", &flat()),
    "it may visit too much: at most one .. is allowed"
);
attack!(
    a_path_of_64_kib_is_refused,
    || tried(&format!("$.state{}", "[*]".repeat(22 * 1024)), &deep(260_000)),
    "read JSONPath: it has 67591 bytes; at most 1024 are allowed"
);
attack!(
    all_nodes_of_a_deep_state_are_not_copied_once_for_each_level,
    || tried("$..*", &deep(260_000)),
    "query JSONPath \"$..*\": what it finds takes more than the allowed 4194304 bytes"
);
attack!(
    selectors_that_double_all_nodes_again_and_again_are_refused,
    || tried("$..[*,*][*,*][*,*]", &flat()),
    "query JSONPath \"$..[*,*][*,*][*,*]\": it may take "
);
attack!(
    two_hundred_conditions_for_each_of_all_nodes_are_refused,
    || tried(&format!("$..[?@.a{}]", "||@.a".repeat(190)), &flat()),
    "steps over this data, at most 4000000 are allowed; name more of the way before the first *, .. or filter"
);
attack!(
    large_values_compared_for_each_of_many_are_refused,
    || {
        let half = vec![0; 130_000];
        tried("$.state.list[?$.state.a == $.state.b]", &json!({"state": {"list": half, "a": half, "b": half}}))
    },
    "query JSONPath \"$.state.list[?$.state.a == $.state.b]\": it may take "
);
attack!(
    large_texts_compared_for_each_of_many_are_refused,
    || {
        let (list, text) = (vec![0; 80_000], "x".repeat(170_000));
        tried("$.state.list[?$.state.a == $.state.b]", &json!({"state": {"list": list, "a": text, "b": text}}))
    },
    "query JSONPath \"$.state.list[?$.state.a == $.state.b]\": it may take "
);
attack!(
    filters_nested_as_deep_as_allowed_end_soon,
    || tried("$..[?@[?@[?@[?@[?@[?@]]]]]]", &deep(100_000)),
    "what it finds takes more than the allowed"
);
attack!(one_descendant_over_the_flattest_data_ends_soon, || tried("$..[?@ == 1]", &flat()), "rendered 0 bytes");
attack!(
    one_descendant_over_the_deepest_data_ends_soon,
    || {
        let text = "[".repeat(120) + &"0,".repeat(250_000) + "0" + &"]".repeat(120);
        tried("$..none", &serde_json::from_str(&text).unwrap())
    },
    "rendered 0 bytes"
);
attack!(
    an_ordinary_filter_over_512_kib_is_answered,
    || tried("$.state.items[?@.id == $.state.current && @.up.x == 1].name", &objects()),
    "rendered 3 bytes: \"n\""
);
attack!(
    wildcards_to_the_bottom_of_the_deepest_state_end_soon,
    || {
        let mut path = "$".to_owned();
        for _ in 0..100 {
            write!(path, ".*").map_err(|error| error.to_string())?;
        }
        tried(&path, &deep(260_000))
    },
    "it may take "
);
