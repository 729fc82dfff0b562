//! Everything that has to be there before the story begins: cluster, kinds, roles, namespaces, receiver, operator and
//! the sample; and its end. What was started or created here is gone afterwards, whatever happened in between.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
    time::Instant,
};

use cicdcontext_tests::{
    cluster::{Access, Provided, Role, workspace},
    operator::{Launch, Operator},
};
use kube::Client;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{
    error::DemoError,
    kubectl::{Invocation, Kubectl},
    output::{done, heading, indented},
    services::{CHAT_PATH, CI_BASE, Services},
};

/// The cluster-wide base of the sample, which no namespace takes away with it.
const SAMPLE_BASE: &str = "clustercicdbase/sample-platform";

const KINDS: [&str; 6] =
    ["cicdcontexts", "cicdevents", "cicdstatewrites", "cicdbases", "clustercicdbases", "cicdendpoints"];

/// The cluster and what the demo put into it.
pub(crate) struct Scene {
    cluster: Provided,
    pub(crate) admin: Kubectl,
    pub(crate) pipeline: Kubectl,
    /// Where the story plays.
    pub(crate) namespace: String,
    /// Where is measured.
    pub(crate) measured: String,
    pub(crate) services: Services,
    operator: Option<Operator>,
    sample_base_is_ours: bool,
    program: PathBuf,
    log: PathBuf,
}

impl Scene {
    /// Takes over a cluster; nothing is created yet.
    pub(crate) async fn new(cluster: Provided, program: PathBuf) -> Result<Self, DemoError> {
        let access = cluster.access();
        let namespace = match cluster {
            Provided::Started(_) => "shop".to_owned(),
            // Somebody's cluster may have a shop already.
            Provided::Yours { .. } => format!("cicdcontext-demo-{}", process::id()),
        };
        Ok(Self {
            admin: Kubectl::new(access.clone(), Role::Admin),
            pipeline: Kubectl::new(access, Role::Pipeline),
            measured: format!("{namespace}-measured"),
            namespace,
            services: Services::start().await?,
            operator: None,
            sample_base_is_ours: false,
            program,
            log: workspace().join("target/demo/operator.log"),
            cluster,
        })
    }

    fn access(&self) -> Access {
        self.cluster.access()
    }

    fn is_ours(&self) -> bool {
        matches!(self.cluster, Provided::Started(_))
    }

    /// A client with the administrator's rights.
    pub(crate) async fn client(&self) -> Result<Client, DemoError> {
        Ok(self.access().client(Role::Admin).await?)
    }

    /// The operator, once it was started.
    pub(crate) fn operator(&self) -> Result<&Operator, DemoError> {
        self.operator.as_ref().ok_or(DemoError::NoOperator)
    }

