//! Ten endpoints, of which one hangs: what do the other nine feel of it?

use std::time::{Duration, Instant};

use cicdcontext_tests::{
    figures::{milliseconds, percentile},
    operator::Operator,
};
use futures::future::try_join_all;
use serde_json::json;
use tokio::time::sleep_until;

use crate::{
    drive::{all_finished, finished},
    error::BenchError,
    flow::fire,
    idle::settled,
    load::number,
    report::{
        Section,
        figure::{Better, Figure, Unit},
    },
    scene::{PATIENCE, Scene, Size, edit},
    sink::Sink,
    stage::Stage,
};

const CONTEXTS: usize = 100;
const ENDPOINTS: usize = 10;
/// Events in a second, of all contexts.
const RATE: u32 = 60;
/// Events that each context of the endpoint that hangs has, while it is measured how much the others do.
const HANGING: usize = 3;
/// How much greater the others' median may be.
const ALLOWED: f64 = 1.3;

/// What a series is made of.
struct Ground<'a> {
    scene: &'a Scene,
    sink: &'a Sink,
    operator: &'a Operator,
    window: Duration,
}

pub(super) async fn measure(stage: &Stage, section: &mut Section) -> Result<(), BenchError> {
    let sink = Sink::open().await?;
    // Nothing is cleaned up meanwhile.
    let size = Size { contexts: CONTEXTS, endpoints: ENDPOINTS, history: Some(1000), ..Size::default() };
    let scene = Scene::build(stage, "slow", &sink, &size).await?;
    let retry = json!({"initialDelaySeconds": 1, "maxDelaySeconds": 1, "maxAttempts": 50});
    let hangs = json!({"spec": {"url": sink.url("/hang"), "timeoutSeconds": 2, "retry": retry}});
    edit(&stage.admin, &scene.namespace, ("CicdEndpoint", "sink"), &hangs).await?;
    let operator = stage.operator(&scene.namespace).await?;
    settled(&operator, PATIENCE).await?;
    let ground = Ground { scene: &scene, sink: &sink, operator: &operator, window: stage.length.window(2, 3) };
    // Connections are opened, and templates compiled.
    ground.reaction("warm-up", false).await?;

    let (mut without, mut with) = (Vec::new(), Vec::new());
    for pair in 0..stage.length.pick(3, 5) {
        without.push(ground.reaction(&format!("without-{pair}"), false).await?);
        with.push(ground.reaction(&format!("with-{pair}"), true).await?);
    }
    let mut push = |figure: Figure| section.push(figure);
    let at = |durations: &[Vec<Duration>], percent| -> Vec<f64> {
        durations.iter().map(|durations| milliseconds(percentile(durations, percent))).collect()
    };
    for percent in [50, 99] {
        let (without, with) = (at(&without, percent), at(&with, percent));
        let grown: Vec<f64> = without.iter().zip(&with).map(|(without, with)| with / without).collect();
        let name = |what: &str| format!("the others, p{percent}, {what}");
        push(Figure::of(name("all answer"), Unit::Milliseconds, without));
        push(Figure::of(name("one of 10 hangs"), Unit::Milliseconds, with));
        if percent == 50 {
            push(Figure::of("the others' median, one of 10 hangs", Unit::Ratio, grown).at_most(ALLOWED));
        }
    }

    let (mut without, mut with) = (Vec::new(), Vec::new());
    for pair in 0..stage.length.pick(1, 3) {
        without.push(ground.throughput(&format!("much-without-{pair}"), false).await?);
        with.push(ground.throughput(&format!("much-with-{pair}"), true).await?);
    }
    let shares: Vec<f64> = without.iter().zip(&with).map(|(without, with)| with / without).collect();
    push(Figure::of("the others' events, all answer", Unit::PerSecond, without));
    push(Figure::of("the others' events, one of 10 hangs", Unit::PerSecond, with));
    push(Figure::of("the others' events, share that is left", Unit::Ratio, shares));
    push(Figure::of("requests that hung, in all", Unit::Count, [number(sink.hung())]).better(Better::Neither));
    operator.stop().await?;
    Ok(())
}

impl Ground<'_> {
    /// How long the requests of the other nine took; returns when all events are finished.
    async fn reaction(&self, purpose: &str, hangs: bool) -> Result<Vec<Duration>, BenchError> {
        let before = finished(self.operator).await?;
        self.sink.hang(hangs);
        let count = RATE * u32::try_from(self.window.as_secs()).unwrap_or(1);
        let begun = tokio::time::Instant::now();
        // Each at its own time, whether those before it are acknowledged or not: a slow answer must not thin the load out.
        let one = async |event: u32| {
            sleep_until(begun + Duration::from_secs(1) / RATE * event).await;
            let context = usize::try_from(event).unwrap_or_default() % CONTEXTS;
            let id = format!("{purpose}-{event}");
            let acknowledged = self.scene.fire(context, &id).await?;
            if is_slow(context) {
                return Ok(None);
            }
            let arrived = self.sink.arrival(&id, PATIENCE).await?;
            Ok::<_, BenchError>(Some(arrived.saturating_duration_since(acknowledged)))
        };
        let durations = try_join_all((0..count).map(one)).await?;
        self.end(before + u64::from(count)).await?;
        Ok(durations.into_iter().flatten().collect())
    }

    /// How many requests of the other nine came in a second; returns when all events are finished.
    async fn throughput(&self, purpose: &str, hangs: bool) -> Result<f64, BenchError> {
        let before = finished(self.operator).await?;
        self.sink.hang(hangs);
        for event in 0..HANGING {
            for context in (0..CONTEXTS).filter(|context| is_slow(*context)) {
                self.scene.fire(context, &format!("{purpose}-slow-{context}-{event}")).await?;
            }
        }
        let quick: Vec<usize> = (0..CONTEXTS).filter(|context| !is_slow(*context)).collect();
        let until = Instant::now() + self.window;
        let context = |number: u64| quick[usize::try_from(number).unwrap_or_default() % quick.len()];
        let flowed = fire(self.scene, self.sink, purpose, context, |_| Instant::now() < until).await?;
        let slow = u64::try_from(HANGING * (CONTEXTS - quick.len())).unwrap_or_default();
        self.end(before + flowed.events + slow).await?;
        Ok(flowed.per_second())
    }

    /// Lets everything be answered, and waits until so many events are finished.
    async fn end(&self, count: u64) -> Result<(), BenchError> {
        self.sink.hang(false);
        all_finished(self.operator, count).await
    }
}

/// Whether a context uses the endpoint that hangs.
fn is_slow(context: usize) -> bool {
    context.is_multiple_of(ENDPOINTS)
}
