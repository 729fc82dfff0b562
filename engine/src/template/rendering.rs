//! One rendering: its fuel and depth, the variables rendered so far, the values that were missing.
//!
//! Shared by all templates, variables and partials that one call of [`Template::render`](super::Template::render)
//! reaches, whatever their engine, so that the bounds hold over all of them together.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use regex::Regex;
use serde_json::{Map, Value};

use super::bounds::{Bound, Bounds};
use super::error::{Fault, TemplateError};
use super::item::Item;
use super::library::{Library, Variable};
use super::reads::{Extent, MISSING_KEPT, Reads};
use super::{Escape, Seed, pattern};

/// Bytes read or made for one step of fuel.
const BYTES_PER_STEP: usize = 32;

/// Steps for compiling a large pattern, and how many of them a rendering keeps.
const LARGE_PATTERN_STEPS: u64 = 5000;
const LARGE_PATTERNS_KEPT: usize = 4;

#[derive(Debug)]
pub(super) struct Rendering<'a> {
    pub(super) root: &'a Value,
    pub(super) seed: &'a Seed,
    pub(super) bounds: &'a Bounds,
    library: &'a Library,
    fuel: u64,
    depth: usize,
    variables: BTreeMap<&'a str, Result<Item<'a>, TemplateError>>,
    all_variables: Option<Item<'a>>,
    chain: Vec<&'a str>,
    missing: BTreeSet<String>,
    reads: Option<Reads>,
    drawn: Drawn<'a>,
    large_patterns: BTreeMap<String, Arc<Regex>>,
}

/// Which template draws random values, and how many it drew: a variable gives the same whoever reads it.
#[derive(Debug, Clone, Copy)]
struct Drawn<'a> {
    template: &'a str,
    count: u64,
}

impl<'a> Rendering<'a> {
    pub(super) fn new(template: &'a str, root: &'a Value, seed: &'a Seed, library: &'a Library) -> Self {
        let bounds = library.bounds();
        Rendering {
            root,
            seed,
            bounds,
            library,
            fuel: bounds.fuel,
            depth: 0,
            variables: BTreeMap::new(),
            all_variables: None,
            chain: Vec::new(),
            missing: BTreeSet::new(),
            reads: None,
            drawn: Drawn { template, count: 0 },
            large_patterns: BTreeMap::new(),
        }
    }

    /// Pays for `steps` of work.
    pub(super) fn burn(&mut self, steps: u64) -> Result<(), Fault> {
        let enough = steps <= self.fuel;
        self.fuel = self.fuel.saturating_sub(steps);
        if enough { Ok(()) } else { Err(self.too_much(Bound::Fuel, None)) }
    }

    /// Pays for `bytes` read or made.
    pub(super) fn burn_bytes(&mut self, bytes: usize) -> Result<(), Fault> {
        self.burn((bytes / BYTES_PER_STEP) as u64)
    }

