//! The demo: a release through stage and prod on a real API server, with the real operator and the real kubectl.
//!
//! It shows each command, each request that arrives and each value that is captured, and exits with 0 only if all of it
//! is exactly as `story` says. Then it prints measurements. It only wires; what is played stands in `story`, how it is
//! checked in `play`.

mod difference;
mod error;
mod events;
mod kubectl;
mod measure;
mod output;
mod play;
mod pretty;
mod scene;
mod services;
mod signals;
mod story;

use std::{path::PathBuf, process::ExitCode, time::Instant};

use cicdcontext_tests::{
    cluster::{Options, Provided, Report},
    operator,
};
use clap::Parser;

use self::{error::DemoError, scene::Scene, signals::Signals};

/// Plays a release on a real API server, shows what happens, and checks it.
///
/// The cluster is started for it and stopped again; with CLUSTER_KUBECONFIG=FILE that cluster is used instead.
#[derive(Debug, Parser)]
#[command(name = "demo", max_term_width = 100)]
struct Arguments {
    /// The operator to run [default: the one beside this program]
    #[arg(long, value_name = "FILE")]
    operator: Option<PathBuf>,
    /// How often each request is timed
    #[arg(long, value_name = "N", default_value_t = 100)]
    runs: usize,
    /// Leave out the measurements
    #[arg(long)]
    without_measurements: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), DemoError> {
    let start = Instant::now();
    let mut signals = Signals::listen()?;
    // A missing operator is told before minutes are spent on a cluster.
    let program = arguments.operator.clone().map_or_else(operator::program, Ok)?;
    output::heading("A cluster is started");
    // Where the logs are is said once, when the cluster is there.
    let report = Report::new(|line| match line.split_once(", log ") {
        Some((line, _)) => println!("{line})"),
        None => println!("{line}"),
    });
    let provide = |interrupt| Provided::provide(Options { interrupt, report, ..Options::named("demo") });
    let cluster = signals.guard(provide).await?;
    let mut scene = Scene::new(cluster, program).await?;
    let outcome = tokio::select! {
        outcome = perform(&mut scene, arguments) => outcome,
        () = signals.next() => Err(DemoError::Interrupted),
    };
    let cleaned = scene.clean_up().await;
    outcome.and(cleaned)?;
    println!("\nThe demo succeeded after {} s.", start.elapsed().as_secs());
    Ok(())
}

async fn perform(scene: &mut Scene, arguments: &Arguments) -> Result<(), DemoError> {
    scene.prepare().await?;
    scene.apply_sample().await?;
    play::play(scene).await?;
    if !arguments.without_measurements {
        measure::measure(scene, arguments.runs).await?;
    }
    play::epilogue(scene).await
}
