//! `PATH=TEXT`, `PATH:=JSON`, `PATH[]=ITEM`, `PATH{}=ITEM` and `KEY=VALUE`, as they stand on a command line.
//!
//! No text has a meaning of its own: nothing is split, trimmed, read from a file or guessed to be a number.

use cicdcontext_crds::{ChangeOperation, ValueChange};
use cicdcontext_engine::state::{Path, PathError};
use serde_json::Value;
use thiserror::Error;

/// Characters of an argument in a message.
const SHOWN: usize = 60;

/// A value for a place in the state, or the file that holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment<V = Value> {
    /// The place.
    pub path: Path,
    /// Set, or Append (`[]`) or Add (`{}`).
    pub op: ChangeOperation,
    /// What to write; Append and Add take each item of a list.
    pub value: V,
}

/// An argument that is no assignment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AssignmentError {
    /// There is no `=` outside of quotes.
    #[error("read {flag} '{found}': there is no '='; write {form}")]
    NoEquals {
        /// The argument's name.
        flag: &'static str,
        /// The argument, cut.
        found: String,
        /// How to write it.
        form: &'static str,
    },
    /// Nothing before the `=`.
    #[error("read {flag}: the key before '=' is empty; write {form}")]
    NoKey {
        /// The argument's name.
        flag: &'static str,
        /// How to write it.
        form: &'static str,
    },
    /// `:=` before the name of a file.
    #[error("read {flag} '{found}': ':=' stands before JSON, not before the name of a file; write {form}")]
    JsonOfFile {
        /// The argument's name.
        flag: &'static str,
        /// The argument, cut.
        found: String,
        /// How to write it.
        form: &'static str,
    },
    /// Nothing after the `=`, where a file belongs.
    #[error("read {flag} '{found}': no file is named; write {form}")]
    NoFile {
        /// The argument's name.
        flag: &'static str,
        /// The argument, cut.
        found: String,
        /// How to write it.
        form: &'static str,
    },
    /// The part before the `=` is not a path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The part after `:=` is not JSON. The value itself is not shown: it may be a secret.
    #[error(
        "read {flag} {key}: the value is not JSON: {problem}; quote it for the shell, or write {} for text",
        if *.flag == "--data-json" { format!("--data {key}=TEXT") } else { format!("{key}=TEXT") }
    )]
    Json {
        /// The argument's name.
        flag: &'static str,
        /// What stands before the sign.
        key: String,
        /// What the parser says.
        problem: String,
    },
}

impl Assignment {
    /// Reads one argument. `flag` names it in messages.
    pub fn parse(flag: &'static str, text: &str) -> Result<Self, AssignmentError> {
        const FORM: &str = "PATH=TEXT or PATH:=JSON, as in state.build.result=success";
        let (left, right) = split_outside_quotes(text).ok_or_else(|| AssignmentError::NoEquals {
            flag,
            found: shown(text),
            form: FORM,
        })?;
        let (left, json) = left.strip_suffix(':').map_or((left, false), |left| (left, true));
        let (path, op) = place(left)?;
        let value = if json { read_json(flag, left, right)? } else { Value::from(right) };
        Ok(Self { path, op, value })
    }

    /// The change that an event carries for it.
    pub fn into_change(self) -> ValueChange {
        let op = (self.op != ChangeOperation::Set).then_some(self.op);
        ValueChange { path: self.path.to_string(), op, value: Some(self.value), split: None }
    }
}

impl Assignment<String> {
    /// Reads one argument whose value is the name of a file. `flag` names it in messages.
    pub fn of_file(flag: &'static str, text: &str) -> Result<Self, AssignmentError> {
        const FORM: &str = "PATH=FILE, as in state.build.log=build.log";
        let (left, file) = path_value(flag, FORM, text)?;
        if left.ends_with(':') {
            return Err(AssignmentError::JsonOfFile { flag, found: shown(text), form: FORM });
        }
        if file.is_empty() {
            return Err(AssignmentError::NoFile { flag, found: shown(text), form: FORM });
        }
        let (path, op) = place(left)?;
        Ok(Self { path, op, value: file.to_owned() })
    }
}

/// What stands before the sign: the path, and whether something is added to a list there.
fn place(left: &str) -> Result<(Path, ChangeOperation), AssignmentError> {
    let (path, op) = if let Some(path) = left.strip_suffix("[]") {
        (path, ChangeOperation::Append)
    } else if let Some(path) = left.strip_suffix("{}") {
        (path, ChangeOperation::Add)
    } else {
        (left, ChangeOperation::Set)
    };
    Ok((Path::parse(path)?, op))
}

/// Takes `KEY=VALUE` apart at its first `=`.
pub fn key_value<'t>(
    flag: &'static str,
    form: &'static str,
    text: &'t str,
) -> Result<(&'t str, &'t str), AssignmentError> {
    match text.split_once('=') {
        Some(("", _)) => Err(AssignmentError::NoKey { flag, form }),
        Some(parts) => Ok(parts),
        None => Err(AssignmentError::NoEquals { flag, found: shown(text), form }),
    }
}

