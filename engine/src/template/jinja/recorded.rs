//! Cases of which Python's own answers are recorded: each line of a file of cases is a call and what came of it.
//!
//! `{"call": "center", "on": "ab", "with": [5, "*"], "named": {}, "text": "**ab*"}`: what is called on which value, with
//! which arguments. The outcome is `text` or `markup` for texts, `repr` for other values, `fails` for an exception, and
//! `after` says what the value looked like afterwards if it was changed. In values, `{"$tuple": [...]}`,
//! `{"$markup": "..."}`, `{"$undefined": ""}` and
//! `{"$map": [[key, value], ...]}` stand for what JSON does not have, `{"$as": "a", "is": ...}` gives a
//! list or map a name and `{"$as": "a"}` is that very one again.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value as Json;

use super::super::error::Fault;
use super::super::rendering::Rendering;
use super::super::testing::seed;
use super::super::{Library, Seed};
use super::arguments::Arguments;
use super::machine::Machine;
use super::prefix::Prefix;
use super::value::{Text, Value};
use super::{format, method, serial};

/// What every machine of these tests reads; it lives as long as they do, so that values may live that long too.
static GROUND: LazyLock<(Json, Seed, Library, Prefix)> =
    LazyLock::new(|| (Json::Null, seed(), Library::default(), Prefix::default()));

/// Runs `work` on the machine of a rendering of its own.
pub(super) fn with_machine<T>(work: impl FnOnce(&mut Machine<'static, '_>) -> T) -> T {
    let (root, seed, library, prefix) = &*GROUND;
    let mut rendering = Rendering::new("test", root, seed, library);
    work(&mut Machine::new(&mut rendering, &"test".into(), 0, prefix))
}

/// Every case of `lines` gives what is recorded.
pub(super) fn check(lines: &str) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in lines.lines().filter(|line| !line.is_empty()) {
        count += 1;
        let [expected, found] = with_machine(|machine| outcome(machine, line));
        if found != expected {
            wrong.push(format!("{line}\n  expected {expected:?}\n  found    {found:?}\n"));
        }
    }
    assert!(count > 0, "there are no cases");
    let shown = wrong.iter().take(40).map(String::as_str).collect::<String>();
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n{shown}", wrong.len());
}

/// What the call in `line` shall give and what it gives: as text, as marked text, as representation, failing, and the
/// receiver afterwards.
fn outcome(machine: &mut Machine<'static, '_>, line: &str) -> [[Option<String>; 5]; 2] {
    let mut named = HashMap::new();
    let case = serial::from_json(machine, &Value::text(line), Arguments::default()).unwrap();
    let expected = ["text", "markup", "repr", "fails", "after"].map(|name| match item(machine, &case, name) {
        Value::Undefined(_) => None,
        found => Some(machine.to_text(&found).unwrap()),
    });
    let call = item(machine, &case, "call");
    let call = machine.to_text(&call).unwrap();
    let on = item(machine, &case, "on");
    let on = decoded(machine, &on, &mut named);
    let mut arguments = Arguments::default();
    if let Value::List(list) = item(machine, &case, "with") {
        for item in machine.items(&list) {
            arguments.positional.push(decoded(machine, &item, &mut named));
        }
    }
    if let Value::Map(map) = item(machine, &case, "named") {
        for (key, value) in machine.entries(&map) {
            let key = machine.to_text(&key).unwrap();
            arguments.named.push((key, decoded(machine, &value, &mut named)));
        }
    }
    let made = run(machine, &call, &on, arguments);
    let after = expected[4].as_ref().map(|_| machine.representation(&on).unwrap());
    let found = match made {
        Ok(Value::Text(Text { text, markup })) => {
            let text = Some(Text { text, markup: false }.to_string());
            if markup { [None, text, None, None, after] } else { [text, None, None, None, after] }
        }
        Ok(value) => [None, None, Some(machine.representation(&value).unwrap()), None, after],
        Err(_) => [None, None, None, Some("True".to_owned()), after],
    };
    [expected, found]
}

fn item<'a>(machine: &mut Machine<'a, '_>, case: &Value<'a>, name: &str) -> Value<'a> {
    machine.item(case, &Value::text(name)).unwrap()
}

fn run<'a>(
    machine: &mut Machine<'a, '_>,
    call: &str,
    on: &Value<'a>,
    mut arguments: Arguments<'a>,
) -> Result<Value<'a>, Fault> {
    match (call, on) {
        ("|to_nice_yaml", _) => serial::to_nice_yaml(machine, on, arguments),
        ("|json_dumps", _) => serial::json_dumps(machine, on, arguments),
        ("|tojson", _) => serial::tojson(machine, on, arguments),
        ("|from_json", _) => serial::from_json(machine, on, arguments),
        ("%", Value::Text(text)) => format::percent(machine, text, &arguments.positional.remove(0)),
        (name, _) => {
            let method = method::find(machine, on, name).unwrap_or_else(|| panic!("there is no method {name}"));
            match &method {
                Value::Object(object) if object.is_callable() => machine.call(&method, arguments),
                _ => Ok(method),
            }
        }
    }
}

/// A value with what JSON does not have.
fn decoded<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, named: &mut HashMap<String, Value<'a>>) -> Value<'a> {
    match value {
        Value::List(list) => {
            let items = machine.items(list).iter().map(|item| decoded(machine, item, named)).collect();
            Value::list(items)
        }
        Value::Map(map) => {
            let mut entries = machine.entries(map);
            let first = entries.first().map(|(key, _)| machine.to_text(key).unwrap()).unwrap_or_default();
            match first.as_str() {
                "$tuple" => {
                    let Value::List(list) = &entries[0].1 else { panic!("a tuple needs a list") };
                    Value::tuple(machine.items(list).iter().map(|item| decoded(machine, item, named)).collect())
                }
                "$markup" => Value::markup(machine.to_text(&entries[0].1).unwrap()),
                "$undefined" => Value::undefined("nothing"),
                "$map" => {
                    let Value::List(list) = &entries[0].1 else { panic!("a map needs a list of pairs") };
                    let pairs =
                        machine.items(list).iter().map(|pair| machine.iterate(pair).unwrap()).collect::<Vec<_>>();
                    let pairs =
                        pairs.iter().map(|pair| (decoded(machine, &pair[0], named), decoded(machine, &pair[1], named)));
                    Value::map(pairs.collect::<Vec<_>>()).unwrap()
                }
                "$as" => {
                    let name = machine.to_text(&entries[0].1).unwrap();
                    if let Some((_, value)) = entries.get(1) {
                        let value = decoded(machine, value, named);
                        named.insert(name.clone(), value);
                    }
                    named[&name].clone()
                }
                _ => {
                    for (_, value) in &mut entries {
                        *value = decoded(machine, value, named);
                    }
                    Value::map(entries).unwrap()
                }
            }
        }
        other => other.clone(),
    }
}
