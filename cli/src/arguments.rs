//! The command line as clap reads it. What it means is the verbs' business.

mod configuration;
mod context;
mod convert;
mod event;
mod examples;
mod object;
mod program;
mod state;
mod value;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};

pub use configuration::{EngineName, ExplainArguments, RenderArguments, TestArguments, ValidateArguments};
pub use context::{DeleteArguments, IfExists, InitArguments};
pub use convert::ConvertArguments;
pub use event::{
    ContentArguments, EventArguments, EventFormat, EventsArguments, FiringArguments, GenerateArguments,
    RedeliverArguments, WaitArguments, WaitFor,
};
pub use object::{Object, UsageError};
pub(crate) use object::{is_namespace_name, is_object_name};
pub use program::{CompletionArguments, CopyToArguments, Shell, VersionArguments};
pub use state::{ChangeArguments, GetArguments, LoadArguments, SetArguments, UnsetArguments, ValueFormat, Via};

use crate::exit;

/// Reads and writes the state of a CicdContext, fires its events, and tries its configuration.
///
/// Works on a cluster, or with -f on manifests in files. Data goes to standard output, everything else to standard error.
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
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub context: Option<String>,

    /// The cluster of the kubeconfig
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub cluster: Option<String>,

    /// The user of the kubeconfig
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub user: Option<String>,

    /// The user to act as
    #[arg(long = "as", global = true, hide_short_help = true, value_name = "USER")]
    pub impersonate: Option<String>,

    /// A group to act as, together with --as; may be repeated
    #[arg(long = "as-group", global = true, hide_short_help = true, value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,

    /// How long a single request may take, for example 10s, 2m or a number of seconds; 0 is for ever
    #[arg(long, global = true, hide_short_help = true, default_value = "30s", value_parser = value::timeout, value_name = "DURATION")]
    pub request_timeout: Duration,

    /// Work on the manifests in this file, or in the *.yaml, *.yml and *.json files of this folder, without a cluster; may
    /// be repeated
    #[arg(short, long, global = true, value_name = "PATH", help_heading = "Files")]
    pub filename: Vec<PathBuf>,

    /// Where state and events are kept with -f [default: .cicdctl in the first PATH, or beside it if it is a file]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "FOLDER",
        requires = "filename",
        help_heading = "Files"
    )]
    pub state_dir: Option<PathBuf>,

    /// Print without colors; so does a NO_COLOR in the environment
    #[arg(long, global = true, hide_short_help = true, help_heading = "Output")]
    pub no_color: bool,

    /// How much to tell on standard error: 1 what was changed, 6 each request
    #[arg(
        short = 'v',
        long = "v",
        global = true,
        hide_short_help = true,
        default_value_t = 0,
        value_name = "LEVEL",
        help_heading = "Output"
    )]
    pub verbosity: u8,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Create a CicdContext for a run
    #[command(after_help = examples::INIT)]
    Init(InitArguments),
    /// Print values of the state
    #[command(after_help = examples::GET)]
    Get(GetArguments),
    /// Change the state, all changes or none
    #[command(after_help = examples::SET)]
    Set(SetArguments),
    /// Remove values from the state
    #[command(after_help = examples::UNSET)]
    Unset(UnsetArguments),
    /// Write values of the state into files for shells and other programs
    #[command(after_help = examples::LOAD)]
    Load(LoadArguments),
    /// Run a generator and wait for it
    #[command(after_help = examples::GENERATE)]
    Generate(GenerateArguments),
    /// Fire an event, and wait for its outcome if you like
    #[command(after_help = examples::EVENT)]
    Event(EventArguments),
    /// List events, watch them, or show each delivery of one
    #[command(after_help = examples::EVENTS)]
    Events(EventsArguments),
    /// Show what each handler of an event would do, and why
    #[command(after_help = examples::EXPLAIN)]
    Explain(ExplainArguments),
    /// Print what a template renders to
    #[command(after_help = examples::RENDER)]
    Render(RenderArguments),
    /// Check configuration
    #[command(after_help = examples::VALIDATE)]
    Validate(ValidateArguments),
    /// Run tests of configuration: events, answers, and the requests and state that are expected
    #[command(after_help = examples::TEST)]
    Test(TestArguments),
    /// Turn the files of cicdstatemgr into manifests, and say what means something else
    #[command(after_help = examples::CONVERT)]
    Convert(ConvertArguments),
    /// Send again what was given up or is unknown
    #[command(after_help = examples::REDELIVER)]
    Redeliver(RedeliverArguments),
    /// Wait for a value, a condition or an event
    #[command(after_help = examples::WAIT)]
    Wait(WaitArguments),
    /// Delete a CicdContext, its events with it
    #[command(after_help = examples::DELETE)]
    Delete(DeleteArguments),
    /// Put this program into a folder, for steps whose image lacks it
    #[command(after_help = examples::COPY_TO)]
    CopyTo(CopyToArguments),
    /// Print the version of this program
    #[command(after_help = examples::VERSION)]
    Version(VersionArguments),
    /// Print a script that completes command lines
    #[command(after_help = examples::COMPLETION)]
    Completion(CompletionArguments),
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
        assert_eq!(event.firing.timeout, Duration::from_mins(1));
    }
}
