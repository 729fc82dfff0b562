//! Which CicdContext a command is about, and what is wrong with a command line.

use cicdcontext_crds::configuration::MAX_BASES;
use cicdcontext_engine::{event::FactsError, state::PathError};
use thiserror::Error;

use crate::assignment::{AssignmentError, shown};

/// Longest name of an object.
const MAX_NAME: usize = 253;
/// The variable that names the object.
const ENVIRONMENT: &str = "$CICD_CONTEXT";
/// Verbs after whose name nothing can stand that looks like a name.
const NO_NAME_FOLLOWS: [&str; 8] = ["init", "get", "set", "unset", "load", "event", "explain", "delete"];

/// What is wrong with a command line. Nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UsageError {
    /// What clap found.
    #[error("{text}")]
    CommandLine {
        /// Its words.
        text: String,
    },
    /// No CicdContext is named.
    #[error("{verb}: name the CicdContext: as the first argument, with --name or in $CICD_CONTEXT")]
    NoObject {
        /// The verb.
        verb: &'static str,
    },
    /// The first argument belongs after the name.
    #[error(
        "{verb}: '{found}' stands where the name of the CicdContext belongs: \
         write it as the first argument, with --name or in $CICD_CONTEXT"
    )]
    NotAnObject {
        /// The verb.
        verb: &'static str,
        /// What stands there.
        found: String,
    },
    /// A name that no object can have.
    #[error("read {what} '{found}': a name has lower-case letters, digits, '-' and '.', at most 253 of them")]
    NotAName {
        /// What is named, as in `--name`.
        what: &'static str,
        /// The name.
        found: String,
    },
    /// More arguments than the verb takes.
    #[error("{verb}: there is no place for '{found}'; with --name or $CICD_CONTEXT no NAME is taken")]
    TooMany {
        /// The verb.
        verb: &'static str,
        /// The first that is too many.
        found: String,
    },
    /// Nothing to change.
    #[error("set: say what to change: PATH=TEXT, PATH:=JSON or --unset PATH")]
    NothingToSet,
    /// No path to remove.
    #[error("unset: name the paths to remove, for example state.build")]
    NothingToUnset,
    /// A condition that adds something.
    #[error("read --if '{found}': [] and {{}} add to a list; write PATH=TEXT or PATH:=JSON, which must stand there")]
    NotACondition {
        /// The condition.
        found: String,
    },
    /// A JSONPath is not one that is used.
    #[error("{problem}")]
    JsonPath {
        /// What is wrong with it.
        problem: String,
    },
    /// `--to` takes one value.
    #[error("get: --to FILE writes one value into the file; name one path")]
    NotOneValue,
    /// A base is not named as one.
    #[error("read --base '{found}': write CicdBase/NAME or ClusterCicdBase/NAME")]
    NotABase {
        /// What is written there.
        found: String,
    },
    /// More bases than a context may have.
    #[error("read --base: there are {actual}, a CicdContext has at most {MAX_BASES}; build one base on others")]
    TooManyBases {
        /// How many there are.
        actual: usize,
    },
    /// A cicd context that no configuration can have.
    #[error("read --cicd-context '{found}': name an entry of contexts, of 1 to 63 characters, for example stage")]
    NotACicdContext {
        /// What is written there.
        found: String,
    },
    /// A name where none is taken.
    #[error("{verb}: {what} is {name}, so no NAME is taken; leave '{found}' out{}", if *.what == ENVIRONMENT {
        ", or unset the variable" } else { "" })]
    NameTaken {
        /// The verb.
        verb: &'static str,
        /// What names the object, as in `--name`.
        what: &'static str,
        /// The name that it says.
        name: String,
        /// The argument.
        found: String,
    },
    /// An assignment is not one.
    #[error(transparent)]
    Assignment(#[from] AssignmentError),
    /// A path is not one.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The event is missing or is no `PIPELINE=EVENT`.
    #[error(
        "event: {found}: say what happened as PIPELINE=EVENT, for example build=success, with letters, digits, _ and - in both names"
    )]
    NotAnEvent {
        /// What was found.
        found: String,
    },
    /// The generator is missing or is no `PIPELINE.GENERATOR`.
    #[error(
        "generate: {found}: name the generator as PIPELINE.GENERATOR, for example build.dockerfile, with letters, digits, _ and - in both names"
    )]
    NotAGenerator {
        /// What was found.
        found: String,
    },
    /// An event that a verb is about is not named.
    #[error("{verb}: name the event, by its name or its id; cicdctl events NAME lists them")]
    NoEvent {
        /// The verb.
        verb: &'static str,
    },
    /// What `wait` cannot wait for.
    #[error(
        "read --for '{found}': write state.PATH, state.PATH=TEXT, state.PATH:=JSON, condition=TYPE, condition=TYPE=False or event=ID"
    )]
    NotAwaitable {
        /// What stands there.
        found: String,
    },
    /// A key of `--data`, or a path of a variable, that was given before.
    #[error("read {flag} '{key}': it is given twice; give each once")]
    Twice {
        /// The flag.
        flag: &'static str,
        /// What is repeated.
        key: String,
    },
    /// The id of an event cannot be the end of an annotation's key.
    #[error(
        "read --id '{}': an id has 1 to 63 letters, digits, '.', '_' and '-', and starts and ends with a letter or digit",
        shown(.id)
    )]
    NotAnId {
        /// The id.
        id: String,
    },
    /// The event contradicts itself.
    #[error("event: {0}")]
    Event(#[from] FactsError),
    /// `--as-group` without `--as`.
    #[error("read --as-group: a group alone cannot be acted as; name the user too: --as USER")]
    GroupWithoutUser,
    /// A flag about a cluster together with `-f`.
    #[error("read {flag}: with -f there is no cluster; leave one of the two out")]
    NotWithFiles {
        /// The flag.
        flag: &'static str,
    },
    /// `--via operator` together with `-f`.
    #[error("read --via operator: with -f there is no operator, and none is needed: leave --via out")]
    NoOperator,
}

