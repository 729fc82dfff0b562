//! The operator's process. It only wires.

use std::process::ExitCode;

use cicdcontext_crds::manifests::manifests;
use cicdcontext_operator::{
    args::{Arguments, Command},
    process,
};
use clap::Parser;

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Crd => print_crds(),
        Command::Run(arguments) => process::run(*arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_crds() -> Result<(), Box<dyn std::error::Error>> {
    for manifest in manifests()? {
        println!("---\n{}", manifest.to_yaml()?.trim_end());
    }
    Ok(())
}
