//! The tests: what stands behind `is`, and what `select` and its like choose by.
//!
//! [`TABLE`] is the one list of them; the documentation is written from it and a test renders each of its examples.

use super::super::error::Fault;
use super::arguments::Arguments;
use super::comparison::is_same;
use super::machine::Machine;
use super::value::{Integer, Value};
use super::{filter, operation};

/// What a test does.
pub(super) type Run =
    for<'a, 'r, 'm, 'v> fn(&'m mut Machine<'a, 'r>, &'v Value<'a>, Arguments<'a>) -> Result<bool, Fault>;

/// One test, with its documentation.
pub(super) struct TestEntry {
    /// The name it is called by.
    pub(super) name: &'static str,
    /// When it is true, in one line.
    pub(super) description: &'static str,
    /// A template that uses it, and what that renders to.
    pub(super) example: (&'static str, &'static str),
    run: Run,
}

/// The test called `name`.
pub(super) fn find(name: &str) -> Option<Run> {
    TABLE.iter().find(|test| test.name == name).map(|test| test.run)
}

const fn test(
    name: &'static str,
    run: Run,
    description: &'static str,
    example: (&'static str, &'static str),
) -> TestEntry {
    TestEntry { name, description, example, run }
}

/// Every test, in the order of the documentation.
pub(super) const TABLE: &[TestEntry] = &[
    test("boolean", is_boolean, "It is true or false.", ("{{ 0 is boolean }}", "False")),
    test(
        "callable",
        is_callable,
        "It can be called: a macro, a function, a method.",
        ("{{ range is callable }}", "True"),
    ),
    test("defined", is_defined, "It has a value, which may be none.", ("{{ nothing is defined }}", "False")),
    test(
        "divisibleby",
        is_divisible,
        "It can be divided by the number without a rest.",
        ("{{ 9 is divisibleby 3 }}", "True"),
    ),
    test("eq", is_equal, "It is equal to the other.", ("{{ 1 is eq 1.0 }}", "True")),
    test("equalto", is_equal, "The same as `eq`.", ("{{ [1, 2, 1]|select('equalto', 1)|list }}", "[1, 1]")),
    test("==", is_equal, "The same as `eq`.", ("{{ [1, 2, 1]|select('==', 1)|list }}", "[1, 1]")),
    test("escaped", is_escaped, "It is a text that is marked as safe.", ("{{ 'a'|safe is escaped }}", "True")),
    test("even", is_even, "It can be divided by 2.", ("{{ 4 is even }}", "True")),
    test("false", is_false, "It is false itself; 0 is not.", ("{{ 0 is false }}", "False")),
    test("filter", is_filter, "A filter has this name.", ("{{ 'upper' is filter }}", "True")),
    test("float", is_float, "It is a number with a point.", ("{{ 1.0 is float }}", "True")),
    test("ge", is_greater_or_equal, "It is as large as the other, or larger.", ("{{ 2 is ge 2 }}", "True")),
    test(">=", is_greater_or_equal, "The same as `ge`.", ("{{ [1, 2, 3]|select('>=', 2)|list }}", "[2, 3]")),
    test("gt", is_greater, "It is larger than the other.", ("{{ 2 is gt 2 }}", "False")),
    test("greaterthan", is_greater, "The same as `gt`.", ("{{ 3 is greaterthan 2 }}", "True")),
    test(">", is_greater, "The same as `gt`.", ("{{ [1, 2, 3]|select('>', 2)|list }}", "[3]")),
    test("in", is_in, "The list, text or map has it.", ("{{ 'b' is in 'abc' }}", "True")),
    test("integer", is_integer, "It is a number without a point.", ("{{ true is integer }}", "False")),
    test("iterable", is_iterable, "A loop can go through it.", ("{{ 'abc' is iterable }}", "True")),
    test("le", is_less_or_equal, "It is as small as the other, or smaller.", ("{{ 2 is le 2 }}", "True")),
    test("<=", is_less_or_equal, "The same as `le`.", ("{{ [1, 2, 3]|select('<=', 2)|list }}", "[1, 2]")),
    test("lower", is_lower, "All its letters are small ones, and it has some.", ("{{ 'abc' is lower }}", "True")),
    test("lt", is_less, "It is smaller than the other.", ("{{ 1 is lt 2 }}", "True")),
    test("lessthan", is_less, "The same as `lt`.", ("{{ 2 is lessthan 2 }}", "False")),
    test("<", is_less, "The same as `lt`.", ("{{ [1, 2, 3]|select('<', 2)|list }}", "[1]")),
    test("mapping", is_mapping, "It is a map.", ("{{ {} is mapping }}", "True")),
    test("ne", is_unequal, "It is not equal to the other.", ("{{ 1 is ne '1' }}", "True")),
    test("!=", is_unequal, "The same as `ne`.", ("{{ [1, 2, 1]|select('!=', 1)|list }}", "[2]")),
    test("none", is_none, "It is none.", ("{{ none is none }}", "True")),
    test("number", is_number, "It is a number; true and false are too.", ("{{ '1' is number }}", "False")),
    test("odd", is_odd, "It cannot be divided by 2.", ("{{ 3 is odd }}", "True")),
    test(
        "sameas",
        is_same_as,
        "It is the very same value, not only an equal one.",
        ("{{ 1 is sameas true }}", "False"),
    ),
    test(
        "sequence",
        is_sequence,
        "It has a length and items: a list, a text, a map.",
        ("{{ [] is sequence }}", "True"),
    ),
    test("string", is_string, "It is a text.", ("{{ 1 is string }}", "False")),
    test("test", is_test, "A test has this name.", ("{{ 'odd' is test }}", "True")),
    test("true", is_true, "It is true itself; 1 is not.", ("{{ 1 is true }}", "False")),
    test("undefined", is_undefined, "Nothing is known by its name.", ("{{ nothing is undefined }}", "True")),
    test("upper", is_upper, "All its letters are capitals, and it has some.", ("{{ 'abc' is upper }}", "False")),
];

