//! What a change makes of a state, decided without I/O.
//!
//! What would break the context's schema or a limit is refused before anything is written, as the operator refuses its
//! own writes. A schema that cannot be used refuses nothing; the context's condition StateValid tells, and so does whoever
//! prints [`super::Changed::unusable_schema`].

use cicdcontext_engine::state::{Draft, Schema, SchemaError, change::Refusal, patch, schema::Guard};
use json_patch::PatchOperation;
use serde_json::{Map, Value};

use super::{Change, Context};

/// What would be written.
#[derive(Debug)]
pub(super) struct Plan {
    /// The paths that change; none, and nothing needs to be written.
    pub(super) paths: Vec<String>,
    /// The state as it would be.
    pub(super) state: Map<String, Value>,
    /// The patch that makes it so, and only of what was read.
    pub(super) operations: Vec<PatchOperation>,
    /// Why the schema was not asked.
    pub(super) unusable_schema: Option<SchemaError>,
}

/// Plans a change of the context as it was read.
pub(super) fn plan(context: &Context, change: &Change) -> Result<Plan, Refusal> {
    let schema = context.state_schema.as_ref().map(Schema::compile);
    let unusable_schema = schema.as_ref().and_then(|schema| schema.as_ref().err()).cloned();
    let schema = schema.as_ref().and_then(|schema| schema.as_ref().ok());
    let mut guard = Guard::new(schema, context.state.as_ref());
    let mut draft = Draft::new(context.state.as_ref());
    let paths = draft.apply_checked(&change.set, |state| guard.check(state))?;
    let (state, mut operations, needs_resource_version) = draft.finish();
    if needs_resource_version {
        operations.insert(0, patch::test_resource_version(&context.resource_version));
    }
    Ok(Plan { paths, state, operations, unusable_schema })
}
