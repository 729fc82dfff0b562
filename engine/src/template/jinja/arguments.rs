//! The arguments of a call, and their binding to parameters by position and name, as Python does it.

use super::super::error::Fault;
use super::value::Value;

/// What a call gives.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments<'a> {
    pub(super) positional: Vec<Value<'a>>,
    /// By name, in the order written.
    pub(super) named: Vec<(String, Value<'a>)>,
}

impl<'a> Arguments<'a> {
    /// Arguments by position alone.
    pub(super) fn positional(positional: Vec<Value<'a>>) -> Self {
        Self { positional, named: Vec::new() }
    }

    /// The arguments of `function` in the order of its `parameters`; None where one is not given. Fails on too many, on
    /// unknown names, on one given twice, and when one of the first `required` is not given.
    pub(super) fn bind<const N: usize>(
        self,
        function: &str,
        parameters: [&str; N],
        required: usize,
    ) -> Result<[Option<Value<'a>>; N], Fault> {
        let count = self.positional.len();
        if count > N {
            return Err(Fault::problem(format!("`{function}` takes at most {N} arguments, but got {count}")));
        }
        let mut bound: [Option<Value<'a>>; N] = std::array::from_fn(|_| None);
        for (slot, value) in bound.iter_mut().zip(self.positional) {
            *slot = Some(value);
        }
        for (name, value) in self.named {
            let Some(index) = parameters.iter().position(|parameter| *parameter == name) else {
                let known = parameters.join(", ");
                return Err(Fault::problem(format!("`{function}` takes no argument `{name}`; it takes: {known}")));
            };
            if bound[index].is_some() {
                return Err(Fault::problem(format!("`{function}` got its argument `{name}` twice")));
            }
            bound[index] = Some(value);
        }
        match bound.iter().take(required).position(Option::is_none) {
            Some(missing) => Err(Fault::problem(format!("`{function}` needs its argument `{}`", parameters[missing]))),
            None => Ok(bound),
        }
    }
}
