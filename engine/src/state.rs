//! The state of a context: paths into it, changes of it, its limits, its schema, and the ledger of what was already changed.
//!
//! Everything here is a pure function of what it is given. Nothing knows where a change came from, who waits for it
//! or how a patch reaches the API server.
//!
//! ```
//! use cicdcontext_engine::state::{ChangeSet, Limits, apply};
//! use serde_json::json;
//!
//! let state = json!({"build": {"images": ["a"]}});
//! let set = ChangeSet::from_values(&serde_json::from_value::<Vec<_>>(json!([
//!     {"path": "state.build.images", "op": "Append", "value": "b"},
//!     {"path": "state.build.result", "value": "success"},
//! ]))?)?;
//! let outcome = apply(state.as_object(), &set.changes, &Limits::default())?;
//! assert_eq!(outcome.state["build"], json!({"images": ["a", "b"], "result": "success"}));
//! assert_eq!(outcome.paths, ["state.build.images", "state.build.result"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod change;
pub(crate) mod fingerprint;
pub mod ledger;
pub mod limits;
pub mod patch;
pub mod path;
pub mod schema;

pub use change::{ChangeSet, Draft, Group, Outcome, PlainChange, PlainPrecondition, Refusal, apply, apply_all};
pub use fingerprint::fingerprint;
pub use ledger::{Effect, KnownEvent, Ledger, LedgerState};
pub use limits::{LimitError, Limits};
pub use path::{Path, PathError, Segment};
pub use schema::{Schema, SchemaError, Standing, Violations};
