//! The Handlebars engine: from a source to a [`Tree`].
//!
//! The `handlebars` library parses, after [`scan`](super::scan) has shown that it can do so safely; this module turns
//! its tree into ours, resolves helpers and partials, and refuses what could not be bounded. The tags of the scan are
//! walked along: a tag that the library saw elsewhere or as something else is an error, never a surprise.

use std::sync::Arc;

use ::handlebars::Path as LibraryPath;
use ::handlebars::PathSeg;
use ::handlebars::template::{
    BlockParam, DecoratorTemplate, HelperTemplate, Parameter, Template as LibraryTemplate, TemplateElement,
};

use super::bounds::{Bound, Bounds};
use super::error::{Place, TemplateError};
use super::evaluate::evaluate;
use super::helper::{Helper, TABLE};
use super::library::similar;
use super::rendering::Rendering;
use super::scan::{Kind, Tag};
use super::tree::{At, Block, Branch, Call, Expression, If, Node, Partial, PartialCall, Path, Start, Tree};
use super::{Compiled, Escape};

/// Names that one call may give as `name=value`: they are looked through one by one.
const NAMED_ARGUMENTS: usize = 64;

/// Helpers that people give as an argument without parentheses, where Handlebars looks for a value of that name: it
/// would be blank, and nobody would know why.
const CALLED_BARE: [&str; 3] = ["now", "random", "uuid"];

impl Compiled for Tree {
    fn render<'a>(
        &'a self,
        rendering: &mut Rendering<'a>,
        name: &Arc<str>,
        escape: Escape,
    ) -> Result<String, TemplateError> {
        evaluate(self, name, rendering, escape)
    }

    fn notes_reads(&self) -> bool {
        true
    }
}

/// The partials that a template may call.
pub(super) trait Partials {
    /// The partial called `name`; None if there is none.
    fn get(&self, name: &str) -> Option<Result<Partial, TemplateError>>;
    /// A name that `name` may be a slip of, or the list of all.
    fn hint(&self, name: &str) -> String;
}

