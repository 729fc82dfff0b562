//! The predecessor's command line, read as Python's `argparse` read it: that decides which lines of old pipelines work.
//!
//! Prefixes of long options that fit one option alone are that option, `-lNAME` and `-l NAME` are the same, a value that
//! begins with a hyphen needs `--option=value` unless it is a negative number or holds a blank.

use std::{ffi::OsString, fmt::Write as _};

use thiserror::Error;

/// An option: its names, whether it takes a value, and what it is for.
struct Definition {
    names: &'static [&'static str],
    value: Option<&'static str>,
    help: &'static str,
}

const fn option(names: &'static [&'static str], value: Option<&'static str>, help: &'static str) -> Definition {
    Definition { names, value, help }
}

/// All of them, in the predecessor's order.
const DEFINITIONS: &[Definition] = &[
    option(&["-h", "--help"], None, "show this text and exit"),
    option(&["-l", "--log-level"], Some("NAME"), "accepted, and without effect: DEBUG, INFO, WARNING, ERROR, CRITICAL"),
    option(&["--config"], Some("PATH"), "the core config [CICDSTATEMGR_CONFIG_PATH]"),
    option(&["--secrets"], Some("PATH"), "the secrets [CICDSTATEMGR_SECRETS_PATH]"),
    option(&["--init-new"], Some("ID"), "begin a run of this context data ID, and print the ID"),
    option(&["--init-cicd-context-name"], Some("NAME"), "the cicd context of the run (default: stage)"),
    option(&["--init-bases-dir"], Some("DIR"), "folder of the bases [CICDSTATEMGR_BASES_DIR_PATH]"),
    option(&["--init-app-config-file"], Some("PATH"), "the app file [CICDSTATEMGR_INIT_APP_CONFIG_PATH]"),
    option(&["--id"], Some("ID"), "the run, by its context data ID [CICDSTATEMGR_CONTEXT_DATA_ID]"),
    option(&["--tmpl-ctx-var"], Some("PATH=EXPR"), "a name for templates: a path of the document, or text; repeatable"),
    option(&["--load"], None, "write the mirror files of a run"),
    option(&["--get"], Some("PATH"), "print what the document has at a path"),
    option(
        &["--set"],
        Some("PATH=TEXT"),
        "write a value, or several with | between them; file://PATH reads a file; repeatable",
    ),
    option(
        &["--pre-set-force-reload"],
        None,
        "accepted, and without effect: --set always works on the document as it is now",
    ),
    option(&["--handle-event"], Some("PIPELINE=EVENT"), "run the handlers of an event"),
    option(&["--generate"], Some("PATH"), "run the generator at a path"),
];

/// What `--help` prints.
pub(crate) static HELP: std::sync::LazyLock<String> = std::sync::LazyLock::new(help);

/// What the command line asks for. An option that is there and empty is `Some("")`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub log_level: Option<String>,
    pub config: Option<String>,
    pub secrets: Option<String>,
    pub init_new: Option<String>,
    pub context: Option<String>,
    pub bases: Option<String>,
    pub app: Option<String>,
    pub id: Option<String>,
    pub template_variables: Vec<String>,
    pub load: bool,
    pub get: Option<String>,
    pub set: Vec<String>,
    pub handle_event: Option<String>,
    pub generate: Option<String>,
}

/// A command line that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// It asks for help.
    Help,
    /// It asks for this.
    Run(Box<Arguments>),
}

/// Why a command line cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum UsageError {
    /// A prefix fits several options.
    #[error("read {found}: it may be {candidates}; write one of them whole")]
    Ambiguous { found: String, candidates: String },
    /// A value is missing.
    #[error(
        "read {option}: it takes one value, and none follows; write {option}=VALUE if the value begins with a hyphen"
    )]
    NoValue { option: String },
    /// A flag has a value.
    #[error("read {option}: it takes no value, and there is {found:?}")]
    Value { option: String, found: String },
    /// Nothing of that is an option.
    #[error("read the command line: unrecognized arguments: {0}")]
    Unrecognized(String),
}

