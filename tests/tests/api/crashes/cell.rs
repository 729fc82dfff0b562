//! One cell of the crash matrix: a scenario in a namespace of its own, played while an operator is killed at one point and
//! another one goes on.

use std::{
    collections::BTreeMap, fmt, os::unix::process::ExitStatusExt, pin::pin, process::ExitStatus, time::Duration,
};

use cicdcontext_operator::crash::Point;
use cicdcontext_tests::operator::{Launch, Operator, OperatorError};
use serde_json::Value;
use tokio::time::timeout;

use super::{
    scenario::{Guarantee, Scenario},
    seen,
};
use crate::scene::Scene;

/// How long an operator that has done all that is waited for may take to pass what it does by the way (a Kubernetes
/// Event, a status), and to be killed there. Every rehearsal takes that long.
const BY_THE_WAY: Duration = Duration::from_secs(1);

/// No scenario takes so many passes.
const NEVER: usize = 1_000_000;

/// What is played, and where the operator is killed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) guarantee: Guarantee,
    pub(super) scenario: Scenario,
    point: Point,
    occurrence: usize,
}

/// What was seen in a cell.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) cell: Cell,
    /// Whether the operator was killed, or had done everything before.
    pub(super) killed: bool,
    /// The points that the first operator passed, in their order, until all was finished.
    pub(super) passed: Vec<Point>,
    /// How often the request of each event and handler arrived.
    pub(super) arrivals: BTreeMap<String, usize>,
    /// `state.log`, if there is a context.
    pub(super) log: Value,
}

impl Cell {
    /// The operator survives, and tells by which points it comes.
    pub(super) fn rehearsal(guarantee: Guarantee, scenario: Scenario) -> Self {
        Self { guarantee, scenario, point: Point::EventCreated, occurrence: NEVER }
    }

    /// The operator is killed the `occurrence`th time that it passes `point`.
    pub(super) fn killed(guarantee: Guarantee, scenario: Scenario, point: Point, occurrence: usize) -> Self {
        Self { guarantee, scenario, point, occurrence }
    }

    /// Whether it mostly waits: nobody says that an outcome is unknown before the deadline of its claim.
    pub(super) fn waits(self) -> bool {
        let claimed = [Point::AttemptClaimed, Point::BeforeSend, Point::AttemptEnded];
        self.guarantee == Guarantee::AtMostOnce && claimed.contains(&self.point)
    }

    fn is_rehearsal(self) -> bool {
        self.occurrence == NEVER
    }

    /// Plays it, and fails unless everything is as promised.
    pub(super) async fn play(self) -> Row {
        let scene = Scene::without_operator().await;
        self.scenario.prepare(&scene, self.guarantee, self.point == Point::EventRunning).await;
        let launch = self.scenario.flags().iter().fold(scene.launch(), |launch, flag| launch.flag(flag));
        let planned = launch.clone().flag(&format!("--crash-at={}:{}", self.point, self.occurrence));
        let mut playing = pin!(self.scenario.play(&scene, self.guarantee));
        let mut first = Box::pin(until_ended(&planned));
        let ended = tokio::select! {
            ended = &mut first => Some(ended),
            () = &mut playing => None,
        };
        let finished = ended.is_none();
        let ended = match ended {
            None => timeout(BY_THE_WAY, first).await.ok(),
            ended => ended,
        };
        let log = scene.log();
        if let Some(status) = ended {
            assert_eq!(status.signal(), Some(9), "the operator ended with {status}, and not as planned:\n{log}");
            assert!(log.contains("killed here, as --crash-at says"), "{log}");
        }
        // It is as if the one that survived were killed now.
        let _second = Operator::start(&launch).await.unwrap_or_else(|error| panic!("{error}"));
        if !finished {
            playing.await;
        }
        let (arrivals, log_of_state) = seen::check(&scene, self.scenario, self.guarantee).await;
        Row { cell: self, killed: ended.is_some(), passed: passed(&log), arrivals, log: log_of_state }
    }
}

/// Starts an operator and waits until it has ended. It is killed when this is dropped.
async fn until_ended(launch: &Launch) -> ExitStatus {
    match Operator::start(launch).await {
        Ok(mut operator) => operator.exited().await.unwrap_or_else(|error| panic!("{error}")),
        // Some points come before it is ready.
        Err(OperatorError::Ended { status, .. }) => status,
        Err(error) => panic!("{error}"),
    }
}

/// The points that a log says were passed.
fn passed(log: &str) -> Vec<Point> {
    let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let passed = entries.filter(|entry| entry["message"] == "crash point passed");
    let names = passed.filter_map(|entry| entry["point"].as_str().map(ToOwned::to_owned));
    names.filter_map(|name| Point::ALL.iter().copied().find(|point| point.name() == name)).collect()
}

impl Row {
    /// Where the operator was killed.
    pub(super) fn killed_at(&self) -> Option<Point> {
        self.killed.then_some(self.cell.point)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { guarantee, scenario, point, occurrence } = self;
        write!(formatter, "{} {scenario:?}", guarantee.name())?;
        if self.is_rehearsal() { write!(formatter, " rehearsal") } else { write!(formatter, " {point}:{occurrence}") }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.killed { "killed" } else { "survived" };
        write!(formatter, "{}: {end}; arrived {:?}; log {}", self.cell, self.arrivals, self.log)
    }
}
