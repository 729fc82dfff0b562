//! Writing files: a reader finds the old file or the new one, never a part. Knows nothing of what is written.
//!
//! A regular file is written under another name beside it and then renamed. Pipes, terminals and `/dev/null` are
//! written as they are. The disk is not waited for: the next command reads these files, and after a crash of the machine their
//! values are still where they came from. A link is not followed: renaming would replace it, and what it leads to may belong to another.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    str::FromStr,
};

use thiserror::Error;

/// Names that are tried for a temporary file.
const ATTEMPTS: usize = 16;

/// The permissions of a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// These, whatever the process's umask.
    Exactly(u32),
    /// What the umask leaves of 0666.
    Umask,
}

impl Mode {
    /// 0600: state may hold secrets.
    pub const PRIVATE: Self = Self::Exactly(0o600);
    /// 0644: results are collected by somebody else.
    pub const SHARED: Self = Self::Exactly(0o644);

    /// What a file is created with, from which the umask takes its part.
    fn at_creation(self) -> u32 {
        match self {
            Self::Exactly(bits) => bits,
            Self::Umask => 0o666,
        }
    }
}

/// A text that is no mode.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("read --mode '{found}': write permissions as an octal number from 0 to 0777, for example 0640")]
pub struct ModeError {
    /// The text.
    pub found: String,
}

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777);
        mode.map(Self::Exactly).ok_or_else(|| ModeError { found: text.to_owned() })
    }
}

/// Where output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output, written `-` or `/dev/stdout`.
    StandardOutput,
    /// A file.
    File(PathBuf),
}

impl From<PathBuf> for Target {
    fn from(path: PathBuf) -> Self {
        let names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
        // Opened by its name, a standard output that is a file would be written from its beginning.
        if names.iter().any(|name| path.as_os_str() == *name) { Self::StandardOutput } else { Self::File(path) }
    }
}

impl Target {
    /// Whether this is a name for something that is written one after the other, and so may be written twice.
    pub fn is_stream(&self) -> bool {
        match self {
            Self::StandardOutput => true,
            Self::File(path) => is_stream(path),
        }
    }
}

/// Links below these lead to what the process has open.
fn is_stream(path: &Path) -> bool {
    ["/dev/null", "/dev/tty", "/dev/stderr", "/dev/fd", "/proc/self/fd"].iter().any(|stream| path.starts_with(stream))
}

/// What becomes of what was in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The new content takes its place.
    Replace,
    /// It stays, and the new content follows on a line of its own.
    Append,
}

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileWrite {
    /// Its name.
    pub path: PathBuf,
    /// What to write.
    pub content: String,
    /// Its permissions; a file that is appended to keeps those that it has.
    pub mode: Mode,
    /// What becomes of its old content.
    pub how: How,
}

/// A file that could not be written.
#[derive(Debug, Error)]
#[error("write {}: {problem}", if .path.as_os_str().is_empty() { "a file".into() } else { .path.to_string_lossy() })]
pub struct FileError {
    /// Its name.
    pub path: PathBuf,
    /// Why.
    pub problem: FileProblem,
}

/// Why a file could not be written.
#[derive(Debug, Error)]
pub enum FileProblem {
    /// The name is empty.
    #[error("its name is empty; is the variable set that should hold it?")]
    NoName,
    /// There is a directory of this name.
    #[error("it is a directory; name a file in it")]
    Directory,
    /// The directory to put it into is not there.
    #[error("there is no directory {}; create it first", .0.display())]
    NoDirectory(PathBuf),
    /// What should be its directory is something else.
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// It is a symbolic link.
    #[error("it is a symbolic link to {}, which is not followed; name the file itself", .0.display())]
    Link(PathBuf),
    /// This user may not create files there.
    #[error("no permission to write in {}; choose another directory, or check its owner and mode", .0.display())]
    Forbidden(PathBuf),
    /// This user may not write it.
    #[error("no permission to write it; check its owner and mode")]
    ForbiddenFile,
    /// Anything else.
    #[error("{0}")]
    Other(io::Error),
}

/// Writes files. All that replace others are complete under temporary names before the first one takes its place, so
/// that a missing directory or a full disk changes none. What is written to pipes comes last.
pub fn write(writes: &[FileWrite]) -> Result<(), FileError> {
    let mut staged = Vec::new();
    let mut appended = Vec::new();
    let mut direct = Vec::new();
    for write in writes {
        let at = |problem| FileError { path: write.path.clone(), problem };
        match kind(&write.path).map_err(at)? {
            Kind::Special => direct.push(write),
            // What is appended to may be a link: it stays one.
            Kind::Regular | Kind::Link(_) if write.how == How::Append => appended.push(write),
            Kind::Link(to) => return Err(at(FileProblem::Link(to))),
            Kind::Regular => staged.push((write, Staged::new(write).map_err(at)?)),
        }
    }
    for (write, staged) in staged {
        staged.commit(&write.path).map_err(|problem| FileError { path: write.path.clone(), problem })?;
    }
    for write in appended {
        append(write).map_err(|problem| FileError { path: write.path.clone(), problem })?;
    }
    for write in direct {
        // Without O_TRUNC, and at the end where there is one: standard error may be a log of others.
        let file = OpenOptions::new().append(true).open(&write.path);
        file.and_then(|mut file| file.write_all(write.content.as_bytes()))
            .map_err(|error| FileError { path: write.path.clone(), problem: of_file(error) })?;
    }
    Ok(())
}

