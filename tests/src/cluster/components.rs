//! The command line of each component. Why a flag is there stands beside it; the rest is the component's default, so
//! that tests and measurements see what a production server does (etcd in particular keeps its fsync).

use std::{net::Ipv4Addr, path::Path};

use super::{AuditLevel, Role, assets::Assets, process::Launch};

pub(super) const ETCD: &str = "etcd";
pub(super) const API_SERVER: &str = "kube-apiserver";
pub(super) const CONTROLLER_MANAGER: &str = "kube-controller-manager";

/// Where Services get their addresses from. Nothing listens there, unless there is a node.
pub(crate) const SERVICE_RANGE: &str = "10.0.0.0/24";

/// Names of the files in a cluster's data directory.
pub(super) mod file {
    pub(crate) const AUTHORITY: &str = "ca.crt";
    pub(crate) const SERVER: &str = "server.crt";
    pub(crate) const SERVER_KEY: &str = "server.key";
    pub(crate) const SERVICE_ACCOUNT_KEY: &str = "service-account.key";
    pub(crate) const SERVICE_ACCOUNT_PUBLIC_KEY: &str = "service-account.pub";
    pub(crate) const TOKENS: &str = "tokens.csv";
    pub(crate) const AUDIT_POLICY: &str = "audit-policy.yaml";
    /// Among the logs, not in the data directory.
    pub(crate) const AUDIT_LOG: &str = "audit.log";
}

/// What one cluster wants of its API server and another one does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wishes {
    pub(super) audit: Option<AuditLevel>,
    pub(super) pods_reach_it_at: Option<Ipv4Addr>,
}

/// Where a cluster keeps what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    pub(super) assets: &'a Assets,
    /// Keys and etcd's data; gone when the cluster stops.
    pub(super) data: &'a Path,
    /// Logs and kubeconfigs.
    pub(super) directory: &'a Path,
}

impl Places<'_> {
    fn launch(&self, name: &'static str, program: &Path, arguments: Vec<String>) -> Launch {
        Launch {
            name,
            program: program.to_owned(),
            arguments,
            variables: Vec::new(),
            log: self.directory.join(format!("{name}.log")),
            directory: self.data.to_owned(),
        }
    }

    fn data_file(&self, name: &str) -> String {
        self.data.join(name).display().to_string()
    }

    pub(super) fn etcd(&self, port: u16) -> Launch {
        let arguments = vec![
            format!("--data-dir={}", self.data_file("etcd")),
            format!("--listen-client-urls=http://127.0.0.1:{port}"),
            format!("--advertise-client-urls=http://127.0.0.1:{port}"),
            // A single member has no peers; any free port will do.
            "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
        ];
        self.launch(ETCD, &self.assets.etcd, arguments)
    }

    pub(super) fn api_server(&self, etcd_port: u16, port: u16, wishes: Wishes) -> Launch {
        let mut arguments = vec![
            format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
            format!("--secure-port={port}"),
            format!("--cert-dir={}", self.data_file("certificates")),
            format!("--tls-cert-file={}", self.data_file(file::SERVER)),
            format!("--tls-private-key-file={}", self.data_file(file::SERVER_KEY)),
            format!("--token-auth-file={}", self.data_file(file::TOKENS)),
            "--authorization-mode=Node,RBAC".to_owned(),
            format!("--service-account-key-file={}", self.data_file(file::SERVICE_ACCOUNT_PUBLIC_KEY)),
            format!("--service-account-signing-key-file={}", self.data_file(file::SERVICE_ACCOUNT_KEY)),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-cluster-ip-range={SERVICE_RANGE}"),
            // Not among the default ones, and on in some distributions: who sets an owner needs rights for it. Whatever
            // works here works there.
            "--enable-admission-plugins=OwnerReferencesPermissionEnforcement".to_owned(),
        ];
        match wishes.pods_reach_it_at {
            // Pods come from other addresses than loopback, and find the server in the `kubernetes` Service.
            Some(address) => arguments.extend([
                "--bind-address=0.0.0.0".to_owned(),
                format!("--advertise-address={address}"),
                "--kubelet-preferred-address-types=InternalIP".to_owned(),
            ]),
            // Without an address the server looks for a default route and fails on a machine that has none. Loopback
            // may not stand in an Endpoints object, hence no reconciler for the `kubernetes` Service.
            None => arguments.extend(
                ["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"]
                    .map(str::to_owned),
            ),
        }
        if wishes.audit.is_some() {
            arguments.push(format!("--audit-policy-file={}", self.data_file(file::AUDIT_POLICY)));
            arguments.push(format!("--audit-log-path={}", self.directory.join(file::AUDIT_LOG).display()));
        }
        self.launch(API_SERVER, &self.assets.kube_apiserver, arguments)
    }

    pub(super) fn controller_manager(&self, program: &Path, kubeconfig: &Path, port: u16) -> Launch {
        let kubeconfig = kubeconfig.display();
        let arguments = vec![
            format!("--kubeconfig={kubeconfig}"),
            format!("--authentication-kubeconfig={kubeconfig}"),
            format!("--authorization-kubeconfig={kubeconfig}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--tls-cert-file={}", self.data_file(file::SERVER)),
            format!("--tls-private-key-file={}", self.data_file(file::SERVER_KEY)),
            // There is one instance, and an election costs seconds at the start.
            "--leader-elect=false".to_owned(),
            format!("--service-account-private-key-file={}", self.data_file(file::SERVICE_ACCOUNT_KEY)),
            format!("--root-ca-file={}", self.data_file(file::AUTHORITY)),
        ];
        self.launch(CONTROLLER_MANAGER, program, arguments)
    }
}

/// One event per request, written when its answer is complete.
pub(super) fn audit_policy(level: AuditLevel) -> String {
    let whose = match level {
        AuditLevel::Operator => format!("  users: [{:?}]\n- level: None\n", Role::Operator.user()),
        AuditLevel::Metadata | AuditLevel::Request | AuditLevel::RequestResponse => String::new(),
    };
    format!(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: {}\n{whose}",
        level.name()
    )
}
