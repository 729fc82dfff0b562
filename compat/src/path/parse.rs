//! The structure of a path.
//!
//! The signs bind as they do for the predecessor: `..` least, then `.`, `|`, `where`, `wherenot`; a bracket takes all that
//! stands before it.

use std::collections::HashMap;

use super::token::{Kind, Token};

/// A path has so many segments at most, and its parentheses are nested so deep.
const SEGMENTS: usize = 500;

/// Parentheses stand in each other so deep at most.
const DEPTH: usize = 100;

/// A path may lead to the same value so many times at most.
const WAYS: u64 = 10_000;

/// For how many ways `..` counts.
const DESCENDANT_WAYS: u64 = 8;

/// A path, as it is evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    Root,
    Fields(Vec<String>),
    Wildcard,
    Indexes(Vec<i64>),
    Slice { start: Option<i64>, end: Option<i64>, step: Option<i64> },
    Two(Operator, Box<Expression>, Box<Expression>),
}

/// What joins two paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operator {
    // In the order in which they bind.
    Descendants,
    Child,
    Union,
    Where,
    WhereNot,
}

impl Operator {
    fn of(kind: &Kind) -> Option<Self> {
        Some(match kind {
            Kind::DoubleDot => Self::Descendants,
            Kind::Sign('.') => Self::Child,
            Kind::Sign('|') => Self::Union,
            Kind::Where => Self::Where,
            Kind::WhereNot => Self::WhereNot,
            _ => return None,
        })
    }
}

pub(super) fn parse(tokens: &[Token]) -> Result<Expression, String> {
    let mut parser = Parser { tokens, next: 0, segments: 0 };
    let expression = parser.expression(0)?;
    if let Some(token) = parser.peek() {
        return Err(unexpected(token, "a dot or a bracket belongs between two names"));
    }
    if ways(&expression) > WAYS {
        return Err(format!("it may find the same value more than {WAYS} times; write fewer \"..\", \"|\" and lists"));
    }
    Ok(expression)
}

fn unexpected(token: &Token, advice: &str) -> String {
    format!("character {}: {} cannot stand here; {advice}", token.place, token.kind.shown())
}

/// How many ways may lead to one value.
fn ways(expression: &Expression) -> u64 {
    match expression {
        Expression::Fields(names) => {
            let mut counts: HashMap<&str, u64> = HashMap::new();
            for name in names {
                *counts.entry(name).or_default() += 1;
            }
            counts.into_values().max().unwrap_or(1)
        }
        // From the front and from the end, two numbers may be one place.
        Expression::Indexes(indexes) => u64::try_from(indexes.len()).unwrap_or(u64::MAX),
        Expression::Root | Expression::Wildcard | Expression::Slice { .. } => 1,
        Expression::Two(operator, left, right) => {
            let (left, right) = (ways(left), ways(right));
            match operator {
                Operator::Descendants => left.saturating_mul(right).saturating_mul(DESCENDANT_WAYS),
                Operator::Union => left.saturating_add(right),
                Operator::Child | Operator::Where | Operator::WhereNot => left.saturating_mul(right),
            }
        }
    }
}

