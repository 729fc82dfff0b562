//! Builds a Go module of this repository, once, into a cache outside the checkout.
//!
//! The directory of a build is named after everything that decides its content, so that an edit of the module builds
//! anew and an unchanged one needs neither Go nor the network. It must not know what the programs are for.

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

use super::{ClusterError, Environment, Interrupt, Report, files, log};

/// A Go module of this repository, and what is made of it.
#[derive(Debug, Clone)]
pub struct GoModule {
    /// Where its go.mod is.
    pub directory: PathBuf,
    /// What a person calls it, for progress and errors: `build <title>: ...`.
    pub title: &'static str,
    /// What is said before a build.
    pub announcement: &'static str,
    /// The packages to build; each program is called after the last part of its package's path.
    pub packages: &'static str,
    /// The programs that come of it.
    pub programs: &'static [&'static str],
    /// Further names of the first program.
    pub links: &'static [&'static str],
    /// For the linker.
    pub linker_flags: &'static str,
}

/// How often a person who waits hears something.
const TICK: Duration = Duration::from_secs(10);

/// How soon an interrupted build notices.
const INTERRUPT_POLL: Duration = Duration::from_millis(200);

impl GoModule {
    /// Returns the directory with the built programs, building them first if the cache does not hold them.
    ///
    /// # Errors
    /// [`ClusterError::GoMissing`], [`ClusterError::Build`], [`ClusterError::Interrupted`], or a failed file operation.
    pub fn build(
        &self,
        environment: &Environment,
        report: &Report,
        interrupt: &Interrupt,
    ) -> Result<PathBuf, ClusterError> {
        let cache = environment.cache.join("cicdcontext");
        let built = cache.join(self.fingerprint()?);
        if self.is_complete(&built) {
            return Ok(built);
        }
        files::create_directory(&cache)?;
        let _lock = lock(&built.with_added_extension("lock"), self.title, report)?;
        if self.is_complete(&built) {
            return Ok(built);
        }
        let partial = built.with_added_extension("partial");
        files::remove_directory(&partial)?;
        files::create_directory(&partial)?;
        self.compile(&partial, report, interrupt)?;
        for name in self.links {
            let program = self.programs.first().copied().unwrap_or_default();
            symlink(program, partial.join(name)).map_err(ClusterError::file("link", partial.join(name)))?;
        }
        files::remove_directory(&built)?;
        fs::rename(&partial, &built).map_err(ClusterError::file("put the build into", &built))?;
        Ok(built)
    }

    fn is_complete(&self, built: &Path) -> bool {
        self.programs.iter().chain(self.links).all(|name| built.join(name).is_file())
    }

