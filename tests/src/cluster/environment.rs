//! The environment variables that say where a cluster and its programs come from, read once and passed on.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::Role;

/// What the process was told through its environment. An empty variable counts as one that is not set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `CLUSTER_KUBECONFIG`: the kubeconfig of a cluster that somebody else provides.
    pub cluster_kubeconfig: Option<PathBuf>,
    /// `CLUSTER_KUBECONFIG_PIPELINE` and so on: kubeconfigs for single roles of that cluster.
    pub role_kubeconfigs: BTreeMap<Role, PathBuf>,
    /// `CLUSTER_KUBECTL`: the kubectl to use.
    pub kubectl: Option<PathBuf>,
    /// `KUBECACHEDIR`: where kubectl keeps what it discovered.
    pub kubectl_cache: Option<PathBuf>,
    /// `KUBEBUILDER_ASSETS`: a directory with etcd and kube-apiserver, as controller-runtime's envtest has it.
    pub kubebuilder_assets: Option<PathBuf>,
    /// `XDG_CACHE_HOME`, else `~/.cache`, else a directory in the system's temporary one.
    pub cache: PathBuf,
    /// `PATH`, where kubectl is looked for.
    pub path: Option<OsString>,
}

impl Environment {
    /// Reads the environment of this process.
    pub fn of_this_process() -> Self {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// Reads the variables with a function.
    ///
    /// ```
    /// use cicdcontext_tests::cluster::Environment;
    ///
    /// let environment = Environment::from_variables(|name| (name == "HOME").then(|| "/home/ada".into()));
    /// assert_eq!(environment.cache, std::path::Path::new("/home/ada/.cache"));
    /// assert_eq!(environment.cluster_kubeconfig, None);
    /// ```
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = |name: &str| set(name).map(PathBuf::from);
        let cache = path("XDG_CACHE_HOME")
            .filter(|cache| cache.is_absolute())
            .or_else(|| path("HOME").map(|home| home.join(".cache")))
            .unwrap_or_else(std::env::temp_dir);
        Self {
            cluster_kubeconfig: path("CLUSTER_KUBECONFIG"),
            role_kubeconfigs: Role::ALL.iter().filter_map(|role| Some((*role, path(&role.variable())?))).collect(),
            kubectl: path("CLUSTER_KUBECTL"),
            kubectl_cache: path("KUBECACHEDIR"),
            kubebuilder_assets: path("KUBEBUILDER_ASSETS"),
            cache,
            path: set("PATH"),
        }
    }

    /// The first directory of `PATH` that holds a program of this name.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        let directories = self.path.as_deref().map(std::env::split_paths).into_iter().flatten();
        directories.map(|directory| directory.join(name)).find(|candidate| candidate.is_file())
    }
}

/// The root of this workspace: where `tests/cluster` is found and `target/cluster` is written.
pub fn workspace() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_cache_follows_xdg_before_home() {
        let found = environment(&[("XDG_CACHE_HOME", "/caches"), ("HOME", "/home/ada")]);
        assert_eq!(found.cache, Path::new("/caches"));
    }

    #[test]
    fn a_relative_cache_home_is_ignored_as_xdg_demands() {
        let found = environment(&[("XDG_CACHE_HOME", "caches"), ("HOME", "/home/ada")]);
        assert_eq!(found.cache, Path::new("/home/ada/.cache"));
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        assert_eq!(environment(&[("CLUSTER_KUBECONFIG", "")]).cluster_kubeconfig, None);
    }

    #[test]
    fn the_kubeconfig_of_each_role_has_its_own_variable() {
        let found =
            environment(&[("CLUSTER_KUBECONFIG_ENDPOINT_EDITOR", "/ee"), ("CLUSTER_KUBECONFIG_PIPELINE", "/p")]);
        let expected = [(Role::EndpointEditor, "/ee".into()), (Role::Pipeline, "/p".into())];
        assert_eq!(found.role_kubeconfigs, BTreeMap::from(expected));
    }

    #[test]
    fn the_workspace_is_where_the_go_module_is() {
        assert!(workspace().join("tests/cluster/go.mod").is_file());
    }
}
