//! Writing into contexts: one writer for each, which joins what waits into one patch.

pub mod plan;
pub mod writer;

pub use plan::{Intent, Taken};
pub use writer::{Committed, WriteError, Writers};
