//! Variables as values, for those who read what templates see and are no templates: JSONPaths.

use serde_json::{Map, Value};

use super::{Library, Place, Reads, Seed, TemplateError, rendering::Rendering};

/// Which variables somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// The one of this name; there may be none.
    One(&'a str),
    /// All of them. One in error is an error of all.
    All,
}

impl Library {
    /// Renders variables over `root`, each to a text, under the bounds of one rendering. `reader` is what errors call
    /// the one who reads them. What the variables read is noted in `reads`, if given.
    pub fn variables(
        &self,
        wanted: Wanted<'_>,
        reader: &str,
        root: &Value,
        seed: &Seed,
        reads: Option<&mut Reads>,
    ) -> Result<Map<String, Value>, TemplateError> {
        let mut rendering = Rendering::new(reader, root, seed, self);
        if reads.is_some() {
            rendering.note_reads();
        }
        let rendered = match wanted {
            Wanted::All => rendering.all_variables().map(|all| all.value().as_object().cloned().unwrap_or_default()),
            Wanted::One(name) if self.variable(name).is_none() => Ok(Map::new()),
            Wanted::One(name) => {
                rendering.variable(name).map(|item| Map::from_iter([(name.to_owned(), item.value().clone())]))
            }
        };
        if let Some(reads) = reads {
            reads.extend(rendering.into_reads());
        }
        rendered.map_err(|fault| fault.at(|| Place { template: reader.into(), line: 1, column: 1 }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{library, seed};
    use super::*;

    #[test]
    fn only_the_wanted_variables_are_rendered_and_one_in_error_is_named() {
        let library = library(&[], &[("image", "{{state.app}}:1"), ("bad", "{{lookup 'text' 'x'}}")]);
        let root = json!({"state": {"app": "shop"}});
        let mut reads = Reads::default();
        let one = library.variables(Wanted::One("image"), "fromPath", &root, &seed(), Some(&mut reads)).unwrap();
        assert_eq!(Value::Object(one), json!({"image": "shop:1"}));
        assert_eq!(reads.iter().map(|read| read.path.join(".")).collect::<Vec<_>>(), ["state.app"]);
        assert!(library.variables(Wanted::One("none"), "fromPath", &root, &seed(), None).unwrap().is_empty());
        let error = library.variables(Wanted::All, "fromPath", &root, &seed(), None).unwrap_err().to_string();
        assert!(
            error.starts_with("render `fromPath` at line 1, column 1: `variables.bad` cannot be rendered: "),
            "{error}"
        );
    }
}
