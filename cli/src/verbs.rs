//! The verbs, one a file: a `Request` that is read from arguments without any I/O, and a `run` that carries it out.

pub mod event;
pub mod get;
pub mod set;
pub mod version;

#[cfg(test)]
mod fake;
