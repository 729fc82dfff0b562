//! Many finished events: what they cost while they are kept, and how fast they go.

use std::time::{Duration, Instant};

use cicdcontext_tests::operator::Operator;
use serde_json::json;
use tokio::time::sleep;

use crate::{
    drive::all_finished,
    error::BenchError,
    flow::fire,
    idle::{memory, settled, writes_of},
    load::{self, number},
    plan::Length,
    report::{
        Section,
        figure::{Better, Figure, Unit},
    },
    scene::{PATIENCE, Scene, Size},
    sink::Sink,
    stage::Stage,
};

const CONTEXTS: usize = 100;
/// Events that each context keeps at first, as many as can be.
const KEPT: i32 = 1000;
/// Events that each context keeps in the end.
const LIMIT: usize = 5;
const POLL: Duration = Duration::from_millis(20);
/// How long events may take to be deleted: there may be 100,000.
const CLEANING: Duration = Duration::from_mins(15);

pub(super) async fn measure(stage: &Stage, section: &mut Section) -> Result<(), BenchError> {
    let events = match stage.length {
        Length::Quick => 1_000,
        Length::Full => 10_000,
        Length::Long => 100_000,
    };
    let sink = Sink::open().await?;
    let size = Size { contexts: CONTEXTS, history: Some(KEPT), ..Size::default() };
    let scene = Scene::build(stage, "history", &sink, &size).await?;
    let launch = stage.launch(&scene.namespace)?.flag("--event-minimum-age").flag("0s");
    let operator = Operator::start(&launch).await?;
    settled(&operator, PATIENCE).await?;
    let (before, _) = memory(&operator);
    let flowed = fire(&scene, &sink, "old", turn, |number| number < events).await?;
    all_finished(&operator, events).await?;
    eprintln!("         {events} events after {} s", flowed.took.as_secs());
    settled(&operator, PATIENCE).await?;
    let (full, _) = memory(&operator);
    let cleaned = clean(&scene, &operator, events).await?;
    settled(&operator, PATIENCE).await?;
    let (after, _) = memory(&operator);
    operator.stop().await?;

    let events = usize::try_from(events).unwrap_or_default();
    let mut push = |figure: Figure| section.push(figure.at(format!("{events} events"), number(events)));
    push(Figure::of("memory before the events", Unit::Mebibytes, [before]));
    push(Figure::of("memory with the events", Unit::Mebibytes, [full]));
    push(Figure::of("memory after the events went", Unit::Mebibytes, [after]));
    push(Figure::of("events deleted", Unit::PerSecond, [cleaned.per_second]));
    let ledgers = Figure::of("other writes for an event deleted", Unit::Count, [cleaned.other_writes]);
    push(ledgers.better(Better::Lower));
    Ok(())
}

fn turn(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default() % CONTEXTS
}

struct Cleaned {
    per_second: f64,
    /// Writes for each event deleted, beside the delete.
    other_writes: f64,
}

/// Lowers the limits of all contexts and waits until what is beyond them is gone.
async fn clean(scene: &Scene, operator: &Operator, events: u64) -> Result<Cleaned, BenchError> {
    let deleted = async || writes_of(operator, "event_delete").await;
    let others = async || {
        let writes = operator.writes().await?;
        Ok::<_, BenchError>(writes.iter().filter(|(target, _)| *target != "event_delete").map(|(_, count)| count).sum())
    };
    let (deleted_before, others_before): (u64, u64) = (deleted().await?, others().await?);
    let patch = json!({"spec": {"eventHistoryLimit": LIMIT}});
    load::each(16, CONTEXTS, async |context| scene.patch(context, &patch).await).await?;
    let goal = events - u64::try_from(CONTEXTS * LIMIT).unwrap_or_default();
    let waiting = Instant::now();
    let (mut first, mut done) = (None, 0);
    while done < goal {
        if waiting.elapsed() > CLEANING {
            return Err(BenchError::late(format!("the end of {goal} events, of which {done} are deleted"), CLEANING));
        }
        done = deleted().await? - deleted_before;
        if done > 0 {
            first.get_or_insert((Instant::now(), done));
        }
        sleep(POLL).await;
    }
    let ended = Instant::now();
    let (begun, at_first) = first.unwrap_or((waiting, 0));
    Ok(Cleaned {
        per_second: number(done - at_first) / (ended - begun).as_secs_f64().max(POLL.as_secs_f64()),
        other_writes: number(others().await? - others_before) / number(done),
    })
}
