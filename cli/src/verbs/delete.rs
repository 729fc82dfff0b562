//! `delete`: deletes a CicdContext, and its events with it.

use crate::{
    arguments::{DeleteArguments, Object, UsageError},
    console::Console,
    failure::Failure,
    setting::Setting,
    source::{Contexts, Problem, SourceError},
};

/// What is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    context: String,
    ignore_not_found: bool,
}

impl Request {
    /// Understands the arguments. What the environment names is not deleted by accident: it takes a name that was typed.
    pub fn read(arguments: &DeleteArguments, flag: Option<&str>) -> Result<Self, UsageError> {
        let Object { name, rest } = Object::find("delete", flag, None, arguments.object.iter().cloned())?;
        if let Some(found) = rest.into_iter().next() {
            return Err(UsageError::TooMany { verb: "delete", found });
        }
        Ok(Self { context: name, ignore_not_found: arguments.ignore_not_found })
    }
}

/// Carries out the command.
pub async fn command(arguments: &DeleteArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let request = Request::read(arguments, setting.global.name.as_deref())?;
    run(&setting.place().await?, &request, setting.global.verbosity, console).await
}

/// Deletes the very context that stands there now.
pub async fn run<C: Contexts>(
    contexts: &C,
    request: &Request,
    verbosity: u8,
    console: &mut Console,
) -> Result<(), Failure> {
    let Request { context: name, ignore_not_found } = request;
    let deleting = async || -> Result<(), SourceError> {
        let context = contexts.context(name).await?;
        contexts.delete_context(name, &context.uid).await
    };
    let told = match deleting().await {
        Ok(()) => "deleted",
        Err(error) if *ignore_not_found && matches!(error.problem, Problem::NotFound(_)) => "there is none",
        Err(error) => return Err(error.into()),
    };
    if verbosity > 0 {
        console.note(&format!("CicdContext {name}: {told}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{exit::Exit, source::fake::Fake};

    fn read(object: Option<&str>, flag: Option<&str>) -> Result<Request, UsageError> {
        Request::read(&DeleteArguments { object: object.map(str::to_owned), ignore_not_found: false }, flag)
    }

    async fn delete(name: &str, ignore_not_found: bool) -> Result<(), Failure> {
        let request = Request { context: name.to_owned(), ignore_not_found };
        run(&Fake::new(json!({})), &request, 0, &mut Console::new(std::io::sink(), std::io::sink())).await
    }

    #[test]
    fn the_name_must_be_typed() {
        assert_eq!(read(Some("shop"), None).unwrap().context, "shop");
        assert_eq!(read(None, Some("shop")).unwrap().context, "shop");
        assert!(read(None, None).is_err());
        assert!(read(Some("store"), Some("shop")).is_err());
    }

    #[tokio::test]
    async fn what_does_not_exist_is_exit_6_unless_that_does_not_matter() {
        delete("shop", false).await.unwrap();
        assert_eq!(delete("store", false).await.unwrap_err().exit(), Exit::NotFound);
        delete("store", true).await.unwrap();
    }
}
