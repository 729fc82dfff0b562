//! The page of the command line is made from the same definition as `--help`. `CLI_PAGE=write` writes it anew.

// Helpers of a test may give up as tests may.
#![allow(clippy::unwrap_used)]

use std::{ffi::OsString, fmt::Write, fs, io, path::PathBuf};

use cicdcontext_cli::{
    arguments::Arguments,
    console::Console,
    environment::Environment,
    exit::{self, Exit},
    program,
};
use clap::{Arg, ArgAction, Command, CommandFactory};

const INTRODUCTION: &str = "\
# cicdctl

The command that people and steps of pipelines use: it reads and writes state, fires events, shows what came of them, and tries
configuration before it reaches a cluster. Installed as `kubectl-cicd` it is `kubectl cicd`.

This page is made from the same definition as `cicdctl --help` (`make generate`), and a test types each of its examples.

```text
cicdctl [flags] VERB [NAME] ...
```

`NAME` is the CicdContext. With `--name NAME`, or `CICD_CONTEXT` in the environment, no NAME is taken, and all arguments move
one place to the left. Data goes to standard output, everything for people to standard error, in one line for each error. The
manual of the state's paths is [state.md](state.md), that of waiting, retries and redelivery [deliveries.md](deliveries.md), and
the [cookbook](../cookbook/README.md) has whole pipelines.
";

const ENVIRONMENT: &str = "\
## Environment

| variable | |
|---|---|
| `CICD_CONTEXT` | the CicdContext to work on, as `--name` |
| `CICD_RUN_UID` | the run that this step belongs to: `init` writes it down and finds its own context by it, and events get their identity from it |
| `KUBECONFIG` | kubeconfig files, as for kubectl; inside a Pod without it, the ServiceAccount is used |
| `NO_COLOR` | anything: print without colors |
";

const FILES: &str = "\
## Without a cluster

`-f PATH` works on manifests instead of a cluster: a file, or the `*.yaml`, `*.yml` and `*.json` files of a folder. They are never
written. State and events live in a folder, `.cicdctl` in the first PATH or beside it if that is a file, unless
`--state-dir` names another; any number of processes may use it at once. There is no operator then: `event` and `generate` deliver by themselves and return when all is done,
or when `--timeout` is over; what still waits is taken up by `wait --for event=ID` or the next of these commands. `events` only
looks. Secrets and ConfigMaps are read from
the manifests. Requests may go to whatever host the manifests name, and otherwise where an operator would let them go.
";

#[test]
fn the_page_of_the_command_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/cicdctl.md");
    let page = page();
    if std::env::var_os("CLI_PAGE").is_some_and(|what| what == "write") {
        fs::write(&path, page).unwrap();
        return;
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/reference/cicdctl.md is not what --help says: make generate");
}

#[test]
fn every_verb_has_an_example_and_every_argument_a_help() {
    for verb in verbs(&mut Arguments::command()) {
        let name = verb.get_name();
        assert!(verb.get_after_help().is_some_and(|help| help.to_string().contains("cicdctl ")), "{name}");
        for argument in verb.get_arguments() {
            assert!(argument.get_help().is_some(), "{name} {}", argument.get_id());
        }
    }
}

#[tokio::test]
async fn the_example_of_the_page_of_tests_passes_and_fails_if_it_is_changed() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/reference/tests.md")).unwrap();
    let example = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = async |text: &str| {
        let file = folder.path().join("expected.yaml");
        fs::write(&file, text).unwrap();
        let line: [OsString; 5] =
            ["cicdctl".into(), "test".into(), "-f".into(), root.join("deploy/samples/release").into(), file.into()];
        program::run(line, &Environment::default(), &mut Console::new(io::sink(), io::sink())).await
    };
    assert_eq!(run(example).await, Exit::Done);
    assert_eq!(run(&example.replace("status: verified", "status: blocked")).await, Exit::Failed);
    assert_eq!(run(&example.replace("run: 20}", "run: 21}")).await, Exit::Failed);
    assert_eq!(run(&example.replace("shop-prod", "shop-test")).await, Exit::Failed);
}

fn verbs(command: &mut Command) -> Vec<Command> {
    command.build();
    command.get_subcommands().filter(|verb| verb.get_name() != "help").cloned().collect()
}

fn page() -> String {
    let mut command = Arguments::command();
    let verbs = verbs(&mut command);
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## Verbs\n\n| | |\n|---|---|\n");
    for verb in &verbs {
        writeln!(page, "| [{0}](#{0}) | {1} |", verb.get_name(), verb.get_about().unwrap()).unwrap();
    }
    page.push_str("\n## Exit codes\n\n| | |\n|---|---|\n");
    for line in exit::HELP.lines().skip(1) {
        let (code, meaning) = line.trim().split_once("  ").unwrap();
        writeln!(page, "| {code} | {} |", meaning.trim()).unwrap();
    }
    page.push_str("\n## Flags of all verbs\n\nThey stand before or after the verb.\n\n");
    table(&mut page, command.get_arguments().filter(|argument| argument.is_global_set()));
    writeln!(page, "\n{ENVIRONMENT}\n{FILES}").unwrap();
    for verb in &verbs {
        section(&mut page, verb);
    }
    page.trim_end().to_owned() + "\n"
}

fn section(page: &mut String, verb: &Command) {
    let usage = verb.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace("[OPTIONS]", "[flags]");
    writeln!(page, "## {}\n\n{}.\n\n```text\n{usage}\n```\n", verb.get_name(), verb.get_about().unwrap()).unwrap();
    let examples = verb.get_after_help().unwrap().to_string();
    let lines: Vec<String> = examples.lines().skip(1).map(|line| format!("$ {}", line.trim())).collect();
    writeln!(page, "```console\n{}\n```\n", lines.join("\n")).unwrap();
    let mut own =
        verb.get_arguments().filter(|argument| !argument.is_global_set() && argument.get_id() != "help").peekable();
    if own.peek().is_some() {
        table(page, own);
        page.push('\n');
    }
}

fn table<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    page.push_str("| | |\n|---|---|\n");
    for argument in arguments {
        let mut help = argument.get_help().map(|help| help.to_string().replace('\n', " ")).unwrap_or_default();
        let values: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|value| value.get_help().is_some())
            .map(|value| value.get_name().to_owned())
            .collect();
        let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
        if takes_value && !values.is_empty() {
            write!(help, " [one of {}]", values.join(", ")).unwrap();
        }
        if let (true, [default]) = (takes_value, argument.get_default_values()) {
            write!(help, " [default: {}]", default.to_string_lossy()).unwrap();
        }
        writeln!(page, "| {} | {} |", name(argument, takes_value), help.replace('|', "\\|")).unwrap();
    }
}

/// As a person types it.
fn name(argument: &Arg, takes_value: bool) -> String {
    let value = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
    let Some(long) = argument.get_long() else { return format!("`{value}`") };
    let short = argument.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    if takes_value { format!("{short}`--{long} {value}`") } else { format!("{short}`--{long}`") }
}
