//! The way of one command: command line, request, source, verb, exit code.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use clap::{CommandFactory, FromArgMatches, error::ErrorKind};

use crate::{
    arguments::{Arguments, UsageError, Verb},
    completion,
    console::{Console, one_line},
    dropin,
    environment::Environment,
    exit::Exit,
    failure::Failure,
    setting::Setting,
    verbs,
};

/// Runs the command that `line` says, the program's own name first, and tells how it ended.
pub async fn run(line: impl IntoIterator<Item = OsString>, environment: &Environment, console: &mut Console) -> Exit {
    let line: Vec<OsString> = line.into_iter().collect();
    if stem(line.first()) == Some(OsStr::new(completion::PLUGIN)) {
        let completed = console.data(&completion::for_kubectl(line.get(1..).unwrap_or_default()));
        return ended(completed, console);
    }
    if stem(line.first()) == Some(OsStr::new(dropin::NAME)) {
        return dropin::run(line.get(1..).unwrap_or_default(), environment, console).await;
    }
    let name = program_name(line.first());
    let parsed = Arguments::command().bin_name(name).try_get_matches_from(&line);
    let arguments = match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error, name, console),
    };
    let outcome = carry_out(arguments, environment, console).await;
    ended(outcome, console)
}

/// Tells how a command ended.
fn ended(outcome: Result<(), Failure>, console: &mut Console) -> Exit {
    match outcome {
        Ok(()) => Exit::Done,
        // Whoever read has what it wanted, as `head` has after some lines; other programs die of that without a word.
        Err(Failure::Output { source }) if source.kind() == std::io::ErrorKind::BrokenPipe => Exit::Failed,
        Err(failure) => {
            console.note(&format!("error: {failure}"));
            failure.exit()
        }
    }
}

/// What the program calls itself: kubectl runs its plugins under names that nobody types.
fn program_name(called: Option<&OsString>) -> &'static str {
    if stem(called) == Some(OsStr::new("kubectl-cicd")) { "kubectl cicd" } else { "cicdctl" }
}

/// The name of the file that was called.
fn stem(called: Option<&OsString>) -> Option<&OsStr> {
    called.and_then(|called| Path::new(called).file_stem())
}

async fn carry_out(arguments: Arguments, environment: &Environment, console: &mut Console) -> Result<(), Failure> {
    let Arguments { global, verb } = arguments;
    let setting = Setting { global: &global, environment };
    if global.no_color || environment.no_color {
        console.without_colors();
    }
    match verb {
        Verb::Init(arguments) => verbs::init::command(&arguments, setting, console).await,
        Verb::Get(arguments) => verbs::get::command(&arguments, setting, console).await,
        Verb::Set(arguments) => verbs::set::command(&arguments, setting, console).await,
        Verb::Unset(arguments) => verbs::unset::command(&arguments, setting, console).await,
        Verb::Load(arguments) => verbs::load::command(&arguments, setting, console).await,
        Verb::Generate(arguments) => verbs::generate::command(&arguments, setting, console).await,
        Verb::Event(arguments) => verbs::event::command(&arguments, setting, console).await,
        Verb::Events(arguments) => verbs::events::command(&arguments, setting, console).await,
        Verb::Explain(arguments) => verbs::explain::command(&arguments, setting, console).await,
        Verb::Render(arguments) => verbs::render::command(&arguments, setting, console).await,
        Verb::Validate(arguments) => verbs::validate::command(&arguments, setting, console).await,
        Verb::Test(arguments) => verbs::test::command(&arguments, setting, console).await,
        Verb::Convert(arguments) => verbs::convert::command(&arguments, setting, console).await,
        Verb::Redeliver(arguments) => verbs::redeliver::command(&arguments, setting, console).await,
        Verb::Wait(arguments) => verbs::wait::command(&arguments, setting, console).await,
        Verb::Delete(arguments) => verbs::delete::command(&arguments, setting, console).await,
        Verb::CopyTo(arguments) => verbs::copy_to::command(&arguments, setting, console).await,
        Verb::Version(arguments) => verbs::version::command(&arguments, setting, console).await,
        Verb::Completion(arguments) => verbs::completion::command(&arguments, setting, console).await,
    }
}

