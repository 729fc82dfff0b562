//! `dict` and `namespace`: a map, and an object with the entries of a map as attributes that can be set.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::value::{Dictionary, Map, Object, Value};

/// The entries that Python's `dict(...)` has.
fn entries<'a>(machine: &mut Machine<'a, '_>, name: &str, arguments: Arguments<'a>) -> Result<Dictionary<'a>, Fault> {
    let mut dictionary = Dictionary::new();
    if arguments.positional.len() > 1 {
        let count = arguments.positional.len();
        return Err(Fault::problem(format!("`{name}` takes one map or list of pairs, but got {count}")));
    }
    for source in arguments.positional {
        match &source {
            Value::Map(map) => {
                machine.burn(machine.entry_count(map))?;
                for (key, value) in machine.entries(map) {
                    dictionary.set(key.key()?, key, value);
                }
            }
            Value::Undefined(missing) => {
                return Err(Fault::problem(format!("`{name}` was given `{missing}`, which is undefined")));
            }
            source => {
                for pair in machine.iterate(source)? {
                    let [key, value] = <[Value<'a>; 2]>::try_from(machine.iterate(&pair)?).map_err(|parts| {
                        Fault::problem(format!("`{name}` takes pairs, but got one item with {} parts", parts.len()))
                    })?;
                    dictionary.set(key.key()?, key, value);
                }
            }
        }
    }
    for (name, value) in arguments.named {
        let name = Value::text(name);
        dictionary.set(name.key()?, name, value);
    }
    Ok(dictionary)
}

pub(super) fn dict<'a>(machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
    let entries = entries(machine, "dict", arguments)?;
    Ok(Value::Map(Map::Own(Rc::new(RefCell::new(entries)))))
}

pub(super) fn namespace<'a>(machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
    let attributes = Rc::new(RefCell::new(entries(machine, "namespace", arguments)?));
    let namespace: Rc<dyn Object<'a> + 'a> = Rc::new(Namespace { attributes });
    machine.may_be_circular(&namespace);
    Ok(Value::Object(namespace))
}

struct Namespace<'a> {
    /// As a map, to print it as one.
    attributes: Rc<RefCell<Dictionary<'a>>>,
}

impl<'a> Object<'a> for Namespace<'a> {
    fn type_name(&self) -> &'static str {
        "Namespace"
    }

    fn text(&self, machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        let attributes = machine.representation(&Value::Map(Map::Own(Rc::clone(&self.attributes))))?;
        Ok(format!("<Namespace {attributes}>"))
    }

    fn attribute(&self, _machine: &mut Machine<'a, '_>, name: &str) -> Result<Option<Value<'a>>, Fault> {
        let key = Value::text(name).key()?;
        Ok(self.attributes.borrow().get(&key).map(|(_, value)| value.clone()))
    }

    fn set_attribute(&self, name: &str, value: Value<'a>) -> Result<(), Fault> {
        let name = Value::text(name);
        self.attributes.borrow_mut().set(name.key()?, name, value);
        Ok(())
    }

    fn release(&self, pending: &mut Vec<Value<'a>>) {
        pending.extend(self.attributes.borrow_mut().drain(..).flat_map(|(_, (key, value))| [key, value]));
    }
}
