//! What the filters give is what Python gave, within the bounds.

use super::super::super::bounds::Bound;
use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::recorded::{check, with_machine};
use super::super::value::{List, Value};
use super::{from_json, json_dumps, to_nice_yaml, tojson};

#[test]
fn yaml_is_what_pyyaml_writes() {
    check(include_str!("../recorded/yaml.jsonl"));
}

#[test]
fn json_is_what_python_reads_and_writes() {
    check(include_str!("../recorded/json.jsonl"));
}

/// The bound that `work` goes over, or what else comes of it.
fn bound(work: impl FnOnce(&mut Machine<'static, '_>) -> Result<Value<'static>, Fault>) -> Result<Bound, String> {
    with_machine(|machine| match work(machine) {
        Err(Fault::TooMuch { bound, .. }) => Ok(bound),
        Err(Fault::Problem(problem)) => Err(problem),
        Err(other) => Err(format!("{other:?}")),
        Ok(value) => Err(format!("{value:?}")),
    })
}

fn given(name: &str, value: Value<'static>) -> Arguments<'static> {
    Arguments { positional: Vec::new(), named: vec![(name.to_owned(), value)] }
}

#[test]
fn json_that_nests_too_deep_is_refused() {
    for depth in [65, 100_000] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(bound(|machine| from_json(machine, &Value::text(text), Arguments::default())), Ok(Bound::JsonDepth));
    }
    let text = "[".repeat(64) + &"]".repeat(64);
    assert_eq!(bound(|machine| from_json(machine, &Value::text(text), Arguments::default())), Err("list".to_owned()));
}

#[test]
fn a_value_that_nests_too_deep_is_refused() {
    fn tower() -> Value<'static> {
        (0..100_000).fold(Value::None, |inner, _| Value::list(vec![inner]))
    }
    assert_eq!(bound(|machine| json_dumps(machine, &tower(), Arguments::default())), Ok(Bound::ValueNesting));
    assert_eq!(bound(|machine| tojson(machine, &tower(), Arguments::default())), Ok(Bound::ValueNesting));
    assert_eq!(bound(|machine| to_nice_yaml(machine, &tower(), Arguments::default())), Ok(Bound::ValueNesting));
}

#[test]
fn a_list_that_holds_itself_is_an_alias_in_yaml_and_no_json() {
    with_machine(|machine| {
        let list = Value::list(Vec::new());
        let Value::List(own @ List::Own(_)) = &list else { panic!("a list") };
        machine.own_list(own).unwrap().borrow_mut().push(list.clone());
        let yaml = to_nice_yaml(machine, &list, Arguments::default()).unwrap();
        assert_eq!(machine.to_text(&yaml).unwrap(), "&id001\n- *id001\n");
        let Err(Fault::Problem(problem)) = json_dumps(machine, &list, Arguments::default()) else { panic!("JSON") };
        assert_eq!(problem, "`json_dumps` cannot write a list that holds itself as JSON");
    });
}

#[test]
fn what_a_short_value_blows_up_to_is_paid_for() {
    fn repeated(text: &str) -> Value<'static> {
        let text = Value::text(text);
        Value::list(vec![text; 100])
    }
    let long = "é".repeat(4000);
    assert_eq!(bound(|machine| json_dumps(machine, &repeated(&long), Arguments::default())), Ok(Bound::ValueSize));
    assert_eq!(bound(|machine| to_nice_yaml(machine, &repeated(&long), Arguments::default())), Ok(Bound::ValueSize));
    let less = "<".repeat(1000);
    assert_eq!(bound(|machine| tojson(machine, &repeated(&less), Arguments::default())), Ok(Bound::ValueSize));
    let indent = given("indent", Value::integer(i64::MAX));
    assert_eq!(bound(|machine| json_dumps(machine, &repeated(""), indent)), Ok(Bound::ValueSize));
    let indent = given("indent", Value::integer(500_000));
    assert_eq!(bound(|machine| json_dumps(machine, &repeated(""), indent)), Ok(Bound::ValueSize));
}

#[test]
fn what_cannot_be_written_or_read_is_named() {
    let problem = |work: fn(&mut Machine<'static, '_>) -> Fault| with_machine(|machine| format!("{:?}", work(machine)));
    let problems = [
        problem(|machine| json_dumps(machine, &Value::undefined("x"), Arguments::default()).unwrap_err()),
        problem(|machine| to_nice_yaml(machine, &Value::undefined("x"), Arguments::default()).unwrap_err()),
        problem(|machine| from_json(machine, &Value::integer(5), Arguments::default()).unwrap_err()),
        problem(|machine| from_json(machine, &Value::text("[1,\n é]"), Arguments::default()).unwrap_err()),
        problem(|machine| json_dumps(machine, &Value::None, given("indent", Value::Float(1.5))).unwrap_err()),
        problem(|machine| to_nice_yaml(machine, &Value::None, given("indent", Value::text("x"))).unwrap_err()),
    ];
    let expected = [
        "`json_dumps` cannot write a Undefined as JSON; it takes texts, numbers, bools, none, lists and maps",
        "`to_nice_yaml` cannot write a Undefined; it takes texts, numbers, bools, none, lists and maps",
        "`from_json` needs a text of JSON, but got a int",
        "`from_json` needs a text of JSON: a value is expected, at its line 2, column 2",
        "`json_dumps` needs a small number or a text as `indent`, but got a float",
        "`to_nice_yaml` needs a number as `indent`, but got a str",
    ];
    assert_eq!(problems, expected.map(|problem| format!("Problem({problem:?})")));
}