/// Prints help or version where they were asked for, and otherwise clap's many lines as one.
fn explain(error: &clap::Error, name: &str, console: &mut Console) -> Exit {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ended(console.data(&text), console),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            console.help(&text).ok();
            Exit::Usage
        }
        _ => {
            let problem = text.split("\nUsage:").next().unwrap_or(&text);
            let problem = problem.split("\nFor more information").next().unwrap_or(problem);
            let paragraphs = problem.trim_start_matches("error: ").split("\n\n").map(one_line);
            let problem = paragraphs.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("; ");
            let failure = UsageError::CommandLine { text: format!("{problem}; {name} --help says more") };
            console.note(&format!("error: {failure}"));
            Exit::Usage
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Recorded;

    /// Exit code, standard output and standard error of a command that needs no cluster.
    async fn run_without_cluster(line: &[&str]) -> (Exit, String, String) {
        let (data, notes) = (Recorded::default(), Recorded::default());
        let mut console = Console::new(data.clone(), notes.clone());
        let exit = run(line.iter().map(OsString::from), &Environment::default(), &mut console).await;
        (exit, data.text(), notes.text())
    }

    #[tokio::test]
    async fn version_goes_to_standard_output_and_asks_nobody() {
        let (exit, data, notes) = run_without_cluster(&["cicdctl", "version"]).await;
        assert_eq!((exit, notes.as_str()), (Exit::Done, ""));
        assert_eq!(data, format!("cicdctl {}\n", env!("CARGO_PKG_VERSION")));
    }

    #[tokio::test]
    async fn installed_as_a_plugin_it_calls_itself_kubectl_cicd() {
        let (exit, data, _) = run_without_cluster(&["/usr/local/bin/kubectl-cicd", "get", "--help"]).await;
        assert_eq!(exit, Exit::Done);
        assert!(data.contains("Usage: kubectl cicd get [OPTIONS] [NAME] [PATH]..."), "{data}");
        let (_, data, _) = run_without_cluster(&["./cicdctl", "get", "--help"]).await;
        assert!(data.contains("Usage: cicdctl get [OPTIONS] [NAME] [PATH]..."), "{data}");
    }

    #[tokio::test]
    async fn under_its_plugins_name_it_completes_for_kubectl() {
        let (exit, data, notes) = run_without_cluster(&["/opt/bin/kubectl_complete-cicd", "redel"]).await;
        assert_eq!((exit, data.as_str(), notes.as_str()), (Exit::Done, "redeliver\n:4\n", ""));
    }

    #[tokio::test]
    async fn each_shell_has_a_script_that_completes_the_verbs() {
        for shell in ["bash", "zsh", "fish", "powershell"] {
            let (exit, data, _) = run_without_cluster(&["cicdctl", "completion", shell]).await;
            assert_eq!(exit, Exit::Done);
            assert!(data.contains("redeliver") && data.contains("wait-for"), "{shell}");
        }
    }

    #[tokio::test]
    async fn a_copy_that_is_impossible_is_one_line_and_exit_1() {
        let (exit, data, notes) = run_without_cluster(&["cicdctl", "copy-to", "/proc/none"]).await;
        assert_eq!((exit, data.as_str()), (Exit::Failed, ""));
        assert_eq!(
            notes,
            "error: copy this program to /proc/none: there is no such folder; create it first, or mount a volume there\n"
        );
    }

    #[tokio::test]
    async fn without_a_verb_the_help_goes_to_standard_error() {
        let (exit, data, notes) = run_without_cluster(&["cicdctl"]).await;
        assert_eq!((exit, data.as_str()), (Exit::Usage, ""));
        assert!(notes.contains("Exit codes:"), "{notes}");
    }

    #[tokio::test]
    async fn a_reader_that_has_enough_ends_the_command_without_a_word() {
        struct Closed;
        impl std::io::Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let notes = Recorded::default();
        let mut console = Console::new(Closed, notes.clone());
        let line = ["cicdctl", "version"].map(OsString::from);
        let exit = run(line, &Environment::default(), &mut console).await;
        assert_eq!((exit, notes.text().as_str()), (Exit::Failed, ""));
    }

    #[tokio::test]
    async fn every_wrong_command_line_is_one_line_and_exit_2() {
        for (line, expected) in [
            (&["get", "shop", "--colour"][..], "unexpected argument '--colour' found"),
            (&["eevnt"], "unrecognized subcommand 'eevnt'; tip: "),
            (
                &["get", "shop", "-o", "xml"],
                "invalid value 'xml' for '--output <FORMAT>' [possible values: text, json, yaml]",
            ),
            (&["get", "shop", "--request-timeout", "soon"], "write a duration such as 30s"),
            (&["get"], "get: name the CicdContext: as the first argument, with --name or in $CICD_CONTEXT"),
            (&["get", "shop", "build"], "read path 'build': it starts with 'build'; write state.build"),
            (&["get", "a/b"], "read NAME 'a/b': a name has lower-case letters"),
            (&["set", "shop"], "set: say what to change: PATH=TEXT, PATH:=JSON or --unset PATH"),
            (&["set", "state.a=1"], "set: 'state.a=1' stands where the name of the CicdContext belongs"),
            (&["set", "shop", "state.a"], "read PATH=TEXT 'state.a': there is no '='"),
            (&["event", "shop"], "event: no event is named: say what happened as PIPELINE=EVENT"),
            (&["event", "shop", "build"], "event: 'build' is not one: say what happened as PIPELINE=EVENT"),
            (
                &["event", "--name", "shop", "shop", "build=ok"],
                "event: --name is shop, so no NAME is taken; leave 'shop' out",
            ),
            (&["unset", "shop"], "unset: name the paths to remove, for example state.build"),
            (&["init", "shop", "--ttl", "soon"], "write a duration such as 7d, 36h or 1d12h"),
            (&["init", "shop", "more"], "unexpected argument 'more' found"),
            (&["delete"], "delete: name the CicdContext: as the first argument"),
            (&["event", "--name", "shop", "build=ok", "more"], "event: there is no place for 'more'"),
            (&["get", "shop", "-n", "Team"], "read --namespace 'Team': a name has lower-case letters"),
            (&["generate", "shop"], "generate: no generator is named: name the generator as PIPELINE.GENERATOR"),
            (&["generate", "shop", "build=x"], "generate: 'build=x' is not one: name the generator"),
            (&["generate", "shop", "a.b.c"], "generate: 'a.b.c' is not one: name the generator as PIPELINE.GENERATOR"),
            (&["event", "shop", "a=b", "--wait-for", "x"], "[possible values: finished, attempted]"),
            (&["events", "--name", "shop", "e", "more"], "events: there is no place for 'more'"),
            (
                &["redeliver", "shop"],
                "redeliver: name the event, by its name or its id; cicdctl events NAME lists them",
            ),
            (&["redeliver", "shop", "e", "--id", "a/b"], "read --id 'a/b': an id has 1 to 63 letters"),
            (&["redeliver", "--name", "shop", "e", "h", "more"], "redeliver: there is no place for 'more'"),
            (&["wait", "shop"], "the following required arguments were not provided: --for <WHAT>"),
            (
                &["wait", "shop", "--for", "build"],
                "read --for 'build': write state.PATH, state.PATH=TEXT, state.PATH:=JSON",
            ),
            (&["wait", "shop", "--for", "condition=Ready=yes"], "read --for 'condition=Ready=yes': write"),
            (&["wait", "shop", "--for", "event="], "read --for 'event=': write"),
            (&["wait", "shop", "--for", "state.l[]=x"], "read --for 'state.l[]=x': write"),
            (&["wait", "shop", "--for", "state.l:=x"], "read --for state.l: the value is not JSON"),
            (&["wait", "shop", "more", "--for", "state.a"], "unexpected argument 'more' found"),
            (&["wait", "--name", "shop", "more", "--for", "state.a"], "wait: there is no place for 'more'"),
            (&["version", "--server", "-f", "x.yaml"], "version: with -f there is no server"),
            (&["completion", "csh"], "[possible values: bash, zsh, fish, powershell]"),
            (&["copy-to"], "the following required arguments were not provided: <DIR>"),
            (&["get", "shop", "--as-group", "g"], "read --as-group: a group alone cannot be acted as"),
        ] {
            let line: Vec<&str> = ["cicdctl"].iter().chain(line).copied().collect();
            let (exit, data, notes) = run_without_cluster(&line).await;
            assert_eq!((exit, data.as_str()), (Exit::Usage, ""), "{line:?}: {notes}");
            assert!(notes.starts_with("error: ") && notes.contains(expected), "{line:?}: {notes}");
            assert_eq!(notes.matches('\n').count(), 1, "{line:?}: {notes}");
        }
    }

    #[tokio::test]
    async fn without_a_cluster_the_error_says_how_to_name_one() {
        let (exit, _, notes) = run_without_cluster(&["cicdctl", "get", "shop"]).await;
        assert_eq!(exit, Exit::Failed);
        assert_eq!(
            notes,
            "error: find the cluster: there is no kubeconfig, and no ServiceAccount of a Pod; name one with \
             --kubeconfig FILE or $KUBECONFIG\n"
        );
    }
}
