//! Starts etcd, kube-apiserver and, if wanted, kube-controller-manager on loopback, waits until they are ready, and
//! stops exactly what it started.

use std::{
    fmt, io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{
    Access, Assets, ClusterError, Environment, Interrupt, Record, Report, Role,
    components::{self, Places, Wishes, file},
    credentials::{self, Tokens},
    environment::workspace,
    files, log,
    pki::Pki,
    probe::{self, Answer, Probe},
    process::{Launch, Process},
    record::stop_processes,
};

/// How often it is looked whether a component is ready or has ended.
const POLL: Duration = Duration::from_millis(50);

/// A free port can be taken between finding it and listening on it; then another one is tried.
const PORT_ATTEMPTS: u32 = 5;

/// How much the API server writes into `audit.log` about each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditLevel {
    /// Who asked for what, and the status of the answer, of the operator's requests and no others: cheap enough for a run
    /// of the whole suite.
    Operator,
    /// Who asked for what, and the status of the answer.
    Metadata,
    /// The body of the request too.
    Request,
    /// Both bodies.
    RequestResponse,
}

impl AuditLevel {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Operator | Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }
}

/// What kind of cluster is wanted.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where logs, kubeconfigs and the record go. Made if absent; logs of an earlier cluster there are replaced.
    pub directory: PathBuf,
    /// Whether kube-controller-manager runs: garbage collection of owned objects and tokens of ServiceAccounts need it.
    /// Its garbage collector looks for new kinds every 30 s, so a CRD that was just applied is not collected at once.
    pub controller_manager: bool,
    /// Whether the API server writes `audit.log`, for counting requests. It costs time on each request.
    pub audit: Option<AuditLevel>,
    /// An address of this machine at which Pods reach the API server. It then listens on every address and stands in
    /// the Service `kubernetes`; without, it listens on loopback alone and there can be no Pods.
    pub pods_reach_it_at: Option<Ipv4Addr>,
    /// How long one component may take to become ready.
    pub ready_within: Duration,
    /// Where the temporary directory with etcd's data is made; the system's temporary directory if `None`. For honest
    /// measurements it must not be a file system in memory.
    pub data_parent: Option<PathBuf>,
    /// Where the programs come from.
    pub environment: Environment,
    /// Who hears what is being done.
    pub report: Report,
    /// Ends the start early.
    pub interrupt: Interrupt,
}

impl Options {
    /// etcd and kube-apiserver, without controller manager and audit log, reporting to standard error.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            controller_manager: false,
            audit: None,
            pods_reach_it_at: None,
            ready_within: Duration::from_mins(2),
            data_parent: None,
            environment: Environment::of_this_process(),
            report: Report::default(),
            interrupt: Interrupt::default(),
        }
    }

    /// The same with `target/cluster/<name>` of this workspace as its directory.
    ///
    /// ```
    /// let options = cicdcontext_tests::cluster::Options::named("demo");
    /// assert!(options.directory.ends_with("target/cluster/demo"));
    /// ```
    pub fn named(name: &str) -> Self {
        Self::in_directory(workspace().join("target/cluster").join(name))
    }
}

/// A running control plane. Dropping it kills its processes and removes its data; [`Cluster::stop`] does the same and
/// says when something went wrong.
///
/// All methods block the calling thread: from asynchronous code use `tokio::task::spawn_blocking`.
pub struct Cluster {
    record: Record,
    processes: Vec<Process>,
    api_server: Option<Launch>,
    api_server_port: u16,
    probe: Option<Probe>,
    data: Option<TempDir>,
    options: Options,
}

impl Cluster {
    /// Starts a control plane and returns when it answers.
    ///
    /// # Errors
    /// Each variant of [`ClusterError`]; a component that fails is quoted with the lines of its log that matter. What
    /// was started by then is stopped.
    pub fn start(mut options: Options) -> Result<Self, ClusterError> {
        options.directory = std::path::absolute(&options.directory)
            .map_err(ClusterError::file("find the absolute path of", &options.directory))?;
        claim(&options.directory)?;
        let Options { environment, controller_manager, report, interrupt, .. } = &options;
        let assets = Assets::find(environment, *controller_manager, report, interrupt)?;
        let parent = options.data_parent.clone().unwrap_or_else(std::env::temp_dir);
        let data = tempfile::Builder::new().prefix("cicdcontext-cluster-").tempdir_in(&parent);
        let data = data.map_err(ClusterError::file("create a directory in", parent))?;
        let record = Record {
            directory: options.directory.clone(),
            data: data.path().to_owned(),
            server: String::new(),
            processes: Vec::new(),
            kubeconfigs: Role::ALL.iter().map(|role| (*role, credentials::path(&options.directory, *role))).collect(),
            kubectl: assets.kubectl.clone(),
        };
        record.write()?;
        let mut cluster = Self {
            record,
            processes: Vec::new(),
            api_server: None,
            api_server_port: 0,
            probe: None,
            data: Some(data),
            options,
        };
        // From here on an early return drops the cluster, which stops what runs.
        cluster.start_components(&assets)?;
        Ok(cluster)
    }

