//! Who talks to the API server in tests: one user per tested role, each with a token and a kubeconfig of its own.
//!
//! It must not know which rights a role has: `deploy/` defines those and a test binds them.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use kube::config::{
    AuthInfo, Cluster as KubeconfigCluster, Context as KubeconfigContext, Kubeconfig, NamedAuthInfo, NamedCluster,
    NamedContext,
};
use serde::{Deserialize, Serialize};

use super::{ClusterError, files};

/// A user of the cluster.
///
/// Only [`Role::Admin`] may do anything by itself. The others are known to the API server and bound to nothing: a test
/// binds them to the roles that it wants to see at work, as a rule with a RoleBinding in its own namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// User `cicd-admin` in group `system:masters`: everything is allowed.
    Admin,
    /// The operator's ServiceAccount, `system:serviceaccount:cicdcontext-system:cicd-operator` with the groups of a
    /// ServiceAccount, so that the ClusterRoleBinding of `deploy/` and admission policies that name the ServiceAccount
    /// hold as they are. The ServiceAccount object need not exist for its token to work.
    Operator,
    /// User `cicd-pipeline`: a step of a pipeline.
    Pipeline,
    /// User `cicd-viewer`: a person who looks.
    Viewer,
    /// User `cicd-editor`: a team that configures its contexts.
    Editor,
    /// User `cicd-endpoint-editor`: the platform team that decides where deliveries go.
    EndpointEditor,
}

impl Role {
    /// Every role, admin first.
    pub const ALL: [Self; 6] =
        [Self::Admin, Self::Operator, Self::Pipeline, Self::Viewer, Self::Editor, Self::EndpointEditor];

