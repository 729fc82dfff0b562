//! A schema on watch over several writes of one state.

use serde_json::{Map, Value};

use super::{Schema, Standing};

/// Judges the writes of one state one after the other; goes with
/// [`Draft::apply_checked`](crate::state::Draft::apply_checked).
///
/// ```
/// use cicdcontext_engine::state::{ChangeSet, Draft, Schema, schema::Guard};
/// use serde_json::json;
///
/// let schema = json!({"properties": {"count": {"type": "integer"}}});
/// let schema = Schema::compile(schema.as_object().unwrap())?;
/// let changes = |text| ChangeSet::from_values(&serde_json::from_str::<Vec<_>>(text).unwrap()).unwrap();
/// let right = changes(r#"[{"path": "state.count", "value": 5}]"#);
/// let wrong = changes(r#"[{"path": "state.count", "value": "five"}]"#);
/// let mut guard = Guard::new(Some(&schema), None);
/// let mut draft = Draft::new(None);
/// assert!(draft.apply_checked(&right, |state| guard.check(state)).is_ok());
/// let refusal = draft.apply_checked(&wrong, |state| guard.check(state)).unwrap_err();
/// assert_eq!(
///     refusal.to_string(),
///     r#"keep state within its schema: state.count is "five" and must be of type integer"#
/// );
/// # Ok::<(), cicdcontext_engine::state::SchemaError>(())
/// ```
#[derive(Debug)]
pub struct Guard<'a> {
    watch: Option<(&'a Schema, Standing)>,
}

impl<'a> Guard<'a> {
    /// A guard of `spec.state` as read; without a schema it lets everything through.
    pub fn new(schema: Option<&'a Schema>, state: Option<&Map<String, Value>>) -> Self {
        let standing = |schema: &Schema| schema.judge(&Value::Object(state.cloned().unwrap_or_default()));
        Self { watch: schema.map(|schema| (schema, standing(schema))) }
    }

    /// Judges the state that a write leads to. If it is let through, the next one is judged against it.
    pub fn check(&mut self, state: &Value) -> Result<(), String> {
        let Some((schema, standing)) = &mut self.watch else { return Ok(()) };
        let (after, refused) = schema.judge_write(standing, state);
        if let Some(violations) = refused {
            return Err(violations.to_string());
        }
        *standing = after;
        Ok(())
    }
}
