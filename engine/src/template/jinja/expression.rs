//! Makes the expressions of the tree. Chains that the parser builds as towers become lists, so that neither the walk
//! over them nor dropping them needs a stack of their length.

use std::collections::BTreeSet;

use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind};
use minijinja::value::ValueKind;

use super::super::error::TemplateError;
use super::super::library::similar;
use super::compile::Compiler;
use super::literal::Literal;
use super::symbol::value_of;
use super::tree::{Argument, Arithmetic, Chain, Compare, Comparison, Condition, Expression, Operator, Step, StepKind};
use super::{filter, test};

impl<'r> Compiler<'_, 'r> {
    pub(super) fn expression(&mut self, expression: &Expr<'r>) -> Result<Expression, TemplateError> {
        match expression {
            Expr::Var(name) => Ok(Expression::Name(self.reference(name.id))),
            Expr::Const(constant) => Ok(Expression::Literal(self.literal(&constant.value))),
            Expr::Slice(_) | Expr::GetAttr(_) | Expr::GetItem(_) | Expr::Call(_) | Expr::Filter(_) | Expr::Test(_) => {
                self.chain(expression)
            }
            Expr::UnaryOp(part) => {
                let at = self.at(part.span());
                let inner = Box::new(self.expression(&part.expr)?);
                Ok(match part.op {
                    UnaryOpKind::Not => Expression::Not(inner),
                    UnaryOpKind::Neg => Expression::Negate(at, inner),
                })
            }
            Expr::BinOp(part) => self.operation(part.op, expression),
            Expr::Compare(part) => {
                let first = self.expression(&part.expr)?;
                let mut rest = Vec::with_capacity(part.ops.len());
                for operation in &part.ops {
                    let at = self.at(operation.expr.span());
                    rest.push((at, comparison(operation.op), self.expression(&operation.expr)?));
                }
                Ok(Expression::Compare(Box::new(Compare { first, rest })))
            }
            Expr::IfExpr(part) => {
                let soft = std::mem::replace(&mut self.soft, true);
                let test = self.expression(&part.test_expr)?;
                let then = self.expression(&part.true_expr)?;
                let otherwise = match &part.false_expr {
                    Some(otherwise) => Some(self.expression(otherwise)?),
                    None => None,
                };
                self.soft = soft;
                Ok(Expression::If(Box::new(Condition { test, then, otherwise })))
            }
            Expr::List(part) => self.all(&part.items).map(Expression::List),
            Expr::Tuple(part) => self.all(&part.items).map(Expression::Tuple),
            Expr::Map(part) => {
                let keys = self.all(&part.keys)?;
                let values = self.all(&part.values)?;
                Ok(Expression::Map(self.at(part.span()), keys.into_iter().zip(values).collect()))
            }
        }
    }

    fn all(&mut self, expressions: &[Expr<'r>]) -> Result<Vec<Expression>, TemplateError> {
        expressions.iter().map(|expression| self.expression(expression)).collect()
    }

    /// Integers are numbers of literals.
    fn literal(&self, value: &minijinja::Value) -> Literal {
        match value.kind() {
            ValueKind::Bool => Literal::Bool(value.is_true()),
            ValueKind::Number => {
                let index = usize::try_from(value.clone()).ok();
                index.and_then(|index| self.scopes.rewritten.literals.get(index)).cloned().unwrap_or(Literal::None)
            }
            _ => Literal::None,
        }
    }

    /// Operations of one kind that lean to the left, as a list.
    fn operation(&mut self, kind: BinOpKind, expression: &Expr<'r>) -> Result<Expression, TemplateError> {
        let mut parts = Vec::new();
        let mut first = expression;
        while let Expr::BinOp(part) = first
            && belongs(kind, part.op)
        {
            parts.push(part);
            first = &part.left;
        }
        let at = self.at(expression.span());
        let first = self.expression(first)?;
        if let Some(operator) = compares(kind) {
            // One comparison; chains of them come as another node, so what is compared again stands in parentheses.
            let mut compared = first;
            for part in parts.into_iter().rev() {
                let operator = compares(part.op).unwrap_or(operator);
                let rest = vec![(at, operator, self.expression(&part.right)?)];
                compared = Expression::Compare(Box::new(Compare { first: compared, rest }));
            }
            return Ok(compared);
        }
        if let Some(operator) = calculates(kind) {
            let mut rest = Vec::with_capacity(parts.len());
            for part in parts.into_iter().rev() {
                rest.push((at, calculates(part.op).unwrap_or(operator), self.expression(&part.right)?));
            }
            return Ok(Expression::Arithmetic(Box::new(Arithmetic { first, rest })));
        }
        let mut all = vec![first];
        for part in parts.into_iter().rev() {
            all.push(self.expression(&part.right)?);
        }
        Ok(match kind {
            BinOpKind::ScAnd => Expression::And(all),
            BinOpKind::ScOr => Expression::Or(all),
            _ => Expression::Concat(at, all),
        })
    }

    /// `a.b[c](d)|e is f`
    fn chain(&mut self, expression: &Expr<'r>) -> Result<Expression, TemplateError> {
        let mut parts = Vec::new();
        let mut base = expression;
        loop {
            let inner = match base {
                Expr::Slice(part) => &part.expr,
                Expr::GetAttr(part) => &part.expr,
                Expr::GetItem(part) => &part.expr,
                Expr::Call(part) => &part.expr,
                Expr::Test(part) => &part.expr,
                Expr::Filter(part) => match &part.expr {
                    Some(expr) => expr,
                    None => break,
                },
                _ => break,
            };
            parts.push(base);
            base = inner;
        }
        let base = self.expression(base)?;
        let mut steps = Vec::with_capacity(parts.len());
        for part in parts.into_iter().rev() {
            steps.push(self.step(part)?);
        }
        Ok(Expression::Chain(Box::new(Chain { base, steps })))
    }

    /// The filters of a `filter` or `set` block, in the order of their work.
    pub(super) fn filters(&mut self, expression: &Expr<'r>) -> Result<Vec<Step>, TemplateError> {
        let mut parts = Vec::new();
        let mut next = Some(expression);
        while let Some(expression @ Expr::Filter(part)) = next {
            parts.push(expression);
            next = part.expr.as_ref();
        }
        parts.into_iter().rev().map(|part| self.step(part)).collect()
    }

    fn step(&mut self, part: &Expr<'r>) -> Result<Step, TemplateError> {
        let at = match part {
            // Where the name is; the parser tells where the step in front of it is.
            Expr::GetAttr(part) => self.end(part.span()),
            part => self.at(part.span()),
        };
        let kind = match part {
            Expr::GetAttr(part) => StepKind::Attribute(self.scopes.name(part.name).into()),
            Expr::GetItem(part) => StepKind::Item(self.expression(&part.subscript_expr)?),
            Expr::Slice(part) => {
                let mut bound = |bound: &Option<Expr<'r>>| match bound {
                    Some(bound) => self.expression(bound).map(Some),
                    None => Ok(None),
                };
                StepKind::Slice(Box::new([bound(&part.start)?, bound(&part.stop)?, bound(&part.step)?]))
            }
            Expr::Call(part) => StepKind::Call(self.arguments(&part.args)?),
            Expr::Filter(part) => {
                let name = self.dotted(part.name);
                if !self.soft && filter::find(&name).is_none() {
                    let hint = similar(&name, filter::names(), "the filters are");
                    return Err(self.errors.syntax(at, format!("there is no filter `{name}`; {hint}")));
                }
                StepKind::Filter(name.into(), self.arguments(&part.args)?)
            }
            Expr::Test(part) => {
                let name = self.dotted(part.name);
                if !self.soft && test::find(&name).is_none() {
                    let hint = similar(&name, test::names(), "the tests are");
                    return Err(self.errors.syntax(at, format!("there is no test `{name}`; {hint}")));
                }
                StepKind::Test(name.into(), self.arguments(&part.args)?)
            }
            other => return Err(self.errors.syntax(self.at(other.span()), "this cannot be read")),
        };
        Ok(Step { at, kind })
    }

    /// The name of a filter or test, which may have dots in it.
    fn dotted(&self, name: &str) -> String {
        let parts: Vec<&str> = name.split('.').map(|part| self.scopes.name(part.trim())).collect();
        parts.join(".")
    }

    pub(super) fn arguments(&mut self, arguments: &[CallArg<'r>]) -> Result<Vec<Argument>, TemplateError> {
        self.check_order(arguments)?;
        arguments
            .iter()
            .map(|argument| {
                Ok(match argument {
                    CallArg::Pos(value) => Argument::Positional(self.expression(value)?),
                    CallArg::Kwarg(name, value) => {
                        Argument::Named(self.scopes.name(name).into(), self.expression(value)?)
                    }
                    CallArg::PosSplat(value) => Argument::Spread(self.expression(value)?),
                    CallArg::KwargSplat(value) => Argument::SpreadNamed(self.expression(value)?),
                })
            })
            .collect()
    }
}

