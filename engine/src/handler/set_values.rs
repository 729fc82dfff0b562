//! setValues: changes of state, which see the state as it was before the first of them.

use super::{error::HandlerError, scope::Scope};
use crate::{configuration::model::ChangeTemplate, state::change::PlainChange};

pub(super) fn prepare(changes: &[ChangeTemplate], scope: &Scope<'_>) -> Result<Vec<PlainChange>, HandlerError> {
    scope.changes(changes)
}
