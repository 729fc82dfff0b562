//! The command `cicdstatemgr`: this program under its predecessor's name, for whoever calls it from pipelines that are not
//! rewritten yet.
//!
//! It takes the predecessor's options, variables and files, runs the handlers itself, synchronously, and keeps the document
//! of a run in a CicdContext that the operator leaves alone, or in a folder. What a document is and what its files mean is
//! the business of `cicdcontext_compat`; here are the parts that touch the world. Knows nothing of the verbs of `cicdctl`.
//!
//! | module | question it answers |
//! |---|---|
//! | [`arguments`] | what does the command line ask for? |
//! | [`session`] | which files, which store, what is told? |
//! | [`assignment`] | what does `--set` write? |
//! | [`command`] | what does each command do, in which order? |
//! | [`event`] | how are the handlers of an event driven? |
//! | [`send`] | how is a request sent, and to whom? |
//! | [`store`] | where is the document kept, and how is it changed? |
//! | [`mirror`] | which files are written after it? |

mod arguments;
mod assignment;
mod command;
mod event;
mod failure;
mod mirror;
mod send;
mod session;
mod store;
mod variables;

use std::ffi::OsString;

use cicdcontext_compat::notice::DOCUMENTATION;

use crate::{console::Console, environment::Environment, exit::Exit};

use self::arguments::{Parsed, parse};
pub use self::variables::Variables;

/// The name under which this program is its predecessor.
pub const NAME: &str = "cicdstatemgr";

/// Runs the command that `line` says, without the program's own name. Exit codes are the predecessor's: 0, 1 for every
/// failure, 2 for a command line that cannot be read.
pub async fn run(line: &[OsString], environment: &Environment, console: &mut Console) -> Exit {
    let arguments = match parse(line) {
        Ok(Parsed::Help) => {
            return console.data(&arguments::HELP).map_or(Exit::Failed, |()| Exit::Done);
        }
        Ok(Parsed::Run(arguments)) => arguments,
        Err(problem) => {
            console.note(&format!("error: {problem}; {NAME} --help says more"));
            return Exit::Usage;
        }
    };
    match command::carry_out(&arguments, environment, console).await {
        Ok(()) => Exit::Done,
        Err(failure) => {
            if !failure.is_of_a_reader_that_has_enough() {
                let explained = failure.anchor().map(|anchor| format!(" ({DOCUMENTATION}#{anchor})"));
                console.note(&format!("error: {failure}{}", explained.unwrap_or_default()));
            }
            Exit::Failed
        }
    }
}

#[cfg(test)]
mod tests;
