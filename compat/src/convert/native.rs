//! How blocks of the new configuration merge, so that a conversion can see what its manifests come to, and say what is
//! needed to make it what the old files came to.
//!
//! Works on entries of `contexts` as JSON. The engine merges the same way; a test holds the two together.

use serde_json::{Map, Value};

/// Steps to a value: keys of maps, and names of items.
pub(super) type Steps = Vec<String>;

/// How a place is merged.
fn is_free(steps: &[String]) -> bool {
    let at = |index: usize| steps.get(index).map(String::as_str);
    at(0) == Some("settings") || (at(0) == Some("pipelines") && at(2) == Some("settings"))
}

/// Whether the list at a place merges by the names of its items.
fn is_named(steps: &[String]) -> bool {
    if is_free(steps) {
        return false;
    }
    let last = steps.last().map_or("", String::as_str);
    let of_pipeline =
        steps.len() == 4 && steps.get(2).is_some_and(|kind| kind == "eventHandlers" || kind == "generators");
    of_pipeline || (steps.len() > 4 && matches!(last, "fields" | "args" | "choices" | "choiceGenerators"))
}

fn name(item: &Value) -> &str {
    item.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// The type that values must share, as the merge sees it.
fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// Merges `later` into `inherited`. Where types clash, the later value is taken and the place is noted.
pub(super) fn merge(inherited: &mut Value, later: &Value, steps: &mut Steps, clashes: &mut Vec<Steps>) {
    match (&mut *inherited, later) {
        (Value::Object(map), Value::Object(later)) => {
            for (key, value) in later {
                steps.push(key.clone());
                match map.get_mut(key) {
                    Some(inherited) => merge(inherited, value, steps, clashes),
                    None => {
                        map.insert(key.clone(), value.clone());
                    }
                }
                steps.pop();
            }
        }
        (Value::Array(items), Value::Array(later)) if is_named(steps) => {
            for value in later {
                steps.push(name(value).to_owned());
                match items.iter_mut().find(|item| name(item) == name(value)) {
                    Some(item) => merge(item, value, steps, clashes),
                    None => items.push(value.clone()),
                }
                steps.pop();
            }
        }
        (inherited, later) => {
            if kind(inherited) != kind(later) && !inherited.is_null() && !later.is_null() {
                clashes.push(steps.clone());
            }
            *inherited = later.clone();
        }
    }
}

/// What a later block must say, and what it must unset, so that `inherited` and it come to `target`.
pub(super) fn correct(inherited: &Value, own: &mut Value, target: &Value, steps: &mut Steps, unset: &mut Vec<Steps>) {
    let mut merged = inherited.clone();
    let mut clashes = Vec::new();
    merge(&mut merged, own, steps, &mut clashes);
    if &merged == target && clashes.is_empty() {
        return;
    }
    match (inherited, &mut *own, target) {
        (Value::Object(inherited), Value::Object(own), Value::Object(target)) => {
            for key in inherited.keys().filter(|key| !target.contains_key(*key)) {
                own.shift_remove(key);
                steps.push(key.clone());
                unset.push(steps.clone());
                steps.pop();
            }
            own.retain(|key, _| target.contains_key(key));
            for (key, wanted) in target {
                steps.push(key.clone());
                amend(inherited.get(key), own, key, wanted, steps, unset);
                steps.pop();
            }
        }
        (Value::Array(inherited), Value::Array(own), Value::Array(target))
            if is_named(steps) && in_order(inherited, target) =>
        {
            for item in inherited.iter().filter(|item| !target.iter().any(|wanted| name(wanted) == name(item))) {
                steps.push(name(item).to_owned());
                unset.push(steps.clone());
                steps.pop();
            }
            let mut corrected = Vec::new();
            for wanted in target {
                let before = inherited.iter().find(|item| name(item) == name(wanted));
                let mine = own.iter().find(|item| name(item) == name(wanted)).cloned();
                let Some(before) = before else {
                    corrected.push(wanted.clone());
                    continue;
                };
                let was_written = mine.is_some();
                let mut mine = mine.unwrap_or_else(|| serde_json::json!({"name": name(wanted)}));
                steps.push(name(wanted).to_owned());
                correct(before, &mut mine, wanted, steps, unset);
                steps.pop();
                if was_written || mine.as_object().is_some_and(|mine| mine.len() > 1) {
                    corrected.push(mine);
                }
            }
            *own = corrected;
        }
        _ => {
            let clashes = kind(inherited) != kind(target) && !inherited.is_null() && !target.is_null();
            if clashes || (target.is_array() && is_named(steps)) {
                unset.push(steps.clone());
            }
            *own = target.clone();
        }
    }
}

/// One key of a map.
fn amend(
    inherited: Option<&Value>,
    own: &mut Map<String, Value>,
    key: &str,
    wanted: &Value,
    steps: &mut Steps,
    unset: &mut Vec<Steps>,
) {
    let Some(inherited) = inherited else {
        own.insert(key.to_owned(), wanted.clone());
        return;
    };
    match own.get_mut(key) {
        Some(mine) => correct(inherited, mine, wanted, steps, unset),
        None if inherited == wanted => {}
        None if kind(inherited) == kind(wanted) && (wanted.is_object() || (wanted.is_array() && is_named(steps))) => {
            let mut mine = if wanted.is_object() { Value::Object(Map::new()) } else { Value::Array(Vec::new()) };
            correct(inherited, &mut mine, wanted, steps, unset);
            own.insert(key.to_owned(), mine);
        }
        None => {
            if kind(inherited) != kind(wanted) && !inherited.is_null() && !wanted.is_null() {
                unset.push(steps.clone());
            }
            own.insert(key.to_owned(), wanted.clone());
        }
    }
}

/// Whether items that are inherited, and stay, stand first and in the order that is wanted.
fn in_order(inherited: &[Value], target: &[Value]) -> bool {
    let kept: Vec<&str> =
        inherited.iter().map(name).filter(|found| target.iter().any(|wanted| name(wanted) == *found)).collect();
    target.iter().map(name).take(kept.len()).eq(kept.iter().copied())
}

/// A path of `unset`.
pub(super) fn path(steps: &[String]) -> String {
    let mut path = String::new();
    for step in steps {
        let plain =
            !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if plain {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(step);
        } else {
            path.push_str("['");
            path.push_str(&step.replace('\\', "\\\\").replace('\'', "\\'"));
            path.push_str("']");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn handlers(handlers: &Value) -> Value {
        json!({"pipelines": {"p": {"eventHandlers": {"e": handlers}}}})
    }

    /// What has to be said and unset, and that it comes to the target.
    fn corrected(inherited: &Value, own: &Value, target: &Value) -> (Value, Vec<String>) {
        let (mut own, mut unset) = (own.clone(), Vec::new());
        correct(inherited, &mut own, target, &mut Vec::new(), &mut unset);
        (own, unset.iter().map(|steps| path(steps)).collect())
    }

    #[test]
    fn what_is_right_already_stays_as_it_was_written() {
        let inherited = json!({"settings": {"a": 1, "b": {"c": 1}}});
        let own = json!({"settings": {"a": 1}});
        assert_eq!(corrected(&inherited, &own, &inherited), (own, vec![]));
    }

    #[test]
    fn what_another_type_replaces_is_unset_first() {
        let (own, unset) = corrected(
            &json!({"settings": {"x": [], "y": 1}}),
            &json!({"settings": {"x": {"k": 1}}}),
            &json!({"settings": {"x": {"k": 1}, "y": 1}}),
        );
        assert_eq!((own, unset), (json!({"settings": {"x": {"k": 1}}}), vec!["settings.x".to_owned()]));
    }

    #[test]
    fn a_handler_that_the_old_rules_switch_off_is_switched_off_by_name() {
        let inherited = handlers(&json!([{"name": "notify", "notify": {"message": "m"}}]));
        let target = handlers(&json!([{"name": "notify", "enabled": false, "notify": {"message": "m"}}]));
        let (own, unset) = corrected(&inherited, &json!({}), &target);
        assert_eq!(own, handlers(&json!([{"name": "notify", "enabled": false}])));
        assert_eq!(unset, Vec::<String>::new());
    }

    #[test]
    fn items_that_are_gone_are_unset_by_name() {
        let inherited = handlers(&json!([{"name": "a", "setValues": [1]}, {"name": "b", "setValues": [2]}]));
        let target = handlers(&json!([{"name": "b", "setValues": [3]}]));
        let (own, unset) = corrected(&inherited, &json!({}), &target);
        assert_eq!(own, handlers(&json!([{"name": "b", "setValues": [3]}])));
        assert_eq!(unset, ["pipelines.p.eventHandlers.e.a"]);
    }

    #[test]
    fn types_that_clash_are_noted_with_their_place() {
        let mut merged = json!({"settings": {"a.b": 0, "n": null}});
        let mut clashes = Vec::new();
        merge(&mut merged, &json!({"settings": {"a.b": "x", "n": 1}}), &mut Vec::new(), &mut clashes);
        assert_eq!(merged, json!({"settings": {"a.b": "x", "n": 1}}));
        assert_eq!(clashes.iter().map(|steps| path(steps)).collect::<Vec<_>>(), ["settings['a.b']"]);
    }
}
