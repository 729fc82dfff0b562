//! `cicdctl`, the command that people and pipeline steps use, as a library so that it can be tested.
//!
//! Each verb goes the same way: `arguments` takes the command line apart, the verb's `Request` gives it a meaning
//! without any I/O, and its `run` carries that out against what it needs of a [`source`]. `configuration` makes of a source what
//! can be tried, `manifests` checks files, `following` waits for events, `output` knows how values look.

pub mod arguments;
pub mod assignment;
pub(crate) mod completion;
pub mod configuration;
pub mod console;
pub mod dropin;
pub mod environment;
pub mod exit;
pub mod failure;
pub(crate) mod following;
pub mod input;
pub mod manifests;
pub mod output;
pub mod program;
pub mod setting;
pub mod source;
pub mod verbs;
