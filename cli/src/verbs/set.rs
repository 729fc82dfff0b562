//! `set`: changes of the state, all or none.

pub(super) mod changes;

use std::fmt;

use cicdcontext_crds::ChangeOperation;
use cicdcontext_engine::state::{ChangeSet, PlainChange, PlainPrecondition, change::Expected};

use crate::{
    arguments::{ChangeArguments, Object, SetArguments, UsageError},
    assignment::Assignment,
    console::Console,
    failure::Failure,
    setting::Setting,
    source::{Change, Changed, Contexts},
};

/// What is to be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    context: String,
    change: Change,
}

impl Request {
    /// Understands the arguments; `object` holds the assignments, `files` what was read from files. What `--unset` and
    /// `--clear` name goes first.
    pub fn read(arguments: &SetArguments, object: Object, files: Vec<PlainChange>) -> Result<Self, UsageError> {
        let mut all = changes::emptied(ChangeOperation::Unset, &arguments.unset)?;
        all.extend(changes::emptied(ChangeOperation::Clear, &arguments.clear)?);
        all.extend(changes::assigned("PATH=TEXT", &object.rest)?);
        all.extend(files);
        if all.is_empty() {
            return Err(UsageError::NothingToSet);
        }
        Self::of(object.name, &arguments.change, all)
    }

    /// These changes of a context.
    pub(super) fn of(
        context: String,
        arguments: &ChangeArguments,
        changes: Vec<PlainChange>,
    ) -> Result<Self, UsageError> {
        Ok(Self { context, change: change(arguments, changes)? })
    }

    /// The change.
    pub fn change(&self) -> &Change {
        &self.change
    }
}

/// The change that the arguments of a verb say.
fn change(arguments: &ChangeArguments, changes: Vec<PlainChange>) -> Result<Change, UsageError> {
    let mut preconditions = Vec::with_capacity(arguments.conditions.len());
    for text in &arguments.conditions {
        let Assignment { path, op, value } = Assignment::parse("--if", text)?;
        if op != ChangeOperation::Set {
            return Err(UsageError::NotACondition { found: text.clone() });
        }
        preconditions.push(PlainPrecondition { path, expected: Expected::Equals(value) });
    }
    let set = ChangeSet { preconditions, changes, ..ChangeSet::default() };
    Ok(Change { set, via: arguments.via, timeout: arguments.timeout })
}

/// What was written, in words.
struct Told<'a>(&'a str, &'a Changed);

impl fmt::Display for Told<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(context, Changed { paths, attempts, state_write, .. }) = self;
        if paths.is_empty() {
            return write!(formatter, "CicdContext {context}: nothing to change");
        }
        write!(formatter, "CicdContext {context}: changed {}", paths.join(", "))?;
        match state_write {
            Some(name) => write!(formatter, " (CicdStateWrite {name})"),
            None => write!(formatter, " (attempt {attempts})"),
        }
    }
}

/// Carries out the command.
pub async fn command(arguments: &SetArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let object = setting.object("set", arguments.object.iter().chain(&arguments.assignments))?;
    let files = changes::of_files(&arguments.set_file, &arguments.set_json_file)?;
    let request = Request::read(arguments, object, files)?;
    run(&setting.place().await?, &request, setting.global.verbosity, console).await
}

/// Makes the change, and tells what was done if somebody wants to know.
pub async fn run<C: Contexts>(
    contexts: &C,
    request: &Request,
    verbosity: u8,
    console: &mut Console,
) -> Result<(), Failure> {
    let changed = contexts.change(&request.context, &request.change).await?;
    tell(&request.context, &changed, verbosity, console);
    Ok(())
}

/// Tells what was done if somebody wants to know, and what could not be checked in any case.
pub(super) fn tell(context: &str, changed: &Changed, verbosity: u8, console: &mut Console) {
    if let Some(error) = &changed.unusable_schema {
        console.note(&format!("warning: CicdContext {context}: {error}; the change was not checked"));
    }
    if verbosity > 0 {
        console.note(&Told(context, changed).to_string());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::fake::Fake;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    fn read(arguments: &SetArguments, assignments: &[&str]) -> Result<Request, UsageError> {
        Request::read(arguments, Object { name: "shop".to_owned(), rest: owned(assignments) }, Vec::new())
    }

    #[tokio::test]
    async fn what_is_removed_or_emptied_goes_before_what_is_written() {
        let arguments = SetArguments {
            unset: owned(&["state.map"]),
            clear: owned(&["state.list", "state.none"]),
            ..SetArguments::default()
        };
        let request = read(&arguments, &["state.map.new=1", "state.list[]:=[1,2]"]).unwrap();
        let fake = Fake::new(json!({"map": {"old": 0}, "list": [0]}));
        let set =
            cicdcontext_engine::state::apply_all(fake.state.borrow().as_object(), &[request.change().set.clone()]);
        assert_eq!(serde_json::Value::Object(set.state), json!({"map": {"new": "1"}, "list": [1, 2], "none": []}));
    }

    #[test]
    fn a_condition_compares_a_value_and_adds_nothing() {
        let mut arguments = SetArguments::default();
        arguments.change.conditions = owned(&["state.list[]=x"]);
        assert_eq!(
            read(&arguments, &["state.a=1"]).unwrap_err().to_string(),
            "read --if 'state.list[]=x': [] and {} add to a list; write PATH=TEXT or PATH:=JSON, which must stand there"
        );
    }
}
