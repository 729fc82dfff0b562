//! Reading changes of state: of setValues, captures and generators.

use cicdcontext_crds::{Change, ChangeOperation};

use super::{Place, Reader};
use crate::{
    configuration::{
        ConfigurationError, json_path,
        model::{ChangeTemplate, ChangeValue},
    },
    state::Path,
    template::Engine,
};

/// Most changes in one list.
const MAX_CHANGES: usize = 64;

impl Reader<'_> {
    pub(super) fn changes(
        &mut self,
        place: &Place<'_>,
        changes: Vec<Change>,
    ) -> Result<Vec<ChangeTemplate>, ConfigurationError> {
        self.at_most(place, "changes", changes.len(), MAX_CHANGES)?;
        changes.into_iter().enumerate().map(|(index, change)| self.change(&place.index(index), change)).collect()
    }

    fn change(&mut self, place: &Place<'_>, change: Change) -> Result<ChangeTemplate, ConfigurationError> {
        let op = change.op.unwrap_or_default();
        let path = self.source(&place.field("path"), change.path);
        if is_static(&path.text, path.engine)
            && let Err(error) = Path::parse(path.text.trim())
        {
            let problem = format_args!("{:?} is no path of state: {}", path.text, error.problem);
            return Err(self.invalid(&place.field("path"), problem));
        }
        let value = self.change_value(place, change.value, change.template, change.from_path)?;
        match (op, &value) {
            (ChangeOperation::Set | ChangeOperation::Append | ChangeOperation::Add, ChangeValue::None) => {
                let problem = format_args!("{op:?} needs a value; write one of value, template and fromPath");
                return Err(self.invalid(place, problem));
            }
            (ChangeOperation::Unset | ChangeOperation::Clear, ChangeValue::None)
            | (ChangeOperation::Set | ChangeOperation::Append | ChangeOperation::Add, _) => {}
            (ChangeOperation::Unset | ChangeOperation::Clear, _) => {
                let problem = format_args!("{op:?} takes no value; remove value, template and fromPath");
                return Err(self.invalid(place, problem));
            }
        }
        if let Some(split) = &change.split {
            if split.is_empty() {
                return Err(self.invalid(place, "split is empty; write a separator, as in split: \",\""));
            }
            if !matches!(op, ChangeOperation::Append | ChangeOperation::Add) {
                let problem = format_args!("split does not go with {op:?}; use op: Append or op: Add, or remove split");
                return Err(self.invalid(place, problem));
            }
        }
        let write_blank = change.write_blank.unwrap_or_default();
        Ok(ChangeTemplate { path, op, value, split: change.split, write_blank })
    }

    fn change_value(
        &mut self,
        place: &Place<'_>,
        value: Option<serde_json::Value>,
        template: Option<String>,
        from_path: Option<String>,
    ) -> Result<ChangeValue, ConfigurationError> {
        match (value, template, from_path) {
            (None, None, None) => Ok(ChangeValue::None),
            (Some(value), None, None) => Ok(ChangeValue::Literal(value)),
            (None, Some(template), None) => Ok(ChangeValue::Template(self.source(&place.field("template"), template))),
            (None, None, Some(path)) => match json_path::parse(&path) {
                Ok(_) => Ok(ChangeValue::FromPath(path)),
                Err(problem) => Err(self.invalid(&place.field("fromPath"), problem)),
            },
            _ => Err(self.invalid(place, "it has more than one of value, template and fromPath; keep one")),
        }
    }
}

/// Whether a text stands for itself, whatever it is rendered with.
fn is_static(text: &str, engine: Engine) -> bool {
    !text.contains("{{") && (engine == Engine::Handlebars || !text.contains("{%") && !text.contains("{#"))
}
