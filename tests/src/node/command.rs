//! Runs short commands of the system to their end.

use std::{path::PathBuf, process::Command};

use super::NodeError;
use crate::cluster::ClusterError;

/// How much of a failed command's output is quoted, in characters.
const QUOTED: usize = 2000;

/// Runs a command and returns what it printed on standard output.
pub(super) fn run(command: &mut Command) -> Result<String, NodeError> {
    let program = PathBuf::from(command.get_program());
    let output = command.output().map_err(|source| ClusterError::Run { program, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let printed = [output.stderr, output.stdout].concat();
    let printed = String::from_utf8_lossy(&printed).trim().to_owned();
    let skipped = printed.chars().count().saturating_sub(QUOTED);
    let output_end = printed.chars().skip(skipped).collect();
    Err(NodeError::Command { command: shown(command), status: output.status, output: output_end })
}

/// The command as a person would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_is_quoted_with_what_it_said() {
        let error = run(Command::new("sh").args(["-c", "echo no such device >&2; exit 2"])).unwrap_err();
        let expected = "run `sh -c echo no such device >&2; exit 2`: it ended with exit status: 2: no such device";
        assert_eq!(error.to_string(), expected);
    }
}
