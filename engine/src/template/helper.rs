//! The helpers that Handlebars templates can call: what a helper is, and how it reads its arguments.
//!
//! [`TABLE`] is the one list of them. The documentation is written from it, and a test renders each of its examples.
//! A helper is a pure function of its arguments, the seed and the clock reading that the rendering was given. Missing
//! values are blank; a value of the wrong kind is an error that names helper, argument and kind.

mod collection;
mod encoding;
mod logic;
mod table;
mod text;
mod time;

use std::borrow::Cow;

use serde_json::Value;

pub use self::table::TABLE;
use super::error::Fault;
use super::item::{Item, kind, scalar};
use super::rendering::Rendering;

/// One helper, with its documentation.
#[derive(Debug)]
#[non_exhaustive]
pub struct Helper {
    /// The name it is called by.
    pub name: &'static str,
    /// How a call is written, optional arguments in `[]`.
    pub signature: &'static str,
    /// What it gives, in one or two sentences.
    pub description: &'static str,
    /// The data of the example, as JSON.
    pub data: &'static str,
    /// A template that uses it.
    pub example: &'static str,
    /// What the example renders to.
    pub expected: &'static str,
    /// Whether it is a block, `{{#name}}...{{/name}}`.
    pub block: bool,
    /// Whether its result is printed as it is in a JSON body, where all else is escaped.
    pub raw: bool,
    pub(super) least: usize,
    pub(super) most: usize,
    /// Names it takes as `name=value`; `*` stands for any.
    pub(super) named: &'static [&'static str],
    pub(super) run: Run,
}

type Run = for<'a> fn(&Arguments<'a>, &mut Rendering<'a>) -> Outcome<'a>;

type Outcome<'a> = Result<Item<'a>, Fault>;

impl PartialEq for Helper {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Helper {}

impl Helper {
    /// The helper called `name`.
    pub fn find(name: &str) -> Option<&'static Helper> {
        TABLE.iter().find(|helper| helper.name == name)
    }
}

/// What a call of a helper was given.
#[derive(Debug)]
pub(super) struct Arguments<'a> {
    pub(super) helper: &'static str,
    pub(super) values: Vec<Item<'a>>,
    pub(super) named: Vec<(&'a str, Item<'a>)>,
}

impl<'a> Arguments<'a> {
    fn item(&self, index: usize) -> Item<'a> {
        self.values.get(index).cloned().unwrap_or_default()
    }

    fn value(&self, index: usize) -> &Value {
        self.values.get(index).map_or(&Value::Null, Item::value)
    }

    fn has(&self, index: usize) -> bool {
        index < self.values.len()
    }

    fn named(&self, name: &str) -> Item<'a> {
        self.named.iter().find(|(known, _)| *known == name).map(|(_, item)| item.clone()).unwrap_or_default()
    }

    /// The text of a scalar argument; a missing one is blank.
    fn text(&self, index: usize) -> Result<Cow<'_, str>, Fault> {
        scalar(self.value(index)).ok_or_else(|| self.unfit(index, "a text"))
    }

    /// A text argument that must not be blank.
    fn some_text(&self, index: usize) -> Result<Cow<'_, str>, Fault> {
        let text = self.text(index)?;
        if text.is_empty() { Err(self.wrong(index, "must not be blank")) } else { Ok(text) }
    }

    fn whole(&self, index: usize) -> Result<Option<u64>, Fault> {
        match self.value(index) {
            Value::Null => Ok(None),
            Value::String(text) => match text.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(self.wrong(index, &format!("must be a whole number, got \"{}\"", shorten(text)))),
            },
            value => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.unfit(index, "a whole number of 0 or more")),
            },
        }
    }

    /// The items of a list argument; a missing one has none.
    fn list(&self, index: usize) -> Result<&[Value], Fault> {
        match self.value(index) {
            Value::Null => Ok(&[]),
            Value::Array(items) => Ok(items),
            _ => Err(self.unfit(index, "a list")),
        }
    }

    fn unfit(&self, index: usize, right: &str) -> Fault {
        self.wrong(index, &format!("must be {right}, got {}", kind(self.value(index))))
    }

    fn wrong(&self, index: usize, problem: &str) -> Fault {
        self.fails(&format!("argument {} {problem}", index + 1))
    }

    fn fails(&self, problem: &str) -> Fault {
        Fault::Argument { helper: self.helper, problem: format!("helper `{}`: {problem}", self.helper) }
    }
}

/// The beginning of `text`, for an error message.
fn shorten(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{render_with, rendering_error};
    use super::*;

    #[test]
    fn every_example_of_the_table_renders_to_what_it_says() {
        for helper in TABLE {
            let data = serde_json::from_str(helper.data).unwrap_or_else(|error| panic!("{}: {error}", helper.name));
            assert_eq!(render_with(helper.example, &data), helper.expected, "example of `{}`", helper.name);
            assert!(helper.example.contains(helper.name), "the example of `{}` does not use it", helper.name);
            assert!(helper.signature.starts_with(helper.name), "signature of `{}`", helper.name);
        }
    }

    #[test]
    fn the_table_has_exactly_the_helpers_of_the_design() {
        let mut names: Vec<_> = TABLE.iter().map(|helper| helper.name).collect();
        names.sort_unstable();
        let mut expected: Vec<_> =
            "eq ne gt gte lt lte and or not contains startsWith endsWith matches default coalesce \
            json fromJson toYaml base64 base64Decode sha256 replace upper lower trim split join first last length now \
            formatTime random uuid urlencode segment find object array lookup if unless each with"
                .split_whitespace()
                .collect();
        expected.sort_unstable();
        assert_eq!(names, expected);
    }

    #[test]
    fn an_argument_of_the_wrong_kind_names_helper_argument_and_kind() {
        let data = serde_json::json!({"list": [1], "object": {"a": 1}});
        for (template, problem) in [
            ("{{upper list}}", "helper `upper`: argument 1 must be a text, got a list"),
            ("{{join object ','}}", "helper `join`: argument 1 must be a list, got an object"),
            ("{{random 'many'}}", "helper `random`: argument 1 must be a whole number, got \"many\""),
            ("{{split 'a' ''}}", "helper `split`: argument 2 must not be blank"),
            ("{{gt list 1}}", "helper `gt`: argument 1 must be a number or a text, got a list"),
            ("{{gt 'x' 1}}", "helper `gt`: cannot compare a text with a number"),
        ] {
            let error = rendering_error(template, &data).to_string();
            assert_eq!(error, format!("render `test` at line 1, column 1: {problem}"));
        }
    }
}
