//! Where the way to the cluster is written down: which of the places that there may be is used.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::environment::Environment;

/// The token of a Pod's ServiceAccount.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Where the way to the cluster is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Kubeconfig files; what the first one says wins.
    Files(Vec<PathBuf>),
    /// The ServiceAccount of the Pod.
    ServiceAccount,
}

/// Why there is no cluster.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum OriginError {
    /// The file of `--kubeconfig` is not there.
    #[error("--kubeconfig {}: there is no such file", .0.display())]
    NoFile(PathBuf),
    /// No file of `$KUBECONFIG` is there.
    #[error("$KUBECONFIG is {0:?}: there is no such file")]
    NoFiles(String),
    /// Nothing says where the cluster is.
    #[error("there is no kubeconfig, and no ServiceAccount of a Pod; name one with --kubeconfig FILE or $KUBECONFIG")]
    Nothing,
}

/// Chooses: the flag, else `$KUBECONFIG`, else the ServiceAccount, else `~/.kube/config`. `chosen_by_name` says that a
/// flag names an entry of a kubeconfig, which a ServiceAccount cannot have.
pub(super) fn origin(
    flag: Option<&Path>,
    chosen_by_name: bool,
    environment: &Environment,
    exists: impl Fn(&Path) -> bool,
) -> Result<Origin, OriginError> {
    if let Some(file) = flag {
        return if exists(file) {
            Ok(Origin::Files(vec![file.to_owned()]))
        } else {
            Err(OriginError::NoFile(file.to_owned()))
        };
    }
    if let Some(list) = &environment.kubeconfig {
        let files: Vec<PathBuf> = std::env::split_paths(list).filter(|file| exists(file)).collect();
        return if files.is_empty() {
            Err(OriginError::NoFiles(list.to_string_lossy().into_owned()))
        } else {
            Ok(Origin::Files(files))
        };
    }
    if environment.in_pod && !chosen_by_name && exists(Path::new(TOKEN)) {
        return Ok(Origin::ServiceAccount);
    }
    match environment.home.as_ref().map(|home| home.join(".kube/config")).filter(|file| exists(file)) {
        Some(file) => Ok(Origin::Files(vec![file])),
        None => Err(OriginError::Nothing),
    }
}

/// Whether this is a Pod with the token of a ServiceAccount.
pub(crate) fn has_service_account(environment: &Environment) -> bool {
    environment.in_pod && Path::new(TOKEN).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everywhere() -> Environment {
        Environment {
            kubeconfig: Some("/one:/missing:/two".into()),
            home: Some("/home/ada".into()),
            in_pod: true,
            ..Environment::default()
        }
    }

    fn there(path: &Path) -> bool {
        !path.starts_with("/missing")
    }

    fn files(paths: &[&str]) -> Origin {
        Origin::Files(paths.iter().map(PathBuf::from).collect())
    }

    #[test]
    fn the_flag_wins_and_must_exist() {
        assert_eq!(origin(Some(Path::new("/flag")), false, &everywhere(), there), Ok(files(&["/flag"])));
        let error = origin(Some(Path::new("/missing")), false, &everywhere(), there).unwrap_err();
        assert_eq!(error.to_string(), "--kubeconfig /missing: there is no such file");
    }

    #[test]
    fn the_variable_is_a_list_of_which_one_file_must_exist() {
        assert_eq!(origin(None, false, &everywhere(), there), Ok(files(&["/one", "/two"])));
        let error = origin(None, false, &everywhere(), |_| false).unwrap_err();
        assert_eq!(error.to_string(), "$KUBECONFIG is \"/one:/missing:/two\": there is no such file");
    }

    #[test]
    fn a_service_account_comes_before_the_home_directory() {
        let environment = Environment { kubeconfig: None, ..everywhere() };
        assert_eq!(origin(None, false, &environment, there), Ok(Origin::ServiceAccount));
        assert_eq!(origin(None, true, &environment, there), Ok(files(&["/home/ada/.kube/config"])));
        let no_token = |path: &Path| path != Path::new(TOKEN);
        assert_eq!(origin(None, false, &environment, no_token), Ok(files(&["/home/ada/.kube/config"])));
    }

    #[test]
    fn without_any_of_them_the_error_says_what_to_do() {
        assert_eq!(
            origin(None, false, &Environment::default(), there).unwrap_err().to_string(),
            "there is no kubeconfig, and no ServiceAccount of a Pod; name one with --kubeconfig FILE or $KUBECONFIG"
        );
    }
}
