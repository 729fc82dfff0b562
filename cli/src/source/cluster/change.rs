//! A change of the state, all or none: by a patch of our own, or by a CicdStateWrite that the operator applies.
//!
//! A patch is guarded by what was read. When somebody else changed the same place in the meantime, the context is read
//! anew and the patch made anew, after a pause that grows and differs from process to process. Many writers of one
//! place get on better through the operator, which merges what waits into one patch.

pub(in crate::source) mod state_write;

use std::{cell::Cell, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use cicdcontext_crds::ChangeOperation;
use cicdcontext_engine::state::{Path, PlainChange, Segment};
use json_patch::PatchOperation;

use self::state_write::{StateWrites, by_state_write, spec};
use crate::{
    arguments::Via,
    failure::Failure,
    setting::Occasion,
    source::{
        Change, Changed, Contexts, SourceError,
        plan::{Plan, plan},
    },
};

/// Attempts after the first one.
const RETRIES: usize = 10;
/// Attempts after the first one before the operator is asked to do it.
const RETRIES_BEFORE_THE_OPERATOR: usize = 2;
/// How long the API server may try to patch before the operator is asked to do it.
const PATIENCE: Duration = Duration::from_millis(500);
/// The first pause, and the longest; jitter adds up to as much again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// The pauses between attempts.
pub(super) fn delays() -> impl Iterator<Item = Duration> {
    let (first, longest) = PAUSES;
    ExponentialBuilder::new()
        .with_min_delay(first)
        .with_max_delay(longest)
        .with_max_times(RETRIES)
        .with_jitter()
        .build()
}

/// Makes a change in the way that it asks for. `auto` patches, and goes through the operator for whatever is added to a
/// list and where others get in the way each time.
pub(in crate::source) async fn make<S: Contexts + StateWrites>(
    source: &S,
    name: &str,
    change: &Change,
    occasion: &Occasion,
) -> Result<Changed, Failure> {
    let by_operator = async || {
        let spec = spec(name, change).map_err(|refusal| Failure::refused(name, refusal))?;
        by_state_write(source, spec, change, occasion).await
    };
    match change.via {
        Via::Patch => by_patch(source, name, change, delays()).await,
        Via::Operator => by_operator().await,
        Via::Auto if change.set.changes.iter().any(|change| adds(change.op)) => by_operator().await,
        // One that is too large for a state write can only go on as it began.
        Via::Auto if spec(name, change).is_err() => by_patch(source, name, change, delays()).await,
        Via::Auto => match first_attempts(source, name, change).await? {
            First::Made(changed) => Ok(changed),
            First::Hindered { attempts } => Ok(Changed { attempts, ..by_operator().await? }),
        },
    }
}

/// What came of the first attempts.
enum First {
    /// The change.
    Made(Changed),
    /// Others got in the way of so many patches.
    Hindered { attempts: usize },
}

/// A few patches. Many that come at once keep the API server busy with each other inside of itself, longest the one that
/// came last: it gives one up in good time if the change may be made again. That it did is told by an answer that says
/// nothing, or by none.
async fn first_attempts<S: Contexts + StateWrites>(source: &S, name: &str, change: &Change) -> Result<First, Failure> {
    let delays = delays().take(RETRIES_BEFORE_THE_OPERATOR);
    let repeatable = is_repeatable(change);
    let (sent, unclear) = (Cell::new(0), Cell::new(false));
    let patch = async |operations: &[PatchOperation]| {
        sent.set(sent.get() + 1);
        if !repeatable {
            return source.patch_context(name, operations).await;
        }
        let patched = source.patch_within(name, operations, PATIENCE).await;
        unclear.set(patched.as_ref().is_err_and(|error| error.problem.is_unclear()));
        patched
    };
    match attempts(source, name, change, delays, patch).await {
        Ok(changed) => Ok(First::Made(changed)),
        Err(Failure::Conflict { attempts, .. }) => Ok(First::Hindered { attempts }),
        Err(_) if unclear.get() => Ok(First::Hindered { attempts: sent.get() }),
        Err(failure) => Err(failure),
    }
}

/// Whether a change that was made can be made again and is the same: no condition that it may have broken itself, and no
/// places in a list, which may have moved.
fn is_repeatable(change: &Change) -> bool {
    let by_name = |path: &Path| path.segments().iter().all(|segment| matches!(segment, Segment::Key(_)));
    let same = |change: &PlainChange| !adds(change.op) && by_name(&change.path);
    change.set.preconditions.is_empty() && change.set.changes.iter().all(same)
}

/// Whether an operation adds to a list.
fn adds(op: ChangeOperation) -> bool {
    matches!(op, ChangeOperation::Append | ChangeOperation::Add)
}

/// Reads, decides and patches until nobody interferes, at most once more than there are `delays`.
pub(in crate::source) async fn by_patch<C: Contexts>(
    contexts: &C,
    name: &str,
    change: &Change,
    delays: impl Iterator<Item = Duration>,
) -> Result<Changed, Failure> {
    let patch = async |operations: &[PatchOperation]| contexts.patch_context(name, operations).await;
    attempts(contexts, name, change, delays, patch).await
}

/// The same with patches that are sent in one way or another.
async fn attempts<C: Contexts>(
    contexts: &C,
    name: &str,
    change: &Change,
    mut delays: impl Iterator<Item = Duration>,
    patch: impl AsyncFn(&[PatchOperation]) -> Result<(), SourceError>,
) -> Result<Changed, Failure> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let context = contexts.context(name).await?;
        let Plan { paths, operations, unusable_schema, .. } =
            plan(&context, change).map_err(|refusal| Failure::refused(name, refusal))?;
        let changed = Changed { paths, attempts, unusable_schema, ..Changed::default() };
        if changed.paths.is_empty() {
            return Ok(changed);
        }
        let Err(error) = patch(&operations).await else { return Ok(changed) };
        if !error.problem.is_worth_another_attempt() {
            return Err(error.into());
        }
        let Some(delay) = delays.next() else {
            return Err(Failure::Conflict { context: name.to_owned(), attempts });
        };
        tokio::time::sleep(delay).await;
    }
}

#[cfg(test)]
mod tests;
