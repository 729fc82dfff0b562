//! `cicdctl`. It only wires: the library part of this crate does the work.

use std::{
    io::{IsTerminal, stderr, stdout},
    process::ExitCode,
};

use cicdcontext_cli::{console::Console, environment::Environment, program};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Fails only if there is one already, and nobody else installs one.
    rustls::crypto::ring::default_provider().install_default().ok();
    let (data_is_terminal, notes_are_on_terminal) = (stdout().is_terminal(), stderr().is_terminal());
    let mut console = Console::new(stdout(), stderr()).on_terminals(data_is_terminal, notes_are_on_terminal);
    let code = program::run(std::env::args_os(), &Environment::of_this_process(), &mut console).await;
    ExitCode::from(code.number())
}
