//! Several operators for one scene, of which the holder of a Lease works.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cicdcontext_tests::{
    cluster::Role,
    gate::Gate,
    operator::{Launch, Operator},
};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::{Api, Client};

use super::Scene;

/// Where the operator's role allows Leases.
pub(super) const LEASES: &str = "cicdcontext-system";

impl Scene {
    /// Starts a replica, with the rights of the operator's role and no others. Each writes a log of its own.
    pub(crate) async fn start_replica(&self, name: &str, flags: &[&str]) -> Operator {
        self.start(name, self.access.kubeconfig(Role::Operator), &[], flags).await
    }

    /// The same, in an environment with these variables, too.
    pub(crate) async fn start_replica_with(
        &self,
        variables: &[(&str, String)],
        name: &str,
        flags: &[&str],
    ) -> Operator {
        self.start(name, self.access.kubeconfig(Role::Operator), variables, flags).await
    }

    /// Starts a replica that reaches the API server through a gate.
    pub(crate) async fn start_replica_behind(&self, gate: &Gate, name: &str, flags: &[&str]) -> Operator {
        let kubeconfig = self.log.with_extension(format!("{name}.kubeconfig"));
        gate.write_kubeconfig(&kubeconfig).unwrap();
        self.start(name, kubeconfig, &[], flags).await
    }

    /// A gate with the rights of the operator's role.
    pub(crate) async fn gate(&self) -> Gate {
        Gate::before(self.access.client(Role::Operator).await.unwrap()).await.unwrap()
    }

    async fn start(&self, name: &str, kubeconfig: PathBuf, variables: &[(&str, String)], flags: &[&str]) -> Operator {
        let log = self.log.with_extension(format!("{name}.log"));
        let launch = Launch::new(kubeconfig, log).unwrap();
        let launch = launch.elected(LEASES, &self.namespace).flag("--pod-name").flag(name);
        let launch = flags.iter().fold(launch.namespace(&self.namespace), |launch, flag| launch.flag(flag));
        let launch = variables.iter().fold(launch, |launch, (name, value)| launch.variable(name, value));
        Operator::start(&launch).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The Lease that the scene's replicas are elected by.
    pub(crate) async fn lease(&self) -> LeaseSpec {
        let lease = leases(&self.client).get_opt(&self.namespace).await.unwrap();
        lease.and_then(|lease| lease.spec).unwrap_or_default()
    }

    /// Writes into the Lease, as nobody should.
    pub(crate) async fn edit_lease(&self, edit: impl Fn(&mut LeaseSpec)) {
        let api = leases(&self.client);
        let written = async || {
            let mut lease = api.get(&self.namespace).await.unwrap();
            edit(lease.spec.get_or_insert_default());
            api.replace(&self.namespace, &kube::api::PostParams::default(), &lease)
                .await
                .map_err(|error| error.to_string())
        };
        self.until("the Lease is edited", written).await;
    }

    /// Waits until the replica of this name holds the Lease.
    pub(crate) async fn leads(&self, name: &str) -> LeaseSpec {
        let prefix = format!("{name}_");
        let look = async || {
            let lease = self.lease().await;
            let holds = lease.holder_identity.as_ref().is_some_and(|holder| holder.starts_with(&prefix));
            if holds { Ok(lease) } else { Err(format!("{lease:?}")) }
        };
        self.until(&format!("{name} leads"), look).await
    }
}

pub(super) fn leases(client: &Client) -> Api<Lease> {
    Api::namespaced(client.clone(), LEASES)
}

/// Takes the replicas' logs away, which stand beside the scene's own.
pub(super) fn remove_logs(log: &Path) {
    let (Some(directory), Some(stem)) = (log.parent(), log.file_stem().and_then(|stem| stem.to_str())) else { return };
    let Ok(entries) = fs::read_dir(directory) else { return };
    let prefix = format!("{stem}.");
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)) {
        fs::remove_file(entry.path()).ok();
    }
}
