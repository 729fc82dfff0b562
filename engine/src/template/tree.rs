//! A compiled Handlebars template: what the evaluator walks.
//!
//! It is a tree of our own, because the library's renderer copies the data at each partial and derived block and prints
//! values without asking: neither could be metered. Helpers and partials are resolved here, so that a rendering never
//! looks a name up and cannot meet one that is not there. The nesting is bounded, hence `Drop` and `Debug` are too.

use std::sync::Arc;

use serde_json::Value;

use super::helper::Helper;

/// A compiled source without its name, which belongs to each use of it.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// How deep partials call partials from here.
    pub(super) partial_depth: usize,
}

/// A partial with the name that errors inside it are told under.
#[derive(Debug, Clone)]
pub(super) struct Partial {
    pub(super) name: Arc<str>,
    pub(super) tree: Arc<Tree>,
}

/// Line and column, the first are 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl At {
    /// The place behind `text`, which begins here.
    pub(super) fn after(self, text: &str) -> At {
        text.chars().fold(self, |at, character| match character {
            '\n' => At { line: at.line + 1, column: 1 },
            _ => At { column: at.column + 1, ..at },
        })
    }
}

#[derive(Debug)]
pub(super) enum Node {
    Text(Box<str>),
    Print {
        at: At,
        value: Expression,
        raw: bool,
    },
    If(Box<If>),
    Each(Box<Block>),
    With(Box<Block>),
    Partial(Box<PartialCall>),
    /// `{{> @partial-block}}`; the nodes are what stands in its place when the caller gave no block.
    PartialBlock {
        at: At,
        fallback: Vec<Node>,
    },
}

/// `if` and `unless` with all their `else if`.
#[derive(Debug)]
pub(super) struct If {
    pub(super) branches: Vec<Branch>,
    pub(super) otherwise: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct Branch {
    pub(super) at: At,
    pub(super) test: Expression,
    pub(super) negate: bool,
    pub(super) include_zero: Option<Expression>,
    pub(super) nodes: Vec<Node>,
}

/// `each` or `with`.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) at: At,
    pub(super) value: Expression,
    pub(super) names: Vec<Box<str>>,
    pub(super) nodes: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct PartialCall {
    pub(super) at: At,
    /// None: there is no such partial and the block between the tags is used instead.
    pub(super) partial: Option<Partial>,
    pub(super) context: Option<Expression>,
    pub(super) named: Vec<(Box<str>, Expression)>,
    pub(super) indent: Box<str>,
    pub(super) block: Option<Vec<Node>>,
}

#[derive(Debug)]
pub(super) enum Expression {
    Literal(Value),
    Path(Path),
    Call(Call),
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) helper: &'static Helper,
    pub(super) arguments: Vec<Expression>,
    pub(super) named: Vec<(Box<str>, Expression)>,
}

/// A path as written, and taken apart.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) text: Box<str>,
    pub(super) start: Start,
    pub(super) segments: Vec<Box<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// `a.b`: a block parameter, or a value of the current context.
    Here,
    /// `this.a`, `./a`: a value of the current context only.
    This,
    /// `../a`: so many contexts up.
    Up(usize),
    /// `@root.a`.
    Root,
    /// `@index`, `@../index`: a variable of the loop so many contexts up.
    Local(usize),
}
