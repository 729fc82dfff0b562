//! A compiled Jinja template: what the evaluator walks.
//!
//! Every name is resolved already: to a slot of a function around, or to the top, where what the template sets and what
//! the root holds meet.

use super::super::tree::At;
use super::literal::Literal;

/// Where a name's value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// In a slot of the function so many functions further out.
    Slot { up: usize, slot: usize },
    /// At the top, under the name.
    Top,
}

#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) name: Box<str>,
    pub(super) place: Place,
}

/// What a variable of a scope holds when the scope begins.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) slot: usize,
    pub(super) name: Box<str>,
    pub(super) start: Start,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Start {
    /// What the caller or the loop puts there.
    Parameter,
    /// The value that a variable of a scope around has.
    Outer(Place),
    /// The same if the top knows the name; else nothing yet.
    TopIfKnown,
}

/// Names of the top: what they hold at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TopStart {
    /// The value that the root or the globals have.
    Resolve,
    /// Nothing until it is set.
    Undefined,
}

#[derive(Debug)]
pub(super) enum Node {
    Text(Box<str>),
    Print { at: At, value: Expression, missing: Option<Box<str>> },
    If(Box<If>),
    For(Box<For>),
    Set { at: At, target: Target, value: Expression },
    SetBlock(Box<SetBlock>),
    With(Box<With>),
    Filter(Box<FilterBlock>),
    Macro { name: Name, makes: Box<Macro> },
    Call(Box<CallBlock>),
    Block(Box<Block>),
    Break,
    Continue,
}

#[derive(Debug)]
pub(super) struct If {
    pub(super) branches: Vec<(Expression, Vec<Node>)>,
    pub(super) otherwise: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct For {
    pub(super) at: At,
    pub(super) target: Target,
    pub(super) iterated: Expression,
    pub(super) filter: Option<LoopFilter>,
    /// Where `loop` is, if the body uses it.
    pub(super) object: Option<usize>,
    /// A recursive loop is a function of its own, with so many slots.
    pub(super) recursive: Option<usize>,
    pub(super) loads: Vec<Load>,
    pub(super) body: Vec<Node>,
    pub(super) otherwise_loads: Vec<Load>,
    pub(super) otherwise: Vec<Node>,
}

/// `if` behind a loop: a function of its own.
#[derive(Debug)]
pub(super) struct LoopFilter {
    pub(super) slots: usize,
    pub(super) loads: Vec<Load>,
    pub(super) target: Target,
    pub(super) test: Expression,
}

#[derive(Debug)]
pub(super) struct SetBlock {
    pub(super) at: At,
    pub(super) target: Target,
    pub(super) filters: Vec<Step>,
    pub(super) loads: Vec<Load>,
    pub(super) body: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct With {
    pub(super) at: At,
    pub(super) loads: Vec<Load>,
    pub(super) assignments: Vec<(Target, Expression)>,
    pub(super) body: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct FilterBlock {
    pub(super) at: At,
    pub(super) loads: Vec<Load>,
    pub(super) filters: Vec<Step>,
    pub(super) body: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct Macro {
    /// None: the `caller` of a call block.
    pub(super) name: Option<Box<str>>,
    pub(super) slots: usize,
    pub(super) loads: Vec<Load>,
    pub(super) parameters: Vec<Parameter>,
    /// Where `caller`, `kwargs` and `varargs` go, if the body uses them.
    pub(super) caller: Option<usize>,
    pub(super) named: Option<usize>,
    pub(super) positional: Option<usize>,
    pub(super) body: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: Box<str>,
    pub(super) slot: usize,
    pub(super) default: Option<Expression>,
}

#[derive(Debug)]
pub(super) struct CallBlock {
    pub(super) at: At,
    pub(super) makes: Macro,
    pub(super) callee: Expression,
    pub(super) arguments: Vec<Argument>,
}

/// `{% block %}`: rendered where it stands, with a top of its own.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) slots: usize,
    pub(super) tops: Vec<(Box<str>, TopStart)>,
    /// What a `scoped` block sees of the scopes around.
    pub(super) scoped: Vec<Name>,
    pub(super) body: Vec<Node>,
}

/// What a value is given to.
#[derive(Debug)]
pub(super) enum Target {
    Name(Name),
    /// An attribute of a `namespace()`.
    Attribute {
        of: Name,
        name: Box<str>,
    },
    Several(Vec<Target>),
}

#[derive(Debug)]
pub(super) enum Expression {
    Literal(Literal),
    Name(Name),
    /// `a.b[c](d)|e is f`
    Chain(Box<Chain>),
    Not(Box<Expression>),
    Negate(At, Box<Expression>),
    /// `a + b - c`, from the left.
    Arithmetic(Box<Arithmetic>),
    /// `a ~ b ~ c`
    Concat(At, Vec<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Compare(Box<Compare>),
    If(Box<Condition>),
    List(Vec<Expression>),
    Tuple(Vec<Expression>),
    Map(At, Vec<(Expression, Expression)>),
}

#[derive(Debug)]
pub(super) struct Chain {
    pub(super) base: Expression,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: At,
    pub(super) kind: StepKind,
}

#[derive(Debug)]
pub(super) enum StepKind {
    Attribute(Box<str>),
    Item(Expression),
    Slice(Box<[Option<Expression>; 3]>),
    Call(Vec<Argument>),
    Filter(Box<str>, Vec<Argument>),
    Test(Box<str>, Vec<Argument>),
}

#[derive(Debug)]
pub(super) enum Argument {
    Positional(Expression),
    Named(Box<str>, Expression),
    /// `*x`
    Spread(Expression),
    /// `**x`
    SpreadNamed(Expression),
}

#[derive(Debug)]
pub(super) struct Arithmetic {
    pub(super) first: Expression,
    pub(super) rest: Vec<(At, Operator, Expression)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
}

#[derive(Debug)]
pub(super) struct Compare {
    pub(super) first: Expression,
    pub(super) rest: Vec<(At, Comparison, Expression)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

#[derive(Debug)]
pub(super) struct Condition {
    pub(super) test: Expression,
    pub(super) then: Expression,
    pub(super) otherwise: Option<Expression>,
}
