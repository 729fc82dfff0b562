//! `generate`: runs a generator and waits for it. It is an event like any other.

use crate::{
    arguments::GenerateArguments,
    console::Console,
    failure::Failure,
    setting::{Occasion, Setting},
    verbs::event::{self, Request},
};

/// Carries out the command.
pub async fn command(
    arguments: &GenerateArguments,
    setting: Setting<'_>,
    console: &mut Console,
) -> Result<(), Failure> {
    let object = setting.object("generate", arguments.object.iter().chain(&arguments.generator))?;
    let request = Request::generator(arguments, object)?.of_run(setting.environment.run_uid.as_deref());
    event::run(&setting.place().await?, &request, &Occasion::now()?, console).await
}
