//! How many events in a second: one way to ask for them after the other, one factor varied at a time, and as a share of
//! what the API server does without us.

use std::time::Duration;

use crate::{
    drive::{By, Driven, drive},
    error::BenchError,
    floor::{Cost, Floor},
    load::number,
    report::{
        Section,
        figure::{Better, Figure, Unit},
    },
    scene::{Scene, Size},
    sink::Sink,
    stage::Stage,
};

/// How many requests the floor has in flight: it does most with these.
const FLOOR_IN_FLIGHT: [usize; 2] = [8, 64];
/// How much of a window the floor measures, before and after.
const FLOOR_SHARE: u32 = 8;
const METHOD: &str = "Events of contexts in turn, never more than 200 asked for and not arrived, counted where they are \
    finished, after 2 s of warm-up; each row in a namespace and with an operator of its own. A share is one by what the API \
    server does without an operator when one client makes the same writes (floor), measured before and after.";

/// What is varied, and how it is called.
struct Row {
    by: By,
    at: String,
    x: f64,
    size: Size,
    /// Whether this is the case that the targets are about.
    main: bool,
}

/// Measures all rows.
pub(crate) async fn measure(stage: &Stage, floor: &Floor) -> Result<Section, BenchError> {
    let mut section = Section::new("throughput", "Throughput: finished events in a second", METHOD);
    let (main, short) = (stage.length.window(8, 60), stage.length.window(4, 20));
    for row in rows(stage) {
        let window = if row.main { main } else { short };
        let (driven, shares) = one(stage, floor, &row, window).await?;
        report(&mut section, &row, &driven, &shares);
    }
    Ok(section)
}

fn rows(stage: &Stage) -> Vec<Row> {
    let row = |by, at: &str, x, size| Row { by, at: at.to_owned(), x, size, main: false };
    let usual = Size::default();
    let contexts = |by, contexts| Row {
        main: contexts == usual.contexts,
        ..row(by, &format!("{contexts} contexts"), number(contexts), Size { contexts, ..usual })
    };
    let mut rows = vec![contexts(By::Object, 100), contexts(By::Annotation, 100)];
    if stage.length.pick(false, true) {
        rows.extend([1, 10, 1000].map(|count| contexts(By::Object, count)));
        rows.extend([1, 10, 1000].map(|count| contexts(By::Annotation, count)));
        for by in [By::Object, By::Annotation] {
            rows.push(row(by, "5 handlers", 5.0, Size { handlers: 5, ..usual }));
            rows.push(row(by, "1 capture", 1.0, Size { captures: 1, ..usual }));
        }
    }
    rows
}

async fn one(stage: &Stage, floor: &Floor, row: &Row, window: Duration) -> Result<(Driven, Vec<f64>), BenchError> {
    let cost = match row.by {
        By::Object => Cost::Object,
        By::Annotation => Cost::Annotation,
    };
    let mut floors = Vec::new();
    if row.main {
        floors.push(best(floor, cost, window / FLOOR_SHARE).await?);
    }
    let sink = Sink::open().await?;
    let scene = Scene::build(stage, "events", &sink, &row.size).await?;
    let operator = stage.operator(&scene.namespace).await?;
    let driven = drive(&scene, &sink, &operator, row.by, row.size.handlers, window).await?;
    operator.stop().await?;
    if row.main {
        floors.push(best(floor, cost, window / FLOOR_SHARE).await?);
    }
    Ok((driven, floors))
}

/// The most that the API server does, however many requests are in flight.
async fn best(floor: &Floor, cost: Cost, window: Duration) -> Result<f64, BenchError> {
    let mut best = 0.0_f64;
    for in_flight in FLOOR_IN_FLIGHT {
        best = best.max(floor.run(cost, in_flight, window).await?.per_second());
    }
    Ok(best)
}

fn report(section: &mut Section, row: &Row, driven: &Driven, floors: &[f64]) {
    let (by, captures) = (row.by.word(), number(row.size.captures));
    let mut push = |figure: Figure| section.push(figure.at(row.at.clone(), row.x));
    push(Figure::of(format!("events {by}"), Unit::PerSecond, [driven.per_second]));
    let (share, allowed) = match row.by {
        By::Object => (0.60, 1.0),
        By::Annotation => (0.45, 3.0),
    };
    if !floors.is_empty() {
        push(
            Figure::of(format!("the same writes without us, {by}"), Unit::PerSecond, floors.iter().copied())
                .better(Better::Neither),
        );
        let floor = cicdcontext_tests::figures::median(floors.iter().copied());
        push(Figure::of(format!("share of the floor, {by}"), Unit::Ratio, [driven.per_second / floor]).at_least(share));
    }
    let writes = driven.writes_per_event();
    // Whoever's event is in flight when counting begins or ends is counted in part: a hundredth is allowed for that.
    let most = (allowed + captures) * 1.01;
    push(Figure::of(format!("the operator's writes for an event {by}"), Unit::Count, [writes]).at_most(most));
    let apart = ["context_status", "event_delete"].map(|name| driven.writes.get(name).copied().unwrap_or_default());
    push(Figure::of(format!("beside them, of status and history, {by}"), Unit::Count, [apart.iter().sum()]));
    push(Figure::of(
        format!("the operator's processor time for an event {by}"),
        Unit::Milliseconds,
        [driven.processor],
    ));
}
