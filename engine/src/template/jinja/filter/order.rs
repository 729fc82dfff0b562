//! Filters that compare items: sorting, grouping, the least and the largest.

use std::cmp::Ordering;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::sorting;
use super::super::value::Value;
use super::group::Group;
use super::lookup::Path;
use super::{Outcome, flag, given, unfit};

/// Python's `<`.
fn less<'a>(machine: &mut Machine<'a, '_>, left: &Value<'a>, right: &Value<'a>) -> Result<bool, Fault> {
    machine.less(left, right)
}

/// Python's `<` of lists: decided by the first pair that is not equal.
fn less_in_turn<'a>(machine: &mut Machine<'a, '_>, left: &[Value<'a>], right: &[Value<'a>]) -> Result<bool, Fault> {
    for (left, right) in left.iter().zip(right) {
        let same = match (left, right) {
            (Value::Text(left), Value::Text(right)) => **left == **right,
            (left, right) => machine.equal(left, right)?,
        };
        if !same {
            return less(machine, left, right);
        }
    }
    Ok(false)
}

/// Sorts by keys that may turn out not to be comparable. Equal ones stay in order, also when it is reversed.
fn sort_by<'a, 'r, K, V>(
    machine: &mut Machine<'a, 'r>,
    mut keyed: Vec<(K, V)>,
    reverse: bool,
    less: impl Fn(&mut Machine<'a, 'r>, &K, &K) -> Result<bool, Fault>,
) -> Result<Vec<V>, Fault> {
    if reverse {
        keyed.reverse();
    }
    let sorted = sorting::sort(machine, keyed, |machine, left, right| {
        less(machine, &left.0, &right.0).map(|less| if less { Ordering::Less } else { Ordering::Equal })
    })?;
    let mut sorted: Vec<V> = sorted.into_iter().map(|(_, value)| value).collect();
    if reverse {
        sorted.reverse();
    }
    Ok(sorted)
}

pub(super) fn sort<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [reverse, case_sensitive, attribute] = arguments.bind("sort", ["reverse", "case_sensitive", "attribute"], 0)?;
    let (reverse, ignore_case) =
        (flag(machine, reverse.as_ref(), false), !flag(machine, case_sensitive.as_ref(), false));
    let paths: Vec<_> =
        Path::several(machine, "sort", attribute)?.into_iter().map(|path| path.ignoring_case(ignore_case)).collect();
    let mut keyed = Vec::new();
    for item in machine.iterate(&value)? {
        machine.burn(paths.len())?;
        let key = paths.iter().map(|path| path.get(machine, item.clone(), None)).collect::<Result<Vec<_>, _>>()?;
        keyed.push((key, item));
    }
    let sorted = sort_by(machine, keyed, reverse, |machine, left, right| less_in_turn(machine, left, right))?;
    Ok(Value::list(sorted))
}

pub(super) fn dictsort<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [case_sensitive, by, reverse] = arguments.bind("dictsort", ["case_sensitive", "by", "reverse"], 0)?;
    let (reverse, ignore_case) =
        (flag(machine, reverse.as_ref(), false), !flag(machine, case_sensitive.as_ref(), false));
    let by_value = match by {
        None => false,
        Some(Value::Text(by)) if &*by == "key" => false,
        Some(Value::Text(by)) if &*by == "value" => true,
        Some(by) => {
            let found = machine.representation(&by)?;
            return Err(Fault::problem(format!("filter `dictsort`: its by is {found}, but must be 'key' or 'value'")));
        }
    };
    let Value::Map(map) = &value else {
        return Err(unfit("dictsort", "value", &value, "a map"));
    };
    machine.burn(machine.entry_count(map))?;
    let path = Path::of(machine, "dictsort", None)?.ignoring_case(ignore_case);
    let mut keyed = Vec::new();
    for (key, value) in machine.entries(map) {
        let by = path.get(machine, if by_value { value.clone() } else { key.clone() }, None)?;
        keyed.push((by, Value::tuple(vec![key, value])));
    }
    Ok(Value::list(sort_by(machine, keyed, reverse, less)?))
}

fn extreme<'a>(
    machine: &mut Machine<'a, '_>,
    filter: &'static str,
    value: &Value<'a>,
    arguments: Arguments<'a>,
    better: impl Fn(&mut Machine<'a, '_>, &Value<'a>, &Value<'a>) -> Result<bool, Fault>,
) -> Outcome<'a> {
    let [case_sensitive, attribute] = arguments.bind(filter, ["case_sensitive", "attribute"], 0)?;
    let ignore_case = !flag(machine, case_sensitive.as_ref(), false);
    let items = machine.iterate(value)?;
    let path = Path::of(machine, filter, attribute)?.ignoring_case(ignore_case);
    let mut best = None;
    for item in items {
        let key = path.get(machine, item.clone(), None)?;
        let replaced = match &best {
            None => true,
            Some((known, _)) => better(machine, &key, known)?,
        };
        if replaced {
            best = Some((key, item));
        }
    }
    Ok(best.map_or_else(|| Value::undefined("No aggregated item, sequence was empty."), |(_, item)| item))
}

pub(super) fn min<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    extreme(machine, "min", &value, arguments, less)
}

pub(super) fn max<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    extreme(machine, "max", &value, arguments, |machine, found, known| less(machine, known, found))
}

pub(super) fn groupby<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [attribute, default, case_sensitive] =
        arguments.bind("groupby", ["attribute", "default", "case_sensitive"], 1)?;
    let ignore_case = !flag(machine, case_sensitive.as_ref(), false);
    let default = given(default);
    let path = Path::of(machine, "groupby", attribute)?;
    let shown = path.clone();
    let path = path.ignoring_case(ignore_case);
    let mut keyed = Vec::new();
    for item in machine.iterate(&value)? {
        let key = path.get(machine, item.clone(), default.as_ref())?;
        keyed.push((key.clone(), (key, item)));
    }
    let mut groups: Vec<(Value<'a>, Vec<Value<'a>>)> = Vec::new();
    for (key, item) in sort_by(machine, keyed, false, less)? {
        match groups.last_mut() {
            Some((known, items)) if machine.equal(known, &key)? => items.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    let mut made = Vec::with_capacity(groups.len());
    for (_, items) in groups {
        let grouper = match items.first() {
            Some(first) => shown.get(machine, first.clone(), default.as_ref())?,
            None => Value::None,
        };
        made.push(Value::object(Group::new(grouper, items)));
    }
    Ok(Value::list(made))
}
