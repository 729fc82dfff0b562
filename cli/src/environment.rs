//! What the surroundings of the process say, read once and passed on. An empty variable counts as one that is not set.

use std::{ffi::OsString, path::PathBuf};

use crate::dropin::Variables;

/// The variables that `cicdctl` looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `CICD_CONTEXT`: the name of the CicdContext to work on.
    pub context: Option<String>,
    /// `CICD_RUN_UID`: the run of the pipeline that this process is a step of.
    pub run_uid: Option<String>,
    /// `NO_COLOR`: print without colors.
    pub no_color: bool,
    /// `KUBECONFIG`: kubeconfig files, separated as in `PATH`.
    pub kubeconfig: Option<OsString>,
    /// `HOME`, where `.kube/config` is looked for.
    pub home: Option<PathBuf>,
    /// `KUBERNETES_SERVICE_HOST`: set inside a Pod.
    pub in_pod: bool,
    /// What the command `cicdstatemgr` looks at beside these.
    pub dropin: Variables,
}

impl Environment {
    /// Reads the environment of this process.
    pub fn of_this_process() -> Self {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// Reads the variables with a function.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        Self {
            // What is not UTF-8 stays wrong as it is shown, and is refused as a name.
            context: set("CICD_CONTEXT").map(|name| name.to_string_lossy().into_owned()),
            run_uid: set("CICD_RUN_UID").map(|uid| uid.to_string_lossy().into_owned()),
            no_color: set("NO_COLOR").is_some(),
            kubeconfig: set("KUBECONFIG"),
            home: set("HOME").map(PathBuf::from),
            in_pod: set("KUBERNETES_SERVICE_HOST").is_some(),
            dropin: Variables::read(&variable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let environment = Environment::from_variables(|name| {
            (!["HOME", "CICDSTATEMGR_SET_SEPARATOR"].contains(&name)).then(OsString::new)
        });
        assert_eq!(environment, Environment::default());
    }
}
