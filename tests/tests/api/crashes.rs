//! The crash matrix: the operator is killed with SIGKILL at each point between two effects that it names
//! (`cicdcontext_operator::crash::Point`), each time that the point comes up in a scenario; another one is started, and
//! then nothing may be lost, doubled or stuck.
//!
//! How often a point comes up is not guessed: each scenario is played once by an operator that survives, and its log tells.
//! `make guarantees` plays the same and writes what was seen into docs/guarantees.md.

mod cell;
mod page;
mod scenario;
mod seen;

use std::{collections::BTreeMap, env, fs, panic::AssertUnwindSafe, path::PathBuf, time::Instant};

use cicdcontext_operator::crash::Point;
use futures::{FutureExt, StreamExt, stream};

use self::{
    cell::{Cell, Row},
    scenario::{Guarantee, Scenario},
};

/// Cells that are played at the same time, each with an operator of its own.
const AT_ONCE: usize = 4;

/// The same of those that mostly wait.
const WAITING_AT_ONCE: usize = 8;

/// Where the table is written, if anywhere.
const FILE: &str = "GUARANTEES_FILE";

#[tokio::test]
async fn wherever_the_operator_is_killed_nothing_is_lost_doubled_or_stuck() {
    let begun = Instant::now();
    let games =
        || Guarantee::ALL.iter().flat_map(|guarantee| Scenario::ALL.iter().map(|scenario| (*guarantee, *scenario)));
    // Those mostly wait, for a time that nobody can shorten: they are not worth a place in the queue.
    let (patient, busy): (Vec<_>, Vec<_>) = games().partition(|(_, scenario)| scenario.rehearsed().is_none());
    let patient = patient.into_iter().flat_map(|(guarantee, scenario)| unrehearsed(guarantee, scenario));
    let (patient, busy) = tokio::join!(play(patient.collect(), usize::MAX), async {
        let rehearsals = busy.iter().map(|(guarantee, scenario)| Cell::rehearsal(*guarantee, *scenario)).collect();
        let mut played = play(rehearsals, AT_ONCE).await;
        let cells = played.iter().filter_map(|played| played.as_ref().ok()).flat_map(cells_after);
        let (waiting, working): (Vec<_>, Vec<_>) = cells.partition(|cell| cell.waits());
        let (waiting, working) = tokio::join!(play(waiting, WAITING_AT_ONCE), play(working, AT_ONCE));
        played.extend(waiting.into_iter().chain(working));
        println!("{} cells that do not mostly wait, in {:.1} s", played.len(), begun.elapsed().as_secs_f64());
        played
    });
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for played in patient.into_iter().chain(busy) {
        match played {
            Ok(row) => rows.push(row),
            Err(problem) => problems.push(problem),
        }
    }
    for row in &rows {
        println!("{row}");
    }
    println!("{} cells in {:.1} s", rows.len() + problems.len(), begun.elapsed().as_secs_f64());
    let missed = Point::ALL.iter().filter(|point| !rows.iter().any(|row| row.killed_at() == Some(**point)));
    problems.extend(missed.map(|point| format!("{point}: no scenario comes by, or none was killed there")));
    assert!(problems.is_empty(), "{} problems:\n\n{}", problems.len(), problems.join("\n\n"));
    if let Some(file) = env::var_os(FILE).map(PathBuf::from) {
        fs::write(&file, page::render(&rows)).unwrap();
    }
}

/// Plays each cell; one that fails tells how, and holds up no other.
async fn play(cells: Vec<Cell>, at_once: usize) -> Vec<Result<Row, String>> {
    let playing = cells.into_iter().map(|cell| async move {
        AssertUnwindSafe(cell.play()).catch_unwind().await.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("{cell}: {}", text.unwrap_or_default())
        })
    });
    stream::iter(playing).buffer_unordered(at_once.min(64)).collect().await
}

/// A cell for each time that a point of the scenario came up when it was rehearsed.
fn cells_after(rehearsal: &Row) -> Vec<Cell> {
    let Cell { guarantee, scenario, .. } = rehearsal.cell;
    let mut times: BTreeMap<Point, usize> = BTreeMap::new();
    for point in &rehearsal.passed {
        *times.entry(*point).or_default() += 1;
    }
    let reached =
        times.into_iter().filter(|(point, _)| scenario.rehearsed().is_some_and(|points| points.contains(point)));
    let cells = reached.flat_map(|(point, times)| (1..=times).map(move |occurrence| (point, occurrence)));
    let cells = cells.map(|(point, occurrence)| Cell::killed(guarantee, scenario, point, occurrence));
    cells.chain(unrehearsed(guarantee, scenario)).collect()
}

/// Cells for points that do not come up in a rehearsal, since that would take long.
fn unrehearsed(guarantee: Guarantee, scenario: Scenario) -> impl Iterator<Item = Cell> {
    scenario.slow_points().iter().map(move |point| Cell::killed(guarantee, scenario, *point, 1))
}
