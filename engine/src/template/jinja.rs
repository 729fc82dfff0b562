//! The Jinja engine: the predecessor's templates, unchanged, under our bounds.
//!
//! The `minijinja` library parses; what its tree means is ours, since templates of the predecessor rely on Python's
//! values and text forms, and since every text, list and loop has to be paid for before it is made.

mod activation;
mod arguments;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod bombs;
mod calculate;
mod circular;
mod comparison;
mod compile;
mod container;
mod evaluate;
mod expression;
#[cfg(test)]
mod facts;
mod filter;
mod format;
mod global;
mod growing;
mod iterator;
mod literal;
mod machine;
mod macros;
mod markup;
mod method;
mod number;
mod operation;
mod prefix;
#[cfg(test)]
mod recorded;
mod repeat;
mod representation;
mod rewrite;
mod root;
mod scan;
mod serial;
mod slice;
mod sorting;
mod special;
mod symbol;
mod test;
#[cfg(test)]
mod testing;
mod token;
mod tree;
mod value;

pub use self::number::float_text;
pub(super) use self::prefix::Prefix;
pub use self::representation::quote;

/// A filter, test or function, as the reference shows it.
pub(super) struct Documented {
    /// How it is written.
    pub(super) signature: String,
    /// What it gives.
    pub(super) description: &'static str,
    /// A template that uses it, and what that renders to.
    pub(super) example: (&'static str, &'static str),
}

pub(super) fn filters() -> impl Iterator<Item = Documented> {
    filter::TABLE.iter().map(|filter| Documented {
        signature: called(filter.name, filter.parameters),
        description: filter.description,
        example: filter.example,
    })
}

pub(super) fn tests() -> impl Iterator<Item = Documented> {
    test::TABLE.iter().map(|test| Documented {
        signature: test.name.to_owned(),
        description: test.description,
        example: test.example,
    })
}

pub(super) fn functions() -> impl Iterator<Item = Documented> {
    global::TABLE.iter().map(|function| Documented {
        signature: format!("{}({})", function.name, function.parameters),
        description: function.description,
        example: function.example,
    })
}

/// A filter without parameters is written without parentheses.
fn called(name: &str, parameters: &str) -> String {
    if parameters.is_empty() { name.to_owned() } else { format!("{name}({parameters})") }
}
