//! The functions that every Jinja template can call: `range`, `dict`, `lipsum`, `cycler`, `joiner`, `namespace`.
//!
//! [`TABLE`] is the one list of them; the documentation is written from it and a test renders each of its examples.

mod cycle;
mod lipsum;
mod namespace;
mod range;

use super::super::error::Fault;
use super::arguments::Arguments;
use super::machine::Machine;
use super::value::{Object, Value};

type Run = for<'a, 'r, 'm> fn(&'m mut Machine<'a, 'r>, Arguments<'a>) -> Result<Value<'a>, Fault>;

/// One function, with its documentation.
pub(super) struct GlobalEntry {
    /// The name it is called by.
    pub(super) name: &'static str,
    /// Its arguments, as the documentation shows them.
    pub(super) parameters: &'static str,
    /// What it gives, in one line.
    pub(super) description: &'static str,
    /// A template that uses it, and what that renders to.
    pub(super) example: (&'static str, &'static str),
    /// What `{{ name }}` prints, as Python does but without an address.
    text: &'static str,
    run: Run,
}

/// Every function, in the order of the documentation.
pub(super) const TABLE: &[GlobalEntry] = &[
    GlobalEntry {
        name: "cycler",
        parameters: "items...",
        description: "An object that gives its items in turn: `next()`, `current`, `reset()`.",
        example: (
            "{% set row = cycler('odd', 'even') %}{{ row.next() }} {{ row.next() }} {{ row.next() }}",
            "odd even odd",
        ),
        text: "<class 'jinja2.utils.Cycler'>",
        run: cycle::cycler,
    },
    GlobalEntry {
        name: "dict",
        parameters: "[pairs], name=value...",
        description: "A map of the pairs or of another map, and of the named values.",
        example: ("{{ dict([('a', 1)], b=2) }}", "{'a': 1, 'b': 2}"),
        text: "<class 'dict'>",
        run: namespace::dict,
    },
    GlobalEntry {
        name: "joiner",
        parameters: "sep=', '",
        description: "A function that gives nothing when it is called first, and the separator from then on.",
        example: ("{% set comma = joiner() %}{% for i in [1, 2] %}{{ comma() }}{{ i }}{% endfor %}", "1, 2"),
        text: "<class 'jinja2.utils.Joiner'>",
        run: cycle::joiner,
    },
    GlobalEntry {
        name: "lipsum",
        parameters: "n=5, html=True, min=20, max=100",
        description: "Paragraphs of words without meaning; the same again for the same event and template.",
        example: ("{{ lipsum(2, html=false, min=3, max=4).splitlines()|length }}", "3"),
        text: "<function generate_lorem_ipsum>",
        run: lipsum::lipsum,
    },
    GlobalEntry {
        name: "namespace",
        parameters: "[pairs], name=value...",
        description: "An object whose attributes can be set, also from within a loop.",
        example: (
            "{% set all = namespace(sum=0) %}{% for i in [1, 2] %}{% set all.sum = all.sum + i %}{% endfor %}{{ all.sum }}",
            "3",
        ),
        text: "<class 'jinja2.utils.Namespace'>",
        run: namespace::namespace,
    },
    GlobalEntry {
        name: "range",
        parameters: "[start], stop, [step]",
        description: "The integers from start (0) up to stop, which is not one of them.",
        example: ("{{ range(3) }} {{ range(5, 0, -2)|list }}", "range(0, 3) [5, 3, 1]"),
        text: "<class 'range'>",
        run: range::range,
    },
];

/// The global called `name`.
pub(super) fn find<'a>(name: &str) -> Option<Value<'a>> {
    TABLE.iter().find(|entry| entry.name == name).map(|entry| Value::object(Function { entry }))
}

/// A global as a value, until it is called.
struct Function {
    entry: &'static GlobalEntry,
}

impl<'a> Object<'a> for Function {
    fn type_name(&self) -> &'static str {
        if self.entry.name == "lipsum" { "function" } else { "type" }
    }

    fn text(&self, _machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        Ok(self.entry.text.to_owned())
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
        (self.entry.run)(machine, arguments)
    }

    fn equals(&self, machine: &mut Machine<'a, '_>, other: &Value<'a>) -> Result<bool, Fault> {
        let Value::Object(other) = other else { return Ok(false) };
        Ok(other.text(machine)? == self.entry.text)
    }
}
