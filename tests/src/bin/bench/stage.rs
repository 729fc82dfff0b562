//! What a benchmark plays on: the cluster of the environment with kinds and roles, namespaces of its own, and operators
//! that work in them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::{Mutex, MutexGuard, PoisonError},
};

use cicdcontext_tests::{
    cluster::{Access, Environment, Role, workspace},
    installation::{self, kubectl},
    operator::{self, Launch, Operator},
};
use kube::Client;

use crate::{error::BenchError, plan::Length};

/// A cluster with everything that an operator needs, and no operator yet.
pub(crate) struct Stage {
    pub(crate) access: Access,
    /// With every right.
    pub(crate) admin: Client,
    /// With the rights of a step of a pipeline.
    pub(crate) pipeline: Client,
    pub(crate) length: Length,
    /// Logs and the like.
    pub(crate) directory: PathBuf,
    /// The operator that is measured.
    pub(crate) program: PathBuf,
    /// The cicdctl that is measured.
    pub(crate) cicdctl: PathBuf,
    namespaces: Mutex<Vec<String>>,
}

impl Stage {
    /// Creates kinds and roles. What is measured is what is named, or else lies beside this program.
    pub(crate) async fn prepare(
        length: Length,
        program: Option<&Path>,
        cicdctl: Option<&Path>,
    ) -> Result<Self, BenchError> {
        let access = Access::from_environment(&Environment::of_this_process())?;
        let found = |program: &Path| fs::canonicalize(program).map_err(BenchError::io("find", program.display()));
        let beside = operator::program()?;
        let cicdctl = found(cicdctl.unwrap_or(&beside.with_file_name("cicdctl")))?;
        let program = found(program.unwrap_or(&beside))?;
        installation::install(&access).await?;
        let directory = workspace().join("target/bench");
        fs::create_dir_all(&directory).map_err(BenchError::io("create", directory.display()))?;
        Ok(Self {
            admin: access.client(Role::Admin).await?,
            pipeline: access.client(Role::Pipeline).await?,
            length,
            directory,
            program,
            cicdctl,
            namespaces: Mutex::default(),
            access,
        })
    }

    /// A new namespace in which steps of pipelines have their rights.
    pub(crate) async fn namespace(&self, purpose: &str) -> Result<String, BenchError> {
        let namespace = {
            let mut namespaces = self.namespaces();
            let namespace = format!("bench-{}-{}-{purpose}", process::id(), namespaces.len());
            namespaces.push(namespace.clone());
            namespace
        };
        kubectl(&self.access, &["create", "namespace", &namespace]).await?;
        let user = format!("--user={}", Role::Pipeline.user());
        let bind = ["-n", &namespace, "create", "rolebinding", "steps", "--clusterrole=cicd-pipeline", &user];
        kubectl(&self.access, &bind).await?;
        Ok(namespace)
    }

    /// An operator that works in a namespace, when it is ready.
    pub(crate) async fn operator(&self, namespace: &str) -> Result<Operator, BenchError> {
        Ok(Operator::start(&self.launch(namespace)?).await?)
    }

    /// How an operator is started that works in a namespace. Its log is a file of its own.
    pub(crate) fn launch(&self, namespace: &str) -> Result<Launch, BenchError> {
        let log = self.directory.join(format!("{namespace}.log"));
        let launch = Launch::new(self.access.kubeconfig(Role::Operator), log)?;
        // As it runs in production: a line for each thing that somebody should see.
        Ok(launch.program(&self.program).namespace(namespace))
    }

    /// Which build of the operator is measured: cargo names the directory after it, and the one above after the machine.
    pub(crate) fn build(&self) -> String {
        let name = |path: Option<&Path>| path?.file_name().map(|name| name.to_string_lossy().into_owned());
        let directory = self.program.parent();
        let build = name(directory).unwrap_or_default();
        match name(directory.and_then(Path::parent)) {
            Some(machine) if machine.contains('-') && machine.contains(env::consts::ARCH) => {
                format!("{build}, {machine}")
            }
            _ => build,
        }
    }

    /// Removes the namespaces; kinds and roles stay.
    pub(crate) async fn clean_up(&self) -> Result<(), BenchError> {
        let namespaces = std::mem::take(&mut *self.namespaces());
        for namespace in namespaces {
            kubectl(&self.access, &["delete", "namespace", &namespace, "--ignore-not-found", "--wait=false"]).await?;
        }
        Ok(())
    }

    fn namespaces(&self) -> MutexGuard<'_, Vec<String>> {
        self.namespaces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
