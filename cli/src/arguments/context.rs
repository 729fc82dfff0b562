//! Arguments of the verbs about the CicdContext itself: `init`, `delete`.

use clap::{Args, ValueEnum};

use super::value;

/// Arguments of `init`.
#[derive(Clone, Debug, Default, Args)]
pub struct InitArguments {
    /// The CicdContext to create; not with --name or $CICD_CONTEXT
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// The entry of `contexts` to select, for example stage
    #[arg(long, value_name = "CONTEXT")]
    pub cicd_context: Option<String>,

    /// A base: CicdBase/NAME or ClusterCicdBase/NAME; may be repeated, later ones win
    #[arg(long, value_name = "KIND/NAME")]
    pub base: Vec<String>,

    /// A first value of the state, as in set (state.a=text or state.a:=JSON); may be repeated
    #[arg(long, value_name = "PATH=TEXT")]
    pub set: Vec<String>,

    /// A first value of the state: the text of a file; may be repeated
    #[arg(long, value_name = "PATH=FILE")]
    pub set_file: Vec<String>,

    /// A first value of the state: the JSON of a file; may be repeated
    #[arg(long, value_name = "PATH=FILE")]
    pub set_json_file: Vec<String>,

    /// Render each variable of the configuration now, and keep what it is
    #[arg(long)]
    pub freeze_variables: bool,

    /// Delete the context this long after its last activity, for example 7d or 36h
    #[arg(long, value_parser = value::lifetime, value_name = "DURATION")]
    pub ttl: Option<i64>,

    /// When it exists already. What was made for the same $CICD_RUN_UID is kept in any case.
    #[arg(long, value_enum, default_value_t = IfExists::Fail, value_name = "WHAT")]
    pub if_exists: IfExists,
}

/// What `init` does with a context that exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum IfExists {
    /// Fail.
    #[default]
    Fail,
    /// Leave it as it is.
    Keep,
    /// Begin anew: configuration and state are replaced.
    Reset,
}

/// Arguments of `delete`.
#[derive(Clone, Debug, Default, Args)]
pub struct DeleteArguments {
    /// The CicdContext; $CICD_CONTEXT is not looked at
    #[arg(value_name = "NAME")]
    pub object: Option<String>,

    /// That it does not exist is no failure
    #[arg(long)]
    pub ignore_not_found: bool,
}