    /// Which build of the operator runs: cargo names the directory after it.
    pub(crate) fn build(&self) -> String {
        let directory = self.program.parent().and_then(Path::file_name);
        directory.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Creates kinds, roles and namespaces, and starts the operator.
    pub(crate) async fn prepare(&mut self) -> Result<(), DemoError> {
        if let Provided::Started(cluster) = &self.cluster {
            println!("Their logs are in {}.", in_workspace(cluster.directory()));
        }
        heading("The cluster is prepared");
        let start = Instant::now();
        let deploy = workspace().join("deploy");
        self.apply(&["-k"], &deploy.join("crds")).await?;
        let mut established = Invocation::new(["wait", "--for=condition=Established", "--timeout=60s"]);
        established.arguments.extend(KINDS.map(|kind| format!("crd/{kind}.cicdcontext.io")));
        self.admin.run(&established).await?;
        done("The six kinds of cicdcontext.io are served (deploy/crds)", start);

        let start = Instant::now();
        self.apply(&["-f"], &deploy.join("namespace.yaml")).await?;
        self.apply(&["-k"], &deploy.join("rbac")).await?;
        for namespace in [&self.namespace, &self.measured] {
            self.admin.run(&Invocation::new(["create", "namespace", namespace])).await?;
        }
        let user = format!("--user={}", Role::Pipeline.user());
        let bind = ["-n", &self.namespace, "create", "rolebinding", "steps", "--clusterrole=cicd-pipeline", &user];
        self.admin.run(&Invocation::new(bind)).await?;
        done("Roles are defined; the steps below have the role cicd-pipeline and nothing else (deploy/rbac)", start);
        if !self.is_ours() {
            println!("This is your cluster: kinds and roles stay there, namespaces and the sample are removed again.");
        }

        let start = Instant::now();
        let directory = self.log.parent().unwrap_or(&self.log).to_owned();
        fs::create_dir_all(&directory).map_err(DemoError::io("create", directory.display()))?;
        // One log per run: the lines of an earlier one would mislead.
        fs::File::create(&self.log).map_err(DemoError::io("create", self.log.display()))?;
        let launch = Launch::new(self.access().kubeconfig(Role::Operator), &self.log)?.program(&self.program);
        // In somebody's cluster it must leave what is not the demo's alone.
        let launch = if self.is_ours() { launch } else { launch.namespace(&self.namespace).namespace(&self.measured) };
        let operator = Operator::start(&launch).await?;
        let what = format!("The operator is ready (process {}, {})", shown(operator.pid()), operator.address());
        done(&what, start);
        println!("Its log is {}.", in_workspace(operator.log()));
        self.operator = Some(operator);
        Ok(())
    }

    /// Applies the sample and directs its endpoints to the receiver.
    pub(crate) async fn apply_sample(&mut self) -> Result<(), DemoError> {
        heading("The sample is applied");
        println!("Configuration of platform and application, two endpoints, a context for stage and one for prod.");
        println!();
        let sample = "deploy/samples/release/";
        let directory = workspace().join(sample);
        let shown = Invocation::new(["-n", &self.namespace, "apply", "-f", sample]);
        println!("  $ {}", shown.typed());
        self.sample_base_is_ours = !self.has_sample_base().await?;
        let directory = directory.to_string_lossy().into_owned();
        indented(&self.admin.run(&Invocation::new(["-n", &self.namespace, "apply", "-f", &directory])).await?, 4);
        println!();
        println!("Its endpoints lead to example hosts. Here they lead to a receiver on loopback.");
        println!();
        for (endpoint, path) in [("cend/chat", CHAT_PATH), ("cend/ci", CI_BASE)] {
            let there = json!({"spec": {"allowHttp": true, "url": self.services.url(path)}}).to_string();
            let patch = ["-n", &self.namespace, "patch", endpoint, "--type", "merge", "-p", &there];
            self.admin.show(&Invocation::new(patch)).await?;
        }
        let wait =
            ["-n", &self.namespace, "wait", "--for=condition=Ready", "--timeout=30s", "cctx,cbase,cend", "--all"];
        self.admin.show(&Invocation::new(wait)).await
    }

    /// Reads an object as JSON.
    pub(crate) async fn read(&self, object: &str) -> Result<Value, DemoError> {
        let text = self.admin.run(&Invocation::new(["-n", &self.namespace, "get", object, "-o", "json"])).await?;
        let unreadable =
            |error: serde_json::Error| DemoError::Content { place: object.into(), problem: error.to_string() };
        serde_json::from_str(&text).map_err(unreadable)
    }

    async fn apply(&self, how: &[&str], path: &Path) -> Result<(), DemoError> {
        let mut arguments = vec!["apply".to_owned()];
        arguments.extend(how.iter().map(ToString::to_string));
        arguments.push(path.to_string_lossy().into_owned());
        self.admin.run(&Invocation { arguments, input: None }).await.map(drop)
    }

    /// Stops the operator, removes what was created in somebody's cluster, and stops the cluster if it is the demo's.
    pub(crate) async fn clean_up(mut self) -> Result<(), DemoError> {
        heading("Everything is stopped");
        let start = Instant::now();
        let mut outcome = Ok(());
        if let Some(operator) = self.operator.take() {
            let pid = shown(operator.pid());
            outcome = operator.stop().await.map_err(DemoError::from);
            if outcome.is_ok() {
                done(&format!("The operator stopped in order (process {pid})"), start);
            }
        }
        if !self.is_ours() {
            let start = Instant::now();
            for object in [format!("namespace/{}", self.namespace), format!("namespace/{}", self.measured)] {
                outcome = outcome.and(self.delete(&object).await);
            }
            if self.sample_base_is_ours {
                outcome = outcome.and(self.delete(SAMPLE_BASE).await);
            }
            done("Namespaces and sample are deleted", start);
        }
        let start = Instant::now();
        let stopped = spawn_blocking(move || self.cluster.stop()).await;
        // A panic of that thread was printed by it.
        let stopped = stopped.unwrap_or(Ok(())).map_err(DemoError::from);
        done("The cluster is released", start);
        outcome.and(stopped)
    }

    /// Whether somebody had the sample's base before the demo came.
    async fn has_sample_base(&self) -> Result<bool, DemoError> {
        let found = self.admin.run(&Invocation::new(["get", SAMPLE_BASE, "--ignore-not-found", "-o", "name"])).await?;
        Ok(!found.trim().is_empty())
    }

    async fn delete(&self, object: &str) -> Result<(), DemoError> {
        let delete = Invocation::new(["delete", object, "--ignore-not-found", "--wait=false"]);
        self.admin.run(&delete).await.map(drop)
    }
}

/// A path of this workspace as a person types it there.
fn in_workspace(path: &Path) -> String {
    path.strip_prefix(workspace()).unwrap_or(path).display().to_string()
}

fn shown(pid: Option<u32>) -> String {
    pid.map_or_else(|| "ended".to_owned(), |pid| pid.to_string())
}