    /// The name in file names and output, for example `endpoint-editor`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Pipeline => "pipeline",
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::EndpointEditor => "endpoint-editor",
        }
    }

    /// The user name that the API server sees, the subject of a RoleBinding.
    pub const fn user(self) -> &'static str {
        match self {
            Self::Admin => "cicd-admin",
            Self::Operator => "system:serviceaccount:cicdcontext-system:cicd-operator",
            Self::Pipeline => "cicd-pipeline",
            Self::Viewer => "cicd-viewer",
            Self::Editor => "cicd-editor",
            Self::EndpointEditor => "cicd-endpoint-editor",
        }
    }

    /// The groups of the user beside `system:authenticated`, which the API server adds.
    pub const fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Admin => &["system:masters"],
            Self::Operator => &["system:serviceaccounts", "system:serviceaccounts:cicdcontext-system"],
            Self::Pipeline | Self::Viewer | Self::Editor | Self::EndpointEditor => &[],
        }
    }

    /// The environment variable that names the role's kubeconfig for a command under `cluster with`, for example
    /// `CLUSTER_KUBECONFIG_ENDPOINT_EDITOR`.
    pub fn variable(self) -> String {
        format!("CLUSTER_KUBECONFIG_{}", self.name().to_uppercase().replace('-', "_"))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// One random token per role.
pub(super) struct Tokens(BTreeMap<Role, String>);

impl Tokens {
    pub(super) fn generate() -> Result<Self, ClusterError> {
        let random = rustls::crypto::ring::default_provider().secure_random;
        let token = |role| {
            let mut bytes = [0_u8; 32];
            random.fill(&mut bytes).map_err(|_| ClusterError::Random)?;
            Ok((role, HEXLOWER.encode(&bytes)))
        };
        Role::ALL.into_iter().map(token).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn of(&self, role: Role) -> &str {
        self.0.get(&role).map_or("", String::as_str)
    }

    /// The text of `--token-auth-file`: token, user, uid and, if there are any, the quoted list of groups. An empty list
    /// would be one group without a name.
    pub(super) fn file(&self) -> String {
        let line = |role: &Role| {
            let groups = role.groups().join(",");
            let groups = if groups.is_empty() { groups } else { format!(",\"{groups}\"") };
            format!("{},{},{}-uid{groups}\n", self.of(*role), role.user(), role.name())
        };
        Role::ALL.iter().map(line).collect()
    }
}

/// Where a role's kubeconfig stands in a cluster's directory.
pub(super) fn path(directory: &Path, role: Role) -> PathBuf {
    directory.join(format!("{role}.kubeconfig"))
}

/// Writes one kubeconfig per role for a server that knows the tokens.
pub(super) fn write(directory: &Path, server: &str, authority: &str, tokens: &Tokens) -> Result<(), ClusterError> {
    let authority = data_encoding::BASE64.encode(authority.as_bytes());
    let cluster = KubeconfigCluster {
        server: Some(server.to_owned()),
        certificate_authority_data: Some(authority),
        ..KubeconfigCluster::default()
    };
    for role in Role::ALL {
        let user = AuthInfo { token: Some(tokens.of(role).to_owned().into()), ..AuthInfo::default() };
        write_one(&path(directory, role), &kubeconfig(cluster.clone(), role.name(), user))?;
    }
    Ok(())
}

/// Writes a kubeconfig per role for a cluster that somebody else provides: its user, impersonating the role's user.
/// That user needs the right to impersonate, as a cluster's administrator has.
pub(super) fn write_impersonating(provided: &Path, directory: &Path, roles: &[Role]) -> Result<(), ClusterError> {
    let unusable = |reason: String| ClusterError::Kubeconfig { action: "read", path: provided.to_owned(), reason };
    let read = Kubeconfig::read_from(provided).map_err(|error| unusable(error.to_string()))?;
    let name = read.current_context.as_deref().ok_or_else(|| unusable("it has no current-context".to_owned()))?;
    let context = read.contexts.iter().find(|named| named.name == name).and_then(|named| named.context.as_ref());
    let context = context.ok_or_else(|| unusable(format!("its current-context `{name}` is not among its contexts")))?;
    let cluster = read.clusters.iter().find(|named| named.name == context.cluster);
    let cluster = cluster.and_then(|named| named.cluster.as_ref());
    let cluster = cluster.ok_or_else(|| unusable(format!("context `{name}` names a cluster that is not there")))?;
    let user = read.auth_infos.iter().find(|named| Some(&named.name) == context.user.as_ref());
    let user = user.and_then(|named| named.auth_info.clone()).unwrap_or_default();
    for role in roles {
        let user = AuthInfo {
            impersonate: Some(role.user().to_owned()),
            impersonate_groups: Some(role.groups().iter().map(ToString::to_string).collect()),
            ..user.clone()
        };
        write_one(&path(directory, *role), &kubeconfig(cluster.clone(), role.name(), user))?;
    }
    Ok(())
}

fn kubeconfig(cluster: KubeconfigCluster, name: &str, user: AuthInfo) -> Kubeconfig {
    let context = KubeconfigContext {
        cluster: "cicdcontext".to_owned(),
        user: Some(name.to_owned()),
        ..KubeconfigContext::default()
    };
    Kubeconfig {
        api_version: Some("v1".to_owned()),
        kind: Some("Config".to_owned()),
        clusters: vec![NamedCluster {
            name: "cicdcontext".to_owned(),
            cluster: Some(cluster),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo { name: name.to_owned(), auth_info: Some(user), ..NamedAuthInfo::default() }],
        contexts: vec![NamedContext { name: name.to_owned(), context: Some(context), ..NamedContext::default() }],
        current_context: Some(name.to_owned()),
        ..Kubeconfig::default()
    }
}

fn write_one(path: &Path, kubeconfig: &Kubeconfig) -> Result<(), ClusterError> {
    let unwritable = |reason: String| ClusterError::Kubeconfig { action: "write", path: path.to_owned(), reason };
    let text = serde_saphyr::to_string(kubeconfig).map_err(|error| unwritable(error.to_string()))?;
    files::write_private(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_file_names_each_user_with_its_groups() {
        let tokens = Tokens(Role::ALL.iter().map(|role| (*role, format!("t-{role}"))).collect());
        let file = tokens.file();
        let lines: Vec<&str> = file.lines().collect();
        assert_eq!(lines.len(), Role::ALL.len());
        assert_eq!(lines[0], "t-admin,cicd-admin,admin-uid,\"system:masters\"");
        assert_eq!(lines[2], "t-pipeline,cicd-pipeline,pipeline-uid");
    }

    #[test]
    fn every_token_is_random_and_of_256_bits() {
        let (one, other) = (Tokens::generate().unwrap(), Tokens::generate().unwrap());
        let all: std::collections::BTreeSet<&str> =
            Role::ALL.iter().flat_map(|role| [one.of(*role), other.of(*role)]).collect();
        assert_eq!(all.len(), 2 * Role::ALL.len());
        assert!(all.iter().all(|token| token.len() == 64));
    }

    #[test]
    fn a_kubeconfig_holds_the_token_of_its_role_alone() {
        let directory = tempfile::tempdir().unwrap();
        let tokens = Tokens::generate().unwrap();
        write(directory.path(), "https://127.0.0.1:6443", "PEM", &tokens).unwrap();
        let text = std::fs::read_to_string(path(directory.path(), Role::Viewer)).unwrap();
        assert!(text.contains(tokens.of(Role::Viewer)));
        assert!(!text.contains(tokens.of(Role::Admin)));
        let read = Kubeconfig::from_yaml(&text).unwrap();
        assert_eq!(read.current_context.as_deref(), Some("viewer"));
    }
}