/// The CicdContext that a command is about, and the arguments that follow its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its name; a valid one.
    pub name: String,
    /// Arguments after it.
    pub rest: Vec<String>,
}

impl Object {
    /// Takes the name from the flag, else from the environment, else from the first argument.
    pub fn find(
        verb: &'static str,
        flag: Option<&str>,
        environment: Option<&str>,
        arguments: impl IntoIterator<Item = String>,
    ) -> Result<Self, UsageError> {
        let mut arguments = arguments.into_iter().peekable();
        let named = flag.map(|name| ("--name", name)).or_else(|| environment.map(|name| (ENVIRONMENT, name)));
        let (what, name) = match named {
            Some((what, name)) => (what, name.to_owned()),
            None => ("NAME", arguments.next().ok_or(UsageError::NoObject { verb })?),
        };
        if what == "NAME" && belongs_after(&name) {
            return Err(UsageError::NotAnObject { verb, found: name });
        }
        if what != "NAME"
            && NO_NAME_FOLLOWS.contains(&verb)
            && let Some(found) = arguments.next_if(|first| is_object_name(first) && !belongs_after(first))
        {
            return Err(UsageError::NameTaken { verb, what, name, found });
        }
        if !is_object_name(&name) {
            return Err(UsageError::NotAName { what, found: name });
        }
        Ok(Self { name, rest: arguments.collect() })
    }
}

/// Whether an argument can only stand after the name of an object.
fn belongs_after(argument: &str) -> bool {
    argument == "state" || argument.starts_with("state.") || argument.starts_with('$') || argument.contains(['=', '['])
}

/// Whether a text can be the name of a namespace: an RFC 1123 label.
pub(crate) fn is_namespace_name(text: &str) -> bool {
    text.len() <= 63 && !text.contains('.') && is_object_name(text)
}

/// Whether a text can be the name of an object: an RFC 1123 subdomain.
pub(crate) fn is_object_name(text: &str) -> bool {
    let ends_well = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    text.len() <= MAX_NAME && text.bytes().all(allowed) && text.split('.').all(ends_well)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(flag: Option<&str>, environment: Option<&str>, arguments: &[&str]) -> Result<Object, UsageError> {
        Object::find("get", flag, environment, arguments.iter().map(ToString::to_string))
    }

    fn object(name: &str, rest: &[&str]) -> Object {
        Object { name: name.to_owned(), rest: rest.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn the_object_is_the_first_argument() {
        assert_eq!(find(None, None, &["shop", "state.a"]), Ok(object("shop", &["state.a"])));
    }

    #[test]
    fn with_the_flag_or_the_variable_no_positional_name_is_taken() {
        assert_eq!(find(Some("shop"), None, &["state.a"]), Ok(object("shop", &["state.a"])));
        assert_eq!(find(None, Some("shop"), &["state.a"]), Ok(object("shop", &["state.a"])));
        assert_eq!(find(Some("flag"), Some("variable"), &[]), Ok(object("flag", &[])));
    }

    #[test]
    fn a_command_without_a_name_says_where_to_put_one() {
        assert_eq!(
            find(None, None, &[]).unwrap_err().to_string(),
            "get: name the CicdContext: as the first argument, with --name or in $CICD_CONTEXT"
        );
        assert_eq!(
            find(None, None, &["state.a"]).unwrap_err().to_string(),
            "get: 'state.a' stands where the name of the CicdContext belongs: write it as the first argument, \
             with --name or in $CICD_CONTEXT"
        );
    }

    #[test]
    fn a_name_where_none_is_taken_says_what_names_the_context_already() {
        let text = |verb, flag, environment, arguments: &[&str]| {
            let arguments = arguments.iter().map(ToString::to_string);
            Object::find(verb, flag, environment, arguments).map_err(|error| error.to_string())
        };
        assert_eq!(
            text("get", None, Some("shop"), &["shop", "state.a"]).unwrap_err(),
            "get: $CICD_CONTEXT is shop, so no NAME is taken; leave 'shop' out, or unset the variable"
        );
        assert_eq!(
            text("delete", Some("shop"), None, &["store"]).unwrap_err(),
            "delete: --name is shop, so no NAME is taken; leave 'store' out"
        );
        assert!(text("set", None, Some("shop"), &["a/b"]).is_ok(), "what is no name is told by whoever reads it");
        assert!(text("generate", None, Some("shop"), &["build.dockerfile"]).is_ok());
        assert!(text("event", None, Some("shop"), &["build=success"]).is_ok());
        assert!(text("get", None, Some("shop"), &["$.state.a"]).is_ok());
    }

    #[test]
    fn a_name_that_would_change_the_url_is_refused() {
        for name in ["", "a/b", "..", "A", "a_b", "-a", "a.", "ü", "a?x"] {
            let error = find(Some(name), None, &[]).unwrap_err();
            assert_eq!(error, UsageError::NotAName { what: "--name", found: name.to_owned() });
        }
        assert!(is_object_name(&"a".repeat(253)) && !is_object_name(&"a".repeat(254)));
    }
}
