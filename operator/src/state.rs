//! Writing into contexts: one writer for each, which joins what waits into one patch.

pub mod fence;
pub mod plan;
pub mod schemas;
pub mod writer;

pub use fence::Fence;
pub use plan::{Intent, Taken};
pub use schemas::Schemas;
pub use writer::{Committed, WriteError, Writers};
