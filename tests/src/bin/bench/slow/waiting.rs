//! Thousands of deliveries that wait for a retry: what they hold in memory, what they use, and what a restart takes.

use std::time::{Duration, Instant};

use cicdcontext_tests::{figures::milliseconds, operator::Operator};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    error::BenchError,
    flow::fire,
    idle::{memory, processor_share, restart, settled},
    load::{self, number},
    report::{
        Section,
        figure::{Better, Figure, Unit},
    },
    scene::{PATIENCE, Scene, Size, edit},
    sink::Sink,
    stage::Stage,
};

const CONTEXTS: usize = 100;
/// How much the memory may grow for as many as there are at most, in MiB.
const ALLOWED: f64 = 50.0;
/// Events that are sent before, at full speed.
const WARM_UP: u64 = 1000;
const POLL: Duration = Duration::from_millis(100);

pub(super) async fn measure(stage: &Stage, section: &mut Section) -> Result<(), BenchError> {
    let deliveries = stage.length.pick(1_000, 10_000);
    let sink = Sink::open().await?;
    let scene = Scene::build(stage, "waiting", &sink, &Size { contexts: CONTEXTS, ..Size::default() }).await?;
    let launch = stage.launch(&scene.namespace)?;
    let operator = Operator::start(&launch).await?;
    // What any load brings about is not the price of those that wait.
    let turn = |number| usize::try_from(number).unwrap_or_default() % CONTEXTS;
    fire(&scene, &sink, "warm-up", turn, |number| number < WARM_UP).await?;
    let busy = json!({"spec": {"url": sink.url("/busy")}});
    edit(&stage.admin, &scene.namespace, ("CicdEndpoint", "sink"), &busy).await?;
    settled(&operator, PATIENCE).await?;
    let (before, _) = memory(&operator);
    let begun = Instant::now();
    load::each(32, deliveries, async |event| scene.fire(event % CONTEXTS, &format!("waits-{event}")).await.map(drop))
        .await?;
    all_wait(&operator, deliveries).await?;
    eprintln!("         {deliveries} deliveries wait after {} s", begun.elapsed().as_secs());
    settled(&operator, PATIENCE).await?;
    let (after, peak) = memory(&operator);
    let idle = processor_share(&operator, stage.length.window(5, 10)).await;
    let (operator, restarted) = restart(&launch, operator).await?;
    all_wait(&operator, deliveries).await?;
    let (fresh, _) = memory(&operator);
    operator.stop().await?;

    let mut push = |figure: Figure| section.push(figure.at(format!("{deliveries} wait"), number(deliveries)));
    push(Figure::of("memory before they wait", Unit::Mebibytes, [before]));
    push(Figure::of("memory while they wait", Unit::Mebibytes, [after]));
    push(Figure::of("memory for those that wait", Unit::Mebibytes, [(after - before).max(0.0)]).at_most(ALLOWED));
    push(Figure::of("peak memory while they came", Unit::Mebibytes, [peak]));
    push(Figure::of("memory after a restart", Unit::Mebibytes, [fresh]));
    push(Figure::of("processor while they wait", Unit::Percent, [idle]).better(Better::Lower));
    push(Figure::of("start until it is ready", Unit::Milliseconds, [milliseconds(restarted.ready)]));
    push(Figure::of("processor time of a start", Unit::Milliseconds, [milliseconds(restarted.processor)]));
    Ok(())
}

/// Waits until the operator says that so many deliveries wait.
async fn all_wait(operator: &Operator, deliveries: usize) -> Result<(), BenchError> {
    let (begun, wanted) = (Instant::now(), u64::try_from(deliveries).unwrap_or_default());
    loop {
        let waiting = operator.metric("cicdcontext_deliveries_waiting").await?.unwrap_or_default();
        if waiting == wanted {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(BenchError::late(format!("{deliveries} that wait, of which {waiting} do"), PATIENCE));
        }
        sleep(POLL).await;
    }
}
