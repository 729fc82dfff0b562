//! How the operator of a scene is started: as everywhere, through a gate, or in an odd environment.

use std::path::PathBuf;

use cicdcontext_tests::{
    cluster::Role,
    gate::Gate,
    operator::{Launch, Operator},
};

use super::Scene;

impl Scene {
    /// Starts the operator, with the rights of its own role and no others.
    pub(crate) async fn start_operator(&mut self, flags: &[&str]) {
        self.launch_operator(self.access.kubeconfig(Role::Operator), &[], flags).await;
    }

    /// Starts the operator as another user, one of several replicas with a Lease in the scene's namespace.
    pub(crate) async fn start_operator_as(&mut self, kubeconfig: PathBuf, flags: &[&str]) {
        let launch = self.launch_with(kubeconfig).elected(&self.namespace, &self.namespace);
        let launch = flags.iter().fold(launch, |launch, flag| launch.flag(flag));
        self.operator = Some(Operator::start(&launch).await.unwrap_or_else(|error| panic!("{error}")));
    }

    /// How the operator is started, with the rights of its own role and no others.
    pub(crate) fn launch(&self) -> Launch {
        self.launch_with(self.access.kubeconfig(Role::Operator))
    }

    /// The same, in an environment with these variables, too.
    pub(crate) async fn start_operator_with(&mut self, variables: &[(&str, String)], flags: &[&str]) {
        self.launch_operator(self.access.kubeconfig(Role::Operator), variables, flags).await;
    }

    /// The same, through a gate.
    pub(crate) async fn start_operator_behind(&mut self, gate: &Gate, flags: &[&str]) {
        let kubeconfig = self.log.with_extension("gate.kubeconfig");
        gate.write_kubeconfig(&kubeconfig).unwrap();
        self.launch_operator(kubeconfig, &[], flags).await;
    }

    async fn launch_operator(&mut self, kubeconfig: PathBuf, variables: &[(&str, String)], flags: &[&str]) {
        let launch = self.launch_with(kubeconfig);
        let launch = flags.iter().fold(launch, |launch, flag| launch.flag(flag));
        let launch = variables.iter().fold(launch, |launch, (name, value)| launch.variable(name, value));
        self.operator = Some(Operator::start(&launch).await.unwrap_or_else(|error| panic!("{error}")));
    }

    fn launch_with(&self, kubeconfig: impl Into<PathBuf>) -> Launch {
        Launch::new(kubeconfig, &self.log).unwrap().namespace(&self.namespace)
    }
}
