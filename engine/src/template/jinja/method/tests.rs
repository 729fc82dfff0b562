//! Methods give what Python's gave, within the bounds.

use super::super::super::bounds::Bound;
use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::recorded::{check, with_machine};
use super::super::value::Value;
use super::find;

#[test]
fn methods_give_what_pythons_give() {
    check(include_str!("../recorded/method.jsonl"));
}

fn call<'a>(
    machine: &mut Machine<'a, '_>,
    on: &Value<'a>,
    name: &str,
    arguments: Vec<Value<'a>>,
) -> Result<Value<'a>, Fault> {
    let method = find(machine, on, name).unwrap();
    machine.call(&method, Arguments::positional(arguments))
}

#[test]
fn names_that_begin_with_an_underscore_are_no_methods() {
    with_machine(|machine| {
        for value in [Value::text("x"), Value::integer(1), Value::list(vec![]), Value::Float(1.0), Value::tuple(vec![])]
        {
            for name in ["__class__", "__init__", "__add__", "_x", "", "nothing"] {
                assert!(find(machine, &value, name).is_none(), "{name}");
            }
        }
    });
}

#[test]
fn a_method_prints_what_it_belongs_to() {
    with_machine(|machine| {
        let method = find(machine, &Value::text("x"), "upper").unwrap();
        assert_eq!(machine.to_text(&method).unwrap(), "<built-in method upper of str object>");
    });
}

#[test]
fn a_view_shows_later_changes_of_its_map() {
    with_machine(|machine| {
        let map = Value::map([(Value::text("a"), Value::integer(1))]).unwrap();
        let items = call(machine, &map, "items", vec![]).unwrap();
        let keys = call(machine, &map, "keys", vec![]).unwrap();
        call(machine, &map, "setdefault", vec![Value::text("b"), Value::None]).unwrap();
        assert_eq!(machine.to_text(&items).unwrap(), "dict_items([('a', 1), ('b', None)])");
        assert_eq!(machine.length(&keys).unwrap(), 2);
        assert!(machine.contains(&keys, &Value::text("b")).unwrap());
        assert!(!machine.contains(&keys, &Value::text("c")).unwrap());
    });
}

#[test]
fn large_results_are_refused_before_they_are_made() {
    let size = |name: &str, arguments: fn() -> Vec<Value<'static>>| {
        with_machine(|machine| {
            let made = call(machine, &Value::text("\ta".repeat(1000)), name, arguments());
            assert!(matches!(made, Err(Fault::TooMuch { bound: Bound::ValueSize, .. })), "{name}: {made:?}");
        });
    };
    for name in ["center", "ljust", "rjust", "zfill", "expandtabs"] {
        size(name, || vec![Value::integer(i64::MAX)]);
    }
    size("replace", || vec![Value::text("a"), Value::text("b".repeat(1000))]);
    size("join", || vec![Value::list(vec![Value::text("b"); 1000])]);
    size("translate", || vec![Value::map([(Value::integer(97), Value::text("b".repeat(1000)))]).unwrap()]);
}

#[test]
fn a_list_that_is_doubled_again_and_again_runs_out_of_fuel() {
    let made = with_machine(|machine| {
        let list = Value::list(vec![Value::None]);
        (0..60).try_for_each(|_| call(machine, &list, "extend", vec![list.clone()]).map(|_| ()))
    });
    assert!(matches!(made, Err(Fault::TooMuch { bound: Bound::Fuel, .. })), "{made:?}");
}

#[test]
fn a_long_text_to_look_for_is_paid_for_in_a_short_one() {
    let long = "ab".repeat(200_000);
    for name in ["find", "rfind", "count", "strip", "split", "partition", "startswith"] {
        let made = with_machine(|machine| {
            let (short, long) = (Value::text("a"), Value::text(long.as_str()));
            (0..100_000).try_for_each(|_| call(machine, &short, name, vec![long.clone()]).map(|_| ()))
        });
        assert!(matches!(made, Err(Fault::TooMuch { bound: Bound::Fuel, .. })), "{name}: {made:?}");
    }
}

#[test]
fn errors_name_the_method_and_what_was_found() {
    with_machine(|machine| {
        let mut problem = |on: Value<'static>, name: &str, arguments: Vec<Value<'static>>| match call(
            machine, &on, name, arguments,
        ) {
            Err(Fault::Problem(problem)) => problem,
            other => panic!("{name}: {other:?}"),
        };
        let text = || Value::text("a");
        assert_eq!(problem(text(), "split", vec![Value::integer(1)]), "`split` needs a text, but got a int");
        assert_eq!(
            problem(text(), "center", vec![Value::integer(5), Value::text("ab")]),
            "`center` needs one character to fill with, but got `ab`"
        );
        assert_eq!(
            problem(text(), "join", vec![Value::list(vec![text(), Value::None])]),
            "`join` needs texts, but item 1 is a NoneType; the filter `join` takes any"
        );
        assert_eq!(problem(Value::list(vec![]), "pop", vec![]), "`pop` found no item -1 in a list of 0");
        assert_eq!(
            problem(Value::map([]).unwrap(), "pop", vec![text()]),
            "`pop` found no key 'a' in the map; a second argument is given back then"
        );
        assert_eq!(problem(text(), "upper", vec![text()]), "`upper` takes at most 0 arguments, but got 1");
    });
}
