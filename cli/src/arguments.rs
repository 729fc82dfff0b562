//! The command line as clap reads it. What it means is the verbs' business.

mod object;
mod value;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use object::is_namespace_name;
pub use object::{Object, UsageError};

use crate::exit;

/// Reads and writes the state of a CicdContext, and fires its events.
#[derive(Clone, Debug, Parser)]
#[command(name = "cicdctl", version, max_term_width = 100, after_help = exit::HELP)]
pub struct Arguments {
    /// Flags that stand before or after the verb.
    #[command(flatten)]
    pub global: GlobalArguments,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Which cluster, as which user, and which object.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub struct GlobalArguments {
    /// The CicdContext to work on; then no NAME is taken [env: CICD_CONTEXT]
    #[arg(long, global = true, value_name = "NAME")]
    pub name: Option<String>,

    /// The namespace [default: that of the kubeconfig's context, or of the Pod]
    #[arg(short, long, global = true, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// The kubeconfig file [default: $KUBECONFIG, else the Pod's ServiceAccount, else ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,

    /// The cluster of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster: Option<String>,

    /// The user of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,

    /// The user to act as
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,

    /// A group to act as, together with --as; may be repeated
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,

    /// How long a single request may take, for example 10s, 2m or a number of seconds; 0 is for ever
    #[arg(long, global = true, default_value = "30s", value_parser = value::timeout, value_name = "DURATION")]
    pub request_timeout: Duration,

    /// How much to tell on standard error: 1 what was changed, 6 each request
    #[arg(short = 'v', long = "v", global = true, default_value_t = 0, value_name = "LEVEL")]
    pub verbosity: u8,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Print values of the state
    Get(GetArguments),
    /// Change the state, all changes or none
    Set(SetArguments),
    /// Fire an event, and wait for its outcome if you like
    Event(EventArguments),
    /// Print the version of this program
    Version,
}

/// Arguments of `get`.
#[derive(Clone, Debug, Args)]
pub struct GetArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// Paths into the state. Default: the whole of it.
    #[arg(
        value_name = "PATH",
        help = "Paths such as state.build.image, state.list[0] or state['a.b'] [default: the whole state, as JSON]"
    )]
    pub paths: Vec<String>,

    /// What to print for a path that does not exist, instead of failing
    #[arg(long, value_name = "TEXT")]
    pub default: Option<String>,

    /// text: a line for each path, texts as they are and the rest as JSON; json and yaml: the value, or a map by path
    #[arg(short, long, value_enum, default_value_t = ValueFormat::Text, value_name = "FORMAT")]
    pub output: ValueFormat,
}

/// Arguments of `set`.
#[derive(Clone, Debug, Args)]
pub struct SetArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// state.a.b=text writes text, whatever it looks like; state.a.b:=JSON writes a number, a list, ...
    #[arg(value_name = "PATH=TEXT")]
    pub assignments: Vec<String>,

    /// Remove what stands at a path; happens before the assignments; may be repeated
    #[arg(long, value_name = "PATH")]
    pub unset: Vec<String>,

    /// Change nothing unless this stands in the state (state.a=text or state.a:=JSON); may be repeated
    #[arg(long = "if", value_name = "PATH=TEXT")]
    pub conditions: Vec<String>,
}

/// Arguments of `event`.
#[derive(Clone, Debug, Args)]
pub struct EventArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// What happened, for example build=success
    #[arg(value_name = "PIPELINE=EVENT")]
    pub happened: Option<String>,

    /// A text that templates see as event.data.KEY; may be repeated
    #[arg(long, value_name = "KEY=TEXT")]
    pub data: Vec<String>,

    /// JSON that templates see as event.data.KEY; may be repeated
    #[arg(long, value_name = "KEY=JSON")]
    pub data_json: Vec<String>,

    /// A change of the state before the first handler, as in set, also state.list[]=item; may be repeated
    #[arg(long, value_name = "PATH=TEXT")]
    pub set: Vec<String>,

    /// A text that the templates of this event see at a path; may be repeated
    #[arg(long, value_name = "PATH=TEXT")]
    pub var: Vec<String>,

    /// A value of the state that the templates of this event see at another path; may be repeated
    #[arg(long, value_name = "PATH=STATEPATH")]
    pub var_from: Vec<String>,

    /// The event's identity: a second event of the same id is not fired [default: a random one]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,

    /// Wait until the event is finished and print what became of its handlers
    #[arg(long)]
    pub wait: bool,

    /// How long to wait
    #[arg(long, default_value = "60s", value_parser = value::timeout, value_name = "DURATION")]
    pub timeout: Duration,

    /// text: the event's name, or with --wait a table of its handlers; json: the whole CicdEvent
    #[arg(short, long, value_enum, default_value_t = EventFormat::Text, value_name = "FORMAT")]
    pub output: EventFormat,
}

/// How values of the state are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ValueFormat {
    /// Lines.
    #[default]
    Text,
    /// JSON, indented.
    Json,
    /// YAML.
    Yaml,
}

/// How an event is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EventFormat {
    /// Its name, or a table of its handlers.
    #[default]
    Text,
    /// The object as JSON, indented.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &[&str]) -> Arguments {
        Arguments::try_parse_from(line).unwrap()
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_of_the_cluster_stand_before_or_after_the_verb() {
        for line in [
            ["cicdctl", "-n", "team", "--context=kind", "--as", "ada", "get", "shop"].as_slice(),
            &["cicdctl", "get", "shop", "-n", "team", "--context", "kind", "--as=ada"],
            &["cicdctl", "-nteam", "get", "--as=ada", "shop", "--context=kind"],
        ] {
            let global = parse(line).global;
            assert_eq!(global.namespace.as_deref(), Some("team"), "{line:?}");
            assert_eq!(global.context.as_deref(), Some("kind"), "{line:?}");
            assert_eq!(global.impersonate.as_deref(), Some("ada"), "{line:?}");
        }
    }

    #[test]
    fn a_request_may_take_30_seconds_by_default_and_an_event_60() {
        let arguments = parse(&["cicdctl", "event", "shop", "build=success"]);
        assert_eq!(arguments.global.request_timeout, Duration::from_secs(30));
        let Verb::Event(event) = arguments.verb else { panic!("not an event") };
        assert_eq!(event.timeout, Duration::from_mins(1));
    }
}
