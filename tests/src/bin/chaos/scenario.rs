//! The scenarios: which there are, and what two of them share.

mod dead_endpoint;
mod outage;
mod replicas;
mod storm;

use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::{error::ChaosError, random::Random, stage::Stage, table::Row, verdict::Verdict};

/// A scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// The operator is killed every two seconds, the API server once
    Storm,
    /// Of two operators the one that works is stopped past its Lease and continued, again and again
    Replicas,
    /// The API server is away for a while, twice
    Outage,
    /// One of ten endpoints never answers
    DeadEndpoint,
}

impl Scenario {
    /// In the order in which they are played.
    pub(crate) const ALL: [Self; 4] = [Self::Storm, Self::Replicas, Self::Outage, Self::DeadEndpoint];

    /// The name, also of its namespace.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Storm => "storm",
            Self::Replicas => "replicas",
            Self::Outage => "outage",
            Self::DeadEndpoint => "dead-endpoint",
        }
    }

    /// Plays it, in full or in its short form.
    pub(crate) async fn play(self, stage: &Stage, short: bool, random: &mut Random) -> Result<Row, ChaosError> {
        let begun = Instant::now();
        let row = match self {
            Self::Storm => storm::play(stage, self.name(), short, random).await,
            Self::Replicas => replicas::play(stage, self.name(), short, random).await,
            Self::Outage => outage::play(stage, self.name(), short, random).await,
            Self::DeadEndpoint => dead_endpoint::play(stage, self.name(), short).await,
        };
        Ok(Row { scenario: self.name(), seconds: begun.elapsed().as_secs(), ..row? })
    }
}

/// What each scenario with appends expects.
const EXPECTED: &str = "events Succeeded, requests arrived with one webhook-id, appends once, no annotation left";

impl Row {
    /// What was found, and what could not be fired.
    fn of(verdict: Verdict, unfired: Vec<String>) -> Self {
        let Verdict { lost, doubled, mut stuck, repeated } = verdict;
        stuck.extend(unfired);
        Self { lost, doubled, stuck, repeated, expected: EXPECTED, ..Self::default() }
    }
}

/// Whole and tenths of seconds.
fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
