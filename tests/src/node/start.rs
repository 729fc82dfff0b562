//! Starts the programs of a node in the namespaces of this process, waits until a Pod of it answers, and stops them.

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::{
    NodeError,
    command::run,
    components::{NODE, Places},
    dns,
    ground::{self, ADDRESS},
    requirements,
};
use crate::cluster::{
    Access, Cluster, ClusterError, Interrupt, Report, Role, build, files, log,
    process::{Launch, Process},
};

/// How often it is looked whether something is ready.
const POLL: Duration = Duration::from_millis(100);

/// How long each step of a start may take on a machine that is busy.
const WITHIN: Duration = Duration::from_mins(2);

/// What kind of node is wanted.
#[derive(Debug, Clone)]
pub struct Options {
    /// The control plane; where its data goes and that Pods can reach it are set here.
    pub cluster: crate::cluster::Options,
    /// Where the node keeps its data: [`super::Confinement::data`].
    pub data: PathBuf,
    /// [`super::Confinement::control_group`].
    pub control_group: String,
    /// OCI archives that are loaded before anything runs.
    pub archives: Vec<PathBuf>,
}

/// A running node with its control plane. Dropping it kills its processes.
#[derive(Debug)]
pub struct Node {
    processes: Vec<Process>,
    cluster: Option<Cluster>,
    places: Places,
    access: Access,
    report: Report,
    interrupt: Interrupt,
}

impl Node {
    /// Starts a node and returns when its DNS answers. This process must be the first of its namespaces: see
    /// [`super::Confinement`].
    ///
    /// # Errors
    /// Each variant of [`NodeError`]; what was started by then is stopped.
    pub fn start(mut options: Options) -> Result<Self, NodeError> {
        let started = Instant::now();
        ground::lay(&options.data)?;
        options.cluster.controller_manager = true;
        options.cluster.pods_reach_it_at = Some(ADDRESS);
        options.cluster.data_parent = Some(options.data.clone());
        let (report, interrupt) = (options.cluster.report.clone(), options.cluster.interrupt.clone());
        let programs = build(&options.cluster.environment, &report, &interrupt)?;
        let cluster = Cluster::start(options.cluster)?;
        let places = Places {
            data: options.data,
            directory: cluster.directory().to_owned(),
            programs,
            kubeconfig: cluster.kubeconfig(Role::Admin),
            control_group: options.control_group,
            plugins: requirements::network_plugins().unwrap_or_default(),
        };
        let access = cluster.access();
        let mut node = Self { processes: Vec::new(), cluster: Some(cluster), places, access, report, interrupt };
        node.start_programs(&options.archives)?;
        node.report.line(format!("the node is ready after {:.1} s", started.elapsed().as_secs_f64()));
        Ok(node)
    }

    fn start_programs(&mut self, archives: &[PathBuf]) -> Result<(), NodeError> {
        self.places.write_settings()?;
        let started = Instant::now();
        self.run(&self.places.containerd())?;
        self.wait_until("containerd to answer", |node| run(node.ctr().arg("version")).map(|_| true))?;
        self.report.line(format!("containerd answers after {:.1} s", started.elapsed().as_secs_f64()));
        let started = Instant::now();
        for archive in archives {
            run(self.ctr().args(["--namespace", "k8s.io", "images", "import"]).arg(archive))?;
        }
        self.report.line(format!("loaded {} images in {:.1} s", archives.len(), started.elapsed().as_secs_f64()));
        let started = Instant::now();
        for launch in [self.places.kubelet(), self.places.proxy(), self.places.scheduler()] {
            self.run(&launch)?;
        }
        let manifest = self.places.data.join("dns.yaml");
        files::write_private(&manifest, &dns::manifest())?;
        run(self.kubectl().args(["apply", "--filename"]).arg(manifest))?;
        let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        self.wait_until("the kubelet to be ready", |node| {
            run(node.kubectl().args(["get", "node", NODE, "--output", path])).map(|status| status == "True")
        })?;
        self.report.line(format!("the kubelet is ready after {:.1} s", started.elapsed().as_secs_f64()));
        let path = "jsonpath={.status.readyReplicas}";
        let namespace = ["--namespace", dns::NAMESPACE];
        self.wait_until("the cluster's DNS to be ready", |node| {
            let mut kubectl = node.kubectl();
            run(kubectl.args(namespace).args(["get", "deployment", dns::NAME, "--output", path]))
                .map(|ready| ready == "1")
        })
    }

    fn run(&mut self, launch: &Launch) -> Result<(), NodeError> {
        files::remove_file(&launch.log)?;
        self.processes.push(launch.start()?);
        Ok(())
    }

    /// Looks again and again, until it is so, somebody interrupts, a program ended, or the time is over. A question that
    /// fails is asked again.
    fn wait_until(&mut self, what: &str, is_so: impl Fn(&Self) -> Result<bool, NodeError>) -> Result<(), NodeError> {
        let start = Instant::now();
        loop {
            if self.interrupt.is_set() {
                return Err(ClusterError::Interrupted.into());
            }
            if let Some(ended) = self.ended() {
                return Err(ended);
            }
            let last = match is_so(self) {
                Ok(true) => return Ok(()),
                Ok(false) => "it is not so yet".to_owned(),
                Err(error) => error.to_string(),
            };
            if start.elapsed() > WITHIN {
                self.describe();
                return Err(NodeError::NotInTime { what: what.to_owned(), waited: start.elapsed(), last });
            }
            thread::sleep(POLL);
        }
    }

    /// The first program that ended although nobody told it to.
    fn ended(&mut self) -> Option<NodeError> {
        self.processes.iter_mut().find_map(|process| {
            let status = process.ended()?;
            let (component, log) = (process.record.name.clone(), process.record.log.clone());
            let tail = log::lines_that_matter(&log);
            Some(NodeError::Ended { component, status, log, tail })
        })
    }

    fn ctr(&self) -> Command {
        let mut command = Command::new("ctr");
        command.env("PATH", requirements::PROGRAM_DIRECTORIES).arg("--address").arg(self.places.socket());
        command
    }

    fn kubectl(&self) -> Command {
        self.access.kubectl_as(Role::Admin)
    }

    /// How to reach its API server.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Where the logs are: `<program>.log`, and in `pods` those of containers.
    pub fn directory(&self) -> &Path {
        &self.places.directory
    }

    /// Writes down what a person asks first when something is wrong: the Pods, their descriptions, Events. What cannot be
    /// had is left out.
    pub fn describe(&self) {
        let questions: [(&str, &[&str]); 4] = [
            ("objects.txt", &["get", "pods,deployments,services,endpointslices", "--all-namespaces", "--output=wide"]),
            ("pods.txt", &["describe", "pods", "--all-namespaces"]),
            ("events.txt", &["get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"]),
            ("contexts.yaml", &["get", "cctx,cicdevents", "--all-namespaces", "--output=yaml"]),
        ];
        for (name, question) in questions {
            if let Ok(answer) = run(self.kubectl().args(question)) {
                files::write_private(&self.places.directory.join(name), &answer).unwrap_or_default();
            }
        }
    }

    /// Stops everything. What a kill leaves of it, containers above all, ends with the namespaces.
    pub fn stop(mut self) -> Result<(), NodeError> {
        self.stop_programs()?;
        self.cluster.take().map(Cluster::stop).transpose()?;
        Ok(())
    }

    fn stop_programs(&mut self) -> Result<(), NodeError> {
        for mut process in self.processes.drain(..).rev() {
            process.kill();
            process.wait()?;
        }
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Err(error) = self.stop_programs() {
            self.report.line(error.to_string());
        }
    }
}