/// A test that looks at the value's kind alone.
macro_rules! kind_test {
    ($name:ident, $called:literal, $pattern:pat) => {
        fn $name<'a>(_: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
            let [] = arguments.bind($called, [], 0)?;
            Ok(matches!(value, $pattern))
        }
    };
}

kind_test!(is_boolean, "boolean", Value::Bool(_));
kind_test!(is_undefined, "undefined", Value::Undefined(_));
kind_test!(is_none, "none", Value::None);
kind_test!(is_true, "true", Value::Bool(true));
kind_test!(is_false, "false", Value::Bool(false));
kind_test!(is_integer, "integer", Value::Integer(_));
kind_test!(is_float, "float", Value::Float(_));
kind_test!(is_number, "number", Value::Bool(_) | Value::Integer(_) | Value::Float(_));
kind_test!(is_string, "string", Value::Text(_));
kind_test!(is_escaped, "escaped", Value::Text(super::value::Text { markup: true, .. }));
kind_test!(is_mapping, "mapping", Value::Map(_));

fn is_defined<'a>(_: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let [] = arguments.bind("defined", [], 0)?;
    Ok(!matches!(value, Value::Undefined(_)))
}

fn is_callable<'a>(_: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let [] = arguments.bind("callable", [], 0)?;
    Ok(match value {
        // Python finds that a call of it would be understood, if only as an error.
        Value::Undefined(_) => true,
        Value::Object(object) => object.is_callable(),
        _ => false,
    })
}

fn is_iterable<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let [] = arguments.bind("iterable", [], 0)?;
    Ok(match value {
        Value::None | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => false,
        Value::Object(object) => object.is_iterator() || object.length(machine).is_some(),
        _ => true,
    })
}

