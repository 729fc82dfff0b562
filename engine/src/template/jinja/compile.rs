//! Makes the tree of a template out of what the library's parser reads.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::machinery::ast::{self, Expr, Stmt};
use minijinja::machinery::{Span, parse};
use minijinja::syntax::SyntaxConfig;

use super::super::bounds::Bounds;
use super::super::error::TemplateError;
use super::super::tree::At;
use super::rewrite::{Rewritten, rewrite};
use super::scan::{Errors, normalize, scan};
use super::special::{self, is_loop, special_names};
use super::symbol::{Scopes, Symbols, text_index};
use super::tree::{
    Block, CallBlock, FilterBlock, For, If, Load, LoopFilter, Macro, Name, Node, Parameter, SetBlock, Target, TopStart,
    With,
};

/// What one source compiles to.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) nodes: Vec<Node>,
    /// Slots of the template's own function.
    pub(super) slots: usize,
    /// Names of the top that this source adds.
    pub(super) tops: Vec<(Box<str>, TopStart)>,
    /// All that the top knows now, for the sources that follow.
    pub(super) symbols: Symbols,
    /// Whether it ends with a tag that eats the white space behind it.
    pub(super) eats: bool,
}

/// Compiles `source`, in front of which stand sources that left `symbols` at the top; `eaten`: with a tag that eats
/// white space at their end.
pub(super) fn compile(
    template: &str,
    source: &str,
    bounds: &Bounds,
    symbols: &Symbols,
    eaten: bool,
) -> Result<Compiled, TemplateError> {
    let errors = Errors { template, bounds };
    if source.len() > bounds.source_bytes {
        let bound = super::super::bounds::Bound::SourceSize;
        return Err(errors.too_much(bound, Some(source.len()), At { line: 1, column: 1 }));
    }
    let normalized = normalize(source);
    let scanned = scan(&normalized, errors, eaten)?;
    let rewritten = rewrite(&scanned.pieces, errors)?;
    let parsed = parse(&rewritten.source, template, SyntaxConfig::default())
        .map_err(|error| unreadable(&error, &rewritten, errors))?;
    let Stmt::Template(parsed) = parsed else {
        return Err(errors.syntax(At { line: 1, column: 1 }, "the template cannot be read"));
    };
    let scopes = Scopes::new(&rewritten, symbols.clone());
    let mut compiler = Compiler { scopes, errors, soft: false, loops: 0 };
    compiler.scopes.statements(&parsed.children);
    let nodes = compiler.nodes(&parsed.children)?;
    let slots = compiler.scopes.close_function();
    let known = compiler.scopes.close_scope();
    let tops = known.tops.iter().filter(|(name, _)| !symbols.tops.contains_key(*name));
    let tops = tops.map(|(name, start)| (name.clone(), *start)).collect();
    Ok(Compiled { nodes, slots, tops, symbols: known, eats: scanned.eats })
}

/// The parser's error at the place of the token that it stopped at.
fn unreadable(error: &minijinja::Error, rewritten: &Rewritten<'_>, errors: Errors<'_>) -> TemplateError {
    let line = error.line().unwrap_or(1);
    let last = (At { line: 1, column: 1 }, "");
    let (at, text) = rewritten.lines.get(line - 1).or(rewritten.lines.last()).copied().unwrap_or(last);
    let detail = error.detail().unwrap_or("it cannot be read");
    let problem = match detail.split_once(", expected ") {
        Some((_, expected)) if !text.is_empty() => {
            let expected = match expected {
                "end of block" => "the end of the tag (`%}`)",
                "end of variable block" => "the end of the tag (`}}`)",
                "identifier" => "a name",
                other => other,
            };
            format!("found `{text}` where {expected} is expected")
        }
        _ if text.is_empty() => detail.to_owned(),
        _ if detail.starts_with("unexpected ") => format!("`{text}` cannot stand here"),
        _ => format!("{detail}, at `{text}`"),
    };
    errors.syntax(at, problem)
}

pub(super) struct Compiler<'s, 'r> {
    pub(super) scopes: Scopes<'s, 'r>,
    pub(super) errors: Errors<'r>,
    /// Whether this part may never run, so that jinja2 tells of unknown filters only when it does.
    pub(super) soft: bool,
    /// How many loops are open for `break` and `continue`.
    loops: usize,
}

