//! The methods of lists and tuples. A change of data changes the copy that the machine keeps.

use std::cmp::Ordering;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::sorting;
use super::super::value::{List, Value};
use super::{Made, OfList, OfObject, OfTuple, given};

/// Items that are moved for one step.
const MOVED_PER_STEP: usize = 16;

pub(super) const TABLE: &[(&str, OfList)] = &[
    ("append", append),
    ("clear", clear),
    ("copy", copy),
    ("count", |machine, list, arguments| {
        let items = all(machine, list)?;
        count(machine, &items, arguments)
    }),
    ("extend", extend),
    ("index", |machine, list, arguments| {
        let items = all(machine, list)?;
        index(machine, &items, arguments)
    }),
    ("insert", insert),
    ("pop", pop),
    ("remove", remove),
    ("reverse", reverse),
    ("sort", sort),
];

pub(super) const OF_TUPLES: &[(&str, OfTuple)] = &[("count", count), ("index", index)];

pub(super) const OF_RANGES: &[(&str, OfObject)] = &[
    ("count", |machine, range, arguments| {
        let items = machine.iterate(range)?;
        count(machine, &items, arguments)
    }),
    ("index", |machine, range, arguments| {
        let items = machine.iterate(range)?;
        index(machine, &items, arguments)
    }),
];

fn all<'a>(machine: &mut Machine<'a, '_>, list: &List<'a>) -> Result<Vec<Value<'a>>, Fault> {
    machine.burn(machine.item_count(list))?;
    Ok(machine.items(list))
}

fn append<'a>(machine: &mut Machine<'a, '_>, list: &List<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let item = given::only("append", arguments, "object")?;
    machine.burn(1)?;
    machine.own_list(list)?.borrow_mut().push(item);
    Ok(Value::None)
}

fn clear<'a>(machine: &mut Machine<'a, '_>, list: &List<'a>, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("clear", arguments)?;
    let cleared = std::mem::take(&mut *machine.own_list(list)?.borrow_mut());
    drop(cleared);
    Ok(Value::None)
}

fn copy<'a>(machine: &mut Machine<'a, '_>, list: &List<'a>, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("copy", arguments)?;
    Ok(Value::list(all(machine, list)?))
}

fn extend<'a>(machine: &mut Machine<'a, '_>, list: &List<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let more = given::only("extend", arguments, "iterable")?;
    let more = machine.iterate(&more)?;
    machine.own_list(list)?.borrow_mut().extend(more);
    Ok(Value::None)
}

fn insert<'a>(machine: &mut Machine<'a, '_>, list: &List<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [index, item] = given::positional("insert", arguments, ["index", "object"], 2)?;
    let index = given::integer("insert", &index.unwrap_or(Value::None))?;
    let own = machine.own_list(list)?;
    let length = own.borrow().len();
    let index = given::clamp(index, length);
    machine.burn(1 + (length - index) / MOVED_PER_STEP)?;
    own.borrow_mut().insert(index, item.unwrap_or(Value::None));
    Ok(Value::None)
}

fn pop<'a>(machine: &mut Machine<'a, '_>, list: &List<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [index] = given::positional("pop", arguments, ["index"], 0)?;
    let index = given::optional_integer("pop", index.as_ref())?.unwrap_or(-1);
    let own = machine.own_list(list)?;
    let length = own.borrow().len();
    let signed = i64::try_from(length).unwrap_or(i64::MAX);
    if index >= signed || index < -signed {
        return Err(Fault::problem(format!("`pop` found no item {index} in a list of {length}")));
    }
    let index = given::clamp(index, length);
    machine.burn(1 + (length - index) / MOVED_PER_STEP)?;
    let item = own.borrow_mut().remove(index);
    Ok(item)
}

fn remove<'a>(machine: &mut Machine<'a, '_>, list: &List<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let wanted = given::only("remove", arguments, "value")?;
    for (index, item) in all(machine, list)?.iter().enumerate() {
        if machine.equal(item, &wanted)? {
            let own = machine.own_list(list)?;
            let removed = own.borrow_mut().remove(index);
            drop(removed);
            return Ok(Value::None);
        }
    }
    Err(Fault::problem("`remove` did not find the value in the list"))
}

fn reverse<'a>(machine: &mut Machine<'a, '_>, list: &List<'a>, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("reverse", arguments)?;
    machine.burn(machine.item_count(list) / MOVED_PER_STEP)?;
    machine.own_list(list)?.borrow_mut().reverse();
    Ok(Value::None)
}

fn sort<'a>(machine: &mut Machine<'a, '_>, list: &List<'a>, arguments: Arguments<'a>) -> Made<'a> {
    if !arguments.positional.is_empty() {
        return Err(Fault::problem("`sort` takes its arguments by name: `key` and `reverse`"));
    }
    let [key, reverse] = arguments.bind("sort", ["key", "reverse"], 0)?;
    let reverse = reverse.is_some_and(|reverse| machine.is_true(&reverse));
    let mut keyed = Vec::new();
    for item in all(machine, list)? {
        let by = match &key {
            None | Some(Value::None) => item.clone(),
            Some(key) => machine.call(key, Arguments::positional(vec![item.clone()]))?,
        };
        keyed.push((by, item));
    }
    let sorted = sorting::sort(machine, keyed, |machine, left, right| {
        // In reverse, equal ones keep their order too.
        let order = if reverse { machine.compare(&right.0, &left.0)? } else { machine.compare(&left.0, &right.0)? };
        Ok(if order == Ordering::Less { Ordering::Less } else { Ordering::Greater })
    })?;
    let sorted: Vec<_> = sorted.into_iter().map(|(_, item)| item).collect();
    let before = std::mem::replace(&mut *machine.own_list(list)?.borrow_mut(), sorted.into());
    drop(before);
    Ok(Value::None)
}

fn count<'a>(machine: &mut Machine<'a, '_>, items: &[Value<'a>], arguments: Arguments<'a>) -> Made<'a> {
    let wanted = given::only("count", arguments, "value")?;
    let mut count = 0;
    for item in items {
        machine.burn(1)?;
        count += usize::from(machine.equal(item, &wanted)?);
    }
    Ok(Value::integer(count))
}

fn index<'a>(machine: &mut Machine<'a, '_>, items: &[Value<'a>], arguments: Arguments<'a>) -> Made<'a> {
    let [wanted, start, stop] = given::positional("index", arguments, ["value", "start", "stop"], 1)?;
    let wanted = wanted.unwrap_or(Value::None);
    let bound = |value: Option<Value<'a>>, otherwise: usize| {
        let bound = given::optional_integer("index", value.as_ref())?;
        Ok(bound.map_or(otherwise, |bound| given::clamp(bound, items.len())))
    };
    let (start, stop) = (bound(start, 0)?, bound(stop, items.len())?);
    for (index, item) in items.iter().enumerate().take(stop).skip(start) {
        machine.burn(1)?;
        if machine.equal(item, &wanted)? {
            return Ok(Value::integer(index));
        }
    }
    Err(Fault::problem("`index` did not find the value; ask with `in` first"))
}