fn is_sequence<'a>(_: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let [] = arguments.bind("sequence", [], 0)?;
    Ok(match value {
        Value::None | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => false,
        Value::Object(object) => object.type_name() == "range" || object.as_tuple().is_some(),
        _ => true,
    })
}

fn is_filter<'a>(_: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let [] = arguments.bind("filter", [], 0)?;
    value.key()?;
    Ok(matches!(value, Value::Text(name) if filter::find(name).is_some()))
}

fn is_test<'a>(_: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let [] = arguments.bind("test", [], 0)?;
    value.key()?;
    Ok(matches!(value, Value::Text(name) if find(name).is_some()))
}

/// Whether a method of the value's text says so.
fn says<'a>(
    machine: &mut Machine<'a, '_>,
    value: &Value<'a>,
    arguments: Arguments<'a>,
    [name, method]: [&str; 2],
) -> Result<bool, Fault> {
    let [] = arguments.bind(name, [], 0)?;
    let text = Value::text(machine.to_text(value)?);
    let method = machine.attribute(&text, method)?;
    let said = machine.call(&method, Arguments::default())?;
    Ok(machine.is_true(&said))
}

fn is_lower<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    says(machine, value, arguments, ["lower", "islower"])
}

fn is_upper<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    says(machine, value, arguments, ["upper", "isupper"])
}

/// The other side of a comparison, which Python takes by position alone.
fn other<'a>(test: &str, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
    if let Some((name, _)) = arguments.named.first() {
        return Err(Fault::problem(format!("`{test}` takes no argument by name, but got `{name}`")));
    }
    let [other] = arguments.bind(test, ["other"], 1)?;
    Ok(other.unwrap_or(Value::None))
}

/// Whether the rest of a division by `divisor` is `rest`.
fn leaves<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, divisor: &Value<'a>, rest: i64) -> Result<bool, Fault> {
    let found = operation::remainder(machine, value, divisor)?;
    machine.equal(&found, &Value::Integer(Integer::Small(rest)))
}

fn is_divisible<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let [divisor] = arguments.bind("divisibleby", ["num"], 1)?;
    leaves(machine, value, &divisor.unwrap_or(Value::None), 0)
}

fn is_even<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let [] = arguments.bind("even", [], 0)?;
    leaves(machine, value, &Value::Integer(Integer::Small(2)), 0)
}

fn is_odd<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let [] = arguments.bind("odd", [], 0)?;
    leaves(machine, value, &Value::Integer(Integer::Small(2)), 1)
}

fn is_equal<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let other = other("eq", arguments)?;
    machine.equal(value, &other)
}

fn is_unequal<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let other = other("ne", arguments)?;
    machine.equal(value, &other).map(|equal| !equal)
}

fn is_less<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let other = other("lt", arguments)?;
    machine.less(value, &other)
}

fn is_less_or_equal<'a>(
    machine: &mut Machine<'a, '_>,
    value: &Value<'a>,
    arguments: Arguments<'a>,
) -> Result<bool, Fault> {
    let other = other("le", arguments)?;
    machine.less_or_equal(value, &other)
}

fn is_greater<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let other = other("gt", arguments)?;
    machine.less(&other, value)
}

fn is_greater_or_equal<'a>(
    machine: &mut Machine<'a, '_>,
    value: &Value<'a>,
    arguments: Arguments<'a>,
) -> Result<bool, Fault> {
    let other = other("ge", arguments)?;
    machine.less_or_equal(&other, value)
}

fn is_in<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let [container] = arguments.bind("in", ["seq"], 1)?;
    machine.contains(&container.unwrap_or(Value::None), value)
}

fn is_same_as<'a>(_: &mut Machine<'a, '_>, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
    let [other] = arguments.bind("sameas", ["other"], 1)?;
    Ok(is_same(value, &other.unwrap_or(Value::None)))
}

/// The names of all, for hints.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|test| test.name)
}
