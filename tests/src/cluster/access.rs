//! How to reach a cluster, whoever started it: a kubeconfig per role, and kubectl.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use super::{ClusterError, Environment, Role, credentials};

/// The variable with the administrator's kubeconfig, for commands and from users who provide a cluster.
const KUBECONFIG: &str = "CLUSTER_KUBECONFIG";
const KUBECTL: &str = "CLUSTER_KUBECTL";
/// kubectl's own variable.
const KUBECTL_CACHE: &str = "KUBECACHEDIR";

/// The discovery cache of kubectl in a cluster's directory.
pub(super) fn kubectl_cache(directory: &Path) -> PathBuf {
    directory.join("kubectl-cache")
}

/// Kubeconfigs and kubectl of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    kubeconfigs: BTreeMap<Role, PathBuf>,
    kubectl: PathBuf,
    /// Where kubectl keeps what it discovered; without it a directory per tested cluster piles up below `~/.kube`.
    kubectl_cache: Option<PathBuf>,
}

impl Access {
    pub(super) fn new(kubeconfigs: BTreeMap<Role, PathBuf>, kubectl: PathBuf, directory: &Path) -> Self {
        Self { kubeconfigs, kubectl, kubectl_cache: Some(kubectl_cache(directory)) }
    }

    /// The access that `cluster with` hands to its command through the environment.
    ///
    /// # Errors
    /// [`ClusterError::NoCluster`] names the variable that is missing.
    pub fn from_environment(environment: &Environment) -> Result<Self, ClusterError> {
        let missing = |variable: String| ClusterError::NoCluster { variable };
        let admin = environment.cluster_kubeconfig.clone().ok_or_else(|| missing(KUBECONFIG.to_owned()))?;
        let mut kubeconfigs = environment.role_kubeconfigs.clone();
        kubeconfigs.insert(Role::Admin, admin);
        if let Some(role) = Role::ALL.iter().find(|role| !kubeconfigs.contains_key(role)) {
            return Err(missing(role.variable()));
        }
        let kubectl = environment.kubectl.clone().ok_or_else(|| missing(KUBECTL.to_owned()))?;
        Ok(Self { kubeconfigs, kubectl, kubectl_cache: environment.kubectl_cache.clone() })
    }

    /// Access to a cluster that somebody else provides. A role without a kubeconfig of its own gets one, written into
    /// `directory`, that impersonates the role's user with the provided credentials.
    pub(super) fn provided(
        environment: &Environment,
        provided: &Path,
        kubectl: PathBuf,
        directory: &Path,
    ) -> Result<Self, ClusterError> {
        let mut kubeconfigs = environment.role_kubeconfigs.clone();
        kubeconfigs.insert(Role::Admin, provided.to_owned());
        let missing: Vec<Role> = Role::ALL.into_iter().filter(|role| !kubeconfigs.contains_key(role)).collect();
        if !missing.is_empty() {
            credentials::write_impersonating(provided, directory, &missing)?;
        }
        kubeconfigs.extend(missing.into_iter().map(|role| (role, credentials::path(directory, role))));
        Ok(Self::new(kubeconfigs, kubectl, directory))
    }

    /// The kubeconfig of a role.
    pub fn kubeconfig(&self, role: Role) -> PathBuf {
        self.kubeconfigs.get(&role).cloned().unwrap_or_default()
    }

    /// The kubectl program.
    pub fn kubectl(&self) -> PathBuf {
        self.kubectl.clone()
    }

    /// kubectl with a role's kubeconfig and nothing of the user's own.
    pub fn kubectl_as(&self, role: Role) -> Command {
        let mut command = Command::new(&self.kubectl);
        command.env("KUBECONFIG", self.kubeconfig(role));
        if let Some(cache) = &self.kubectl_cache {
            command.env(KUBECTL_CACHE, cache);
        }
        command
    }

