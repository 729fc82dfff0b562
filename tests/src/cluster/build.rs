//! Builds the Go module `tests/cluster` into one multi-call binary, once, into a cache outside the checkout.
//!
//! The directory of a build is named after everything that decides its content, so that an edit of the module builds
//! anew and an unchanged one needs neither Go nor the network. It must not know how the components are started.

use std::{
    fs::{self, File, TryLockError},
    io::{BufRead, BufReader, ErrorKind, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use data_encoding::HEXLOWER;
use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest, Sha256};

use super::{ClusterError, Environment, Interrupt, Report, environment::workspace, files, log};

/// The components, each a link to the one binary.
const LINKS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"];

/// The files of the module that decide what is built.
const SOURCES: [&str; 3] = ["go.mod", "go.sum", "main.go"];

/// kubectl and Helm refuse to talk to a server whose version is not stamped.
const LINKER_FLAGS: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
                            -X k8s.io/component-base/version.gitMajor=1 \
                            -X k8s.io/component-base/version.gitMinor=36";

/// How often a person who waits hears something.
const TICK: Duration = Duration::from_secs(10);

/// How soon an interrupted build notices.
const INTERRUPT_POLL: Duration = Duration::from_millis(200);

/// Returns the directory with the built components, building them first if the cache does not hold them.
///
/// # Errors
/// [`ClusterError::GoMissing`], [`ClusterError::Build`], [`ClusterError::Interrupted`], or a failed file operation.
pub fn build(environment: &Environment, report: &Report, interrupt: &Interrupt) -> Result<PathBuf, ClusterError> {
    let module = workspace().join("tests/cluster");
    let cache = environment.cache.join("cicdcontext");
    let built = cache.join(fingerprint(&module)?);
    if is_complete(&built) {
        return Ok(built);
    }
    files::create_directory(&cache)?;
    let _lock = lock(&built.with_added_extension("lock"), report)?;
    if is_complete(&built) {
        return Ok(built);
    }
    let partial = built.with_added_extension("partial");
    files::remove_directory(&partial)?;
    files::create_directory(&partial)?;
    compile(&module, &partial, report, interrupt)?;
    for name in LINKS {
        symlink("controlplane", partial.join(name)).map_err(ClusterError::file("link", partial.join(name)))?;
    }
    files::remove_directory(&built)?;
    fs::rename(&partial, &built).map_err(ClusterError::file("put the build into", &built))?;
    Ok(built)
}

fn is_complete(built: &Path) -> bool {
    LINKS.iter().all(|name| built.join(name).is_file())
}

/// A short name for what the build depends on.
fn fingerprint(module: &Path) -> Result<String, ClusterError> {
    let mut digest = Sha256::new();
    for name in SOURCES {
        let path = module.join(name);
        let text = fs::read(&path).map_err(ClusterError::file("read", &path))?;
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    digest.update(LINKER_FLAGS);
    digest.update([std::env::consts::OS, std::env::consts::ARCH].join("/"));
    Ok(HEXLOWER.encode(digest.finalize().get(..8).unwrap_or_default()))
}

/// Holds off a second builder until the returned file is dropped. The system releases the lock of a process that dies.
fn lock(path: &Path, report: &Report) -> Result<File, ClusterError> {
    let file = File::create(path).map_err(ClusterError::file("create", path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            report.line(format!("waiting for another build of the control plane ({} is locked)", path.display()));
        }
        Err(TryLockError::Error(error)) => return Err(ClusterError::file("lock", path)(error)),
    }
    file.lock().map_err(ClusterError::file("lock", path))?;
    Ok(file)
}

fn compile(module: &Path, into: &Path, report: &Report, interrupt: &Interrupt) -> Result<(), ClusterError> {
    let log = into.with_added_extension("log");
    report.line(
        "building etcd, the Kubernetes control plane, kubelet, kube-proxy and kubectl from their Go modules; a cold build \
         takes about 9 minutes on two cores, and only the first run needs it",
    );
    let mut command = Command::new("go");
    command.args(["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", LINKER_FLAGS, "-o"]);
    command.arg(into.join("controlplane")).arg(".").current_dir(module);
    command.env("CGO_ENABLED", "0").env("GOWORK", "off").stdin(Stdio::null()).stdout(Stdio::null());
    let mut go = command.stderr(Stdio::piped()).spawn().map_err(|source| match source.kind() {
        ErrorKind::NotFound => ClusterError::GoMissing,
        _ => ClusterError::Run { program: "go".into(), source },
    })?;
    let packages = Arc::new(AtomicUsize::new(0));
    let output = go.stderr.take().map(|output| copy_output(output, &log, Arc::clone(&packages))).transpose()?;
    let started = Instant::now();
    let status = wait(go, output.as_ref(), interrupt, || {
        let packages = packages.load(Ordering::Relaxed);
        report.line(format!("building the control plane: {}, {packages} packages compiled", clock(started.elapsed())));
    })?;
    if interrupt.is_set() {
        return Err(ClusterError::Interrupted);
    }
    if !status.success() {
        let tail = log::lines_that_matter(&log);
        return Err(ClusterError::Build { status, log, tail });
    }
    report.line(format!("built the control plane in {}", clock(started.elapsed())));
    files::remove_file(&log)
}

/// Copies what Go prints into a file, counting the packages it names, until Go closes its end: the channel then closes
/// too. `go build -v` prints one line per package that it really compiles.
fn copy_output(output: ChildStderr, log: &Path, packages: Arc<AtomicUsize>) -> Result<Receiver<()>, ClusterError> {
    let mut file = File::create(log).map_err(ClusterError::file("create", log))?;
    let (open, closed) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if !line.contains(' ') {
                packages.fetch_add(1, Ordering::Relaxed);
            }
            if writeln!(file, "{line}").is_err() {
                break;
            }
        }
        drop(open);
    });
    Ok(closed)
}