/// Takes `PATH=VALUE` apart at its first `=` that does not stand in a quoted key.
pub fn path_value<'t>(
    flag: &'static str,
    form: &'static str,
    text: &'t str,
) -> Result<(&'t str, &'t str), AssignmentError> {
    split_outside_quotes(text).ok_or_else(|| AssignmentError::NoEquals { flag, found: shown(text), form })
}

/// Reads JSON that stands after `key`.
pub fn read_json(flag: &'static str, key: &str, text: &str) -> Result<Value, AssignmentError> {
    serde_json::from_str(text).map_err(|error| AssignmentError::Json {
        flag,
        key: key.to_owned(),
        problem: error.to_string(),
    })
}

/// The parts before and after the first `=` that is not inside `['...']` or `["..."]`.
fn split_outside_quotes(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let mut before = ' ';
    let mut characters = text.char_indices();
    while let Some((position, character)) = characters.next() {
        match quote {
            Some(_) if character == '\\' => {
                characters.next();
            }
            Some(open) if character == open => quote = None,
            None if character == '=' => return Some((text.get(..position)?, text.get(position + 1..)?)),
            None if before == '[' && matches!(character, '\'' | '"') => quote = Some(character),
            _ => {}
        }
        before = character;
    }
    None
}

/// The start of an argument.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Assignment, AssignmentError> {
        Assignment::parse("argument", text)
    }

    fn read(text: &str) -> (String, ChangeOperation, Value) {
        let assignment = parse(text).unwrap();
        (assignment.path.to_string(), assignment.op, assignment.value)
    }

    #[test]
    fn an_equals_sign_makes_text_whatever_it_looks_like() {
        let set = ChangeOperation::Set;
        for text in ["", "5", "true", "null", "[1]", "a,b", "@file", " x ", ":=1", "=", "{{x}}", "$HOME\n"] {
            assert_eq!(read(&format!("state.a.b={text}")), ("state.a.b".to_owned(), set, json!(text)));
        }
    }

    #[test]
    fn a_colon_before_it_makes_json() {
        let set = ChangeOperation::Set;
        assert_eq!(read("state.a:=5"), ("state.a".to_owned(), set, json!(5)));
        assert_eq!(read("state.a:=null"), ("state.a".to_owned(), set, json!(null)));
        assert_eq!(read(r#"state.a:={"b": ["=", 1.5]}"#), ("state.a".to_owned(), set, json!({"b": ["=", 1.5]})));
    }

    #[test]
    fn brackets_before_it_append_and_braces_add() {
        assert_eq!(read("state.l[]=x"), ("state.l".to_owned(), ChangeOperation::Append, json!("x")));
        assert_eq!(read("state.l{}:=[1]"), ("state.l".to_owned(), ChangeOperation::Add, json!([1])));
        let change = parse("state.l[]=x").unwrap().into_change();
        assert_eq!(serde_json::to_value(change).unwrap(), json!({"path": "state.l", "op": "Append", "value": "x"}));
        let change = parse("state.l:=null").unwrap().into_change();
        assert_eq!(serde_json::to_value(change).unwrap(), json!({"path": "state.l", "value": null}));
    }

    #[test]
    fn an_equals_sign_inside_a_quoted_key_belongs_to_the_key() {
        let set = ChangeOperation::Set;
        assert_eq!(read("state['a=b']=c"), ("state['a=b']".to_owned(), set, json!("c")));
        assert_eq!(read(r#"state["it's:="]:=1"#), (r"state['it\'s:=']".to_owned(), set, json!(1)));
        assert_eq!(read(r"state['a\'=']=d"), (r"state['a\'=']".to_owned(), set, json!("d")));
        assert_eq!(read("state.a='quoted'"), ("state.a".to_owned(), set, json!("'quoted'")));
    }

    #[test]
    fn an_argument_without_an_equals_sign_is_refused() {
        assert_eq!(
            parse("state.a").unwrap_err().to_string(),
            "read argument 'state.a': there is no '='; write PATH=TEXT or PATH:=JSON, as in state.build.result=success"
        );
        assert!(parse("state['a=b").is_err());
    }

    #[test]
    fn a_path_outside_the_state_is_refused() {
        assert_eq!(
            parse("build=1").unwrap_err().to_string(),
            "read path 'build': it starts with 'build'; write state.build or another path that starts with state"
        );
        assert!(parse("=1").unwrap_err().to_string().contains("it is empty"));
    }

    #[test]
    fn json_that_does_not_parse_is_refused_without_showing_it() {
        let text = parse("state.token:=hunter2").unwrap_err().to_string();
        assert_eq!(
            text,
            "read argument state.token: the value is not JSON: expected value at line 1 column 1; \
             quote it for the shell, or write state.token=TEXT for text"
        );
    }

    #[test]
    fn keys_and_values_are_split_at_the_first_sign() {
        assert_eq!(key_value("--data", "K=V", "a.b=c=d"), Ok(("a.b", "c=d")));
        assert_eq!(
            key_value("--data", "KEY=TEXT", "=x").unwrap_err().to_string(),
            "read --data: the key before '=' is empty; write KEY=TEXT"
        );
    }
}
