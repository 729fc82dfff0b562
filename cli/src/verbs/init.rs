//! `init`: creates the CicdContext of a run, or finds the one that the same run created before.

mod frozen;
mod request;

use std::time::Duration;

use cicdcontext_crds::{CicdContext, vocabulary::annotation::RUN_UID};
use cicdcontext_engine::state::patch;
use json_patch::{PatchOperation, jsonptr::PointerBuf};
use serde_json::{Value, json};

pub use request::Request;

use super::set::changes;
use crate::{
    arguments::{IfExists, InitArguments},
    console::Console,
    failure::Failure,
    setting::{Occasion, Setting},
    source::{Configuration, Context, Contexts, Problem},
};

/// How often somebody else may be faster.
const ATTEMPTS: usize = 5;
/// Pause before a context is created again of which nobody said whether it was.
const PAUSE: Duration = Duration::from_millis(200);

/// Carries out the command.
pub async fn command(arguments: &InitArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let object = setting.object("init", arguments.object.iter())?;
    let files = changes::of_files(&arguments.set_file, &arguments.set_json_file)?;
    let request = Request::read(arguments, object, files, setting.environment.run_uid.clone())?;
    run(&setting.place().await?, &request, &Occasion::now()?, console).await
}

/// Creates the context and prints its name.
pub async fn run<S: Contexts + Configuration>(
    source: &S,
    request: &Request,
    occasion: &Occasion,
    console: &mut Console,
) -> Result<(), Failure> {
    let mut context = request.context().clone();
    if request.freezes() {
        context.spec.variable_values = Some(frozen::variables(source, &context, occasion).await?);
    }
    let name = request.name();
    if let Some(kept) = create(source, request, &context).await? {
        console.note(&format!("CicdContext {name}: kept: it exists already, {kept}"));
    }
    console.data(&format!("{name}\n"))
}

/// Creates the context, or deals with the one that is there. Tells for which run that was made if it is kept.
async fn create<S: Contexts>(source: &S, request: &Request, context: &CicdContext) -> Result<Option<String>, Failure> {
    let name = request.name();
    let mut attempt = 0;
    loop {
        attempt += 1;
        match source.create_context(context).await {
            Err(error) if matches!(error.problem, Problem::AlreadyExists) => {}
            // If it was made, it is found as that of this run.
            Err(error) if error.problem.is_unclear() && request.run_uid().is_some() && attempt < ATTEMPTS => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            created => return Ok(created.map(|()| None)?),
        }
        let there = match source.context(name).await {
            Ok(there) => there,
            // Somebody has deleted it since.
            Err(error) if matches!(error.problem, Problem::NotFound(_)) && attempt < ATTEMPTS => continue,
            Err(error) => return Err(error.into()),
        };
        let made_for = there.annotations.get(RUN_UID);
        if made_for.is_some() && made_for == request.run_uid() {
            return Ok(Some("made for this run ($CICD_RUN_UID)".to_owned()));
        }
        let made_for =
            made_for.map_or_else(|| "made for no run in particular".to_owned(), |uid| format!("made for run {uid}"));
        match request.if_exists() {
            IfExists::Keep => return Ok(Some(made_for)),
            IfExists::Fail => return Err(Failure::ContextExists { context: name.to_owned(), made_for }),
            IfExists::Reset => match source.patch_context(name, &reset(&there, request, context)).await {
                Err(error) if matches!(error.problem, Problem::Conflict) && attempt < ATTEMPTS => {}
                reset => return Ok(reset.map(|()| None)?),
            },
        }
    }
}

/// Makes the context that is there what a new one would be. Its UID stays, and so do events that wait, its history and
/// the operator's ledger: nothing that was done once is done again.
fn reset(there: &Context, request: &Request, new: &CicdContext) -> Vec<PatchOperation> {
    let uid = patch::test(PointerBuf::from_tokens(["metadata", "uid"]), Value::from(there.uid.as_str()));
    // A spec is a tree of texts: it can always be written as JSON.
    let spec = patch::add(PointerBuf::from_tokens(["spec"]), serde_json::to_value(&new.spec).unwrap_or_default());
    let pointer = patch::annotation_pointer(Some(RUN_UID));
    let run = match (there.annotations.get(RUN_UID), request.run_uid()) {
        (None, None) => Vec::new(),
        (Some(old), None) => patch::take_annotation(RUN_UID, old).to_vec(),
        (None, Some(new)) if there.annotations.is_empty() => {
            let all = patch::annotation_pointer(None);
            vec![patch::test(all.clone(), Value::Null), patch::add(all, json!({ RUN_UID: new }))]
        }
        (old, Some(new)) => {
            let read = old.map_or(Value::Null, |old| Value::from(old.as_str()));
            vec![patch::test(pointer.clone(), read), patch::add(pointer, Value::from(new.as_str()))]
        }
    };
    [uid].into_iter().chain(run).chain([spec]).collect()
}

#[cfg(test)]
mod tests;
