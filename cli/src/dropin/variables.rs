//! The variables that `cicdstatemgr` looks at: the predecessor's, and a few that say what it could not know.

use std::{ffi::OsString, path::PathBuf};

/// What the environment says. An empty variable counts as one that is not set, but for [`Self::set_separator`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// `CICDSTATEMGR_CONFIG_PATH`: the core config.
    pub config: Option<PathBuf>,
    /// `CICDSTATEMGR_SECRETS_PATH`: the secrets.
    pub secrets: Option<PathBuf>,
    /// `CICDSTATEMGR_CONTEXT_DATA_ID`: the run.
    pub id: Option<String>,
    /// `CICDSTATEMGR_BASES_DIR_PATH`: the folder of the bases.
    pub bases: Option<PathBuf>,
    /// `CICDSTATEMGR_INIT_APP_CONFIG_PATH`: the app file.
    pub app: Option<PathBuf>,
    /// `CICDSTATEMGR_STORE`: `cluster`.
    pub store: Option<String>,
    /// `CICDSTATEMGR_LOCAL_DIR`: a folder to keep documents in.
    pub local: Option<PathBuf>,
    /// `CICDSTATEMGR_NAMESPACE`: the namespace of the CicdContexts.
    pub namespace: Option<String>,
    /// `CICDSTATEMGR_SET_SEPARATOR`: what stands between the pairs of one `--set`; empty: nothing does. Not set: `|`.
    pub set_separator: Option<String>,
    /// `CICDSTATEMGR_ON_DELIVERY_FAILURE`: `fail` or `warn`.
    pub on_delivery_failure: Option<String>,
}

impl Variables {
    /// Reads the variables with a function.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| set(name).map(|value| value.to_string_lossy().into_owned());
        let path = |name: &str| set(name).map(PathBuf::from);
        Self {
            config: path("CICDSTATEMGR_CONFIG_PATH"),
            secrets: path("CICDSTATEMGR_SECRETS_PATH"),
            id: text("CICDSTATEMGR_CONTEXT_DATA_ID"),
            bases: path("CICDSTATEMGR_BASES_DIR_PATH"),
            app: path("CICDSTATEMGR_INIT_APP_CONFIG_PATH"),
            store: text("CICDSTATEMGR_STORE"),
            local: path("CICDSTATEMGR_LOCAL_DIR"),
            namespace: text("CICDSTATEMGR_NAMESPACE"),
            set_separator: variable("CICDSTATEMGR_SET_SEPARATOR").map(|value| value.to_string_lossy().into_owned()),
            on_delivery_failure: text("CICDSTATEMGR_ON_DELIVERY_FAILURE"),
        }
    }
}
