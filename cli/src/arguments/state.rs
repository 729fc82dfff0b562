//! Arguments of the verbs that read and write the state: `get`, `set`, `unset`, `load`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::value;

/// Arguments of `get`.
#[derive(Clone, Debug, Args)]
pub struct GetArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// Paths into the state. Default: the whole of it.
    #[arg(
        value_name = "PATH",
        help = "Paths such as state.build.image, state.list[0] or state['a.b'], or JSONPaths such as \
                '$.state.list[?@.ok]' [default: the whole state, as JSON]"
    )]
    pub paths: Vec<String>,

    /// What to print for a path that does not exist, instead of failing
    #[arg(long, value_name = "TEXT")]
    pub default: Option<String>,

    /// text: a line for each path, texts as they are and the rest as JSON; json and yaml: the value, or a map by path
    #[arg(short, long, value_enum, default_value_t = ValueFormat::Text, value_name = "FORMAT")]
    pub output: ValueFormat,

    /// Write the value into this file, without a line break at the end, and print nothing (a Tekton result)
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

/// Arguments of `set`.
#[derive(Clone, Debug, Default, Args)]
pub struct SetArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// state.a=text writes text, whatever it looks like; state.a:=JSON a number, a list, ...; state.list[]=item appends,
    /// state.list{}=item adds unless it is there, and so is right for a step that may run again; with := each item of a
    /// JSON list
    #[arg(value_name = "PATH=TEXT")]
    pub assignments: Vec<String>,

    /// Write the text of a file; may be repeated
    #[arg(long, value_name = "PATH=FILE")]
    pub set_file: Vec<String>,

    /// Write the JSON of a file; may be repeated
    #[arg(long, value_name = "PATH=FILE")]
    pub set_json_file: Vec<String>,

    /// Remove what stands at a path; happens before the assignments; may be repeated
    #[arg(long, value_name = "PATH")]
    pub unset: Vec<String>,

    /// Empty the list or map at a path; happens before the assignments; may be repeated
    #[arg(long, value_name = "PATH")]
    pub clear: Vec<String>,

    /// How the change is made, and under which condition
    #[command(flatten)]
    pub change: ChangeArguments,
}

/// Arguments of `unset`.
#[derive(Clone, Debug, Default, Args)]
pub struct UnsetArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// Paths to remove
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,

    /// How the change is made, and under which condition
    #[command(flatten)]
    pub change: ChangeArguments,
}

/// What all verbs take that change the state.
#[derive(Clone, Debug, Args)]
pub struct ChangeArguments {
    /// Change nothing unless this stands in the state (state.a=text or state.a:=JSON); may be repeated
    #[arg(long = "if", value_name = "PATH=TEXT")]
    pub conditions: Vec<String>,

    /// patch: by ourselves; operator: through a CicdStateWrite; auto: a patch, and the operator for appends and conflicts
    #[arg(long, value_enum, default_value_t = Via::Auto, value_name = "WAY")]
    pub via: Via,

    /// How long to wait for the operator; 0 is for ever
    #[arg(long, default_value = "60s", value_parser = value::timeout, value_name = "DURATION")]
    pub timeout: Duration,
}

impl Default for ChangeArguments {
    fn default() -> Self {
        Self { conditions: Vec::new(), via: Via::Auto, timeout: Duration::from_mins(1) }
    }
}

/// Arguments of `load`.
#[derive(Clone, Debug, Default, Args)]
pub struct LoadArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// The parts of the state to load [default: the whole]
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,

    /// Write assignments for a POSIX shell (NAME='value') into a file; - is standard output
    #[arg(long, value_name = "FILE")]
    pub shell: Option<PathBuf>,

    /// Write a dotenv file
    #[arg(long, value_name = "FILE")]
    pub dotenv: Option<PathBuf>,

    /// Write JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write YAML
    #[arg(long, value_name = "FILE")]
    pub yaml: Option<PathBuf>,

    /// Write the name of the CicdContext
    #[arg(long, value_name = "FILE")]
    pub id: Option<PathBuf>,

    /// Append to a file in the form of $GITHUB_OUTPUT
    #[arg(long, value_name = "FILE")]
    pub github_output: Option<PathBuf>,

    /// Write one value into one file, without a line break at the end (a Tekton result); may be repeated
    #[arg(long, value_name = "PATH=FILE")]
    pub result: Vec<String>,

    /// What the names of shell, dotenv and output variables begin with
    #[arg(long, value_name = "TEXT")]
    pub prefix: Option<String>,

    /// Write export NAME='value' for the shell
    #[arg(long)]
    pub export: bool,

    /// Permissions of the files, in octal [default: 0600, and 0644 for results]
    #[arg(long, value_name = "MODE")]
    pub mode: Option<String>,
}

/// How a change of the state is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// A patch of the context; the operator where that does not do.
    #[default]
    Auto,
    /// A patch of the context.
    Patch,
    /// A CicdStateWrite, which the operator applies.
    Operator,
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