impl<'r> Compiler<'_, 'r> {
    /// Arguments by position come first, then `*` and those by name, each name once, and `**` last.
    fn check_order(&self, arguments: &[CallArg<'r>]) -> Result<(), TemplateError> {
        let mut names = BTreeSet::new();
        let (mut spread, mut spread_named) = (false, false);
        for argument in arguments {
            let problem = match argument {
                _ if spread_named => Some("nothing can follow the argument `**`".to_owned()),
                CallArg::Pos(_) if spread || !names.is_empty() => {
                    Some("arguments by position come in front of `*` and of those by name".to_owned())
                }
                CallArg::PosSplat(_) if spread => Some("there is one argument `*` at most".to_owned()),
                CallArg::Kwarg(name, _) if !names.insert(*name) => {
                    Some(format!("the argument `{}` is given twice", self.scopes.name(name)))
                }
                _ => None,
            };
            spread |= matches!(argument, CallArg::PosSplat(_));
            spread_named |= matches!(argument, CallArg::KwargSplat(_));
            if let Some(problem) = problem {
                return Err(self.errors.syntax(self.at(value_of(argument).span()), problem));
            }
        }
        Ok(())
    }
}

/// Whether `other` can be in one list with `kind`.
fn belongs(kind: BinOpKind, other: BinOpKind) -> bool {
    if calculates(kind).is_some() {
        return calculates(other).is_some();
    }
    if compares(kind).is_some() {
        return compares(other).is_some();
    }
    std::mem::discriminant(&kind) == std::mem::discriminant(&other)
}

