//! Chaos: faults are injected into a running operator and its API server while it works, and what was lost, doubled or
//! left behind is counted. `make chaos` plays all of it, `make chaos-short` a form for CI.
//!
//! It only wires. Each scenario is a file below `scenario`; what is played stands in `workload`, what came of it is told
//! by `verdict`.

mod error;
mod follow;
mod ground;
mod keeper;
mod random;
mod scenario;
mod stage;
mod table;
mod verdict;
mod workload;

use std::{process::ExitCode, time::Instant};

use cicdcontext_tests::cluster::{Interrupt, workspace};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use self::{error::ChaosError, random::Random, scenario::Scenario, stage::Stage, table::Row};

/// Injects faults while the operator works, and counts what was lost, doubled or left behind.
#[derive(Debug, Parser)]
#[command(name = "chaos", max_term_width = 100)]
struct Arguments {
    /// Play this scenario; may be repeated [default: all]
    #[arg(long, value_enum, value_name = "NAME")]
    scenario: Vec<Scenario>,
    /// Play a short form of each: a minute or so in all
    #[arg(long)]
    short: bool,
    /// Where randomness begins: the moments of faults, and the order of what is played
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nchaos: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), ChaosError> {
    let listen = |kind| signal(kind).map_err(ChaosError::io("listen for", "signals"));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let stop = Interrupt::default();
    // The control plane is stopped when the stage is dropped, whichever comes first.
    let outcome = tokio::select! {
        outcome = play(arguments, &stop) => outcome,
        _ = interrupt.recv() => Err(ChaosError::Interrupted),
        _ = terminate.recv() => Err(ChaosError::Interrupted),
    };
    // What blocks a thread, as a start of the API server does, looks at it.
    stop.set();
    outcome
}

async fn play(arguments: &Arguments, stop: &Interrupt) -> Result<(), ChaosError> {
    let begun = Instant::now();
    let chosen = if arguments.scenario.is_empty() { Scenario::ALL.to_vec() } else { arguments.scenario.clone() };
    let stage = Stage::prepare(stop).await?;
    let mut rows = Vec::new();
    for scenario in chosen {
        println!("\n── {} {}", scenario.name(), "─".repeat(80));
        // Each has randomness of its own: it is the same whichever others are played.
        let mut random = Random::new(arguments.seed, scenario.name());
        let row = scenario.play(&stage, arguments.short, &mut random).await;
        // A scenario that came to nothing is told and held against the run, and the next one is played.
        let row = row.unwrap_or_else(|error| Row::failed(scenario.name(), &error));
        println!("{}", row.summary());
        rows.push(row);
    }
    stage.stop().await?;
    let form = if arguments.short { "short form" } else { "full form" };
    println!("\nChaos with seed {}, {form}, {} s:\n", arguments.seed, begun.elapsed().as_secs());
    print!("{}", table::text(&rows));
    let path = workspace().join("target/chaos/results.json");
    table::write(&path, arguments.seed, arguments.short, &rows)?;
    let bad: Vec<String> = rows.iter().filter(|row| !row.is_good()).map(|row| row.scenario.to_owned()).collect();
    if bad.is_empty() { Ok(()) } else { Err(ChaosError::Broken(bad)) }
}
