//! busybox, the shell of the image of cicdctl: where it is had from, which version it is and which commands it holds.
//!
//! It is never run, so that an image for another machine can be made: both are read from the file.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::image::{Architecture, ImageError, Program};

/// A static busybox.
#[derive(Debug, Clone)]
pub struct Busybox {
    /// The file.
    pub program: Program,
    /// As it says itself, for example `BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1)`.
    pub version: String,
    /// The commands that it is when called by their names.
    pub applets: Vec<String>,
}

/// Why there is no busybox.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BusyboxError {
    /// A file that does not do.
    #[error(transparent)]
    Program(#[from] ImageError),
    /// A program that is not busybox, or one that was built in some unknown way.
    #[error("refuse {} as busybox: it holds neither a version nor a list of commands", .0.display())]
    Other(PathBuf),
    /// There is none, and none could be downloaded.
    #[error(
        "find a static busybox for {architecture}: {reason}; install Debian's package busybox-static, or name a file with BUSYBOX=FILE"
    )]
    Missing {
        /// The machine.
        architecture: Architecture,
        /// What was tried last.
        reason: String,
    },
}

/// Where distributions put it.
const PLACES: [&str; 2] = ["/bin/busybox", "/usr/bin/busybox"];

impl Busybox {
    /// Reads the file at `path`.
    pub fn read(path: &Path, architecture: Architecture) -> Result<Self, BusyboxError> {
        let program = Program::read(path, architecture)?;
        let known = version(program.bytes()).zip(applets(program.bytes()));
        let (version, applets) = known.ok_or_else(|| BusyboxError::Other(path.to_owned()))?;
        Ok(Self { program, version, applets })
    }

    /// The file `given`, else the machine's own, else the one of Debian's package, which is downloaded into `cache`.
    pub fn find(given: Option<&Path>, architecture: Architecture, cache: &Path) -> Result<Self, BusyboxError> {
        if let Some(path) = given {
            return Self::read(path, architecture);
        }
        if let Some(found) = PLACES.iter().find_map(|path| Self::read(Path::new(path), architecture).ok()) {
            return Ok(found);
        }
        let folder = cache.join(format!("busybox-{architecture}"));
        let unpacked = PLACES.map(|path| folder.join("unpacked").join(path.trim_start_matches('/')));
        let stored = || unpacked.iter().find(|path| path.exists());
        if stored().is_none() {
            download(&folder, architecture).map_err(|reason| BusyboxError::Missing { architecture, reason })?;
        }
        let reason = "the package busybox-static does not hold it".to_owned();
        let path = stored().ok_or(BusyboxError::Missing { architecture, reason })?;
        Self::read(path, architecture)
    }

    /// The number of its version, for example `1.35.0`.
    pub fn number(&self) -> &str {
        self.version.trim_start_matches("BusyBox v").split(' ').next().unwrap_or_default()
    }

    /// The package of Debian that it is from, as a [package URL](https://github.com/package-url), if it says so.
    pub fn package(&self, architecture: Architecture) -> Option<String> {
        let (_, version) = self.version.split_once("(Debian ")?;
        let version = version.strip_suffix(')')?.replace(':', "%3A").replace('+', "%2B");
        Some(format!("pkg:deb/debian/busybox-static@{version}?arch={architecture}"))
    }
}

/// Downloads the package and unpacks it. Neither needs root.
fn download(folder: &Path, architecture: Architecture) -> Result<(), String> {
    let told = |error: io::Error| error.to_string();
    fs::create_dir_all(folder).map_err(told)?;
    run(Command::new("apt-get").args(["download", &format!("busybox-static:{architecture}")]).current_dir(folder))?;
    let entries = fs::read_dir(folder).map_err(told)?.filter_map(Result::ok).map(|entry| entry.path());
    let package = entries.filter(|path| path.extension().is_some_and(|extension| extension == "deb")).max();
    let package = package.ok_or("apt-get left no package")?;
    run(Command::new("dpkg-deb").arg("-x").arg(package).arg(folder.join("unpacked")))
}

/// Runs a command; what went wrong is its last line.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("run {name}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    if output.status.success() { Ok(()) } else { Err(format!("{name}: {last}")) }
}

fn version(bytes: &[u8]) -> Option<String> {
    const START: &[u8] = b"BusyBox v";
    let start = bytes.windows(START.len()).position(|window| window == START)?;
    let text = bytes[start..].split(|byte| *byte == 0 || *byte == b'\n').next()?;
    String::from_utf8(text.to_vec()).ok().filter(|text| text.len() > START.len())
}

/// The table of names: each ends with a zero, the table with one more, and it starts with the two that sort first.
fn applets(bytes: &[u8]) -> Option<Vec<String>> {
    const START: &[u8] = b"\0[\0[[\0";
    let start = bytes.windows(START.len()).position(|window| window == START)? + 1;
    let names: Option<Vec<_>> = bytes[start..]
        .split(|byte| *byte == 0)
        .take_while(|name| !name.is_empty())
        .map(|name| String::from_utf8(name.to_vec()).ok())
        .collect();
    names.filter(|names| names.iter().any(|name| name == "sh"))
}
