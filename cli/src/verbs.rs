//! The verbs, one a file: a `Request` that is read from arguments without any I/O, a `run` that carries it out on
//! whatever it needs of a source, and a `command` that brings both together.

pub mod completion;
pub mod convert;
pub mod copy_to;
pub mod delete;
pub mod event;
pub mod events;
pub mod explain;
pub mod generate;
pub mod get;
pub mod init;
pub mod load;
pub mod redeliver;
pub mod render;
pub mod set;
pub mod test;
pub mod unset;
pub mod validate;
pub mod version;
pub mod wait;
