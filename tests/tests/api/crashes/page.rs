//! docs/guarantees.md: written from what was seen, and checked without playing anything.
//!
//! What differs from run to run is not written: whether a request was repeated that was under way while the operator was
//! killed for something else.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use cicdcontext_operator::crash::Point;
use cicdcontext_tests::cluster::workspace;

use super::{
    cell::Row,
    scenario::{Guarantee, Scenario},
};

const INTRODUCTION: &str = "\
# What a crash does to deliveries and state

<!-- Written by `make guarantees`; do not edit. -->

The operator may be killed at any instant: a node fails, memory runs out, somebody deletes the Pod by force. What it
promises for that case depends on the endpoint that a request goes to (`spec.deliveryGuarantee` of the CicdEndpoint):

* **AtLeastOnce**, the default: each request arrives. If the operator is killed after it was sent and before that is
  written down, the next one sends it again, and both carry the same `webhook-id` and `Idempotency-Key` and the same body.
  A receiver that remembers the ids of the last requests acts on each of them once.
* **AtMostOnce**: no request arrives twice. If nobody knows any more whether it arrived it is not sent again; its handler
  is Unknown, its event Failed with reason OutcomeUnknown, and a person decides.

Whatever an endpoint says, no change of the state is made twice: what handlers set, what is captured from answers, what
state writes say. None is lost either, but for what was to be captured from an answer that nobody received.

## How this was found out

The operator names each place between two effects, after each kind of write to the API server and on both sides of a
request. For each of them, and for each time that it comes up, the test suite starts an operator that kills itself there
with SIGKILL (`--crash-at POINT:N`, in debug builds only), on a real API server and with a receiver that counts, and then
starts another one. When all is finished these have to hold: the requests and the state are as promised, every event is
finished, every state write and event annotation is gone, and one more event runs and leaves nothing of the former ones in
the ledger. `make test` plays the same and fails if one of them does not.

Each event has three handlers: one appends to a list of the state, one sends a request and captures from the answer, with
an append among what it captures, one sends another request.

| scenario | what is played |
|---|---|
";

const POINTS: &str = "
## The points

| killed at | what is done, and what is not |
|---|---|
";

const LEGEND: &str = "\
What was seen of the event's requests and appends when all was finished; requests that the receiver refused do not count.
`-`: the point does not come up in this scenario.
";

/// The columns. Scenarios with few points of their own share one.
const COLUMNS: [(&str, &[Scenario]); 6] = [
    ("annotation", &[Scenario::Annotation]),
    ("object", &[Scenario::Object]),
    ("state writes", &[Scenario::StateWrites]),
    ("retry", &[Scenario::Retried]),
    ("redelivery", &[Scenario::Redelivered]),
    (CLEARED, &[Scenario::History, Scenario::Restored, Scenario::Idle]),
];

/// Title of the scenarios about what goes, and what comes back.
const CLEARED: &str = "history and copies";

/// Points that are passed while requests of the same event may be under way.
const MEANWHILE: [Point; 6] = [
    Point::AnnotationsRemoved,
    Point::ContextStatus,
    Point::BaseStatus,
    Point::EndpointStatus,
    Point::KubernetesEvent,
    Point::EventRunning,
];

const NOT_REACHED: &str = "-";
const NOT_SENT: &str = "not sent";

fn what(scenario: Scenario) -> (&'static str, &'static str) {
    match scenario {
        Scenario::Annotation => ("annotation", "an annotation `event.cicdcontext.io/<id>` on a context"),
        Scenario::Object => {
            ("object", "a CicdEvent without `contextRef.uid`, for a context that is suspended until it waits")
        }
        Scenario::StateWrites => (
            "state writes",
            "three CicdStateWrites of one context, one of which appends, a fourth one that is refused, and an event",
        ),
        Scenario::Retried => (
            "retry",
            "a delivery that fails once and is tried again: the receiver answers 503, or, with AtMostOnce, a Secret is not there yet",
        ),
        Scenario::Redelivered => (
            "redelivery",
            "a delivery that fails for good, and then the annotation `redeliver.cicdcontext.io/<id>` on its event",
        ),
        Scenario::History => {
            (CLEARED, "two events that are deleted once they are finished, and a copy of one that comes back")
        }
        Scenario::Restored => (CLEARED, "a context out of a backup, with the event annotation of its former life"),
        Scenario::Idle => (CLEARED, "a context that is deleted after its `ttlSecondsAfterLastActivity`"),
    }
}

