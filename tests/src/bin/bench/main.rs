//! Benchmarks on a real API server, in the cluster that `cluster with -- bench ...` starts; `make bench` runs them. It
//! only wires. Figures are printed and never asserted, since machines differ; what is acknowledged and then not there
//! is a failure.

mod error;
mod stage;
mod writers;

use std::{num::NonZero, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use self::{error::BenchError, stage::Stage};

/// Benchmarks on a real API server.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Debug, Subcommand)]
enum Benchmark {
    /// Compare writers of one context: plain merge patches against CicdStateWrites
    Writers(WritersArguments),
}

#[derive(Debug, Args)]
struct WritersArguments {
    /// How many write at once
    #[arg(long, value_delimiter = ',', default_value = "1,8,64", value_name = "N,...")]
    writers: Vec<NonZero<usize>>,
    /// How long each measurement lasts
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How often each is measured; the medians are printed
    #[arg(long, default_value = "3", value_name = "N")]
    repetitions: NonZero<usize>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { benchmark: Benchmark::Writers(arguments) } = Arguments::parse();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nbench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &WritersArguments) -> Result<(), BenchError> {
    let listen = |kind| signal(kind).map_err(BenchError::io("listen for", "signals"));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let stage = Stage::prepare().await?;
    let plan = writers::Plan {
        writers: arguments.writers.clone(),
        window: Duration::from_secs(arguments.seconds),
        repetitions: arguments.repetitions,
    };
    let outcome = tokio::select! {
        outcome = writers::measure(&stage, &plan) => outcome,
        _ = interrupt.recv() => Err(BenchError::Interrupted),
        _ = terminate.recv() => Err(BenchError::Interrupted),
    };
    let cleaned = stage.clean_up().await;
    outcome.and(cleaned)
}
