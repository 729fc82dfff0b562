//! Walks a compiled Handlebars template and writes its text.
//!
//! Everything it does is paid for in fuel through [`Rendering`], before it is done. On a fault the walk stops where it
//! is: `template` and `at` then still say where that was.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::Escape;
use super::bounds::Bound;
use super::error::{Fault, Place, TemplateError};
use super::helper::Arguments;
use super::item::{Item, scalar, to_json};
use super::reads::Extent;
use super::rendering::Rendering;
use super::scope::{Frame, Locals, Origin, Scope, take};
use super::tree::{At, Block, Call, Expression, If, Node, PartialCall, Tree};

/// Renders `tree`, whose name is `template`.
pub(super) fn evaluate<'a>(
    tree: &'a Tree,
    template: &Arc<str>,
    rendering: &mut Rendering<'a>,
    escape: Escape,
) -> Result<String, TemplateError> {
    let mut evaluator = Evaluator {
        scope: Scope::new(rendering.root),
        rendering,
        escape,
        template: Arc::clone(template),
        at: At { line: 1, column: 1 },
        text: String::new(),
        indent: String::new(),
        line_start: true,
        partial_blocks: Vec::new(),
    };
    match evaluator.inner(&tree.nodes) {
        Ok(()) => Ok(evaluator.text),
        Err(fault) => {
            let Evaluator { template, at, .. } = evaluator;
            Err(fault.at(|| Place { template, line: at.line, column: at.column }))
        }
    }
}

struct Evaluator<'a, 'r> {
    rendering: &'r mut Rendering<'a>,
    scope: Scope<'a>,
    escape: Escape,
    template: Arc<str>,
    at: At,
    text: String,
    indent: String,
    /// Whether the next text gets the indent.
    line_start: bool,
    /// What stands between the tags of the partial calls around, rendered; None for a call without a block.
    partial_blocks: Vec<Option<Rc<str>>>,
}

