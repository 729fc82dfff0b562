//! The methods of maps. A change of data changes the copy that the machine keeps.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::value::{Map, Value};
use super::view::{Part, View};
use super::{Made, OfMap, given};

/// Entries that are moved for one step.
const MOVED_PER_STEP: usize = 16;

pub(super) const TABLE: &[(&str, OfMap)] = &[
    ("clear", clear),
    ("copy", copy),
    ("fromkeys", fromkeys),
    ("get", get),
    ("items", |_, map, arguments| view("items", map, arguments, Part::Items)),
    ("keys", |_, map, arguments| view("keys", map, arguments, Part::Keys)),
    ("pop", pop),
    ("popitem", popitem),
    ("setdefault", setdefault),
    ("update", update),
    ("values", |_, map, arguments| view("values", map, arguments, Part::Values)),
];

fn view<'a>(method: &str, map: &Map<'a>, arguments: Arguments<'a>, part: Part) -> Made<'a> {
    given::nothing(method, arguments)?;
    Ok(Value::object(View::new(map.clone(), part)))
}

fn clear<'a>(machine: &mut Machine<'a, '_>, map: &Map<'a>, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("clear", arguments)?;
    let cleared = std::mem::take(&mut *machine.own_map(map)?.borrow_mut());
    drop(cleared);
    Ok(Value::None)
}

fn copy<'a>(machine: &mut Machine<'a, '_>, map: &Map<'a>, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("copy", arguments)?;
    machine.burn(machine.entry_count(map))?;
    Value::map(machine.entries(map))
}

fn fromkeys<'a>(machine: &mut Machine<'a, '_>, _: &Map<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [keys, value] = given::positional("fromkeys", arguments, ["iterable", "value"], 1)?;
    let value = value.unwrap_or(Value::None);
    let keys = machine.iterate(&keys.unwrap_or(Value::None))?;
    Value::map(keys.into_iter().map(|key| (key, value.clone())))
}

fn get<'a>(machine: &mut Machine<'a, '_>, map: &Map<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [key, default] = given::positional("get", arguments, ["key", "default"], 1)?;
    let found = machine.get(map, &key.unwrap_or(Value::None))?;
    Ok(found.or(default).unwrap_or(Value::None))
}

fn pop<'a>(machine: &mut Machine<'a, '_>, map: &Map<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [key, default] = given::positional("pop", arguments, ["key", "default"], 1)?;
    let key = key.unwrap_or(Value::None);
    let hashed = key.key()?;
    machine.burn(1 + machine.entry_count(map) / MOVED_PER_STEP)?;
    let removed = machine.own_map(map)?.borrow_mut().shift_remove(&hashed);
    if let Some(value) = removed.map(|(_, value)| value).or(default) {
        return Ok(value);
    }
    let key = machine.representation(&key)?;
    Err(Fault::problem(format!("`pop` found no key {key} in the map; a second argument is given back then")))
}

fn popitem<'a>(machine: &mut Machine<'a, '_>, map: &Map<'a>, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("popitem", arguments)?;
    let last = machine.own_map(map)?.borrow_mut().pop();
    match last {
        Some((_, (key, value))) => Ok(Value::tuple(vec![key, value])),
        None => Err(Fault::problem("`popitem` found nothing in the map: it is empty")),
    }
}

fn setdefault<'a>(machine: &mut Machine<'a, '_>, map: &Map<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [key, default] = given::positional("setdefault", arguments, ["key", "default"], 1)?;
    let (key, default) = (key.unwrap_or(Value::None), default.unwrap_or(Value::None));
    if let Some(found) = machine.get(map, &key)? {
        return Ok(found);
    }
    machine.burn(1)?;
    machine.own_map(map)?.borrow_mut().set(key.key()?, key, default.clone());
    Ok(default)
}

fn update<'a>(machine: &mut Machine<'a, '_>, map: &Map<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [other] = Arguments::positional(arguments.positional).bind("update", ["mapping"], 0)?;
    let mut entries = match &other {
        None => Vec::new(),
        Some(Value::Map(other)) => {
            machine.burn(machine.entry_count(other))?;
            machine.entries(other)
        }
        Some(pairs) => {
            let mut entries = Vec::new();
            for pair in machine.iterate(pairs)? {
                let found = pair.type_name();
                let Ok([key, value]) = <[Value<'a>; 2]>::try_from(machine.iterate(&pair)?) else {
                    return Err(Fault::problem(format!(
                        "`update` needs a map or pairs, but got a {found} in the list"
                    )));
                };
                entries.push((key, value));
            }
            entries
        }
    };
    machine.burn(arguments.named.len())?;
    entries.extend(arguments.named.into_iter().map(|(name, value)| (Value::text(name), value)));
    let own = machine.own_map(map)?;
    for (key, value) in entries {
        let hashed = key.key()?;
        own.borrow_mut().set(hashed, key, value);
    }
    Ok(Value::None)
}