/// What there is at a path.
enum Kind {
    /// Nothing, or a regular file.
    Regular,
    /// A symbolic link to a regular file, or to nothing.
    Link(PathBuf),
    /// Something that is written but not replaced.
    Special,
}

fn kind(path: &Path) -> Result<Kind, FileProblem> {
    if path.as_os_str().is_empty() {
        return Err(FileProblem::NoName);
    }
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(FileProblem::Directory);
    }
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Kind::Regular),
        Err(error) => return Err(in_directory(path, error)),
    };
    if found.is_file() {
        return Ok(Kind::Regular);
    }
    if found.is_dir() {
        return Err(FileProblem::Directory);
    }
    if !found.is_symlink() {
        return Ok(Kind::Special);
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(FileProblem::Directory),
        // /dev/stderr is a link to what may be a file.
        Ok(found) if !found.is_file() || is_stream(path) => Ok(Kind::Special),
        _ => Ok(Kind::Link(fs::read_link(path).map_err(|error| in_directory(path, error))?)),
    }
}

/// A complete file under a temporary name, removed unless it is committed.
struct Staged {
    temporary: PathBuf,
    committed: bool,
}

impl Staged {
    fn new(write: &FileWrite) -> Result<Self, FileProblem> {
        let (temporary, file) =
            create_beside(&write.path, write.mode).map_err(|error| in_directory(&write.path, error))?;
        let staged = Self { temporary, committed: false };
        fill(file, write).map_err(FileProblem::Other)?;
        Ok(staged)
    }

    fn commit(mut self, path: &Path) -> Result<(), FileProblem> {
        fs::rename(&self.temporary, path).map_err(|error| in_directory(path, error))?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.committed {
            // Why it is dropped is told already.
            fs::remove_file(&self.temporary).ok();
        }
    }
}

fn create_beside(path: &Path, mode: Mode) -> io::Result<(PathBuf, File)> {
    let mut attempt = 1;
    loop {
        // Guessing the name gains nothing: an existing one is not opened.
        let chance = RandomState::new().build_hasher().finish();
        let temporary = path.with_file_name(format!(".cicdctl-{chance:016x}"));
        match OpenOptions::new().write(true).create_new(true).mode(mode.at_creation()).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

fn fill(mut file: File, write: &FileWrite) -> io::Result<()> {
    file.write_all(write.content.as_bytes())?;
    match write.mode {
        // The umask took its part of the mode away.
        Mode::Exactly(bits) => file.set_permissions(Permissions::from_mode(bits)),
        Mode::Umask => Ok(()),
    }
}

/// One write, so that processes that append at once do not mix.
fn append(write: &FileWrite) -> Result<(), FileProblem> {
    let new = !write.path.exists();
    let opened =
        OpenOptions::new().read(true).append(true).create(true).mode(write.mode.at_creation()).open(&write.path);
    let mut file = opened.map_err(|error| if new { in_directory(&write.path, error) } else { of_file(error) })?;
    // A write of several pages is seen page by page: without the lock its middle could be taken for the end. Those who
    // do not lock, and file systems that cannot, are no reason to fail: the worst is an empty line.
    file.lock().ok();
    let content = if ends_a_line(&mut file).map_err(FileProblem::Other)? {
        write.content.clone()
    } else {
        format!("\n{}", write.content)
    };
    file.write_all(content.as_bytes()).map_err(FileProblem::Other)
}

/// Whether what follows begins a line.
fn ends_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// What an error means for a file that is to be put into its directory.
fn in_directory(path: &Path, error: io::Error) -> FileProblem {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match error.kind() {
        ErrorKind::NotFound => FileProblem::NoDirectory(parent.to_owned()),
        ErrorKind::NotADirectory => FileProblem::NotADirectory(parent.to_owned()),
        ErrorKind::PermissionDenied => FileProblem::Forbidden(parent.to_owned()),
        ErrorKind::IsADirectory => FileProblem::Directory,
        _ => FileProblem::Other(error),
    }
}

/// What an error means for a file that is there.
fn of_file(error: io::Error) -> FileProblem {
    match error.kind() {
        ErrorKind::PermissionDenied => FileProblem::ForbiddenFile,
        _ => FileProblem::Other(error),
    }
}

#[cfg(test)]
mod tests;
