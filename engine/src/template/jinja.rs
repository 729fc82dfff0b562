//! The Jinja engine: the predecessor's templates, unchanged, under our bounds.
//!
//! The `minijinja` library parses; what its tree means is ours, since templates of the predecessor rely on Python's
//! values and text forms, and since every text, list and loop has to be paid for before it is made.

mod arguments;
mod comparison;
mod container;
mod filter;
mod format;
mod global;
mod growing;
mod machine;
mod markup;
mod method;
mod number;
mod operation;
#[cfg(test)]
mod recorded;
mod representation;
mod serial;
mod sorting;
mod test;
mod value;
