//! Filters that pass items on one by one: changed by another filter, or chosen by a test.

use std::collections::HashSet;
use std::rc::Rc;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::iterator::{Cursor, Generator, Held};
use super::super::machine::Machine;
use super::super::value::Value;
use super::lookup::Path;
use super::{Outcome, flag, given, unfit};

/// What `map` does with an item.
enum Change<'a> {
    Filter(Rc<str>),
    Attribute(Path<'a>),
}

impl<'a> Change<'a> {
    /// Reads the arguments and leaves those of the filter, or the default of the attribute.
    fn of(machine: &mut Machine<'a, '_>, arguments: &mut Arguments<'a>) -> Result<Self, Fault> {
        if !arguments.positional.is_empty() {
            return Ok(Change::Filter(name_of("map", &arguments.positional.remove(0))?));
        }
        if !arguments.named.iter().any(|(name, _)| name == "attribute") {
            return Err(Fault::problem("filter `map`: give it the name of a filter, or `attribute='name'`"));
        }
        let [attribute, default] = std::mem::take(arguments).bind("map", ["attribute", "default"], 0)?;
        arguments.positional.extend(given(default));
        Ok(Change::Attribute(Path::of(machine, "map", attribute)?))
    }
}

/// The filter or test that an argument names.
fn name_of(filter: &str, name: &Value<'_>) -> Result<Rc<str>, Fault> {
    match name {
        Value::Text(name) => Ok(name.shared()),
        name => Err(unfit(filter, "first argument", name, "a name in quotes")),
    }
}

pub(super) fn map<'a>(_machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let mut change = None;
    Generator::over(Held::new(&value, arguments, Vec::new()), move |machine, held| {
        if let (None, Cursor::Waiting(source)) = (&change, &held.cursor) {
            if !machine.is_true(source) {
                return Ok(None);
            }
            change = Some(Change::of(machine, &mut held.arguments)?);
        }
        let (Some(change), Some(item)) = (&change, held.cursor.next(machine)?) else {
            return Ok(None);
        };
        match change {
            Change::Attribute(path) => path.get(machine, item, held.arguments.positional.first()).map(Some),
            Change::Filter(name) => {
                machine.burn(held.arguments.positional.len() + held.arguments.named.len())?;
                machine.filter(name, item, held.arguments.clone()).map(Some)
            }
        }
    })
}

/// The test that chooses items, and what of an item it is asked about.
struct Choice<'a> {
    path: Path<'a>,
    /// Whether the item is true, if none.
    test: Option<Rc<str>>,
}

impl<'a> Choice<'a> {
    /// Reads the arguments and leaves those of the test.
    fn of(
        machine: &mut Machine<'a, '_>,
        filter: &str,
        by_attribute: bool,
        arguments: &mut Arguments<'a>,
    ) -> Result<Self, Fault> {
        let mut next = || (!arguments.positional.is_empty()).then(|| arguments.positional.remove(0));
        let attribute = if by_attribute { next() } else { Some(Value::None) };
        let Some(attribute) = attribute else {
            return Err(Fault::problem(format!("filter `{filter}`: give it the name of an attribute")));
        };
        let test = next().map(|test| name_of(filter, &test)).transpose()?;
        Ok(Choice { path: Path::of(machine, filter, Some(attribute))?, test })
    }

    fn holds(&self, machine: &mut Machine<'a, '_>, item: &Value<'a>, arguments: &Arguments<'a>) -> Result<bool, Fault> {
        let asked = self.path.get(machine, item.clone(), None)?;
        let Some(test) = &self.test else {
            return Ok(machine.is_true(&asked));
        };
        machine.burn(arguments.positional.len() + arguments.named.len())?;
        machine.test(test, &asked, arguments.clone())
    }
}

fn choose<'a>(
    filter: &'static str,
    (by_attribute, wanted): (bool, bool),
    value: &Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let mut choice = None;
    Generator::over(Held::new(value, arguments, Vec::new()), move |machine, held| {
        if let (None, Cursor::Waiting(source)) = (&choice, &held.cursor) {
            if !machine.is_true(source) {
                return Ok(None);
            }
            choice = Some(Choice::of(machine, filter, by_attribute, &mut held.arguments)?);
        }
        let Some(choice) = &choice else {
            return Ok(None);
        };
        while let Some(item) = held.cursor.next(machine)? {
            machine.burn(1)?;
            if choice.holds(machine, &item, &held.arguments)? == wanted {
                return Ok(Some(item));
            }
        }
        Ok(None)
    })
}

pub(super) fn select<'a>(_machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    choose("select", (false, true), &value, arguments)
}

pub(super) fn reject<'a>(_machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    choose("reject", (false, false), &value, arguments)
}

pub(super) fn selectattr<'a>(
    _machine: &mut Machine<'a, '_>,
    value: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    choose("selectattr", (true, true), &value, arguments)
}

pub(super) fn rejectattr<'a>(
    _machine: &mut Machine<'a, '_>,
    value: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    choose("rejectattr", (true, false), &value, arguments)
}

pub(super) fn unique<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [case_sensitive, attribute] = arguments.bind("unique", ["case_sensitive", "attribute"], 0)?;
    let ignore_case = !flag(machine, case_sensitive.as_ref(), false);
    let path = Path::of(machine, "unique", attribute)?.ignoring_case(ignore_case);
    let mut seen = HashSet::new();
    // `values` holds the objects that were seen, which have no key.
    Generator::over(Held::new(&value, Arguments::default(), Vec::new()), move |machine, held| {
        while let Some(item) = held.cursor.next(machine)? {
            let key = path.get(machine, item.clone(), None)?;
            let new = match &key {
                Value::Object(_) if key.as_tuple().is_none() => new_object(machine, &mut held.values, &key)?,
                Value::Text(text) => {
                    machine.burn(1 + text.len() / 32)?;
                    seen.insert(key.key()?)
                }
                key => seen.insert(key.key()?),
            };
            if new {
                return Ok(Some(item));
            }
        }
        Ok(None)
    })
}

/// Whether no object seen before is equal to this one, which then is seen.
fn new_object<'a>(machine: &mut Machine<'a, '_>, seen: &mut Vec<Value<'a>>, object: &Value<'a>) -> Result<bool, Fault> {
    for known in &*seen {
        machine.burn(1)?;
        if machine.equal(known, object)? {
            return Ok(false);
        }
    }
    seen.push(object.clone());
    Ok(true)
}