    pub(super) fn enter(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > self.bounds.rendering_depth { Err(self.too_much(Bound::RenderingDepth, None)) } else { Ok(()) }
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn too_much(&self, bound: Bound, actual: Option<usize>) -> Fault {
        Fault::too_much(bound, actual.map(|actual| actual as u64), self.bounds)
    }

    /// Fails when a helper is about to make a value of more than the allowed bytes, and pays for it otherwise.
    pub(super) fn afford(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.bounds.value_bytes {
            return Err(self.too_much(Bound::ValueSize, Some(bytes)));
        }
        self.burn_bytes(bytes)
    }

    /// Remembers that `path` has no value.
    pub(super) fn note_missing(&mut self, path: &str) {
        if self.missing.len() < MISSING_KEPT && !self.missing.contains(path) {
            self.missing.insert(path.to_owned());
        }
    }

    pub(super) fn into_missing(self) -> Vec<String> {
        self.missing.into_iter().collect()
    }

    /// From now on what is read of the data is noted.
    pub(super) fn note_reads(&mut self) {
        self.reads.get_or_insert_default();
    }

    /// Whether anybody wants to know what is read, so that an engine finds out only then.
    pub(super) fn notes_reads(&self) -> bool {
        self.reads.is_some()
    }

    /// Notes that the value at `path` is read: names and positions from the root.
    pub(super) fn note_read<S: AsRef<str>>(&mut self, path: &[S], extent: Extent) {
        if let Some(reads) = &mut self.reads {
            reads.note(path, extent);
        }
    }

    pub(super) fn into_reads(self) -> Reads {
        let mut reads = self.reads.unwrap_or_default();
        reads.note_missing(self.missing);
        reads
    }

    /// What the next random value of this template is made from.
    pub(super) fn draw(&mut self) -> (&'a str, u64) {
        self.drawn.count += 1;
        (self.drawn.template, self.drawn.count)
    }

    /// Whether the data holds all names of Jinja templates.
    pub(super) fn takes_names_from_data(&self) -> bool {
        self.library.takes_names_from_data()
    }

    /// The value of `variables.NAME`, rendered at its first use.
    pub(super) fn variable(&mut self, name: &str) -> Result<Item<'a>, Fault> {
        let Some((name, variable)) = self.library.variable(name) else {
            return Ok(Item::Missing);
        };
        let template = match variable {
            Variable::Text(value) => return Ok(Item::Data(value)),
            Variable::Template(template) => template,
        };
        if let Some(rendered) = self.variables.get(name) {
            return rendered.clone().map_err(|cause| broken(name, cause));
        }
        if let Some(first) = self.chain.iter().position(|open| *open == name) {
            let again = self.chain[first..].iter().chain([&name]);
            return Err(Fault::VariableCycle(again.map(|name| format!("variables.{name}")).collect()));
        }
        let rendered = match template {
            Ok(template) => {
                if self.chain.len() == self.bounds.variable_depth {
                    return Err(self.too_much(Bound::VariableDepth, None));
                }
                self.chain.push(name);
                let before = std::mem::replace(&mut self.drawn, Drawn { template: template.name(), count: 0 });
                let rendered = template.render_within(self, Escape::None);
                self.drawn = before;
                self.chain.pop();
                rendered.map(Item::text)
            }
            Err(error) => Err(error.clone()),
        };
        self.variables.insert(name, rendered.clone());
        rendered.map_err(|cause| broken(name, cause))
    }

    /// All variables as one object, for templates that do not name the one they read.
    pub(super) fn all_variables(&mut self) -> Result<Item<'a>, Fault> {
        if let Some(all) = &self.all_variables {
            return Ok(all.clone());
        }
        let mut all = Map::new();
        for name in self.library.variable_names() {
            self.burn(1)?;
            let item = self.variable(name)?;
            self.afford(super::item::weigh(item.value()).bytes)?;
            all.insert(name.to_owned(), item.value().clone());
        }
        let all = Item::Made(Rc::new(Value::Object(all)));
        self.all_variables = Some(all.clone());
        Ok(all)
    }

    /// A compiled pattern. Small ones are kept by the library, large ones for this rendering; what they cost does not
    /// depend on what was kept.
    pub(super) fn pattern(&mut self, pattern: &str) -> Result<Result<Arc<Regex>, regex::Error>, Fault> {
        if let Some(regex) = self.large_patterns.get(pattern) {
            return Ok(Ok(Arc::clone(regex)));
        }
        match self.library.patterns().small(pattern) {
            Err(regex::Error::CompiledTooBig(_)) => {}
            compiled => return Ok(compiled),
        }
        self.burn(LARGE_PATTERN_STEPS)?;
        let compiled = pattern::large(pattern, self.bounds.pattern_program_bytes);
        if let Ok(regex) = &compiled
            && self.large_patterns.len() < LARGE_PATTERNS_KEPT
        {
            self.large_patterns.insert(pattern.to_owned(), Arc::clone(regex));
        }
        Ok(compiled)
    }
}

fn broken(variable: &str, cause: TemplateError) -> Fault {
    match cause {
        // The innermost cause says it all, and errors stay flat however long the chain of variables is.
        TemplateError::BrokenVariable { variable, cause, .. } => Fault::BrokenVariable { variable, cause },
        TemplateError::VariableCycle { .. } => Fault::Placed(Box::new(cause)),
        cause => Fault::BrokenVariable { variable: variable.to_owned(), cause: Box::new(cause) },
    }
}
