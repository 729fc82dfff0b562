//! Macros, and the `caller` of a call block.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::super::error::Fault;
use super::activation::Activation;
use super::arguments::Arguments;
use super::machine::Machine;
use super::tree::Macro;
use super::value::{Object, Value};

/// A macro, with the variables that were around where it was made.
pub(super) struct MacroObject<'a> {
    makes: &'a Macro,
    around: RefCell<Option<Rc<Activation<'a>>>>,
    template: Arc<str>,
}

impl<'a> MacroObject<'a> {
    /// Makes it here. What is around may then hold what holds it.
    pub(super) fn make(machine: &mut Machine<'a, '_>, makes: &'a Macro) -> Value<'a> {
        let around = Rc::clone(&machine.activation);
        machine.circular.activation(&around);
        Value::object(MacroObject {
            makes,
            around: RefCell::new(Some(around)),
            template: Arc::clone(&machine.template),
        })
    }

    fn name(&self) -> &'a str {
        self.makes.name.as_deref().unwrap_or("caller")
    }

    /// Puts the arguments where the macro expects them.
    fn bind(&self, activation: &Activation<'a>, arguments: Arguments<'a>) -> Result<(), Fault> {
        let Arguments { positional, mut named } = arguments;
        let count = self.makes.parameters.len();
        let mut positional = positional.into_iter();
        let mut take = |name: &str| {
            let index = named.iter().position(|(given, _)| given == name)?;
            Some(named.remove(index).1)
        };
        for parameter in &self.makes.parameters {
            let value = positional.next().or_else(|| take(&parameter.name));
            activation.set_slot(0, parameter.slot, value);
        }
        if let Some(slot) = self.makes.caller {
            let caller = take("caller").unwrap_or_else(|| Value::undefined("caller"));
            activation.set_slot(0, slot, Some(caller));
        }
        if let Some(slot) = self.makes.named {
            let named = named.into_iter().map(|(name, value)| (Value::text(name), value));
            activation.set_slot(0, slot, Some(Value::map(named)?));
        } else if let Some((name, _)) = named.first() {
            let macro_name = self.name();
            return Err(Fault::problem(if name == "caller" {
                format!("macro `{macro_name}` does not use `caller`, so it cannot be called with `{{% call %}}`")
            } else {
                format!("macro `{macro_name}` takes no argument `{name}`")
            }));
        }
        let rest: Vec<_> = positional.collect();
        if let Some(slot) = self.makes.positional {
            activation.set_slot(0, slot, Some(Value::tuple(rest)));
        } else if !rest.is_empty() {
            let given = count + rest.len();
            let problem = format!("macro `{}` takes at most {count} arguments, but got {given}", self.name());
            return Err(Fault::problem(problem));
        }
        Ok(())
    }
}

impl<'a> Object<'a> for MacroObject<'a> {
    fn type_name(&self) -> &'static str {
        "Macro"
    }

    fn text(&self, machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        let Some(name) = &self.makes.name else {
            return Ok("<Macro anonymous>".to_owned());
        };
        let name = machine.representation(&Value::borrowed(name))?;
        Ok(format!("<Macro {name}>"))
    }

    fn attribute(&self, _machine: &mut Machine<'a, '_>, name: &str) -> Result<Option<Value<'a>>, Fault> {
        let makes = self.makes;
        Ok(match name {
            "name" => Some(makes.name.as_deref().map_or(Value::None, Value::borrowed)),
            "arguments" => {
                Some(Value::tuple(makes.parameters.iter().map(|parameter| Value::borrowed(&parameter.name)).collect()))
            }
            "catch_kwargs" => Some(Value::Bool(makes.named.is_some())),
            "catch_varargs" => Some(Value::Bool(makes.positional.is_some())),
            "caller" => {
                let explicit = makes.parameters.iter().any(|parameter| &*parameter.name == "caller");
                Some(Value::Bool(makes.caller.is_some() || explicit))
            }
            _ => None,
        })
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
        let Some(around) = self.around.borrow().clone() else {
            return Err(Fault::problem(format!("macro `{}` is gone", self.name())));
        };
        let makes = self.makes;
        machine.burn(makes.slots + arguments.positional.len() + arguments.named.len())?;
        let activation = Activation::within(&around, makes.slots);
        self.bind(&activation, arguments)?;
        let caller = std::mem::replace(&mut machine.activation, activation);
        let template = std::mem::replace(&mut machine.template, Arc::clone(&self.template));
        let at = machine.at;
        machine.enter_scope(&makes.loads)?;
        for parameter in &makes.parameters {
            if machine.activation.slot(0, parameter.slot).is_none() {
                let value = match &parameter.default {
                    Some(default) => machine.expression(default)?,
                    None => Value::undefined(&parameter.name),
                };
                machine.activation.set_slot(0, parameter.slot, Some(value));
            }
        }
        let (text, _) = machine.aside(&makes.body)?;
        machine.activation = caller;
        machine.template = template;
        machine.at = at;
        Ok(Value::text(text))
    }

    fn release(&self, pending: &mut Vec<Value<'a>>) {
        let around = self.around.try_borrow_mut().ok().and_then(|mut around| around.take());
        if let Some(around) = around
            && Rc::strong_count(&around) == 1
        {
            around.release(pending);
        }
    }
}
