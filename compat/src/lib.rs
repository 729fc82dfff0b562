//! What people who come from the predecessor, `cicdstatemgr` 1.2.4, rely on: its files, its paths, its handlers; and what
//! their files become here.
//!
//! | module | question it answers |
//! |---|---|
//! | [`yaml`] | what did a file of YAML 1.1 say to the predecessor? |
//! | [`path`] | what do its paths of `--get`, `--generate`, `foreach` and template variables find? |
//! | [`write`] | what does `--set a.b[]=x`, a capture or a generator change? |
//! | [`merge`] | what becomes of bases and an app file? |
//! | [`files`] | what do config, secrets, bases and app file hold? |
//! | [`document`] | what is the document of one run, and how does it begin? |
//! | [`template`] | what does a template see, and what does it give? |
//! | [`handler`] | what do the handlers of an event send and write? |
//! | [`generator`] | what does `--generate` write? |
//! | [`get`] | what does `--get` print? |
//! | [`notice`] | what is different on purpose, and where is that explained? |
//! | [`convert`] | which manifests mean the same to the operator, and what cannot be carried over? |
//!
//! All of it is pure: no file is opened, nothing is sent, no clock is read. `cicdctl` does that, under the name
//! `cicdstatemgr` and as `cicdctl convert`.

pub mod convert;
pub mod document;
pub mod files;
pub mod generator;
pub mod get;
pub mod handler;
pub mod merge;
pub mod notice;
pub mod path;
pub mod template;
pub mod write;
pub mod yaml;
