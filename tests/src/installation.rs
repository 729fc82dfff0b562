//! What a cluster needs before an operator can work in it, created by kubectl from `deploy/` as a person would.
//!
//! It must not know what is done with it then.

use tokio::process::Command;

use crate::cluster::{Access, Role, workspace};

/// kubectl failed.
#[derive(Debug, thiserror::Error)]
#[error("run kubectl {arguments}: {problem}")]
pub struct KubectlError {
    /// What it was asked for.
    pub arguments: String,
    /// What it said.
    pub problem: String,
}

/// Creates kinds, the operator's namespace and roles, and returns when the kinds are served.
pub async fn install(access: &Access) -> Result<(), KubectlError> {
    let deploy = workspace().join("deploy");
    for (how, what) in [("-k", "crds"), ("-f", "namespace.yaml"), ("-k", "rbac")] {
        let what = deploy.join(what).to_string_lossy().into_owned();
        kubectl(access, &["apply", "--server-side", "--force-conflicts", how, &what]).await?;
    }
    kubectl(access, &["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]).await
}

/// Runs kubectl as the administrator.
pub async fn kubectl(access: &Access, arguments: &[&str]) -> Result<(), KubectlError> {
    let failed = |problem: String| KubectlError { arguments: arguments.join(" "), problem };
    let mut command = Command::from(access.kubectl_as(Role::Admin));
    let output = command.args(arguments).output().await.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()))
}
