//! Which program is used for each component: the one in `KUBEBUILDER_ASSETS`, else the one built from its Go module.

use std::path::PathBuf;

use super::{ClusterError, Environment, Interrupt, Report, build::build};

/// The programs of a control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assets {
    /// etcd.
    pub etcd: PathBuf,
    /// kube-apiserver.
    pub kube_apiserver: PathBuf,
    /// kube-controller-manager, if it was asked for.
    pub kube_controller_manager: Option<PathBuf>,
    /// kubectl.
    pub kubectl: PathBuf,
}

impl Assets {
    /// Finds the programs, building what is missing. `KUBEBUILDER_ASSETS` as envtest fills it has etcd, kube-apiserver
    /// and often kubectl, but no kube-controller-manager: then that one is built.
    pub fn find(
        environment: &Environment,
        controller_manager: bool,
        report: &Report,
        interrupt: &Interrupt,
    ) -> Result<Self, ClusterError> {
        let program = |name: &str| {
            if let Some(given) = given(environment, name) {
                return Ok(given);
            }
            // Cheap when it is built already: a few small files are read.
            build(environment, report, interrupt).map(|built| built.join(name))
        };
        Ok(Self {
            etcd: program("etcd")?,
            kube_apiserver: program("kube-apiserver")?,
            kube_controller_manager: controller_manager.then(|| program("kube-controller-manager")).transpose()?,
            kubectl: program("kubectl")?,
        })
    }
}

/// The kubectl for a cluster that somebody else provides: `CLUSTER_KUBECTL`, the one in PATH, else the built one.
pub(super) fn kubectl(
    environment: &Environment,
    report: &Report,
    interrupt: &Interrupt,
) -> Result<PathBuf, ClusterError> {
    match environment.kubectl.clone().or_else(|| environment.program("kubectl")) {
        Some(kubectl) => Ok(kubectl),
        None => build(environment, report, interrupt).map(|built| built.join("kubectl")),
    }
}

fn given(environment: &Environment, name: &str) -> Option<PathBuf> {
    environment.kubebuilder_assets.as_ref().map(|directory| directory.join(name)).filter(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn programs_in_kubebuilder_assets_are_used_without_a_build() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["etcd", "kube-apiserver", "kubectl"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        let environment =
            Environment { kubebuilder_assets: Some(directory.path().to_owned()), ..Environment::default() };
        let found = Assets::find(&environment, false, &Report::silent(), &Interrupt::default()).unwrap();
        assert_eq!(found.kube_apiserver, directory.path().join("kube-apiserver"));
        assert_eq!(found.kube_controller_manager, None);
    }

    #[test]
    fn kubectl_of_a_provided_cluster_is_the_named_one_before_the_one_in_path() {
        let directory = tempfile::tempdir().unwrap();
        let in_path = directory.path().join("kubectl");
        fs::write(&in_path, "").unwrap();
        let path = Some(directory.path().into());
        let environment = Environment { path, ..Environment::default() };
        let chosen = |environment| kubectl(&environment, &Report::silent(), &Interrupt::default()).unwrap();
        assert_eq!(chosen(environment.clone()), in_path);
        assert_eq!(chosen(Environment { kubectl: Some("/named".into()), ..environment }), PathBuf::from("/named"));
    }
}
