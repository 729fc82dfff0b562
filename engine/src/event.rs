//! The run of one event as a state machine without I/O, and the two front doors' own rules.
//!
//! [`Run`] says what to do next: send a request, write state, or stop. Whoever drives it does that and tells it what
//! came of it. Since a captured answer can change what the next handler renders, nothing is planned ahead.

pub mod admission;
pub mod annotation;
pub mod facts;
pub mod name;
pub mod outcome;
pub mod redelivery;
pub mod rehearsal;
pub mod run;

pub use admission::{Admission, admit, is_copy};
pub use facts::{ContextFacts, EventFacts, FactsError, Happened};
pub use outcome::Outcome;
pub use redelivery::{NothingToRedeliver, redeliver};
pub use rehearsal::{Progress, Rehearsal, Rehearsed, RehearsedHandler};
pub use run::{Delivered, Failure, KeptError, MAX_KEPT_BYTES, Prospect, Run, Step, View, Wait, Write, effects_of};
