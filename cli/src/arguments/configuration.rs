//! Arguments of the verbs that try configuration: `explain`, `render`, `validate`, `test`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ContentArguments, ValueFormat};

/// Arguments of `explain`.
#[derive(Clone, Debug, Default, Args)]
pub struct ExplainArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// What would happen, for example build=success
    #[arg(value_name = "PIPELINE=EVENT")]
    pub happened: Option<String>,

    /// What the event would carry
    #[command(flatten)]
    pub content: ContentArguments,

    /// text: for people; json and yaml: for programs
    #[arg(short, long, value_enum, default_value_t = ValueFormat::Text, value_name = "FORMAT")]
    pub output: ValueFormat,
}

/// Arguments of `render`.
#[derive(Clone, Debug, Default, Args)]
pub struct RenderArguments {
    /// The CicdContext, unless --data says what to render over; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// The template; - or none is standard input
    #[arg(value_name = "TEMPLATE")]
    pub template: Option<String>,

    /// The template engine [default: that of the CicdContext, else handlebars]
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub engine: Option<EngineName>,

    /// Render over this JSON file alone; no CicdContext is read
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,

    /// The pipeline whose settings the template sees as pipeline.settings
    #[arg(long, value_name = "PIPELINE")]
    pub pipeline: Option<String>,
}

/// Arguments of `validate`.
#[derive(Clone, Debug, Default, Args)]
pub struct ValidateArguments {
    /// The CicdContext; not with --name or $CICD_CONTEXT [default with -f: all that the files hold]
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// text: a line for each finding; json and yaml: for programs
    #[arg(short, long, value_enum, default_value_t = ValueFormat::Text, value_name = "FORMAT")]
    pub output: ValueFormat,
}

/// Arguments of `test`.
#[derive(Clone, Debug, Default, Args)]
pub struct TestArguments {
    /// Files with expectations, or folders of them (*.yaml, *.yml, *.json); -f names the manifests that they are about
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Run only the tests whose name contains this
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
}

/// Template engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// Handlebars.
    Handlebars,
    /// Jinja.
    Jinja,
}
