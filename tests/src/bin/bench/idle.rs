//! When an operator has nothing to do, what it uses then, and what it takes to get there after a restart.

use std::time::{Duration, Instant};

use cicdcontext_tests::operator::{Launch, Operator};
use tokio::time::sleep;

use crate::{error::BenchError, load::number};

/// How often it is looked whether there is still something to do.
const LOOK: Duration = Duration::from_millis(500);
/// An operator that used a processor for no longer than this between two looks, and wrote nothing, does nothing: to be
/// asked for metrics costs a part of it.
const NOTHING: Duration = Duration::from_millis(30);
/// After so many looks that found nothing, there is nothing to do.
const LOOKS: u32 = 3;

/// What a restart cost, until there was nothing left to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restart {
    /// From the start of the process until it was ready.
    pub(crate) ready: Duration,
    /// On a processor, until there was nothing left to do.
    pub(crate) processor: Duration,
    /// Writes to the API server until then.
    pub(crate) writes: u64,
}

/// Stops an operator and starts another one; returns when that has nothing more to do.
pub(crate) async fn restart(launch: &Launch, before: Operator) -> Result<(Operator, Restart), BenchError> {
    before.stop().await?;
    let begun = Instant::now();
    let operator = Operator::start(launch).await?;
    let ready = begun.elapsed();
    settled(&operator, Duration::from_mins(3)).await?;
    let (processor, writes) = (processor(&operator), writes(&operator).await?);
    Ok((operator, Restart { ready, processor, writes }))
}

/// Waits until an operator has nothing more to do: it neither writes nor computes.
pub(crate) async fn settled(operator: &Operator, patience: Duration) -> Result<(), BenchError> {
    let begun = Instant::now();
    let (mut written, mut used, mut nothing) = (writes(operator).await?, processor(operator), 0);
    while nothing < LOOKS {
        if begun.elapsed() > patience {
            return Err(BenchError::late("the operator has nothing more to do", patience));
        }
        sleep(LOOK).await;
        let (written_now, used_now) = (writes(operator).await?, processor(operator));
        let quiet = written_now == written && used_now.saturating_sub(used) <= NOTHING;
        nothing = if quiet { nothing + 1 } else { 0 };
        (written, used) = (written_now, used_now);
    }
    Ok(())
}

/// How much of one processor an operator uses for so long, in percent. It is left alone meanwhile.
pub(crate) async fn processor_share(operator: &Operator, window: Duration) -> f64 {
    let (begun, before) = (Instant::now(), processor(operator));
    sleep(window).await;
    let used = processor(operator).saturating_sub(before);
    100.0 * used.as_secs_f64() / begun.elapsed().as_secs_f64()
}

/// How long an operator has used a processor; zero where the system does not tell.
pub(crate) fn processor(operator: &Operator) -> Duration {
    operator.processor_time().unwrap_or_default()
}

/// An operator's writes to the API server so far.
pub(crate) async fn writes(operator: &Operator) -> Result<u64, BenchError> {
    Ok(operator.writes().await?.values().sum())
}

/// Its writes of one kind so far.
pub(crate) async fn writes_of(operator: &Operator, target: &str) -> Result<u64, BenchError> {
    Ok(operator.writes().await?.get(target).copied().unwrap_or_default())
}

/// Resident memory of an operator, and the most that it ever was, in MiB; zero where the system does not tell.
pub(crate) fn memory(operator: &Operator) -> (f64, f64) {
    let memory = operator.memory().unwrap_or_default();
    (mebibytes(memory.resident), mebibytes(memory.peak))
}

/// Bytes in MiB.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    number(bytes / 1024) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mebibyte_is_1024_times_1024_bytes() {
        assert!((mebibytes(3 * 512 * 1024) - 1.5).abs() < f64::EPSILON);
    }
}