impl<'s, 'r> Compiler<'s, 'r> {
    pub(super) fn at(&self, span: Span) -> At {
        self.line(span.start_line)
    }

    /// The place of the last token.
    pub(super) fn end(&self, span: Span) -> At {
        self.line(span.end_line)
    }

    fn line(&self, line: u16) -> At {
        let line = usize::from(line).saturating_sub(1);
        self.scopes.rewritten.lines.get(line).map_or(At { line: 1, column: 1 }, |(at, _)| *at)
    }

    pub(super) fn reference(&self, id: &str) -> Name {
        let name = self.scopes.name(id);
        Name { name: name.into(), place: self.scopes.place(name) }
    }

    /// Closes the innermost scope, and gives what its variables begin with.
    fn close_scope(&mut self) -> Vec<Load> {
        let slots: BTreeMap<Box<str>, usize> =
            self.scopes.loaded().into_iter().map(|name| (name.clone(), self.scopes.own_slot(&name))).collect();
        let loads = self.scopes.close_scope().loads.into_iter();
        loads.filter_map(|(name, start)| Some(Load { slot: *slots.get(&name)?, name, start })).collect()
    }

    /// Runs `inside` where nothing of what is around is known to be optional.
    fn hard<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T, TemplateError>) -> Result<T, TemplateError> {
        let soft = std::mem::replace(&mut self.soft, false);
        let result = inside(self)?;
        self.soft = soft;
        Ok(result)
    }

    fn nodes(&mut self, statements: &[Stmt<'r>]) -> Result<Vec<Node>, TemplateError> {
        let mut nodes = Vec::with_capacity(statements.len());
        for statement in statements {
            nodes.push(self.node(statement)?);
        }
        Ok(nodes)
    }

    fn node(&mut self, statement: &Stmt<'r>) -> Result<Node, TemplateError> {
        match statement {
            Stmt::EmitExpr(part) => self.print(&part.expr),
            Stmt::IfCond(part) => self.choice(part),
            Stmt::ForLoop(part) => {
                let at = self.at(part.span());
                self.hard(|compiler| compiler.repeat(at, part))
            }
            Stmt::Set(part) => {
                let value = self.expression(&part.expr)?;
                Ok(Node::Set { at: self.at(part.span()), target: self.target(&part.target)?, value })
            }
            Stmt::SetBlock(part) => {
                let at = self.at(part.span());
                self.hard(|compiler| compiler.set_block(at, part))
            }
            Stmt::WithBlock(part) => {
                let at = self.at(part.span());
                self.hard(|compiler| compiler.with(at, part))
            }
            Stmt::FilterBlock(part) => {
                let at = self.at(part.span());
                self.hard(|compiler| compiler.filter_block(at, part))
            }
            Stmt::Macro(part) => {
                let name = self.reference(part.name);
                let at = self.at(part.span());
                let named = Some(name.name.clone());
                let makes = self.hard(|compiler| compiler.makes(at, named, part))?;
                Ok(Node::Macro { name, makes: Box::new(makes) })
            }
            Stmt::CallBlock(part) => {
                let at = self.at(part.span());
                let makes = self.hard(|compiler| compiler.makes(at, None, &part.macro_decl))?;
                let callee = self.expression(&part.call.expr)?;
                let arguments = self.arguments(&part.call.args)?;
                Ok(Node::Call(Box::new(CallBlock { at, makes, callee, arguments })))
            }
            Stmt::Block(part) => self.hard(|compiler| compiler.block(part)),
            Stmt::Break(part) => self.control(part.span(), Node::Break, "break"),
            Stmt::Continue(part) => self.control(part.span(), Node::Continue, "continue"),
            _ => {
                let place = At { line: 1, column: 1 };
                Err(self.errors.syntax(place, "the template holds a statement that is not known here"))
            }
        }
    }

    fn control(&self, span: Span, node: Node, name: &str) -> Result<Node, TemplateError> {
        if self.loops == 0 {
            let problem = format!("`{{% {name} %}}` stands inside of a loop");
            return Err(self.errors.syntax(self.at(span), problem));
        }
        Ok(node)
    }

    fn print(&mut self, printed: &Expr<'r>) -> Result<Node, TemplateError> {
        if let Some(index) = text_index(printed) {
            return Ok(Node::Text(self.scopes.rewritten.texts.get(index).copied().unwrap_or_default().into()));
        }
        let value = self.expression(printed)?;
        Ok(Node::Print { at: self.at(printed.span()), missing: value.path(), value })
    }

    fn choice(&mut self, first: &ast::IfCond<'r>) -> Result<Node, TemplateError> {
        let soft = std::mem::replace(&mut self.soft, true);
        let mut branches = Vec::new();
        let mut next = first;
        let otherwise = loop {
            let test = self.expression(&next.expr)?;
            branches.push((test, self.nodes(&next.true_body)?));
            // `elif` is one more branch of the same choice, so that a long chain is a list and not a tower.
            match next.false_body.as_slice() {
                [Stmt::IfCond(part)] => next = part,
                body => break self.nodes(body)?,
            }
        };
        self.soft = soft;
        Ok(Node::If(Box::new(If { branches, otherwise })))
    }

    fn repeat(&mut self, at: At, part: &ast::ForLoop<'r>) -> Result<Node, TemplateError> {
        let rewritten = self.scopes.rewritten;
        // Loops around were asked already.
        let sets_loop = is_loop(rewritten, &part.target)
            || (self.loops == 0
                && (special::sets_loop(rewritten, &part.body) || special::sets_loop(rewritten, &part.else_body)));
        if sets_loop {
            return Err(self.errors.syntax(at, "nothing can be given to `loop` in a loop; choose another name"));
        }
        let iterated = self.expression(&part.iter)?;
        let filter = match &part.filter_expr {
            Some(test) => Some(self.loop_filter(&part.target, test)?),
            None => None,
        };
        if part.recursive {
            self.scopes.open_function();
        }
        self.scopes.open_scope();
        let object = part.recursive
            || !special_names(self.scopes.rewritten, &part.body, &["loop"]).is_empty()
            || !self.scopes.rewritten.scoped.is_empty();
        let object = object.then(|| self.scopes.declare("loop"));
        self.scopes.parameters(&part.target);
        self.scopes.statements(&part.body);
        let target = self.target(&part.target)?;
        self.loops += 1;
        let body = self.nodes(&part.body)?;
        self.loops -= 1;
        let loads = self.close_scope();
        self.scopes.open_scope();
        self.scopes.statements(&part.else_body);
        let otherwise = self.nodes(&part.else_body)?;
        let otherwise_loads = self.close_scope();
        let recursive = part.recursive.then(|| self.scopes.close_function());
        let repeat = For { at, target, iterated, filter, object, recursive, loads, body, otherwise_loads, otherwise };
        Ok(Node::For(Box::new(repeat)))
    }

    fn loop_filter(&mut self, target: &Expr<'r>, test: &Expr<'r>) -> Result<LoopFilter, TemplateError> {
        self.scopes.open_function();
        self.scopes.open_scope();
        self.scopes.parameters(target);
        self.scopes.expression(test);
        let target = self.target(target)?;
        let test = self.expression(test)?;
        let loads = self.close_scope();
        Ok(LoopFilter { slots: self.scopes.close_function(), loads, target, test })
    }

    fn set_block(&mut self, at: At, part: &ast::SetBlock<'r>) -> Result<Node, TemplateError> {
        let target = self.target(&part.target)?;
        self.scopes.open_scope();
        self.scopes.statements(&part.body);
        let body = self.nodes(&part.body)?;
        let filters = match &part.filter {
            Some(filter) => self.filters(filter)?,
            None => Vec::new(),
        };
        let loads = self.close_scope();
        Ok(Node::SetBlock(Box::new(SetBlock { at, target, filters, loads, body })))
    }

    fn with(&mut self, at: At, part: &ast::WithBlock<'r>) -> Result<Node, TemplateError> {
        let mut values = Vec::with_capacity(part.assignments.len());
        for (_, value) in &part.assignments {
            values.push(self.expression(value)?);
        }
        self.scopes.open_scope();
        part.assignments.iter().for_each(|(target, _)| self.scopes.parameters(target));
        self.scopes.statements(&part.body);
        let mut assignments = Vec::with_capacity(values.len());
        for ((target, _), value) in part.assignments.iter().zip(values) {
            assignments.push((self.target(target)?, value));
        }
        let body = self.nodes(&part.body)?;
        let loads = self.close_scope();
        Ok(Node::With(Box::new(With { at, loads, assignments, body })))
    }

    fn filter_block(&mut self, at: At, part: &ast::FilterBlock<'r>) -> Result<Node, TemplateError> {
        self.scopes.open_scope();
        self.scopes.statements(&part.body);
        self.scopes.expression(&part.filter);
        let body = self.nodes(&part.body)?;
        let filters = self.filters(&part.filter)?;
        let loads = self.close_scope();
        Ok(Node::Filter(Box::new(FilterBlock { at, loads, filters, body })))
    }

    fn makes(&mut self, at: At, name: Option<Box<str>>, part: &ast::Macro<'r>) -> Result<Macro, TemplateError> {
        self.scopes.open_function();
        self.scopes.open_scope();
        let names: Vec<&str> = part.args.iter().filter_map(|argument| self.parameter_name(argument)).collect();
        let special = special_names(self.scopes.rewritten, &part.body, &["caller", "kwargs", "varargs"]);
        let required = names.len() - part.defaults.len();
        if special.contains("caller") && names[..required].contains(&"caller") {
            let problem = "the parameter `caller` is special; leave it out or give it a default";
            return Err(self.errors.syntax(at, problem));
        }
        part.args.iter().for_each(|argument| self.scopes.parameters(argument));
        let mut declared =
            |name: &str| (special.contains(name) && !names.contains(&name)).then(|| self.scopes.declare(name));
        let (caller, by_name, positional) = (declared("caller"), declared("kwargs"), declared("varargs"));
        part.defaults.iter().for_each(|value| self.scopes.expression(value));
        self.scopes.statements(&part.body);
        let mut parameters = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let default = index.checked_sub(required).and_then(|index| part.defaults.get(index));
            let default = match default {
                Some(value) => Some(self.expression(value)?),
                None => None,
            };
            parameters.push(Parameter { name: (*name).into(), slot: self.scopes.own_slot(name), default });
        }
        let loops = std::mem::replace(&mut self.loops, 0);
        let body = self.nodes(&part.body)?;
        self.loops = loops;
        let loads = self.close_scope();
        let slots = self.scopes.close_function();
        Ok(Macro { name, slots, loads, parameters, caller, named: by_name, positional, body })
    }

    fn parameter_name(&self, parameter: &Expr<'_>) -> Option<&'s str> {
        match parameter {
            Expr::Var(name) => Some(self.scopes.name(name.id)),
            _ => None,
        }
    }

    /// A block is a template of its own: what is around is seen only through the top, or handed over if it is `scoped`.
    fn block(&mut self, part: &ast::Block<'r>) -> Result<Node, TemplateError> {
        let name = self.scopes.name(part.name);
        let stored = if self.scopes.rewritten.scoped.contains(&name) { self.scopes.stored() } else { BTreeSet::new() };
        let scoped = stored.into_iter().map(|name| Name { place: self.scopes.place(&name), name }).collect();
        let inner = Scopes::new(self.scopes.rewritten, Symbols::default());
        let outer = std::mem::replace(&mut self.scopes, inner);
        let loops = std::mem::replace(&mut self.loops, 0);
        self.scopes.statements(&part.body);
        let body = self.nodes(&part.body)?;
        let slots = self.scopes.close_function();
        let tops = self.scopes.close_scope().tops.into_iter().collect();
        self.loops = loops;
        self.scopes = outer;
        Ok(Node::Block(Box::new(Block { slots, tops, scoped, body })))
    }

    fn target(&self, target: &Expr<'r>) -> Result<Target, TemplateError> {
        let items = match target {
            Expr::Var(name) => return Ok(Target::Name(self.reference(name.id))),
            Expr::GetAttr(attribute) => {
                if let Expr::Var(name) = &attribute.expr {
                    let of = self.reference(name.id);
                    return Ok(Target::Attribute { of, name: self.scopes.name(attribute.name).into() });
                }
                let problem = "a value is given to a name, or to one attribute of a `namespace()`";
                return Err(self.errors.syntax(self.at(attribute.span()), problem));
            }
            Expr::List(list) => &list.items,
            Expr::Tuple(tuple) => &tuple.items,
            other => return Err(self.errors.syntax(self.at(other.span()), "a value is given to a name")),
        };
        items.iter().map(|item| self.target(item)).collect::<Result<_, _>>().map(Target::Several)
    }
}
