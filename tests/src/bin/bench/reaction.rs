//! How long after the API server's acknowledgement the request arrives.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use cicdcontext_tests::{
    cluster::Role,
    figures::{milliseconds, percentile},
    operator::Operator,
};
use futures::future::try_join_all;
use serde_json::json;
use tokio::time::sleep_until;

use crate::{
    drive::{By, all_finished, drive, finished},
    error::BenchError,
    floor::Floor,
    predecessor::{self, Predecessor},
    report::{
        Section,
        figure::{Better, Figure, Unit},
    },
    scene::{PATIENCE, Scene, Size, name},
    sink::Sink,
    stage::Stage,
};

const METHOD: &str = "From the API server's acknowledgement to the request's arrival, in one process. At rest: one event after \
    the other, by object, by annotation and a create in a namespace without operator in turn, the state patched before each. At \
    half load: events by object come evenly at half the rate that was just measured, over 100 contexts.";
/// The predecessor takes half a second each time: it has its turn each so many runs, and so has cicdctl as a process.
const PROCESS_EVERY: usize = 15;
/// What has to be added to a create, in milliseconds: p50 by object alone, p50 by annotation, and both p99.
const ALLOWED: f64 = 5.0;

/// Measures at rest and at half load.
pub(crate) async fn measure(stage: &Stage, floor: &Floor, predecessor: Option<&Path>) -> Result<Section, BenchError> {
    let mut section = Section::new("reaction", "Reaction: from the acknowledgement to the request's arrival", METHOD);
    let sink = Sink::open().await?;
    let scene = Scene::build(stage, "reaction", &sink, &Size::default()).await?;
    let operator = stage.operator(&scene.namespace).await?;
    let predecessor = match predecessor {
        Some(folder) => Some(Predecessor::prepare(folder).await?),
        None => None,
    };
    at_rest(&mut section, stage, floor, predecessor.as_ref(), (&scene, &sink, &operator)).await?;
    at_half_load(&mut section, stage, &scene, &sink, &operator).await?;
    operator.stop().await?;
    Ok(section)
}

async fn at_rest(
    section: &mut Section,
    stage: &Stage,
    floor: &Floor,
    predecessor: Option<&Predecessor>,
    (scene, sink, operator): (&Scene, &Sink, &Operator),
) -> Result<(), BenchError> {
    let runs = stage.length.pick(60, 400);
    let (mut creates, mut objects, mut annotations) = (Vec::new(), Vec::new(), Vec::new());
    let (mut predecessors, mut commands) = (Vec::new(), Vec::new());
    for run in 0..runs {
        if let Some(predecessor) = predecessor.filter(|_| run % PROCESS_EVERY == 0) {
            predecessors.push(predecessor.react().await?);
            commands.push(command(stage, scene, sink).await?);
        }
        creates.push(floor.one_create().await?);
        for (by, durations) in [(By::Object, &mut objects), (By::Annotation, &mut annotations)] {
            // Two contexts, so that neither waits for what follows on the other's event.
            let context = usize::from(by == By::Annotation);
            scene.patch(context, &json!({"spec": {"state": {"run": run}}})).await?;
            let before = finished(operator).await?;
            let id = format!("rest-{context}-{run}");
            let acknowledged = match by {
                By::Object => scene.fire(context, &id).await?,
                By::Annotation => scene.annotate(context, &id).await?,
            };
            durations.push(since(acknowledged, sink.arrival(&id, PATIENCE).await?));
            all_finished(operator, before + 1).await?;
        }
    }
    let create = |percent| milliseconds(percentile(&creates, percent));
    push(section, "a create", "at rest", &creates, |figure, _| figure.better(Better::Neither));
    push(section, "by object", "at rest", &objects, |figure, percent| match percent {
        50 => figure.at_most(ALLOWED),
        99 => figure.at_most(2.0 * create(99) + ALLOWED),
        _ => figure,
    });
    push(section, "by annotation", "at rest", &annotations, |figure, percent| match percent {
        50 => figure.at_most(create(50) + ALLOWED),
        99 => figure.at_most(2.0 * create(99) + ALLOWED),
        _ => figure,
    });
    if predecessor.is_some() {
        push(section, "cicdctl event, from its start", "at rest", &commands, |figure, _| figure);
        push(section, "predecessor, from its start", "at rest", &predecessors, |figure, _| {
            figure.better(Better::Neither)
        });
        for (what, durations) in
            [("by object", &objects), ("by annotation", &annotations), ("cicdctl event", &commands)]
        {
            let times = milliseconds(percentile(&predecessors, 50)) / milliseconds(percentile(durations, 50));
            let times = Figure::of(format!("times faster than the predecessor, {what}"), Unit::Ratio, [times]);
            section.push(times.at("at rest", 0.0));
        }
    }
    Ok(())
}

/// An event by `cicdctl event`, from the start of its process.
async fn command(stage: &Stage, scene: &Scene, sink: &Sink) -> Result<Duration, BenchError> {
    let before = sink.count();
    let command = ["event", "-n", &scene.namespace, &name(2), "build=built"];
    let command = std::iter::once(stage.cicdctl.to_string_lossy().into_owned()).chain(command.map(str::to_owned));
    let kubeconfig = stage.access.kubeconfig(Role::Pipeline).to_string_lossy().into_owned();
    let environment = BTreeMap::from([("KUBECONFIG".to_owned(), kubeconfig)]);
    predecessor::time(&command.collect::<Vec<_>>(), &environment, &stage.directory, async || {
        sink.wait_for(before + 1, PATIENCE).await?;
        Ok(sink.last_arrival().unwrap_or_else(Instant::now))
    })
    .await
}

async fn at_half_load(
    section: &mut Section,
    stage: &Stage,
    scene: &Scene,
    sink: &Sink,
    operator: &Operator,
) -> Result<(), BenchError> {
    let most = drive(scene, sink, operator, By::Object, 1, stage.length.window(4, 10)).await?.per_second;
    let pause = Duration::from_secs_f64(2.0 / most);
    let whole = stage.length.window(5, 20).as_nanos() / pause.as_nanos().max(1);
    let count = u32::try_from(whole).unwrap_or(u32::MAX);
    let begun = tokio::time::Instant::now();
    // Each at its own time, whether those before it are acknowledged or not: a slow answer must not thin the load out.
    let one = async |number: u32| {
        sleep_until(begun + pause * number).await;
        let id = format!("half-{number}");
        let acknowledged = scene.fire(usize::try_from(number).unwrap_or_default() % scene.uids.len(), &id).await?;
        Ok::<_, BenchError>(since(acknowledged, sink.arrival(&id, PATIENCE).await?))
    };
    let durations = try_join_all((0..count).map(one)).await?;
    let rate = Figure::of("events by object", Unit::PerSecond, [1.0 / pause.as_secs_f64()]).better(Better::Neither);
    section.push(rate.at("at half load", 1.0));
    push(section, "by object", "at half load", &durations, |figure, _| figure);
    Ok(())
}

/// p50, p90 and p99.
fn push(section: &mut Section, what: &str, at: &str, durations: &[Duration], target: impl Fn(Figure, usize) -> Figure) {
    let x = f64::from(u8::from(at != "at rest"));
    for percent in [50, 90, 99] {
        let figure = Figure::percentile(format!("{what}, p{percent}"), durations, percent);
        section.push(target(figure, percent).at(at, x));
    }
}

/// Zero if the request was quicker than the acknowledgement's way to us.
fn since(acknowledged: Instant, arrived: Instant) -> Duration {
    arrived.saturating_duration_since(acknowledged)
}
