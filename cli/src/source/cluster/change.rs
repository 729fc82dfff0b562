//! A change of the state in one JSON patch, all or none, guarded by what was read.
//!
//! When somebody else changed the same place in the meantime, the context is read anew and the patch made anew, after
//! a pause that grows and differs from process to process.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::{
    failure::Failure,
    source::{
        Change, Changed, Contexts,
        plan::{Plan, plan},
    },
};

/// Attempts after the first one.
const RETRIES: usize = 10;
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
            plan(&context, change).map_err(|refusal| Failure::Refused { context: name.to_owned(), refusal })?;
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
