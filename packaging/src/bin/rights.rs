//! Writes the roles and admission policies of `deploy/` and the chart, or checks with `--check` that they are current.

use std::{path::PathBuf, process::ExitCode};

use cicdcontext_packaging::rights::{RightsError, check, write};
use clap::Parser;

/// Writes the roles and admission policies of deploy/ and the chart from packaging/src/rights.
#[derive(Parser)]
struct Arguments {
    /// Write nothing; fail if a file is not current.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let Arguments { check: only_check } = Arguments::parse();
    match run(only_check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rights: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(only_check: bool) -> Result<(), RightsError> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    if only_check {
        return check(&workspace);
    }
    for file in write(&workspace)? {
        println!("{}", file.path);
    }
    Ok(())
}
