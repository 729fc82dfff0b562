//! What `%` and `format` make is what Python made, within the bounds.

use super::super::super::bounds::Bound;
use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::recorded::{check, with_machine};
use super::super::value::{Text, Value};

#[test]
fn formats_give_what_python_gives() {
    check(include_str!("../recorded/format.jsonl"));
}

fn text<'a>(text: &str) -> Text<'a> {
    match Value::text(text) {
        Value::Text(text) => text,
        _ => panic!("a text"),
    }
}

#[allow(clippy::needless_pass_by_value)]
fn percent<'a>(machine: &mut Machine<'a, '_>, template: &str, argument: Value<'a>) -> Result<Value<'a>, Fault> {
    super::percent(machine, &text(template), &argument)
}

fn format<'a>(machine: &mut Machine<'a, '_>, template: &str, argument: Value<'a>) -> Result<Value<'a>, Fault> {
    super::format(machine, &text(template), Arguments::positional(vec![argument]))
}

#[test]
fn a_width_or_precision_is_paid_for_before_it_is_made() {
    let places = [
        "%999999999d",
        "%-999999999s",
        "%0999999999d",
        "%.999999999d",
        "%.999999999f",
        "%.999999999e",
        "%99999999999999999999d",
    ];
    let fields =
        ["{:999999999}", "{:0999999999}", "{:0999999999,}", "{:.999999999f}", "{:x<2147483647}", "{:.999999g}"];
    with_machine(|machine| {
        for place in places {
            let made = percent(machine, place, Value::integer(1));
            assert!(matches!(made, Err(Fault::TooMuch { bound: Bound::ValueSize, .. })), "{place}: {made:?}");
        }
        for field in fields {
            let made = format(machine, field, Value::integer(1));
            assert!(matches!(made, Err(Fault::TooMuch { bound: Bound::ValueSize, .. })), "{field}: {made:?}");
        }
    });
}

#[test]
fn many_wide_places_run_out_of_size_or_fuel() {
    let made = with_machine(|machine| {
        percent(machine, &"%(a)500000s".repeat(5000), Value::map([(Value::text("a"), Value::None)]).unwrap())
            .map(|_| ())
    });
    assert!(matches!(made, Err(Fault::TooMuch { bound: Bound::ValueSize, .. })), "{made:?}");
    let made = with_machine(|machine| {
        percent(
            machine,
            &"%(a).0s".repeat(60_000),
            Value::map([(Value::text("a"), Value::text("x".repeat(100_000)))]).unwrap(),
        )
        .map(|_| ())
    });
    assert!(matches!(made, Err(Fault::TooMuch { bound: Bound::Fuel, .. })), "{made:?}");
}

#[test]
fn a_search_among_many_named_arguments_is_paid_for() {
    let made = with_machine(|machine| {
        let mut named: Vec<_> = (0..30_000).map(|at| (format!("a{at}"), Value::text(""))).collect();
        named.push(("z".to_owned(), Value::text("")));
        let template = text(&"{z}".repeat(100_000));
        super::format(machine, &template, Arguments { positional: Vec::new(), named }).map(|_| ())
    });
    assert!(matches!(made, Err(Fault::TooMuch { bound: Bound::Fuel, .. })), "{made:?}");
}

#[test]
fn fields_within_formats_of_fields_go_one_level_deep() {
    with_machine(|machine| {
        let made = format(machine, "{0:{0:{0}}}", Value::integer(3));
        let Err(Fault::Problem(problem)) = made else { panic!("{made:?}") };
        assert_eq!(problem, "`format` cannot read its text: formats within formats of fields go too deep");
        let made = format(machine, &"{:".repeat(100_000), Value::integer(3));
        assert!(matches!(made, Err(Fault::Problem(_))), "{made:?}");
    });
}

#[test]
fn errors_name_the_place_and_what_was_found() {
    with_machine(|machine| {
        let problem = |made: Result<Value<'static>, Fault>| match made {
            Err(Fault::Problem(problem)) => problem,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            problem(percent(machine, "%d", Value::text("5"))),
            "the format text left of `%` has `%d`, which needs a number, but got a str"
        );
        assert_eq!(
            problem(percent(machine, "%s %s", Value::text("5"))),
            "the format text left of `%` has more places than it was given values"
        );
        assert_eq!(
            problem(format(machine, "{:d}", Value::Float(1.5))),
            "`d` is no format of a float: the type `d` does not fit"
        );
        for inner in ["{0.__class__}", "{0._x}", "{0.__init__.__globals__}"] {
            assert!(problem(format(machine, inner, Value::text("x"))).contains("a str has no attribute `_"), "{inner}");
        }
    });
}
