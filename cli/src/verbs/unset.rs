//! `unset`: removes values from the state, all or none.

use cicdcontext_crds::ChangeOperation;

use super::set::{self, Request, changes};
use crate::{
    arguments::{Object, UnsetArguments, UsageError},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Understands the arguments; `object` holds the paths. The same changes as those of `set --unset`.
pub fn read(arguments: &UnsetArguments, object: Object) -> Result<Request, UsageError> {
    if object.rest.is_empty() {
        return Err(UsageError::NothingToUnset);
    }
    let changes = changes::emptied(ChangeOperation::Unset, &object.rest)?;
    Request::of(object.name, &arguments.change, changes)
}

/// Carries out the command.
pub async fn command(arguments: &UnsetArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let object = setting.object("unset", arguments.object.iter().chain(&arguments.paths))?;
    let request = read(arguments, object)?;
    set::run(&setting.place().await?, &request, setting.global.verbosity, console).await
}

#[cfg(test)]
mod tests {
    use cicdcontext_engine::state::Path;

    use super::*;

    fn object(paths: &[&str]) -> Object {
        Object { name: "shop".to_owned(), rest: paths.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn each_path_is_removed() {
        let request = read(&UnsetArguments::default(), object(&["state.a", "state['b.c'][0]"])).unwrap();
        let changes = &request.change().set.changes;
        let removed: Vec<_> = changes.iter().map(|change| (change.op, change.path.clone())).collect();
        let path = |text: &str| (ChangeOperation::Unset, Path::parse(text).unwrap());
        assert_eq!(removed, [path("state.a"), path("state['b.c'][0]")]);
    }

    #[test]
    fn nothing_to_remove_and_what_is_no_path_are_wrong_command_lines() {
        let text = |paths: &[&str]| read(&UnsetArguments::default(), object(paths)).unwrap_err().to_string();
        assert_eq!(text(&[]), "unset: name the paths to remove, for example state.build");
        assert!(text(&["build"]).starts_with("read path 'build': it starts with 'build'"));
    }
}
