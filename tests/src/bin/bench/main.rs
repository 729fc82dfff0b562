//! Benchmarks on a real API server, in the cluster that `cluster with -- bench ...` starts; `make bench` runs them. It
//! only wires. Figures are printed and never asserted, since machines differ; what is acknowledged and then not there
//! is a failure.

mod cli;
mod error;
mod stage;
mod writers;

use std::{num::NonZero, path::PathBuf, process::ExitCode, time::Duration};

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
    /// Compare cicdctl with the predecessor: whole processes over the same state
    Cli(CliArguments),
}

#[derive(Debug, Args)]
struct CliArguments {
    /// A Python environment that has what bench/cli/requirements.txt lists
    #[arg(long, value_name = "FOLDER")]
    predecessor: PathBuf,
    /// The cicdctl to measure [default: the one beside this program]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// How often each command is run; the medians are printed
    #[arg(long, default_value = "11", value_name = "N")]
    rounds: NonZero<usize>,
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
    match run(Arguments::parse().benchmark).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nbench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(benchmark: Benchmark) -> Result<(), BenchError> {
    let listen = |kind| signal(kind).map_err(BenchError::io("listen for", "signals"));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let stage = Stage::prepare().await?;
    let outcome = tokio::select! {
        outcome = measure(&stage, benchmark) => outcome,
        _ = interrupt.recv() => Err(BenchError::Interrupted),
        _ = terminate.recv() => Err(BenchError::Interrupted),
    };
    let cleaned = stage.clean_up().await;
    outcome.and(cleaned)
}

async fn measure(stage: &Stage, benchmark: Benchmark) -> Result<(), BenchError> {
    match benchmark {
        Benchmark::Writers(WritersArguments { writers, seconds, repetitions }) => {
            let plan = writers::Plan { writers, window: Duration::from_secs(seconds), repetitions };
            writers::measure(stage, &plan).await
        }
        Benchmark::Cli(CliArguments { predecessor, program, rounds }) => {
            let plan = cli::Plan { predecessor, program, rounds: rounds.get() };
            cli::measure(stage, &plan).await
        }
    }
}