/// The page.
pub(super) fn render(rows: &[Row]) -> String {
    let mut page = INTRODUCTION.to_owned();
    for scenario in Scenario::ALL {
        let (name, what) = what(*scenario);
        let _ = writeln!(page, "| {name} | {what} |");
    }
    page.push_str(POINTS);
    for point in Point::ALL {
        let _ = writeln!(page, "| `{point}` | {} |", point.sentence());
    }
    for guarantee in Guarantee::ALL {
        let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        let _ = write!(page, "\n## {}\n\n{LEGEND}\n", guarantee.name());
        let _ = writeln!(page, "| killed at | {} |\n|---{}|", names.join(" | "), "|---".repeat(names.len()));
        for point in Point::ALL {
            let cells = COLUMNS.map(|(_, scenarios)| cell(rows, *guarantee, *point, scenarios));
            let _ = writeln!(page, "| `{point}` | {} |", cells.join(" | "));
        }
    }
    page
}

fn cell(rows: &[Row], guarantee: Guarantee, point: Point, scenarios: &[Scenario]) -> &'static str {
    let of_cell = |row: &&Row| row.cell.guarantee == guarantee && scenarios.contains(&row.cell.scenario);
    let seen: Vec<&Row> = rows.iter().filter(of_cell).filter(|row| row.killed_at() == Some(point)).collect();
    let counts: BTreeSet<usize> = seen.iter().flat_map(|row| row.arrivals.values().copied()).collect();
    let [once, repeated] = words(guarantee);
    match (seen.is_empty(), counts.iter().next_back()) {
        (true, _) => NOT_REACHED,
        (false, None) => NOT_SENT,
        (false, Some(_)) if MEANWHILE.contains(&point) => repeated,
        (false, Some(_)) => {
            if counts.iter().all(|count| *count == 1) && seen.iter().all(|row| captured_all(row)) {
                once
            } else {
                repeated
            }
        }
    }
}

/// Whether each answer brought into the state what it had to; that cannot be seen where no context is left.
fn captured_all(row: &Row) -> bool {
    let Some(log) = row.log.as_array() else { return true };
    log.iter().filter(|entry| **entry == "told").count() == row.cell.scenario.events().len()
}

/// What is said of requests that arrived once each, and of others.
fn words(guarantee: Guarantee) -> [&'static str; 2] {
    match guarantee {
        Guarantee::AtLeastOnce => ["exactly once; appended once", "at least once, one id; appended once"],
        Guarantee::AtMostOnce => ["exactly once; appended once", "at most once, captures too; set values once"],
    }
}

/// The page without its cells, and the cells of each point and guarantee.
fn taken_apart(page: &str) -> (String, Vec<(String, Guarantee, Vec<String>)>) {
    let mut frame = String::new();
    let mut cells = Vec::new();
    let mut section = None;
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = Guarantee::ALL.iter().copied().find(|guarantee| guarantee.name() == title);
        }
        match (section, line.strip_prefix("| `").and_then(|rest| rest.split_once("` | "))) {
            (Some(guarantee), Some((point, rest))) => {
                let row = rest.trim_end_matches(" |").split(" | ").map(ToOwned::to_owned);
                cells.push((point.to_owned(), guarantee, row.collect()));
                frame.push_str(point);
            }
            _ => frame.push_str(line),
        }
        frame.push('\n');
    }
    (frame, cells)
}

#[test]
fn the_page_in_the_repository_tells_of_every_point_and_promises_what_was_checked() {
    let committed = fs::read_to_string(workspace().join("docs/guarantees.md")).unwrap();
    let (frame, rows) = taken_apart(&committed);
    let (expected, _) = taken_apart(&render(&[]));
    assert_eq!(frame, expected, "docs/guarantees.md is not current: run `make guarantees`");
    let mut reached = BTreeSet::new();
    for (point, guarantee, cells) in rows {
        let known = [NOT_REACHED, NOT_SENT].into_iter().chain(words(guarantee)).collect::<BTreeSet<_>>();
        assert!(cells.len() == COLUMNS.len() && cells.iter().all(|cell| known.contains(cell.as_str())), "{cells:?}");
        if cells.iter().any(|cell| cell != NOT_REACHED) {
            reached.insert(point);
        }
    }
    assert_eq!(reached.len(), Point::ALL.len(), "points that no scenario comes by are missing: {reached:?}");
}
