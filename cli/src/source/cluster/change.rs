//! A change of the state, all or none: by a patch of our own, or by a CicdStateWrite that the operator applies.
//!
//! A patch is guarded by what was read. When somebody else changed the same place in the meantime, the context is read
//! anew and the patch made anew, after a pause that grows and differs from process to process. Many writers of one
//! place get on better through the operator, which merges what waits into one patch.

pub(in crate::source) mod state_write;

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use cicdcontext_crds::ChangeOperation;
use cicdcontext_engine::state::{Path, PlainChange, Segment};

use self::state_write::{StateWrites, by_state_write, spec};
use crate::{
    arguments::Via,
    failure::Failure,
    setting::Occasion,
    source::{
        Change, Changed, Contexts, Problem,
        plan::{Plan, plan},
    },
};

/// Attempts after the first one.
const RETRIES: usize = 10;
/// Attempts after the first one before the operator is asked to do it.
const RETRIES_BEFORE_THE_OPERATOR: usize = 2;
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
        Via::Auto => match by_patch(source, name, change, delays().take(RETRIES_BEFORE_THE_OPERATOR)).await {
            Err(Failure::Conflict { attempts, .. }) => Ok(Changed { attempts, ..by_operator().await? }),
            // So many write at once that the API server lost patience with itself.
            Err(Failure::Source(error)) if may_have_been_made(&error.problem) && is_repeatable(change) => {
                by_operator().await
            }
            made => made,
        },
    }
}

/// Whether the API server was reached and did not say what came of a patch.
fn may_have_been_made(problem: &Problem) -> bool {
    matches!(problem, Problem::Timeout { changes: true, .. } | Problem::Other { code: 500.., .. })
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
    mut delays: impl Iterator<Item = Duration>,
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
        let Err(error) = contexts.patch_context(name, &operations).await else { return Ok(changed) };
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