/// Waits for the end of Go, calling `tick` now and then, and asks it to stop when the person does.
fn wait(
    mut go: Child,
    output: Option<&Receiver<()>>,
    interrupt: &Interrupt,
    tick: impl Fn(),
) -> Result<ExitStatus, ClusterError> {
    let mut asked = false;
    let mut ticked = Instant::now();
    while let Some(Err(RecvTimeoutError::Timeout)) = output.map(|open| open.recv_timeout(INTERRUPT_POLL)) {
        if interrupt.is_set() && !asked {
            asked = true;
            let pid = i32::try_from(go.id()).ok().and_then(Pid::from_raw);
            pid.map(|pid| kill_process(pid, Signal::INT)).transpose().ok();
        }
        if ticked.elapsed() >= TICK {
            ticked = Instant::now();
            tick();
        }
    }
    go.wait().map_err(|source| ClusterError::Run { program: "go".into(), source })
}

fn clock(elapsed: Duration) -> String {
    format!("{}:{:02} min", elapsed.as_secs() / 60, elapsed.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(main: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [("go.mod", "module controlplane"), ("go.sum", ""), ("main.go", main)] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    #[test]
    fn an_edited_source_is_built_anew_and_an_unchanged_one_is_not() {
        let first = fingerprint(module("package main").path()).unwrap();
        assert_eq!(first, fingerprint(module("package main").path()).unwrap());
        assert_ne!(first, fingerprint(module("package main // edited").path()).unwrap());
        assert_eq!(first.len(), 16);
    }

    #[test]
    fn a_build_without_one_of_its_links_is_not_complete() {
        let directory = tempfile::tempdir().unwrap();
        for name in &LINKS[1..] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        assert!(!is_complete(directory.path()));
        fs::write(directory.path().join(LINKS[0]), "").unwrap();
        assert!(is_complete(directory.path()));
    }

    #[test]
    fn a_second_builder_is_told_that_it_waits() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("build.lock");
        let first = lock(&path, &Report::silent()).unwrap();
        let (said, heard) = channel();
        let report = Report::new(move |line| said.send(line.to_owned()).unwrap());
        let second = thread::spawn({
            let path = path.clone();
            move || lock(&path, &report).map(drop)
        });
        let line = heard.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(line.starts_with("waiting for another build of the control plane ("), "{line}");
        drop(first);
        second.join().unwrap().unwrap();
    }

    #[test]
    fn elapsed_time_is_printed_in_minutes_and_seconds() {
        assert_eq!(clock(Duration::from_secs(125)), "2:05 min");
    }
}
