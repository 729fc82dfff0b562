//! Drives events through an operator, as many as it takes, and counts what that costs.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use cicdcontext_tests::{figures::milliseconds, operator::Operator};
use tokio::time::sleep;

use crate::{
    error::BenchError,
    flow::{Flowed, IN_FLIGHT, flow},
    load::number,
    scene::{PATIENCE, Scene},
    sink::Sink,
};

/// What is not measured of a run: connections are opened, and templates compiled.
const WARM_UP: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(5);
/// Counts finished events, with labels.
const FINISHED: &str = "cicdcontext_events_total{";

/// How an event is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Object,
    Annotation,
}

impl By {
    /// As it stands in the names of figures.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Object => "by object",
            Self::Annotation => "by annotation",
        }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Driven {
    /// Events that were finished, in a second.
    pub(crate) per_second: f64,
    /// The operator's writes for each event, by what it wrote.
    pub(crate) writes: BTreeMap<String, f64>,
    /// Milliseconds on a processor for each event, of the operator.
    pub(crate) processor: f64,
}

impl Driven {
    /// The operator's writes for each event, without what it writes now and then: a context's status, and the deletes of
    /// the history.
    pub(crate) fn writes_per_event(&self) -> f64 {
        let own = ["event_create", "event_adopt", "event_status", "event_claim", "context_state"];
        own.iter().filter_map(|name| self.writes.get(*name)).sum()
    }
}

/// Asks for events of all contexts in turn, for `window` after a warm-up, and returns when all are finished. Each event is
/// to make `requests` requests.
pub(crate) async fn drive(
    scene: &Scene,
    sink: &Sink,
    operator: &Operator,
    by: By,
    requests: usize,
    window: Duration,
) -> Result<Driven, BenchError> {
    let requests = u64::try_from(requests).unwrap_or(1).max(1);
    let finished_before = finished(operator).await?;
    let writes_before = operator.writes().await?;
    let processor_before = operator.processor_time().unwrap_or_default();
    let over = AtomicBool::new(false);
    let ask = async |number: u64| {
        let context = usize::try_from(number).unwrap_or_default() % scene.uids.len();
        let id = format!("{}-{number}", scene.namespace);
        let acknowledged = match by {
            By::Object => scene.fire(context, &id).await,
            By::Annotation => scene.annotate(context, &id).await,
        };
        acknowledged.map(drop)
    };
    // Patches of one object at once are slow on any API server: what is measured is the operator.
    let in_flight = if by == By::Annotation { IN_FLIGHT.min(scene.uids.len()) } else { IN_FLIGHT };
    let asking = flow(sink, (in_flight, requests), ask, |_| !over.load(Ordering::Relaxed));
    let counting = async {
        sleep(WARM_UP).await;
        let (begun, before) = (Instant::now(), finished(operator).await?);
        sleep(window).await;
        let (ended, after) = (begun.elapsed(), finished(operator).await?);
        over.store(true, Ordering::Relaxed);
        Ok(number(after - before) / ended.as_secs_f64())
    };
    let (Flowed { events, .. }, per_second) = tokio::try_join!(asking, counting)?;
    all_finished(operator, finished_before + events).await?;
    let processor = operator.processor_time().unwrap_or_default().saturating_sub(processor_before);
    let writes = operator.writes().await?.into_iter().filter_map(|(name, count)| {
        let more = count - writes_before.get(&name).copied().unwrap_or_default();
        (more > 0).then(|| (name, number(more) / number(events)))
    });
    Ok(Driven { per_second, writes: writes.collect(), processor: milliseconds(processor) / number(events) })
}

/// Waits until the operator has finished so many events since it was started.
pub(crate) async fn all_finished(operator: &Operator, count: u64) -> Result<(), BenchError> {
    let begun = Instant::now();
    loop {
        let finished = finished(operator).await?;
        if finished >= count {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            let left = count - finished;
            return Err(BenchError::late(
                format!("the end of {count} events, of which {left} are not finished"),
                PATIENCE,
            ));
        }
        sleep(POLL).await;
    }
}

/// How many events the operator has finished, whatever came of them.
pub(crate) async fn finished(operator: &Operator) -> Result<u64, BenchError> {
    let metrics = operator.metrics().await?;
    let counts = metrics.lines().filter(|line| line.starts_with(FINISHED));
    Ok(counts.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum())
}
