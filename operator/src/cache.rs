//! What the operator knows of the API server: caches fed by watches.
//!
//! [`stored::Stored`] keeps an object as compact bytes, parsed when somebody needs it, so that memory stays near the
//! serialised size and an object that cannot be parsed harms nobody else. [`store::Store`] is the pure part: it is fed
//! with watch events and says which keys changed. [`watch`] connects the two to the API server.

pub mod slim;
pub mod store;
pub mod stored;
pub mod watch;

pub use store::{ObjectKey, Store};
pub use stored::{Malformed, Stored};