    fn start_components(&mut self, assets: &Assets) -> Result<(), ClusterError> {
        let (data, directory) = (self.record.data.clone(), self.record.directory.clone());
        let places = Places { assets, data: &data, directory: &directory };
        let (pki, tokens) = (Pki::generate()?, Tokens::generate()?);
        write_secrets(&data, &pki, &tokens, self.options.audit)?;
        // The API server appends; requests of an earlier cluster must not be counted.
        files::remove_file(&directory.join(file::AUDIT_LOG))?;
        let probe = Probe::new(pki.authority_der.clone(), tokens.of(Role::Admin).to_owned())?;

        let etcd_port = self.start_on_free_port(|port| places.etcd(port), |port| probe::http(port, "/health"))?;
        let wishes = Wishes { audit: self.options.audit, pods_reach_it_at: self.options.pods_reach_it_at };
        self.api_server_port = self
            .start_on_free_port(|port| places.api_server(etcd_port, port, wishes), |port| is_serving(&probe, port))?;
        self.api_server = Some(places.api_server(etcd_port, self.api_server_port, wishes));
        self.record.server = format!("https://127.0.0.1:{}", self.api_server_port);
        credentials::write(&directory, &self.record.server, &pki.authority, &tokens)?;
        if let Some(program) = &assets.kube_controller_manager {
            let kubeconfig = credentials::path(&directory, Role::Admin);
            let launch = |port| places.controller_manager(program, &kubeconfig, port);
            self.start_on_free_port(launch, |port| probe.https(port, "/healthz"))?;
        }
        self.probe = Some(probe);
        self.record.write()
    }

    /// The kubeconfig of a role.
    pub fn kubeconfig(&self, role: Role) -> PathBuf {
        credentials::path(&self.record.directory, role)
    }

    /// The kubectl program.
    pub fn kubectl(&self) -> PathBuf {
        self.record.kubectl.clone()
    }

    /// Kubeconfigs and kubectl, as programs and commands get them.
    pub fn access(&self) -> Access {
        self.record.access()
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        &self.record.server
    }

    /// Where the logs are, `<component>.log` and, if it was asked for, `audit.log` with one JSON object a line.
    pub fn directory(&self) -> &Path {
        &self.record.directory
    }

    /// Kills the API server without a warning and waits until it is gone: requests break off, watches end, and nobody
    /// listens on its port. Its data stays in etcd.
    pub fn kill_apiserver(&mut self) -> Result<(), ClusterError> {
        let found = self.processes.iter().position(|process| process.record.name == components::API_SERVER);
        let index = found.ok_or(ClusterError::ApiServer { action: "kill", state: "not running" })?;
        let mut process = self.processes.remove(index);
        process.kill();
        process.wait()?;
        self.options.report.line(format!("killed kube-apiserver (process {})", process.record.pid));
        self.write_record()
    }

    /// Starts the API server again, on the port it had, and returns when it is ready.
    pub fn restart_apiserver(&mut self) -> Result<(), ClusterError> {
        if self.processes.iter().any(|process| process.record.name == components::API_SERVER) {
            return Err(ClusterError::ApiServer { action: "restart", state: "running" });
        }
        let (Some(launch), Some(probe)) = (self.api_server.clone(), self.probe.clone()) else {
            return Err(ClusterError::ApiServer { action: "restart", state: "not running" });
        };
        let port = self.api_server_port;
        self.start_on_port(&launch, port, |port| is_serving(&probe, port))
    }

    /// Stops the processes, the API server first, and removes data and kubeconfigs. The logs stay.
    pub fn stop(mut self) -> Result<(), ClusterError> {
        self.stop_all()
    }

    /// Leaves the cluster running when this program ends. Its directory holds the record by which it can be stopped.
    pub fn detach(mut self) -> Record {
        self.processes.clear();
        self.data.take().map(TempDir::keep);
        self.record.clone()
    }

    fn stop_all(&mut self) -> Result<(), ClusterError> {
        stop_processes(&mut self.processes, &self.options.report)?;
        self.processes.clear();
        self.data = None;
        self.record.remove_files()
    }

    fn write_record(&mut self) -> Result<(), ClusterError> {
        self.record.processes = self.processes.iter().map(|process| process.record.clone()).collect();
        self.record.write()
    }

