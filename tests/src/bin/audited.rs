//! Checks the audit log of a run of the integration suite against the operator's role.

use std::{path::PathBuf, process::ExitCode};

use cicdcontext_tests::audit::{AuditError, Requests};
use clap::Parser;

/// Checks that the operator used each right of its role, and no other, in a run of the whole integration suite under
/// `cluster with --audit operator --dir DIR`.
#[derive(Parser)]
struct Arguments {
    /// Where the API server's audit.log is
    dir: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().dir) {
        Ok(problems) if problems.is_empty() => ExitCode::SUCCESS,
        Ok(problems) => {
            for problem in &problems {
                eprintln!("audited: {problem}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("audited: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(dir: &std::path::Path) -> Result<Vec<String>, AuditError> {
    let requests = Requests::read(dir)?;
    println!("audited: the operator used {} different rights", requests.used());
    Ok(requests.problems())
}
