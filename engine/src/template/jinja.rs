//! The Jinja engine: the predecessor's templates, unchanged, under our bounds.
//!
//! The `minijinja` library parses; what its tree means is ours, since templates of the predecessor rely on Python's
//! values and text forms, and since every text, list and loop has to be paid for before it is made.

mod activation;
mod arguments;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod bombs;
mod calculate;
mod comparison;
mod compile;
mod container;
mod evaluate;
mod expression;
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
mod sorting;
mod special;
mod symbol;
mod test;
#[cfg(test)]
mod testing;
mod tree;
mod value;

pub(super) use self::prefix::{JinjaTemplate, Prefix};
