//! Evaluates expressions.

use super::super::error::Fault;
use super::arguments::Arguments;
use super::machine::Machine;
use super::operation;
use super::slice;
use super::tree::{
    Argument, Arithmetic, Chain, Compare, Comparison, Condition, Expression, Name, Operator, Step, StepKind,
};
use super::value::Value;

impl<'a> Machine<'a, '_> {
    /// The value of an expression.
    pub(super) fn expression(&mut self, expression: &'a Expression) -> Result<Value<'a>, Fault> {
        self.burn(1)?;
        match expression {
            Expression::Literal(literal) => Ok(literal.value()),
            Expression::Name(name) => self.named(name),
            composed => {
                self.rendering.enter()?;
                let value = self.composed(composed)?;
                self.rendering.leave();
                Ok(value)
            }
        }
    }

    fn composed(&mut self, expression: &'a Expression) -> Result<Value<'a>, Fault> {
        match expression {
            Expression::Chain(chain) => self.chain(chain),
            Expression::Not(inner) => self.negation(inner),
            Expression::Negate(at, inner) => {
                let value = self.expression(inner)?;
                self.at = *at;
                operation::negate(self, &value)
            }
            Expression::Arithmetic(part) => self.arithmetic(part),
            Expression::Concat(at, parts) => {
                let text = self.concat(parts)?;
                self.at = *at;
                Ok(text)
            }
            Expression::And(parts) => self.first_that(parts, false),
            Expression::Or(parts) => self.first_that(parts, true),
            Expression::Compare(part) => self.comparison(part),
            Expression::If(part) => self.condition(part),
            Expression::List(items) => self.all(items).map(Value::list),
            Expression::Tuple(items) => self.all(items).map(Value::tuple),
            Expression::Map(at, entries) => {
                let entries = self.all_entries(entries)?;
                self.at = *at;
                Value::map(entries)
            }
            Expression::Literal(literal) => Ok(literal.value()),
            Expression::Name(name) => self.named(name),
        }
    }

    fn named(&mut self, name: &'a Name) -> Result<Value<'a>, Fault> {
        match self.variable(name) {
            Some(value) => self.whole(value),
            None => Ok(Value::undefined(&name.name)),
        }
    }

    fn all(&mut self, expressions: &'a [Expression]) -> Result<Vec<Value<'a>>, Fault> {
        expressions.iter().map(|expression| self.expression(expression)).collect()
    }

    fn all_entries(&mut self, entries: &'a [(Expression, Expression)]) -> Result<Vec<(Value<'a>, Value<'a>)>, Fault> {
        entries.iter().map(|(key, value)| Ok((self.expression(key)?, self.expression(value)?))).collect()
    }

    fn negation(&mut self, inner: &'a Expression) -> Result<Value<'a>, Fault> {
        let value = self.expression(inner)?;
        Ok(Value::Bool(!self.is_true(&value)))
    }

    /// `and` gives its first operand that is not true, `or` its first that is; else the last.
    fn first_that(&mut self, parts: &'a [Expression], is: bool) -> Result<Value<'a>, Fault> {
        let mut value = Value::None;
        for part in parts {
            value = self.expression(part)?;
            if self.is_true(&value) == is {
                break;
            }
        }
        Ok(value)
    }

    fn condition(&mut self, part: &'a Condition) -> Result<Value<'a>, Fault> {
        let test = self.expression(&part.test)?;
        match &part.otherwise {
            _ if self.is_true(&test) => self.expression(&part.then),
            Some(otherwise) => self.expression(otherwise),
            None => Ok(Value::undefined("the inline if-expression without else")),
        }
    }

    fn concat(&mut self, parts: &'a [Expression]) -> Result<Value<'a>, Fault> {
        let mut joined = String::new();
        for part in parts {
            let value = self.expression(part)?;
            match &value {
                Value::Text(text) => {
                    self.afford(joined.len() + text.len())?;
                    joined.push_str(text);
                }
                other => {
                    let text = self.to_text(other)?;
                    self.afford(joined.len() + text.len())?;
                    joined.push_str(&text);
                }
            }
        }
        Ok(Value::text(joined))
    }

    fn arithmetic(&mut self, part: &'a Arithmetic) -> Result<Value<'a>, Fault> {
        let mut value = self.expression(&part.first)?;
        for (at, operator, right) in &part.rest {
            let right = self.expression(right)?;
            self.at = *at;
            let operate = match operator {
                Operator::Add => operation::add,
                Operator::Subtract => operation::subtract,
                Operator::Multiply => operation::multiply,
                Operator::Divide => operation::divide,
                Operator::FloorDivide => operation::floor_divide,
                Operator::Remainder => operation::remainder,
                Operator::Power => operation::power,
            };
            value = operate(self, &value, &right)?;
        }
        Ok(value)
    }

    /// `a < b < c` looks at `b` once, and not at `c` if `a < b` is false.
    fn comparison(&mut self, part: &'a Compare) -> Result<Value<'a>, Fault> {
        let mut left = self.expression(&part.first)?;
        let mut holds = true;
        for (at, comparison, right) in &part.rest {
            let right = self.expression(right)?;
            self.at = *at;
            holds = match comparison {
                Comparison::Equal => self.equal(&left, &right)?,
                Comparison::NotEqual => !self.equal(&left, &right)?,
                Comparison::Less => self.less(&left, &right)?,
                Comparison::LessOrEqual => self.less_or_equal(&left, &right)?,
                Comparison::Greater => self.less(&right, &left)?,
                Comparison::GreaterOrEqual => self.less_or_equal(&right, &left)?,
                Comparison::In => self.contains(&right, &left)?,
                Comparison::NotIn => !self.contains(&right, &left)?,
            };
            if !holds {
                break;
            }
            left = right;
        }
        Ok(Value::Bool(holds))
    }

    fn chain(&mut self, chain: &'a Chain) -> Result<Value<'a>, Fault> {
        let mut steps = chain.steps.as_slice();
        let mut value = match &chain.base {
            Expression::Name(name) => match self.variable(name) {
                Some(value) => {
                    let (value, taken) = self.of_variables(value, steps)?;
                    steps = &steps[taken..];
                    value
                }
                None => Value::undefined(&name.name),
            },
            base => self.expression(base)?,
        };
        for step in steps {
            value = self.step(value, step)?;
        }
        Ok(value)
    }

    /// One step of a chain, on the value of those before.
    pub(super) fn step(&mut self, value: Value<'a>, step: &'a Step) -> Result<Value<'a>, Fault> {
        self.burn(1)?;
        match &step.kind {
            StepKind::Attribute(name) => {
                self.at = step.at;
                self.attribute(&value, name)
            }
            StepKind::Item(key) => {
                let key = self.expression(key)?;
                self.at = step.at;
                self.item(&value, &key)
            }
            StepKind::Slice(bounds) => self.slice(&value, bounds, step),
            StepKind::Call(arguments) => {
                let arguments = self.arguments(arguments)?;
                self.at = step.at;
                self.call(&value, arguments)
            }
            StepKind::Filter(name, arguments) => {
                let arguments = self.arguments(arguments)?;
                self.at = step.at;
                self.filter(name, value, arguments)
            }
            StepKind::Test(name, arguments) => {
                let arguments = self.arguments(arguments)?;
                self.at = step.at;
                self.test(name, &value, arguments).map(Value::Bool)
            }
        }
    }

    fn slice(
        &mut self,
        value: &Value<'a>,
        bounds: &'a [Option<Expression>; 3],
        step: &Step,
    ) -> Result<Value<'a>, Fault> {
        let mut numbers = [None, None, None];
        for (number, bound) in numbers.iter_mut().zip(bounds) {
            *number = match bound {
                Some(bound) => Some(self.expression(bound)?),
                None => None,
            };
        }
        self.at = step.at;
        slice::slice(self, value, numbers.each_ref().map(Option::as_ref))
    }

    pub(super) fn arguments(&mut self, arguments: &'a [Argument]) -> Result<Arguments<'a>, Fault> {
        let mut given = Arguments::default();
        for argument in arguments {
            match argument {
                Argument::Positional(value) => given.positional.push(self.expression(value)?),
                Argument::Named(name, value) => given.named.push((name.to_string(), self.expression(value)?)),
                Argument::Spread(value) => {
                    let value = self.expression(value)?;
                    given.positional.append(&mut self.iterate(&value)?);
                }
                Argument::SpreadNamed(value) => {
                    let value = self.expression(value)?;
                    self.spread_named(&value, &mut given)?;
                }
            }
        }
        Ok(given)
    }

    fn spread_named(&mut self, value: &Value<'a>, given: &mut Arguments<'a>) -> Result<(), Fault> {
        let Value::Map(map) = value else {
            let problem = format!("`**` asks for a map, but found a {}", value.type_name());
            return Err(Fault::problem(problem));
        };
        for (name, value) in self.entries(map) {
            self.burn(1)?;
            let Value::Text(name) = &name else {
                return Err(Fault::problem("`**` asks for a map whose keys are texts"));
            };
            self.afford(name.len())?;
            given.named.push(((**name).to_owned(), value));
        }
        Ok(())
    }
}
