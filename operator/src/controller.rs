//! All controllers together: how they start and stop, and the reconciler of bases, which has no more to it.

pub mod base;
pub mod run;
