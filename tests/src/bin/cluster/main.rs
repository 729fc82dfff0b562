//! The `cluster` command: builds, starts and stops a control plane, or runs a command with one.
//!
//! It only wires: `cicdcontext_tests::cluster` does the work.

mod arguments;
mod dev;
mod interruption;
mod node;
mod with;

use std::process::ExitCode;

use cicdcontext_tests::{
    cluster::{Environment, Report, build},
    node::NodeError,
    tools::Tools,
};
use clap::Parser;

use self::{
    arguments::{Arguments, Verb},
    interruption::Interruptions,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse().verb).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("cluster: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the exit code.
async fn run(verb: Verb) -> Result<u8, NodeError> {
    let mut interruptions = Interruptions::listen()?;
    match verb {
        Verb::Build => {
            let environment = Environment::of_this_process();
            let built = interruptions.guard(move |stop| build(&environment, &Report::default(), &stop)).await;
            Ok(interruptions.report(built, |path| println!("{}", path.display()))?)
        }
        Verb::Tools => {
            let environment = Environment::of_this_process();
            let built = interruptions.guard(move |stop| Tools::build(&environment, &Report::default(), &stop)).await;
            Ok(interruptions.report(built, |tools| println!("{}", tools.directory().display()))?)
        }
        Verb::Start { cluster, dir } => {
            let directory = dir.unwrap_or_else(dev::directory);
            let started = interruptions.guard(move |stop| dev::start(&directory, &cluster, stop)).await;
            Ok(interruptions.report(started, |usage| print!("{usage}"))?)
        }
        Verb::Stop { dir } => Ok(dev::stop(&dir.unwrap_or_else(dev::directory)).map(|()| 0)?),
        Verb::Node { verb } => node::run(verb, &mut interruptions).await,
        Verb::With { cluster, dir, command } => Ok(with::run(&cluster, dir, &command, &mut interruptions).await?),
    }
}