impl<'a> Evaluator<'a, '_> {
    /// Renders what is inside of a block, a partial or the whole template.
    fn inner(&mut self, nodes: &'a [Node]) -> Result<(), Fault> {
        self.rendering.enter()?;
        for node in nodes {
            self.rendering.burn(1)?;
            match node {
                Node::Text(text) => self.write(text)?,
                Node::Print { at, value, raw } => {
                    self.at = *at;
                    self.print(value, *raw)?;
                }
                Node::If(block) => self.choose(block)?,
                Node::Each(block) => self.each(block)?,
                Node::With(block) => self.with(block)?,
                Node::Partial(call) => self.partial(call)?,
                Node::PartialBlock { at, fallback } => {
                    self.at = *at;
                    match self.partial_blocks.last() {
                        Some(Some(content)) => {
                            let content = Rc::clone(content);
                            self.write(&content)?;
                        }
                        _ => self.inner(fallback)?,
                    }
                }
            }
        }
        self.rendering.leave();
        Ok(())
    }

    /// Appends `text`, with the indent of the partials around at the start of each line.
    fn write(&mut self, text: &str) -> Result<(), Fault> {
        self.rendering.burn_bytes(text.len())?;
        if self.indent.is_empty() {
            return self.append(text);
        }
        for line in text.split_inclusive('\n') {
            if self.line_start {
                let indent = std::mem::take(&mut self.indent);
                let appended = self.rendering.burn_bytes(indent.len()).and_then(|()| self.append(&indent));
                self.indent = indent;
                appended?;
            }
            self.append(line)?;
        }
        Ok(())
    }

    fn append(&mut self, text: &str) -> Result<(), Fault> {
        if self.text.len() + text.len() > self.rendering.bounds.output_bytes {
            return Err(self.rendering.too_much(Bound::OutputSize, None));
        }
        self.text.push_str(text);
        if !text.is_empty() {
            self.line_start = text.ends_with('\n');
        }
        Ok(())
    }

    fn print(&mut self, expression: &'a Expression, raw: bool) -> Result<(), Fault> {
        let item = self.value(expression)?;
        if let (Item::Missing, Expression::Path(path)) = (&item, expression) {
            self.rendering.note_missing(&path.text);
        }
        let raw = raw || self.escape == Escape::None || matches!(expression, Expression::Call(call) if call.helper.raw);
        if let Some(text) = scalar(item.value()) {
            return if raw { self.write(&text) } else { self.write_escaped(&text) };
        }
        match to_json(item.value(), false, self.rendering.bounds.output_bytes) {
            Some(text) if raw => self.write(&text),
            Some(text) => self.write_escaped(&text),
            None => Err(self.rendering.too_much(Bound::OutputSize, None)),
        }
    }

    /// Appends `text` as the inside of a JSON string.
    fn write_escaped(&mut self, text: &str) -> Result<(), Fault> {
        let quoted = Value::from(text);
        match to_json(&quoted, false, self.rendering.bounds.output_bytes + 2) {
            Some(quoted) => self.write(&quoted[1..quoted.len() - 1]),
            None => Err(self.rendering.too_much(Bound::OutputSize, None)),
        }
    }

    fn value(&mut self, expression: &'a Expression) -> Result<Item<'a>, Fault> {
        match expression {
            Expression::Literal(value) => Ok(Item::Data(value)),
            Expression::Path(path) => {
                if self.rendering.notes_reads()
                    && let Some(origin) = self.scope.origin(path)
                {
                    self.rendering.note_read(&origin, Extent::Whole);
                }
                self.scope.resolve(path, self.rendering)
            }
            Expression::Call(call) => self.call(call),
        }
    }

    /// A value that becomes a context, and where it stands: what is read of it is noted when that is read.
    fn context(&mut self, expression: &'a Expression) -> Result<(Item<'a>, Option<Origin>), Fault> {
        let Expression::Path(path) = expression else { return Ok((self.value(expression)?, None)) };
        if !self.rendering.notes_reads() {
            return Ok((self.value(expression)?, None));
        }
        let origin = self.scope.origin(path);
        let item = self.scope.resolve(path, self.rendering)?;
        if let Some(origin) = &origin {
            let extent = if item.truthy(false) { Extent::Itself } else { Extent::Whole };
            self.rendering.note_read(origin, extent);
        }
        Ok((item, origin))
    }

    fn call(&mut self, call: &'a Call) -> Result<Item<'a>, Fault> {
        self.rendering.enter()?;
        self.rendering.burn(1)?;
        let mut values = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            let item = self.value(argument)?;
            if let Value::String(text) = item.value() {
                self.rendering.burn_bytes(text.len())?;
            }
            self.rendering.burn(1)?;
            values.push(item);
        }
        let named = self.named(&call.named)?;
        let arguments = Arguments { helper: call.helper.name, values, named };
        let item = (call.helper.run)(&arguments, self.rendering)?;
        self.rendering.leave();
        Ok(item)
    }

    fn named(&mut self, named: &'a [(Box<str>, Expression)]) -> Result<Vec<(&'a str, Item<'a>)>, Fault> {
        let mut items = Vec::with_capacity(named.len());
        for (name, expression) in named {
            self.rendering.burn(1)?;
            items.push((&**name, self.value(expression)?));
        }
        Ok(items)
    }

    fn choose(&mut self, block: &'a If) -> Result<(), Fault> {
        for branch in &block.branches {
            self.at = branch.at;
            self.rendering.burn(1)?;
            let include_zero = match &branch.include_zero {
                Some(expression) => self.value(expression)?.truthy(false),
                None => false,
            };
            if self.value(&branch.test)?.truthy(include_zero) != branch.negate {
                return self.inner(&branch.nodes);
            }
        }
        self.inner(&block.otherwise)
    }

    fn each(&mut self, block: &'a Block) -> Result<(), Fault> {
        self.at = block.at;
        let value = self.value(&block.value)?;
        let count = match value.value() {
            Value::Array(items) => items.len(),
            Value::Object(fields) => fields.len(),
            _ => 0,
        };
        if count == 0 {
            return self.inner(&block.otherwise);
        }
        self.scope.push(Frame::default());
        match value {
            Item::Data(Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.iteration(block, Locals::item(index, count), Item::Data(item))?;
                }
            }
            Item::Data(Value::Object(fields)) => {
                for (index, (name, field)) in fields.iter().enumerate() {
                    self.iteration(block, Locals::field(name, index, count), Item::Data(field))?;
                }
            }
            made => match take(made, self.rendering)? {
                Value::Array(items) => {
                    for (index, item) in items.into_iter().enumerate() {
                        self.iteration(block, Locals::item(index, count), Item::made(item))?;
                    }
                }
                Value::Object(fields) => {
                    for (index, (name, field)) in fields.into_iter().enumerate() {
                        self.iteration(block, Locals::field(&name, index, count), Item::made(field))?;
                    }
                }
                _ => {}
            },
        }
        self.scope.pop();
        Ok(())
    }

    fn iteration(&mut self, block: &'a Block, locals: Locals, item: Item<'a>) -> Result<(), Fault> {
        self.rendering.burn(1)?;
        let names = block.names.iter().map(|name| &**name).zip([item.clone(), locals.key()]).collect();
        self.scope.replace(Frame { this: item, overlay: Vec::new(), names, locals, origin: None });
        self.inner(&block.nodes)
    }

    fn with(&mut self, block: &'a Block) -> Result<(), Fault> {
        self.at = block.at;
        let (this, origin) =
            if block.names.is_empty() { self.context(&block.value)? } else { (self.value(&block.value)?, None) };
        if !this.truthy(false) {
            return self.inner(&block.otherwise);
        }
        let names = block.names.iter().map(|name| (&**name, this.clone())).collect();
        let locals = self.scope.locals();
        self.scope.push(Frame { this, overlay: Vec::new(), names, locals, origin });
        self.inner(&block.nodes)?;
        self.scope.pop();
        Ok(())
    }

    fn partial(&mut self, call: &'a PartialCall) -> Result<(), Fault> {
        self.at = call.at;
        let (this, mut overlay, origin) = if let Some(expression) = &call.context {
            let (this, origin) = self.context(expression)?;
            (this, Vec::new(), origin)
        } else {
            let (this, overlay) = self.scope.current();
            let origin = if self.rendering.notes_reads() { self.scope.current_origin() } else { None };
            (this, overlay, origin)
        };
        overlay.extend(self.named(&call.named)?);
        self.rendering.burn(overlay.len() as u64)?;
        let locals = self.scope.locals();
        self.scope.push(Frame { this, overlay, names: Vec::new(), locals, origin });
        match (&call.partial, &call.block) {
            (Some(partial), block) => {
                let content = match block {
                    Some(nodes) => Some(self.aside(nodes)?),
                    None => None,
                };
                self.partial_blocks.push(content);
                let template = std::mem::replace(&mut self.template, Arc::clone(&partial.name));
                let indented = self.indent.len();
                self.indent.push_str(&call.indent);
                let (length, line_start) = (self.text.len(), self.line_start);
                // The tag had its line for itself, even if what came before it did not end its own.
                self.line_start |= !call.indent.is_empty();
                self.inner(&partial.tree.nodes)?;
                if self.text.len() == length {
                    self.line_start = line_start;
                }
                self.indent.truncate(indented);
                self.template = template;
                self.partial_blocks.pop();
            }
            (None, Some(nodes)) => self.inner(nodes)?,
            (None, None) => {}
        }
        self.scope.pop();
        Ok(())
    }

    /// Renders `nodes` into a text of their own.
    fn aside(&mut self, nodes: &'a [Node]) -> Result<Rc<str>, Fault> {
        let text = std::mem::take(&mut self.text);
        let indent = std::mem::take(&mut self.indent);
        let line_start = std::mem::replace(&mut self.line_start, true);
        self.inner(nodes)?;
        self.line_start = line_start;
        self.indent = indent;
        Ok(std::mem::replace(&mut self.text, text).into())
    }
}