fn calculates(kind: BinOpKind) -> Option<Operator> {
    match kind {
        BinOpKind::Add => Some(Operator::Add),
        BinOpKind::Sub => Some(Operator::Subtract),
        BinOpKind::Mul => Some(Operator::Multiply),
        BinOpKind::Div => Some(Operator::Divide),
        BinOpKind::FloorDiv => Some(Operator::FloorDivide),
        BinOpKind::Rem => Some(Operator::Remainder),
        BinOpKind::Pow => Some(Operator::Power),
        _ => None,
    }
}

fn compares(kind: BinOpKind) -> Option<Comparison> {
    match kind {
        BinOpKind::Eq => Some(Comparison::Equal),
        BinOpKind::Ne => Some(Comparison::NotEqual),
        BinOpKind::Lt => Some(Comparison::Less),
        BinOpKind::Lte => Some(Comparison::LessOrEqual),
        BinOpKind::Gt => Some(Comparison::Greater),
        BinOpKind::Gte => Some(Comparison::GreaterOrEqual),
        BinOpKind::In => Some(Comparison::In),
        _ => None,
    }
}

fn comparison(kind: CompareOpKind) -> Comparison {
    match kind {
        CompareOpKind::Eq => Comparison::Equal,
        CompareOpKind::Ne => Comparison::NotEqual,
        CompareOpKind::Lt => Comparison::Less,
        CompareOpKind::Lte => Comparison::LessOrEqual,
        CompareOpKind::Gt => Comparison::Greater,
        CompareOpKind::Gte => Comparison::GreaterOrEqual,
        CompareOpKind::In => Comparison::In,
        CompareOpKind::NotIn => Comparison::NotIn,
    }
}

impl Expression {
    /// What `explain` calls a value that is printed and missing: its path.
    pub(super) fn path(&self) -> Option<Box<str>> {
        match self {
            Expression::Name(name) => Some(name.name.clone()),
            Expression::Chain(chain) => {
                let mut path = String::from(chain.base.path()?);
                for step in &chain.steps {
                    match &step.kind {
                        StepKind::Attribute(name) | StepKind::Item(Expression::Literal(Literal::Text(name))) => {
                            path.extend([".", name]);
                        }
                        StepKind::Item(Expression::Literal(Literal::Integer(index))) => {
                            path.extend(["[", &index.to_string(), "]"]);
                        }
                        _ => return None,
                    }
                }
                Some(path.into())
            }
            _ => None,
        }
    }
}