struct Parser<'t> {
    tokens: &'t [Token],
    next: usize,
    segments: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self, advice: &str) -> Result<&'t Token, String> {
        let token = self.peek().ok_or_else(|| format!("it ends too early; {advice}"))?;
        self.next += 1;
        Ok(token)
    }

    fn skip(&mut self, sign: char) -> bool {
        let found = self.peek().is_some_and(|token| token.kind == Kind::Sign(sign));
        self.next += usize::from(found);
        found
    }

    fn close(&mut self, sign: char) -> Result<(), String> {
        let advice = format!("close it with \"{sign}\"");
        let token = self.take(&advice)?;
        if token.kind == Kind::Sign(sign) { Ok(()) } else { Err(unexpected(token, &advice)) }
    }

    /// Segments and what joins them, up to a `)` or the end.
    fn expression(&mut self, depth: usize) -> Result<Expression, String> {
        let mut operands = vec![self.operand(depth)?];
        let mut operators: Vec<Operator> = Vec::new();
        while let Some(token) = self.peek() {
            if token.kind == Kind::Sign('[') {
                // A bracket applies to all that stands before, and is complete at once.
                reduce(&mut operands, &mut operators, |_| true);
                self.next += 1;
                operands.push(self.brackets()?);
                operators.push(Operator::Child);
                reduce(&mut operands, &mut operators, |_| true);
            } else if let Some(operator) = Operator::of(&token.kind) {
                reduce(&mut operands, &mut operators, |before| before >= operator);
                self.next += 1;
                operands.push(self.operand(depth)?);
                operators.push(operator);
            } else {
                break;
            }
        }
        reduce(&mut operands, &mut operators, |_| true);
        operands.pop().ok_or_else(|| "it is empty; write $ for all".to_owned())
    }

    fn operand(&mut self, depth: usize) -> Result<Expression, String> {
        let advice = "a name, a number, *, $ or a bracket belongs here";
        self.segments += 1;
        if self.segments > SEGMENTS {
            return Err(format!("it has more than {SEGMENTS} segments"));
        }
        let token = self.take(advice)?;
        match &token.kind {
            Kind::Name(name) => {
                let mut names = vec![name.clone()];
                while self.skip(',') {
                    let token = self.take("a name belongs behind a comma")?;
                    let Kind::Name(name) = &token.kind else {
                        return Err(unexpected(token, "a name belongs behind a comma"));
                    };
                    names.push(name.clone());
                }
                Ok(Expression::Fields(names))
            }
            Kind::Number(number) => Ok(Expression::Fields(vec![number.clone()])),
            Kind::Sign('*') => Ok(Expression::Wildcard),
            Kind::Sign('$') => Ok(Expression::Root),
            Kind::Sign('[') => self.brackets(),
            Kind::Sign('(') => {
                if depth >= DEPTH {
                    return Err(format!("its parentheses are nested deeper than {DEPTH}"));
                }
                let inner = self.expression(depth + 1)?;
                self.close(')')?;
                Ok(inner)
            }
            _ => Err(unexpected(token, advice)),
        }
    }

    /// What stands behind `[`, with its `]`.
    fn brackets(&mut self) -> Result<Expression, String> {
        self.segments += 1;
        if self.segments > SEGMENTS {
            return Err(format!("it has more than {SEGMENTS} segments"));
        }
        let advice = "an index, a slice, * or a name in quotes belongs into a bracket";
        let token = self.take(advice)?;
        let inside = match &token.kind {
            Kind::Sign('*') => Expression::Wildcard,
            Kind::Name(_) => {
                self.next -= 1;
                self.operand(0)?
            }
            Kind::Number(number) if self.peek().is_none_or(|token| token.kind != Kind::Sign(':')) => {
                let mut indexes = vec![integer(number)];
                while self.skip(',') {
                    let token = self.take("an index belongs behind a comma")?;
                    let Kind::Number(number) = &token.kind else {
                        return Err(unexpected(token, "an index belongs behind a comma"));
                    };
                    indexes.push(integer(number));
                }
                Expression::Indexes(indexes)
            }
            Kind::Number(_) | Kind::Sign(':') => {
                self.next -= 1;
                self.slice()?
            }
            _ => return Err(unexpected(token, advice)),
        };
        self.close(']')?;
        Ok(inside)
    }

    fn slice(&mut self) -> Result<Expression, String> {
        let start = self.optional_integer();
        self.close(':')?;
        let end = self.optional_integer();
        let step = if self.skip(':') { self.optional_integer() } else { None };
        Ok(Expression::Slice { start, end, step })
    }

    fn optional_integer(&mut self) -> Option<i64> {
        let Kind::Number(number) = &self.peek()?.kind else { return None };
        self.next += 1;
        Some(integer(number))
    }
}

/// Beyond what a list can hold, all numbers are alike.
fn integer(digits: &str) -> i64 {
    digits.parse().unwrap_or(if digits.starts_with('-') { i64::MIN } else { i64::MAX })
}

/// Joins operands, from the right, as long as the operator before them binds first.
fn reduce(operands: &mut Vec<Expression>, operators: &mut Vec<Operator>, first: impl Fn(Operator) -> bool) {
    while let Some(operator) = operators.pop_if(|operator| first(*operator)) {
        if let (Some(right), Some(left)) = (operands.pop(), operands.pop()) {
            operands.push(Expression::Two(operator, Box::new(left), Box::new(right)));
        }
    }
}