    /// Starts a component on a free port, on another one if somebody was quicker, and returns the port.
    fn start_on_free_port(
        &mut self,
        launch: impl Fn(u16) -> Launch,
        is_ready: impl Fn(u16) -> io::Result<Answer>,
    ) -> Result<u16, ClusterError> {
        let mut component = String::new();
        for _ in 0..PORT_ATTEMPTS {
            let port = free_port()?;
            let launch = launch(port);
            launch.name.clone_into(&mut component);
            // One log per cluster: the errors of an earlier one, or of a lost port, would mislead.
            files::remove_file(&launch.log)?;
            match self.start_on_port(&launch, port, &is_ready) {
                Ok(()) => return Ok(port),
                Err(ClusterError::Ended { .. }) if log::port_was_taken(&launch.log) => {
                    self.options.report.line(format!("{component}: port {port} was taken, trying another"));
                }
                Err(error) => return Err(error),
            }
        }
        Err(ClusterError::NoPort { component, attempts: PORT_ATTEMPTS })
    }

    fn start_on_port(
        &mut self,
        launch: &Launch,
        port: u16,
        is_ready: impl Fn(u16) -> io::Result<Answer>,
    ) -> Result<(), ClusterError> {
        let start = Instant::now();
        self.processes.push(launch.start()?);
        self.write_record()?;
        let ready = self.wait_until_ready(start, || is_ready(port));
        if let Err(ClusterError::Ended { .. }) = ready {
            self.processes.pop();
            self.write_record()?;
        }
        ready?;
        let pid = self.processes.last().map(|process| process.record.pid).unwrap_or_default();
        self.options.report.line(format!(
            "{} is ready after {:.1} s (process {pid}, port {port}, log {})",
            launch.name,
            start.elapsed().as_secs_f64(),
            launch.log.display()
        ));
        Ok(())
    }

    /// Waits for the process that was started last.
    fn wait_until_ready(
        &mut self,
        start: Instant,
        is_ready: impl Fn() -> io::Result<Answer>,
    ) -> Result<(), ClusterError> {
        let Some(process) = self.processes.last_mut() else { return Ok(()) };
        let (component, log) = (process.record.name.clone(), process.record.log.clone());
        loop {
            if self.options.interrupt.is_set() {
                return Err(ClusterError::Interrupted);
            }
            if let Some(status) = process.ended() {
                let tail = log::lines_that_matter(&log);
                return Err(ClusterError::Ended { component, status, log, tail });
            }
            let last = match is_ready() {
                Ok(Answer { status: 200, .. }) => return Ok(()),
                Ok(Answer { status, body }) => format!("it answered {status}: {}", not_ok(&body)),
                Err(error) => error.to_string(),
            };
            let waited = start.elapsed();
            if waited > self.options.ready_within {
                let tail = log::lines_that_matter(&log);
                return Err(ClusterError::NotReady { component, waited, last, log, tail });
            }
            thread::sleep(POLL);
        }
    }
}

/// Without the probe, which holds a token.
impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cluster").field("record", &self.record).finish_non_exhaustive()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if (!self.processes.is_empty() || self.data.is_some())
            && let Err(error) = self.stop_all()
        {
            self.options.report.line(format!("{error}"));
        }
    }
}

/// Refuses a directory whose cluster still runs; cleans up after one that does not.
fn claim(directory: &Path) -> Result<(), ClusterError> {
    files::create_directory(directory)?;
    let Some(record) = Record::read(directory)? else { return Ok(()) };
    let alive: Vec<String> = record.alive().iter().map(|process| process.pid.to_string()).collect();
    if alive.is_empty() {
        return record.remove_files();
    }
    Err(ClusterError::InUse { directory: directory.to_owned(), pids: alive.join(", ") })
}

fn write_secrets(data: &Path, pki: &Pki, tokens: &Tokens, audit: Option<AuditLevel>) -> Result<(), ClusterError> {
    files::write_private(&data.join(file::AUTHORITY), &pki.authority)?;
    files::write_private(&data.join(file::SERVER), &pki.server)?;
    files::write_private(&data.join(file::SERVER_KEY), &pki.server_key)?;
    files::write_private(&data.join(file::SERVICE_ACCOUNT_KEY), &pki.service_account_key)?;
    files::write_private(&data.join(file::SERVICE_ACCOUNT_PUBLIC_KEY), &pki.service_account_public_key)?;
    files::write_private(&data.join(file::TOKENS), &tokens.file())?;
    match audit {
        Some(level) => files::write_private(&data.join(file::AUDIT_POLICY), &components::audit_policy(level)),
        None => Ok(()),
    }
}

/// Ready, and the namespace that everybody takes for granted is there: the server makes it a moment later.
fn is_serving(probe: &Probe, port: u16) -> io::Result<Answer> {
    let ready = probe.https(port, "/readyz")?;
    if ready.status == 200 { probe.https(port, "/api/v1/namespaces/default") } else { Ok(ready) }
}

/// Of the API server's list of checks those that fail.
fn not_ok(body: &str) -> String {
    let failing: Vec<&str> = body.lines().filter(|line| line.starts_with("[-]")).collect();
    if failing.is_empty() { body.chars().take(200).collect() } else { failing.join("; ") }
}

fn free_port() -> Result<u16, ClusterError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(ClusterError::file("find a free port on", "127.0.0.1"))
}
