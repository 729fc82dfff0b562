//! `range`: integers that are counted, not kept. Only a walk through them costs.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::number::integral;
use super::super::value::{Integer, Object, Value};

/// Bits of the largest number in a range; so no sum or product of two overflows.
const MOST_BITS: u64 = 60;

/// Python's `range`; `length` follows from the others.
#[derive(Clone, Copy)]
struct Range {
    start: i128,
    stop: i128,
    step: i128,
}

// All functions have one signature.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn range<'a>(_machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
    if let Some((name, _)) = arguments.named.first() {
        return Err(Fault::problem(format!("`range` takes no argument by name, but got `{name}`")));
    }
    let numbers = arguments.positional.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    let range = match *numbers {
        [stop] => Range { start: 0, stop, step: 1 },
        [start, stop] => Range { start, stop, step: 1 },
        [start, stop, by] => Range { start, stop, step: by },
        _ => return Err(Fault::problem(format!("`range` takes 1 to 3 numbers, but got {}", numbers.len()))),
    };
    if range.step == 0 {
        return Err(Fault::problem("the step of a `range` is 0, but must be more or less"));
    }
    Ok(Value::object(range))
}

fn number(value: &Value<'_>) -> Result<i128, Fault> {
    match value {
        Value::Bool(bool) => Ok(i128::from(*bool)),
        Value::Integer(Integer::Small(integer)) if integer.unsigned_abs() < 1 << MOST_BITS => Ok(i128::from(*integer)),
        Value::Integer(_) => Err(Fault::problem("a number of a `range` is beyond what a loop could ever count to")),
        value => Err(Fault::problem(format!("`range` takes whole numbers, but got one of type {}", value.type_name()))),
    }
}

impl Range {
    /// Whether sums and products of its numbers fit.
    fn is_countable(self) -> bool {
        [self.start, self.stop, self.step].iter().all(|number| number.unsigned_abs() < 1 << (MOST_BITS + 2))
    }

    fn length(self) -> i128 {
        let distance = if self.step > 0 { self.stop - self.start } else { self.start - self.stop };
        if distance <= 0 { 0 } else { (distance - 1) / self.step.abs() + 1 }
    }

    fn at<'a>(self, index: i128) -> Value<'a> {
        Value::integer(self.start + index * self.step)
    }
}

impl<'a> Object<'a> for Range {
    fn type_name(&self) -> &'static str {
        "range"
    }

    fn text(&self, _machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        let Range { start, stop, step } = self;
        Ok(if *step == 1 { format!("range({start}, {stop})") } else { format!("range({start}, {stop}, {step})") })
    }

    fn is_true(&self, _machine: &Machine<'a, '_>) -> bool {
        (*self).length() > 0
    }

    fn attribute(&self, _machine: &mut Machine<'a, '_>, name: &str) -> Result<Option<Value<'a>>, Fault> {
        Ok(match name {
            "start" => Some(Value::integer(self.start)),
            "stop" => Some(Value::integer(self.stop)),
            "step" => Some(Value::integer(self.step)),
            "index" | "count" => Some(Value::object(Method { range: *self, counts: name == "count" })),
            _ => None,
        })
    }

    fn item(&self, _machine: &mut Machine<'a, '_>, key: &Value<'a>) -> Result<Option<Value<'a>>, Fault> {
        let index = match key {
            Value::Bool(bool) => i128::from(*bool),
            Value::Integer(Integer::Small(index)) => i128::from(*index),
            _ => return Ok(None),
        };
        let length = (*self).length();
        let index = if index < 0 { index + length } else { index };
        Ok((0..length).contains(&index).then(|| self.at(index)))
    }

    fn iterate(&self, machine: &mut Machine<'a, '_>) -> Result<Option<Vec<Value<'a>>>, Fault> {
        let length = (*self).length();
        // Paid for here already, since the list is as large as the template says.
        machine.burn(usize::try_from(length).unwrap_or(usize::MAX))?;
        machine.afford(usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(Some((0..length).map(|index| self.at(index)).collect()))
    }

    fn length(&self, _machine: &Machine<'a, '_>) -> Option<usize> {
        usize::try_from((*self).length()).ok()
    }

    fn contains(&self, _machine: &mut Machine<'a, '_>, item: &Value<'a>) -> Result<Option<bool>, Fault> {
        let found = match item {
            Value::Bool(bool) => i128::from(*bool),
            Value::Integer(Integer::Small(integer)) => i128::from(*integer),
            Value::Float(float) => match integral(*float) {
                Some(Integer::Small(integer)) => i128::from(integer),
                _ => return Ok(Some(false)),
            },
            _ => return Ok(Some(false)),
        };
        let distance = found - self.start;
        Ok(Some(distance % self.step == 0 && (0..(*self).length()).contains(&(distance / self.step))))
    }

    fn slice(&self, [from, to, by]: [Option<i64>; 3]) -> Option<Value<'a>> {
        let (length, by) = ((*self).length(), i128::from(by.unwrap_or(1)));
        let (low, high) = if by > 0 { (0, length) } else { (-1, length - 1) };
        let place = |index: i64| {
            let index = i128::from(index);
            if index < 0 { (index + length).max(low) } else { index.min(high) }
        };
        let first = from.map_or(if by > 0 { low } else { high }, place);
        let last = to.map_or(if by > 0 { high } else { low }, place);
        let at = |index: i128| self.start + index * self.step;
        let sliced = Range { start: at(first), stop: at(last), step: self.step * by };
        // Slices of slices could step further and further.
        sliced.is_countable().then(|| Value::object(sliced))
    }

    /// Ranges are equal that have the same numbers in them.
    fn equals(&self, machine: &mut Machine<'a, '_>, other: &Value<'a>) -> Result<bool, Fault> {
        let Value::Object(other) = other else { return Ok(false) };
        if other.type_name() != "range" {
            return Ok(false);
        }
        let length = (*self).length();
        if other.length(machine).map(|other| other as i128) != Some(length) {
            return Ok(false);
        }
        for index in [0, 1] {
            if index < length {
                let key = Value::Integer(Integer::Small(i64::from(index == 1)));
                let Some(theirs) = other.item(machine, &key)? else { return Ok(false) };
                if !machine.equal(&self.at(index), &theirs)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// `index` or `count` of a range.
struct Method {
    range: Range,
    counts: bool,
}

impl<'a> Object<'a> for Method {
    fn type_name(&self) -> &'static str {
        "method"
    }

    fn text(&self, _machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        let name = if self.counts { "count" } else { "index" };
        Ok(format!("<built-in method {name} of range object>"))
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
        let [wanted] = arguments.bind(if self.counts { "count" } else { "index" }, ["value"], 1)?;
        let wanted = wanted.unwrap_or(Value::None);
        let contained = self.range.contains(machine, &wanted)? == Some(true);
        if self.counts {
            return Ok(Value::integer(u8::from(contained)));
        }
        if !contained {
            let wanted = machine.representation(&wanted)?;
            return Err(Fault::problem(format!("{wanted} is not in the range")));
        }
        let difference = super::super::operation::subtract(machine, &wanted, &Value::integer(self.range.start))?;
        super::super::operation::floor_divide(machine, &difference, &Value::integer(self.range.step))
    }
}