    /// A short name for what the build depends on.
    fn fingerprint(&self) -> Result<String, ClusterError> {
        let mut digest = Sha256::new();
        for path in sources(&self.directory)? {
            let text = fs::read(&path).map_err(ClusterError::file("read", &path))?;
            let name = path.strip_prefix(&self.directory).unwrap_or(&path);
            digest.update(name.to_string_lossy().as_bytes());
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        digest.update(self.linker_flags);
        digest.update(self.links.join("/"));
        digest.update([std::env::consts::OS, std::env::consts::ARCH].join("/"));
        Ok(HEXLOWER.encode(digest.finalize().get(..8).unwrap_or_default()))
    }

    fn compile(&self, into: &Path, report: &Report, interrupt: &Interrupt) -> Result<(), ClusterError> {
        let title = self.title;
        let log = into.with_added_extension("log");
        report.line(self.announcement);
        let mut command = Command::new("go");
        command.args(["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", self.linker_flags, "-o"]);
        // With a separator at the end: Go takes it for a directory then.
        command.arg(into.join("")).arg(self.packages).current_dir(&self.directory);
        command.env("CGO_ENABLED", "0").env("GOWORK", "off").stdin(Stdio::null()).stdout(Stdio::null());
        let mut go = command.stderr(Stdio::piped()).spawn().map_err(|source| match source.kind() {
            ErrorKind::NotFound => ClusterError::GoMissing { what: title },
            _ => ClusterError::Run { program: "go".into(), source },
        })?;
        let packages = Arc::new(AtomicUsize::new(0));
        let output = go.stderr.take().map(|output| copy_output(output, &log, Arc::clone(&packages))).transpose()?;
        let started = Instant::now();
        let status = wait(go, output.as_ref(), interrupt, || {
            let packages = packages.load(Ordering::Relaxed);
            report.line(format!("building {title}: {}, {packages} packages compiled", clock(started.elapsed())));
        })?;
        if interrupt.is_set() {
            return Err(ClusterError::Interrupted);
        }
        if !status.success() {
            let tail = log::lines_that_matter(&log);
            return Err(ClusterError::Build { what: title, status, log, tail });
        }
        report.line(format!("built {title} in {}", clock(started.elapsed())));
        files::remove_file(&log)
    }
}

/// Holds off a second builder until the returned file is dropped. The system releases the lock of a process that dies.
fn lock(path: &Path, title: &str, report: &Report) -> Result<File, ClusterError> {
    let file = File::create(path).map_err(ClusterError::file("create", path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            report.line(format!("waiting for another build of {title} ({} is locked)", path.display()));
        }
        Err(TryLockError::Error(error)) => return Err(ClusterError::file("lock", path)(error)),
    }
    file.lock().map_err(ClusterError::file("lock", path))?;
    Ok(file)
}

/// The files of a module that decide what is built, in the order of their names.
fn sources(directory: &Path) -> Result<Vec<PathBuf>, ClusterError> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        let entries = fs::read_dir(&directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        for entry in entries.map_err(ClusterError::file("list", &directory))? {
            let path = entry.path();
            let is_source = path.extension().is_some_and(|extension| extension == "go")
                || path.file_name().is_some_and(|name| name == "go.mod" || name == "go.sum");
            if path.is_dir() {
                open.push(path);
            } else if is_source {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
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

    fn module(main: &str) -> (tempfile::TempDir, GoModule) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [("go.mod", "module controlplane"), ("go.sum", ""), ("main.go", main)] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let module = GoModule {
            directory: directory.path().to_owned(),
            title: "an example",
            announcement: "building an example",
            packages: ".",
            programs: &["example"],
            links: &["etcd", "kubectl"],
            linker_flags: "-s",
        };
        (directory, module)
    }

    #[test]
    fn an_edited_source_is_built_anew_and_an_unchanged_one_is_not() {
        let fingerprint = |main| module(main).1.fingerprint().unwrap();
        let (_directory, first) = module("package main");
        let first = first.fingerprint().unwrap();
        assert_eq!(first.len(), 16);
        assert_ne!(first, fingerprint("package main // edited"));
        assert_eq!(first, fingerprint("package main"));
    }

    #[test]
    fn a_source_in_a_folder_counts_and_a_note_does_not() {
        let (directory, module) = module("package main");
        let before = module.fingerprint().unwrap();
        fs::write(directory.path().join("README.md"), "a note").unwrap();
        assert_eq!(module.fingerprint().unwrap(), before);
        fs::create_dir(directory.path().join("inner")).unwrap();
        fs::write(directory.path().join("inner/main.go"), "package main").unwrap();
        assert_ne!(module.fingerprint().unwrap(), before);
    }

    #[test]
    fn a_build_without_one_of_its_links_is_not_complete() {
        let (directory, module) = module("package main");
        for name in ["example", "kubectl"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        assert!(!module.is_complete(directory.path()));
        fs::write(directory.path().join("etcd"), "").unwrap();
        assert!(module.is_complete(directory.path()));
    }

    #[test]
    fn a_second_builder_is_told_that_it_waits() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("build.lock");
        let first = lock(&path, "an example", &Report::silent()).unwrap();
        let (said, heard) = channel();
        let report = Report::new(move |line| said.send(line.to_owned()).unwrap());
        let second = thread::spawn({
            let path = path.clone();
            move || lock(&path, "an example", &report).map(drop)
        });
        let line = heard.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(line.starts_with("waiting for another build of an example ("), "{line}");
        drop(first);
        second.join().unwrap().unwrap();
    }

    #[test]
    fn elapsed_time_is_printed_in_minutes_and_seconds() {
        assert_eq!(clock(Duration::from_secs(125)), "2:05 min");
    }
}