    /// The variables for a command that works on the cluster: `CLUSTER_KUBECONFIG`, `CLUSTER_KUBECONFIG_PIPELINE` and
    /// so on, `CLUSTER_KUBECTL`, and kubectl's own `KUBECONFIG` and `KUBECACHEDIR`, so that a plain `kubectl` in the
    /// command cannot reach the user's own cluster by accident.
    pub fn variables(&self) -> Vec<(String, OsString)> {
        let admin = self.kubeconfig(Role::Admin);
        let mut variables = vec![
            (KUBECONFIG.to_owned(), admin.clone().into()),
            ("KUBECONFIG".to_owned(), admin.into()),
            (KUBECTL.to_owned(), self.kubectl.clone().into()),
        ];
        variables.extend(self.kubectl_cache.iter().map(|cache| (KUBECTL_CACHE.to_owned(), cache.clone().into())));
        variables.extend(self.kubeconfigs.iter().map(|(role, path)| (role.variable(), path.clone().into())));
        variables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        let kubeconfigs = Role::ALL.iter().map(|role| (*role, PathBuf::from(format!("/clusters/{role}")))).collect();
        Access::new(kubeconfigs, "/clusters/kubectl".into(), Path::new("/clusters"))
    }

    #[test]
    fn a_command_finds_the_access_that_it_was_given() {
        let variables: BTreeMap<String, OsString> = access().variables().into_iter().collect();
        let environment = Environment::from_variables(|name| variables.get(name).cloned());
        assert_eq!(Access::from_environment(&environment).unwrap(), access());
    }

    #[test]
    fn without_a_cluster_the_error_says_how_to_get_one() {
        let error = Access::from_environment(&Environment::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "find the cluster: CLUSTER_KUBECONFIG is not set; run this under `cluster with -- COMMAND` (`make \
             integration` does), or set CLUSTER_KUBECONFIG for it"
        );
    }

    #[test]
    fn a_command_cannot_reach_the_cluster_of_the_user_by_accident() {
        let kubeconfig = access().variables().into_iter().find(|(name, _)| name == "KUBECONFIG");
        assert_eq!(kubeconfig.unwrap().1, "/clusters/admin");
    }

    const PROVIDED: &str = "apiVersion: v1\nkind: Config\ncurrent-context: dev\n\
        clusters: [{name: c, cluster: {server: 'https://api.example', certificate-authority: ca.crt}}]\n\
        users: [{name: u, user: {client-certificate: /u.crt, client-key: /u.key}}]\n\
        contexts: [{name: dev, context: {cluster: c, user: u}}]\n";

    #[test]
    fn roles_of_a_provided_cluster_impersonate_their_users() {
        let directory = tempfile::tempdir().unwrap();
        let provided = directory.path().join("config");
        std::fs::write(&provided, PROVIDED).unwrap();
        let access = Access::provided(&Environment::default(), &provided, "/kubectl".into(), directory.path()).unwrap();
        assert_eq!(access.kubeconfig(Role::Admin), provided);
        let text = std::fs::read_to_string(access.kubeconfig(Role::Operator)).unwrap();
        let read = kube::config::Kubeconfig::from_yaml(&text).unwrap();
        let user = read.auth_infos[0].auth_info.as_ref().unwrap();
        assert_eq!(user.impersonate.as_deref(), Some("system:serviceaccount:cicdcontext-system:cicd-operator"));
        let groups = user.impersonate_groups.as_deref().unwrap();
        assert_eq!(groups, ["system:serviceaccounts", "system:serviceaccounts:cicdcontext-system"]);
        assert_eq!(user.client_certificate.as_deref(), Some("/u.crt"));
        let authority = read.clusters[0].cluster.as_ref().unwrap().certificate_authority.clone().unwrap();
        assert_eq!(PathBuf::from(authority), directory.path().join("ca.crt"), "relative to the provided kubeconfig");
    }

    #[test]
    fn a_provided_kubeconfig_without_a_current_context_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let provided = directory.path().join("config");
        std::fs::write(&provided, PROVIDED.replace("current-context: dev\n", "")).unwrap();
        let refused = Access::provided(&Environment::default(), &provided, "/kubectl".into(), directory.path());
        let text = refused.unwrap_err().to_string();
        assert_eq!(text, format!("read the kubeconfig {}: it has no current-context", provided.display()));
    }
}
