//! Benchmarks on a real API server, in the cluster that `cluster with -- bench ...` starts; `make bench` runs them. It
//! only wires. Figures are reported with what they should be and never asserted, since machines differ; what is
//! acknowledged and then not there is a failure.

mod cli;
mod drive;
mod error;
mod floor;
mod flow;
mod growth;
mod idle;
mod load;
mod plan;
mod predecessor;
mod reaction;
mod report;
mod scale;
mod scene;
mod sink;
mod slow;
mod stage;
mod state;
mod throughput;
mod writers;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use self::{
    error::BenchError,
    floor::Floor,
    plan::Length,
    report::{Report, Section, check::Comparison, machine::Machine, page::Page},
    sink::Sink,
    stage::Stage,
};

/// Benchmarks on a real API server.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Measure(Benchmark),
    /// Write a page with charts from what `run` wrote; nothing is measured
    Page(PageArguments),
    /// Compare what `run` wrote with an earlier run of the same length; fails if a figure is more than 30 % worse
    Check(CheckArguments),
}

#[derive(Debug, Subcommand)]
enum Benchmark {
    /// Measure what the operator does, and compare it with what the API server does without it
    Run(RunArguments),
}

#[derive(Debug, Args)]
struct RunArguments {
    /// How long is measured
    #[arg(long, value_enum, default_value_t = Length::Full, value_name = "LENGTH")]
    length: Length,
    /// Only these questions [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME,...")]
    only: Vec<Question>,
    /// Where the figures are written, as JSON [default: they are only printed]
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// The operator to measure [default: the one beside this program]
    #[arg(long, value_name = "FILE")]
    operator: Option<PathBuf>,
    /// The cicdctl to measure [default: the one beside this program]
    #[arg(long, value_name = "FILE")]
    cicdctl: Option<PathBuf>,
    /// A Python environment that has what bench/cli/requirements.txt lists [default: the predecessor is not measured, nor
    /// is cicdctl against it]
    #[arg(long, value_name = "FOLDER")]
    predecessor: Option<PathBuf>,
}

/// What can be asked for by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Question {
    /// What the API server does without us
    Floor,
    /// How long until a request arrives
    Reaction,
    /// How many events in a second
    Throughput,
    /// How fast the state is written, and by how many
    State,
    /// What an event costs when there is more of everything
    Growth,
    /// cicdctl against the predecessor: whole processes over the same state
    Cli,
    /// What many contexts and events cost
    Scale,
    /// What receivers cost that do not answer, or want to be asked later
    Slow,
}

#[derive(Debug, Args)]
struct PageArguments {
    /// What was measured; a figure that several have is taken from the first
    #[arg(long = "report", value_name = "FILE", required = true)]
    reports: Vec<PathBuf>,
    /// Where README.md and the charts are written
    #[arg(long, value_name = "FOLDER")]
    into: PathBuf,
    /// Write nothing, and fail if what is there is not current
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Args)]
struct CheckArguments {
    /// The earlier run
    #[arg(long, value_name = "FILE")]
    baseline: PathBuf,
    /// What was measured now; the median of several is compared
    #[arg(long = "report", value_name = "FILE", required = true)]
    reports: Vec<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Measure(benchmark) => run(benchmark).await,
        Command::Page(arguments) => page(&arguments),
        Command::Check(arguments) => check(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nbench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn page(arguments: &PageArguments) -> Result<(), BenchError> {
    let page = Page::of(&read(&arguments.reports)?);
    page.notes.iter().for_each(|note| eprintln!("bench: {note}"));
    if arguments.check { page.check(&arguments.into) } else { page.write(&arguments.into) }
}

fn check(arguments: &CheckArguments) -> Result<(), BenchError> {
    let baseline = Report::read(&arguments.baseline)?;
    Comparison::of(&baseline, &read(&arguments.reports)?)?.conclude(&arguments.baseline)
}

fn read(reports: &[PathBuf]) -> Result<Vec<Report>, BenchError> {
    reports.iter().map(|path| Report::read(path)).collect()
}

async fn run(benchmark: Benchmark) -> Result<(), BenchError> {
    let listen = |kind| signal(kind).map_err(BenchError::io("listen for", "signals"));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let Benchmark::Run(arguments) = benchmark;
    let stage = Stage::prepare(arguments.length, arguments.operator.as_deref(), arguments.cicdctl.as_deref()).await?;
    let outcome = tokio::select! {
        outcome = all(&stage, &arguments) => outcome,
        _ = interrupt.recv() => Err(BenchError::Interrupted),
        _ = terminate.recv() => Err(BenchError::Interrupted),
    };
    let cleaned = stage.clean_up().await;
    outcome.and(cleaned)
}

/// Measures what is asked for, and reports it.
async fn all(stage: &Stage, arguments: &RunArguments) -> Result<(), BenchError> {
    let kubernetes = stage.admin.apiserver_version().await.map_err(BenchError::kubernetes("ask for the version"))?;
    let mut report = Report {
        date: k8s_openapi::jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        length: arguments.length,
        machine: Machine::here(kubernetes.git_version, stage.build()),
        sections: Vec::new(),
    };
    let sink = Sink::open().await?;
    let floor = Floor::prepare(stage, &sink).await?;
    let begun = Instant::now();
    for question in Question::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(question) {
            continue;
        }
        eprintln!("[{:>4} s] {question:?} ...", begun.elapsed().as_secs());
        let started = Instant::now();
        let Some(section) = answer(stage, &floor, arguments.predecessor.as_deref(), *question).await? else { continue };
        let section = Section { seconds: started.elapsed().as_secs(), ..section };
        section.print();
        report.sections.push(section);
        if let Some(into) = &arguments.into {
            report.write(into)?;
        }
    }
    eprintln!("[{:>4} s] done", begun.elapsed().as_secs());
    Ok(())
}

/// None if what it takes is not there.
async fn answer(
    stage: &Stage,
    floor: &Floor,
    predecessor: Option<&Path>,
    question: Question,
) -> Result<Option<Section>, BenchError> {
    Ok(Some(match question {
        Question::Floor => floor::measure(stage, floor).await?,
        Question::Reaction => reaction::measure(stage, floor, predecessor).await?,
        Question::Throughput => throughput::measure(stage, floor).await?,
        Question::State => state::measure(stage, floor).await?,
        Question::Growth => growth::measure(stage).await?,
        Question::Scale => scale::measure(stage).await?,
        Question::Slow => slow::measure(stage).await?,
        Question::Cli => match predecessor {
            Some(predecessor) => cli::measure(stage, predecessor).await?,
            None => return Ok(None),
        },
    }))
}