/// Compiles `source`, whose tags are known.
pub(super) fn compile(
    template: &str,
    source: &str,
    tags: &[Tag<'_>],
    partials: &dyn Partials,
    bounds: &Bounds,
) -> Result<Tree, TemplateError> {
    let mut compiler =
        Compiler { template, source, tags: tags.iter().copied().peekable(), partials, bounds, partial_depth: 0 };
    let parsed = match LibraryTemplate::compile(source) {
        Ok(parsed) => parsed,
        Err(error) => {
            let wrong = error.pos().map_or((1, 1), |(line, column)| (line as u64, column as u64));
            let tag = tags.iter().take_while(|tag| (u64::from(tag.at.line), u64::from(tag.at.column)) <= wrong).last();
            return Err(compiler.unreadable(tag));
        }
    };
    let nodes = compiler.nodes(&parsed)?;
    match compiler.tags.next() {
        None => Ok(Tree { nodes, partial_depth: compiler.partial_depth }),
        tag => Err(compiler.unreadable(tag.as_ref())),
    }
}

struct Compiler<'s, I: Iterator<Item = Tag<'s>>> {
    template: &'s str,
    source: &'s str,
    tags: std::iter::Peekable<I>,
    partials: &'s dyn Partials,
    bounds: &'s Bounds,
    partial_depth: usize,
}

impl<'s, I: Iterator<Item = Tag<'s>>> Compiler<'s, I> {
    fn place(&self, at: At) -> Place {
        Place { template: self.template.into(), line: at.line, column: at.column }
    }

    fn syntax(&self, at: At, problem: impl Into<String>) -> TemplateError {
        TemplateError::Syntax { place: self.place(at), problem: problem.into() }
    }

    fn unreadable(&self, tag: Option<&Tag<'_>>) -> TemplateError {
        const SHOWN: usize = 60;
        let Some(tag) = tag else {
            return self.syntax(At { line: 1, column: 1 }, "this is no Handlebars template");
        };
        let text: String = self.source[tag.start..tag.end].chars().take(SHOWN).collect();
        let problem = format!(
            "the tag `{text}` cannot be read; write a path such as `state.a`, `state.[odd key]` or `@root.state.a`, \
             a helper call such as `upper state.a`, or arguments such as 'text', 1, true, (helper ...) or name=value"
        );
        self.syntax(tag.at, problem)
    }

    fn next(&mut self, fits: impl Fn(Kind) -> bool) -> Result<Tag<'s>, TemplateError> {
        match self.tags.next() {
            Some(tag) if fits(tag.kind) => Ok(tag),
            tag => Err(self.unreadable(tag.as_ref())),
        }
    }

    fn nodes(&mut self, template: &LibraryTemplate) -> Result<Vec<Node>, TemplateError> {
        let mut nodes = Vec::with_capacity(template.elements.len());
        for element in &template.elements {
            match element {
                TemplateElement::RawString(text) if text.is_empty() => {}
                TemplateElement::RawString(text) => nodes.push(Node::Text(text.as_str().into())),
                TemplateElement::Comment(_) => {
                    self.next(|kind| kind == Kind::Comment)?;
                }
                TemplateElement::Expression(call) => nodes.push(self.print(call, false)?),
                TemplateElement::HtmlExpression(call) => nodes.push(self.print(call, true)?),
                TemplateElement::HelperBlock(block) => self.block(block, &mut nodes)?,
                TemplateElement::PartialExpression(call) => {
                    let tag = self.next(|kind| kind == Kind::Partial)?;
                    nodes.push(self.partial(tag, call, None)?);
                }
                TemplateElement::PartialBlock(call) => {
                    let tag = self.next(|kind| kind == Kind::OpenPartial)?;
                    let block = match &call.template {
                        Some(template) => self.nodes(template)?,
                        None => Vec::new(),
                    };
                    self.next(|kind| kind == Kind::Close)?;
                    nodes.push(self.partial(tag, call, Some(block))?);
                }
                _ => {
                    let tag = self.tags.next();
                    return Err(self.unreadable(tag.as_ref()));
                }
            }
        }
        Ok(nodes)
    }

    fn print(&mut self, call: &HelperTemplate, raw: bool) -> Result<Node, TemplateError> {
        let at = self.next(|kind| kind == Kind::Print)?.at;
        if let (Some(name @ ("array" | "object")), true, true) =
            (call.name.as_name(), call.params.is_empty(), call.hash.is_empty())
            && let Some(helper) = Helper::find(name)
        {
            // Nobody wants to print an empty one: it is the value of a block's `as |object|`, or a slip.
            return Err(self.lone(at, helper));
        }
        Ok(Node::Print { at, value: self.call(at, call)?, raw })
    }

    fn block(&mut self, block: &HelperTemplate, nodes: &mut Vec<Node>) -> Result<(), TemplateError> {
        let tag = self.next(|kind| matches!(kind, Kind::Open | Kind::OpenRaw))?;
        if tag.kind == Kind::OpenRaw {
            if let Some(template) = &block.template {
                nodes.extend(self.nodes(template)?);
            }
            self.next(|kind| kind == Kind::CloseRaw)?;
            return Ok(());
        }
        nodes.push(self.block_from(tag.at, block)?);
        self.next(|kind| kind == Kind::Close)?;
        Ok(())
    }

    /// A block, or the `else if` part of one, from behind its first tag to in front of its last.
    fn block_from(&mut self, at: At, block: &HelperTemplate) -> Result<Node, TemplateError> {
        let name = block.name.as_name().unwrap_or_default();
        let value = self.block_value(at, name, block)?;
        let nodes = match &block.template {
            Some(template) => self.nodes(template)?,
            None => Vec::new(),
        };
        if matches!(name, "if" | "unless") {
            let include_zero = match block.hash.get("includeZero") {
                Some(parameter) => Some(self.expression(at, parameter)?),
                None => None,
            };
            let first = Branch { at, test: value, negate: name == "unless", include_zero, nodes };
            let mut rest = self.otherwise(block)?;
            // `else if` is one more branch of the same choice, so that a long chain is a list and not a tower.
            if let (true, [Node::If(_)]) = (rest.chained, rest.nodes.as_slice())
                && let Some(Node::If(mut next)) = rest.nodes.pop()
            {
                next.branches.insert(0, first);
                return Ok(Node::If(next));
            }
            return Ok(Node::If(Box::new(If { branches: vec![first], otherwise: rest.nodes })));
        }
        let names = match &block.block_param {
            None => Vec::new(),
            Some(BlockParam::Single(name)) => vec![name],
            Some(BlockParam::Pair((item, key))) => vec![item, key],
            Some(_) => return Err(self.syntax(at, "write at most two names as `as |item key|`")),
        };
        let names = names.into_iter().map(|name| name.as_name().unwrap_or_default().into()).collect();
        let otherwise = self.otherwise(block)?.nodes;
        let block = Box::new(Block { at, value, names, nodes, otherwise });
        Ok(if name == "each" { Node::Each(block) } else { Node::With(block) })
    }

    fn block_value(&mut self, at: At, name: &str, block: &HelperTemplate) -> Result<Expression, TemplateError> {
        match Helper::find(name) {
            Some(helper) if helper.block => {
                self.check(at, helper, block)?;
                self.expression(at, &block.params[0])
            }
            Some(_) => {
                let problem =
                    format!("`{name}` is no block helper; write `{{{{#if ({name} ...)}}}}` or `{{{{{name} ...}}}}`");
                Err(self.syntax(at, problem))
            }
            None => {
                let hint = "block helpers are `if`, `unless`, `each` and `with`".to_owned();
                Err(TemplateError::UnknownHelper { place: self.place(at), helper: name.to_owned(), hint })
            }
        }
    }

    fn otherwise(&mut self, block: &HelperTemplate) -> Result<Otherwise, TemplateError> {
        let Some(tag) = self.tags.next_if(|tag| matches!(tag.kind, Kind::Else { .. })) else {
            return Ok(Otherwise { chained: false, nodes: Vec::new() });
        };
        let chained = tag.kind == Kind::Else { chained: true };
        let nodes = match (&block.inverse, chained) {
            (Some(inverse), false) => self.nodes(inverse)?,
            (Some(inverse), true) => match inverse.elements.as_slice() {
                [TemplateElement::HelperBlock(next)] => vec![self.block_from(tag.at, next)?],
                _ => return Err(self.unreadable(Some(&tag))),
            },
            (None, _) => Vec::new(),
        };
        Ok(Otherwise { chained, nodes })
    }

    fn partial(
        &mut self,
        tag: Tag<'_>,
        call: &DecoratorTemplate,
        block: Option<Vec<Node>>,
    ) -> Result<Node, TemplateError> {
        let (at, name) = (tag.at, tag.name);
        if call.name.as_name() != Some(name) {
            return Err(self.unreadable(Some(&tag)));
        }
        if name == "@partial-block" {
            return Ok(Node::PartialBlock { at, fallback: block.unwrap_or_default() });
        }
        if call.params.len() > 1 {
            let problem =
                format!("partial `{name}` takes one context and `name=value`, but got {} arguments", call.params.len());
            return Err(self.syntax(at, problem));
        }
        let partial = match self.partials.get(name) {
            Some(Ok(partial)) => {
                self.partial_depth = self.partial_depth.max(partial.tree.partial_depth + 1);
                if self.partial_depth > self.bounds.partial_depth {
                    return Err(self.too_deep(at));
                }
                Some(partial)
            }
            Some(Err(cause)) => {
                let cause = Box::new(innermost(cause));
                return Err(TemplateError::BrokenPartial { place: self.place(at), partial: name.to_owned(), cause });
            }
            None if block.is_some() => None,
            None => {
                let hint = self.partials.hint(name);
                return Err(TemplateError::UnknownPartial { place: self.place(at), partial: name.to_owned(), hint });
            }
        };
        let context = match call.params.first() {
            Some(parameter) => Some(self.expression(at, parameter)?),
            None => None,
        };
        let named = self.named(at, &call.hash)?;
        let indent = if block.is_none() { self.indent(&tag) } else { "" }.into();
        Ok(Node::Partial(Box::new(PartialCall { at, partial, context, named, indent, block })))
    }

    fn too_deep(&self, at: At) -> TemplateError {
        let allowed = Bound::PartialDepth.allowed(self.bounds);
        TemplateError::TooMuch {
            place: self.place(at),
            bound: Bound::PartialDepth,
            actual: Some(allowed + 1),
            allowed,
            rendering: false,
        }
    }

    /// The white space in front of a partial's tag that has its line for itself: each line of the partial gets it.
    fn indent(&self, tag: &Tag<'_>) -> &'s str {
        let blank = |character: char| matches!(character, ' ' | '\t');
        let line = |character: char| matches!(character, '\n' | '\r');
        let (before, after) = (&self.source[..tag.start], &self.source[tag.end..]);
        let margin = before.trim_end_matches(blank);
        let alone = after.is_empty() || after.trim_start_matches(blank).starts_with(line);
        let first = margin.is_empty() || margin.ends_with(line);
        let trimmed = self.source[tag.start..].starts_with("{{~");
        if alone && first && !trimmed { &before[margin.len()..] } else { "" }
    }

    fn call(&mut self, at: At, call: &HelperTemplate) -> Result<Expression, TemplateError> {
        let name = call.name.as_name().unwrap_or_default();
        if call.params.is_empty() && call.hash.is_empty() {
            return match Helper::find(name) {
                Some(helper) if helper.least == 0 && !helper.block => {
                    Ok(Expression::Call(Call { helper, arguments: Vec::new(), named: Vec::new() }))
                }
                Some(helper) => Err(self.lone(at, helper)),
                None => self.expression(at, &call.name),
            };
        }
        let Some(helper) = Helper::find(name) else {
            let hint = similar(name, TABLE.iter().map(|helper| helper.name), "the helpers are");
            return Err(TemplateError::UnknownHelper { place: self.place(at), helper: name.to_owned(), hint });
        };
        if helper.block {
            let problem = format!("`{name}` is a block; write `{{{{#{name} ...}}}}...{{{{/{name}}}}}`");
            return Err(self.syntax(at, problem));
        }
        self.check(at, helper, call)?;
        let mut arguments = Vec::with_capacity(call.params.len());
        for parameter in &call.params {
            arguments.push(self.expression(at, parameter)?);
        }
        let named = self.named(at, &call.hash)?;
        Ok(Expression::Call(Call { helper, arguments, named }))
    }

    /// Checks the number of arguments and their names against the table.
    fn check(&self, at: At, helper: &Helper, call: &HelperTemplate) -> Result<(), TemplateError> {
        let count = call.params.len();
        if count < helper.least || count > helper.most {
            let problem = format!("helper `{}` got {count} arguments; write it as `{}`", helper.name, helper.signature);
            return Err(self.syntax(at, problem));
        }
        let mut names: Vec<_> = call.hash.keys().filter(|name| !takes(helper, name)).collect();
        names.sort();
        match names.first() {
            None => Ok(()),
            Some(name) => {
                let problem =
                    format!("helper `{}` takes no `{name}=`; write it as `{}`", helper.name, helper.signature);
                Err(self.syntax(at, problem))
            }
        }
    }

    fn named(
        &mut self,
        at: At,
        parameters: &std::collections::HashMap<String, Parameter>,
    ) -> Result<Vec<(Box<str>, Expression)>, TemplateError> {
        if parameters.len() > NAMED_ARGUMENTS {
            let problem = format!("one tag gives {} values by name, allowed are {NAMED_ARGUMENTS}", parameters.len());
            return Err(TemplateError::NotAllowed { place: self.place(at), problem });
        }
        let mut sorted: Vec<_> = parameters.iter().collect();
        // The library keeps them in a hash map; fuel and random values must not depend on its order.
        sorted.sort_by_key(|(name, _)| *name);
        sorted.into_iter().map(|(name, value)| Ok((name.as_str().into(), self.expression(at, value)?))).collect()
    }

    fn expression(&mut self, at: At, parameter: &Parameter) -> Result<Expression, TemplateError> {
        match parameter {
            Parameter::Literal(value) => Ok(Expression::Literal(value.clone())),
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(call) => self.call(at, call),
                _ => Err(self.syntax(at, "a helper call is written `(helper argument ...)`")),
            },
            Parameter::Name(name) => {
                let segments = vec![name.as_str().into()];
                Ok(Expression::Path(Path { text: name.as_str().into(), start: Start::Here, segments }))
            }
            Parameter::Path(path) => self.path(at, path),
            _ => Err(self.syntax(at, "an argument is a path, 'text', 1, true or (helper ...)")),
        }
    }

    fn path(&mut self, at: At, path: &LibraryPath) -> Result<Expression, TemplateError> {
        match path {
            LibraryPath::Local((levels, name, text)) => Ok(Expression::Path(Path {
                text: text.as_str().into(),
                start: Start::Local(*levels),
                segments: vec![name.as_str().into()],
            })),
            LibraryPath::Relative((parts, text)) => {
                let mut segments: Vec<Box<str>> = Vec::with_capacity(parts.len());
                let (mut levels, mut root) = (0, false);
                for part in parts {
                    match part {
                        PathSeg::Named(name) => segments.push(name.as_str().into()),
                        // The library keeps the type of these to itself; what it calls them is all there is.
                        PathSeg::Ruled(rule) => match format!("{rule:?}").as_str() {
                            "path_up" => levels += 1,
                            "path_root" => root = true,
                            _ => {}
                        },
                        _ => return Err(self.syntax(at, format!("the path `{text}` cannot be read"))),
                    }
                }
                let this =
                    text.starts_with("./") || text == "this" || text.starts_with("this.") || text.starts_with("this/");
                let start = match (root, levels) {
                    (true, _) => Start::Root,
                    (false, 0) if this => Start::This,
                    (false, 0) => Start::Here,
                    (false, levels) => Start::Up(levels),
                };
                if CALLED_BARE.contains(&text.as_str()) {
                    let problem =
                        format!("write `({text})` to call the helper, or `this.{text}` for a value of that name");
                    return Err(self.syntax(at, problem));
                }
                Ok(Expression::Path(Path { text: text.as_str().into(), start, segments }))
            }
        }
    }

    /// A word alone in its tag or parentheses is a helper if there is one of that name, as in all of Handlebars.
    fn lone(&self, at: At, helper: &Helper) -> TemplateError {
        let Helper { name, signature, .. } = helper;
        let problem =
            format!("`{name}` is a helper; write `{signature}` to call it, or `this.{name}` for a value of that name");
        self.syntax(at, problem)
    }
}

struct Otherwise {
    chained: bool,
    nodes: Vec<Node>,
}

fn takes(helper: &Helper, name: &str) -> bool {
    helper.named.iter().any(|known| *known == "*" || *known == name)
}

/// A broken partial's own error says it all, and errors stay flat however many partials lie between.
fn innermost(error: TemplateError) -> TemplateError {
    match error {
        TemplateError::BrokenPartial { cause, .. } => *cause,
        error => error,
    }
}
