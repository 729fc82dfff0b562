//! Arguments of the verbs about events: `event`, `generate`, `events`, `redeliver`, `wait`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::value;

/// Arguments of `event`.
#[derive(Clone, Debug, Default, Args)]
pub struct EventArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// What happened, for example build=success
    #[arg(value_name = "PIPELINE=EVENT")]
    pub happened: Option<String>,

    /// What the event carries
    #[command(flatten)]
    pub content: ContentArguments,

    /// Show what each handler would send or write, and send and write nothing. It waits for that, and keeps no id from
    /// being fired
    #[arg(long)]
    pub dry_run: bool,

    /// How to fire it
    #[command(flatten)]
    pub firing: FiringArguments,

    /// Wait until the event is finished, print what became of its handlers, and end with exit code 5 if it failed. With
    /// -f the event is always carried out before the command ends, and the exit code is the same without --wait
    #[arg(long)]
    pub wait: bool,

    /// How far to wait; implies --wait [default: finished]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub wait_for: Option<WaitFor>,
}

/// What an event carries.
#[derive(Clone, Debug, Default, Args)]
pub struct ContentArguments {
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
}

/// What `event` and `generate` have in common.
#[derive(Clone, Debug, Args)]
pub struct FiringArguments {
    /// The event's identity: a second event of the same id is not fired [default: made from $CICD_RUN_UID and the
    /// event where that is set, so that a step that runs again fires it once; else a random one]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,

    /// How long to wait; 0 is for ever
    #[arg(long, default_value = "60s", value_parser = value::timeout, value_name = "DURATION")]
    pub timeout: Duration,

    /// text: the event's name, or after waiting a table of its handlers; json: the whole CicdEvent
    #[arg(short, long, value_enum, default_value_t = EventFormat::Text, value_name = "FORMAT")]
    pub output: EventFormat,
}

impl Default for FiringArguments {
    fn default() -> Self {
        Self { id: None, timeout: Duration::from_mins(1), output: EventFormat::Text }
    }
}

/// Arguments of `generate`.
#[derive(Clone, Debug, Default, Args)]
pub struct GenerateArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// Which generator, for example build.dockerfile
    #[arg(value_name = "PIPELINE.GENERATOR")]
    pub generator: Option<String>,

    /// What the event carries
    #[command(flatten)]
    pub content: ContentArguments,

    /// How to fire it
    #[command(flatten)]
    pub firing: FiringArguments,
}

/// Arguments of `events`.
#[derive(Clone, Debug, Default, Args)]
pub struct EventsArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT [default: all of the namespace]
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// Show each delivery of this one event: its name or its id
    #[arg(value_name = "EVENT")]
    pub event: Option<String>,

    /// Go on showing what changes, until interrupted
    #[arg(short, long)]
    pub watch: bool,

    /// text: a table; json and yaml: the CicdEvents
    #[arg(short, long, value_enum, default_value_t = super::ValueFormat::Text, value_name = "FORMAT")]
    pub output: super::ValueFormat,
}

/// Arguments of `redeliver`.
#[derive(Clone, Debug, Default, Args)]
pub struct RedeliverArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// The event: its name or its id
    #[arg(value_name = "EVENT")]
    pub event: Option<String>,

    /// The handler [default: all whose delivery failed or is unknown]
    #[arg(value_name = "HANDLER")]
    pub handler: Option<String>,

    /// The identity of this request: a second one of the same id changes nothing [default: a random one]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,

    /// Wait until the event is finished again and print what became of its handlers
    #[arg(long)]
    pub wait: bool,

    /// How long to wait; 0 is for ever
    #[arg(long, default_value = "60s", value_parser = value::timeout, value_name = "DURATION")]
    pub timeout: Duration,
}

/// Arguments of `wait`.
#[derive(Clone, Debug, Default, Args)]
pub struct WaitArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// state.x: it exists; state.x=TEXT or state.x:=JSON: it has this value; condition=Ready or condition=Ready=False;
    /// event=ID: it is finished, and exit 5 if it failed; may be repeated, then all must hold. A context that does not
    /// exist yet is waited for
    #[arg(long = "for", value_name = "WHAT", required = true)]
    pub conditions: Vec<String>,

    /// How long to wait; 0 is for ever
    #[arg(long, default_value = "60s", value_parser = value::timeout, value_name = "DURATION")]
    pub timeout: Duration,
}

/// How far an event is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum WaitFor {
    /// Until it is finished, retries and all.
    #[default]
    Finished,
    /// Until each handler has had its first attempt, or has ended without one; exit code 5 if one of them failed for good
    Attempted,
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