/// What one word of the line is.
enum Word {
    /// `--`: what follows are no options.
    End,
    /// An option, as it is called in full, and what follows its `=`.
    Option { name: &'static str, value: Option<String> },
    /// Looks like an option, and is none.
    Unknown(String),
    /// Anything else.
    Plain(String),
}

/// Reads the line, without the program's own name.
pub(crate) fn parse(line: &[OsString]) -> Result<Parsed, UsageError> {
    // What is not UTF-8 stays wrong as it is shown.
    let texts = line.iter().map(|word| word.to_string_lossy().into_owned());
    let mut words = Vec::with_capacity(line.len());
    let mut are_plain = false;
    for text in texts {
        match text.as_str() {
            _ if are_plain => words.push(Word::Plain(text)),
            "--" => {
                are_plain = true;
                words.push(Word::End);
            }
            _ => words.push(word(text)?),
        }
    }
    let mut arguments = Arguments::default();
    let mut unrecognized = Vec::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let (name, value) = match word {
            Word::Option { name, value } => (name, value),
            Word::Unknown(text) | Word::Plain(text) => {
                unrecognized.push(text);
                continue;
            }
            Word::End => continue,
        };
        let takes_value = DEFINITIONS.iter().any(|option| option.names.contains(&name) && option.value.is_some());
        match value {
            Some(found) if !takes_value => return Err(UsageError::Value { option: name.to_owned(), found }),
            None if !takes_value => match name {
                "--help" | "-h" => return Ok(Parsed::Help),
                "--load" => arguments.load = true,
                _ => {}
            },
            Some(value) => arguments.take(name, value),
            None => {
                if matches!(words.peek(), Some(Word::End)) {
                    words.next();
                }
                let Some(Word::Plain(value)) = words.next_if(|word| matches!(word, Word::Plain(_))) else {
                    return Err(UsageError::NoValue { option: name.to_owned() });
                };
                arguments.take(name, value);
            }
        }
    }
    if unrecognized.is_empty() {
        Ok(Parsed::Run(Box::new(arguments)))
    } else {
        Err(UsageError::Unrecognized(unrecognized.join(" ")))
    }
}

impl Arguments {
    fn take(&mut self, name: &str, value: String) {
        let place = match name {
            "--tmpl-ctx-var" => return self.template_variables.push(value),
            "--set" => return self.set.push(value),
            "-l" | "--log-level" => &mut self.log_level,
            "--config" => &mut self.config,
            "--secrets" => &mut self.secrets,
            "--init-new" => &mut self.init_new,
            "--init-cicd-context-name" => &mut self.context,
            "--init-bases-dir" => &mut self.bases,
            "--init-app-config-file" => &mut self.app,
            "--id" => &mut self.id,
            "--get" => &mut self.get,
            "--handle-event" => &mut self.handle_event,
            _ => &mut self.generate,
        };
        *place = Some(value);
    }
}

/// What a word is, by itself.
fn word(text: String) -> Result<Word, UsageError> {
    if !text.starts_with('-') || text == "-" {
        return Ok(Word::Plain(text));
    }
    let names = || DEFINITIONS.iter().flat_map(|option| option.names);
    if let Some(name) = names().find(|name| **name == text) {
        return Ok(Word::Option { name, value: None });
    }
    let (head, value) = match text.split_once('=') {
        Some((head, value)) => (head, Some(value.to_owned())),
        None => (text.as_str(), None),
    };
    if let Some(name) = names().find(|name| **name == head) {
        return Ok(Word::Option { name, value });
    }
    let candidates: Vec<&'static str> = if head.starts_with("--") {
        names().filter(|name| name.starts_with(head)).copied().collect()
    } else {
        Vec::new()
    };
    match candidates.as_slice() {
        [name] => return Ok(Word::Option { name, value }),
        [] => {}
        _ => return Err(UsageError::Ambiguous { found: head.to_owned(), candidates: candidates.join(" or ") }),
    }
    for name in ["-h", "-l"] {
        if let Some(rest) = text.strip_prefix(name) {
            return Ok(Word::Option { name, value: Some(rest.to_owned()) });
        }
    }
    if is_negative_number(&text) || text.contains(' ') {
        return Ok(Word::Plain(text));
    }
    Ok(Word::Unknown(text))
}

fn is_negative_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(number) = text.strip_prefix('-') else { return false };
    match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && !fraction.is_empty() && digits(fraction),
        None => !number.is_empty() && digits(number),
    }
}

fn help() -> String {
    let mut text = "\
usage: cicdstatemgr [options]

Configuration and state of one run of a pipeline, and its events. Of --init-new, --load, --get, --generate,
--handle-event and --set the first one that is given is done; --set goes with the others but --get and --generate,
--handle-event with --init-new and --load.

options:
"
    .to_owned();
    for Definition { names, value, help } in DEFINITIONS {
        let value = value.map(|value| format!(" {value}")).unwrap_or_default();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  {}{value}\n        {help}", names.join(", "));
    }
    text.push_str(
        "
Variables: CICDSTATEMGR_STORE=cluster keeps documents in CicdContexts, CICDSTATEMGR_LOCAL_DIR=DIR in a folder; in a Pod
with a ServiceAccount the former is the default. CICDSTATEMGR_NAMESPACE, CICDSTATEMGR_SET_SEPARATOR (default |; empty:
off), CICDSTATEMGR_ON_DELIVERY_FAILURE (fail or warn). An option beats its variable.

Exit codes: 0 done, 1 failed, 2 the command line is wrong.
",
    );
    text
}

#[cfg(test)]
mod tests;
