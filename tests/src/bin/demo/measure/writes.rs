//! How many writes to the API server the operator makes for one event with a capture.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{Bench, row};
use crate::{error::DemoError, events::Which};

const WITHIN: Duration = Duration::from_secs(30);
const EVENTS: u32 = 20;
/// The operator has done all that belongs to the events when it has not written for this long.
const QUIET: Duration = Duration::from_secs(2);
const QUIET_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(200);

type Writes = BTreeMap<String, u64>;

pub(super) async fn measure(bench: &Bench<'_>) -> Result<(), DemoError> {
    println!("Writes that the operator makes for one event with a capture, mean of {EVENTS} events:");
    bench.context("writes-annotated").await?;
    let before = quiet(bench).await?;
    for number in 0..EVENTS {
        let id = format!("write-{number}");
        bench.annotate("writes-annotated", &id, "captured").await?;
        finish(bench, Which::Annotation { context: "writes-annotated".to_owned(), id }).await?;
    }
    show("from an annotation", &before, &quiet(bench).await?, "at most 4");

    let uid = bench.context("writes-created").await?;
    let before = quiet(bench).await?;
    for number in 0..EVENTS {
        let name = format!("writes-created-{number}");
        bench.create_event("writes-created", &uid, &name, "captured").await?;
        finish(bench, Which::Name(name)).await?;
    }
    show("from a CicdEvent whose creator set uid and createdAt", &before, &quiet(bench).await?, "at most 2");
    Ok(())
}

async fn finish(bench: &Bench<'_>, which: Which) -> Result<(), DemoError> {
    let request = bench.scene.services.next(WITHIN).await;
    request.ok_or_else(|| DemoError::Late { what: format!("the request of {which:?}"), waited: WITHIN })?;
    bench.follow.finished(&which, WITHIN).await.map(drop)
}

/// The counts once they do not change any more.
async fn quiet(bench: &Bench<'_>) -> Result<Writes, DemoError> {
    let operator = bench.scene.operator()?;
    let start = Instant::now();
    let (mut counts, mut since) = (operator.writes().await?, Instant::now());
    while since.elapsed() < QUIET && start.elapsed() < QUIET_WITHIN {
        sleep(POLL).await;
        let now = operator.writes().await?;
        if now != counts {
            (counts, since) = (now, Instant::now());
        }
    }
    Ok(counts)
}

fn show(what: &str, before: &Writes, after: &Writes, target: &str) {
    let more = |(name, count): (&String, &u64)| (name.clone(), count - before.get(name).copied().unwrap_or_default());
    let more: Writes = after.iter().map(more).filter(|(_, count)| *count > 0).collect();
    row(what, &each(more.values().sum()), target);
    let parts: Vec<String> = more.iter().map(|(name, count)| format!("{name} {}", each(*count))).collect();
    println!("    {}", parts.join(", "));
}

/// For one event.
fn each(count: u64) -> String {
    // Exact for all counts that occur here.
    let count = u32::try_from(count).map_or(f64::INFINITY, f64::from);
    format!("{:.2}", count / f64::from(EVENTS))
}
