//! The macros of a library, which stand in front of each of its templates, and a template behind them.
//!
//! The predecessor puts their texts in front of the template's text. Here each is compiled once, on its own, so that its
//! errors carry its own name and place, and all templates share the result.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::bounds::Bounds;
use super::super::error::{Fault, Place, TemplateError};
use super::super::rendering::Rendering;
use super::super::{Compiled as Renders, Escape, Source};
use super::compile::{Compiled, compile};
use super::machine::Machine;
use super::scan::is_space;
use super::symbol::Symbols;
use super::tree::TopStart;
use super::value::Value;

/// All Jinja partials of a library, in the order of their names.
#[derive(Debug, Default)]
pub(in super::super) struct Prefix {
    parts: Vec<Part>,
    symbols: Symbols,
    slots: usize,
    eats: bool,
}

#[derive(Debug)]
struct Part {
    key: Box<str>,
    name: Arc<str>,
    text: Arc<str>,
    compiled: Compiled,
}

/// A compiled template with what stands in front of it.
#[derive(Debug)]
pub(in super::super) struct JinjaTemplate {
    prefix: Arc<Prefix>,
    compiled: Compiled,
}

/// The partial in error.
pub(in super::super) type BrokenPart = (String, TemplateError);

impl Prefix {
    /// Compiles the partials; the errors are those of single ones.
    pub(in super::super) fn new<'s>(
        partials: impl Iterator<Item = (&'s String, &'s Source)>,
        bounds: &Bounds,
    ) -> Result<Prefix, Vec<BrokenPart>> {
        let mut prefix = Prefix::default();
        let mut broken = Vec::new();
        for (key, source) in partials {
            let text = source.text.trim_matches(is_space);
            match compile(&source.name, text, bounds, &prefix.symbols, prefix.eats) {
                Ok(mut compiled) => {
                    prefix.symbols = std::mem::take(&mut compiled.symbols);
                    prefix.slots = prefix.slots.max(compiled.slots);
                    // A partial without a character changes nothing.
                    prefix.eats = compiled.eats || (prefix.eats && text.is_empty());
                    let name = source.name.as_str().into();
                    prefix.parts.push(Part { key: key.as_str().into(), name, text: text.into(), compiled });
                }
                Err(error) => broken.push((key.clone(), error)),
            }
        }
        if broken.is_empty() { Ok(prefix) } else { Err(broken) }
    }

    /// Compiles a template to stand behind the partials.
    pub(in super::super) fn compile(
        self: &Arc<Self>,
        template: &str,
        text: &str,
        bounds: &Bounds,
    ) -> Result<JinjaTemplate, TemplateError> {
        let mut compiled = compile(template, text, bounds, &self.symbols, self.eats)?;
        compiled.symbols = Symbols::default();
        Ok(JinjaTemplate { prefix: Arc::clone(self), compiled })
    }

    /// What templates see as `jinja2Macros`.
    fn macros(&self) -> BTreeMap<&str, &str> {
        self.parts.iter().map(|part| (&*part.key, &*part.text)).collect()
    }
}

impl Renders for JinjaTemplate {
    fn render<'a>(
        &'a self,
        rendering: &mut Rendering<'a>,
        name: &Arc<str>,
        _escape: Escape,
    ) -> Result<String, TemplateError> {
        let slots = self.prefix.slots.max(self.compiled.slots);
        let mut machine = Machine::new(rendering, name, slots, &self.prefix);
        match self.run(&mut machine, name) {
            Ok(()) => Ok(std::mem::take(&mut machine.output)),
            Err(fault) => {
                let (template, at) = (Arc::clone(&machine.template), machine.at);
                Err(fault.at(|| Place { template, line: at.line, column: at.column }))
            }
        }
    }
}

impl JinjaTemplate {
    /// Runs the partials and then the template, as if they were one text.
    fn run<'a>(&'a self, machine: &mut Machine<'a, '_>, name: &Arc<str>) -> Result<(), Fault> {
        let sources = self.prefix.parts.iter().map(|part| (&part.name, &part.compiled));
        let sources = sources.chain([(name, &self.compiled)]);
        for (name, start) in sources.clone().flat_map(|(_, compiled)| &compiled.tops) {
            machine.burn(1)?;
            let value = match start {
                TopStart::Resolve => machine.resolve(name),
                TopStart::Undefined => None,
            };
            machine.top.set_at_top(name, value);
        }
        for (name, compiled) in sources {
            machine.template = Arc::clone(name);
            machine.nodes(&compiled.nodes)?;
        }
        Ok(())
    }
}

impl Prefix {
    /// How many bytes they are together.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.text.len()).sum()
    }

    /// `jinja2Macros`: the texts in front of every template.
    pub(super) fn texts(&self) -> Result<Value<'_>, Fault> {
        let names = self.macros();
        let all: String = self.parts.iter().map(|part| &*part.text).collect();
        let by_name = Value::map(names.into_iter().map(|(name, text)| (Value::borrowed(name), Value::borrowed(text))))?;
        Value::map([(Value::borrowed("all"), Value::text(all)), (Value::borrowed("byName"), by_name)])
    }
}
