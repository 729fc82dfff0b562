//! The state folder: a folder for each context, with a file for it and one for each of its events.
//!
//! Files are replaced as a whole: who reads one sees what it was or what it is, also after a crash, and needs no lock. Links are
//! not followed: whoever wrote the manifests may have laid one in the state folder beside them.
//! Nothing here knows what a context or an event is.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// Name of the state folder beside manifests.
const NAME: &str = ".cicdctl";

/// How often a folder is made that others take away at the same time.
const ATTEMPTS: usize = 100;

/// What went wrong with a file of the state folder.
#[derive(Debug, Error)]
pub(crate) enum FolderError {
    /// It cannot be read or written.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was to be done.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is in it is not what was written there.
    #[error("read {}: {problem}; it is written by cicdctl alone: restore it, or remove it to begin anew", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// The folder of one context.
#[derive(Clone, Debug)]
pub(super) struct ContextFolder {
    /// The state folder, the folder of the namespace in it, and that of the context.
    above: [PathBuf; 2],
    path: PathBuf,
}

/// Where state and events are kept if nothing is said of it: in the folder that is named, or beside the file.
pub(super) fn beside(path: &Path) -> PathBuf {
    match path.parent() {
        _ if path.is_dir() => path.join(NAME),
        Some(folder) => folder.join(NAME),
        None => PathBuf::from(NAME),
    }
}

impl ContextFolder {
    /// That of a context. Names of objects are names of files.
    pub(super) fn of(root: &Path, namespace: &str, context: &str) -> Self {
        let of_namespace = root.join(namespace);
        let path = of_namespace.join(context);
        Self { above: [root.to_owned(), of_namespace], path }
    }

    /// Makes the folder, unless it is there.
    pub(super) fn make(&self) -> Result<(), FolderError> {
        for _ in 1..ATTEMPTS {
            match self.made() {
                // Somebody who deletes the context has taken a folder away that was there a moment before.
                Err(FolderError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                made => return made,
            }
        }
        self.made()
    }

    fn made(&self) -> Result<(), FolderError> {
        for folder in self.folders() {
            let failed = |source| FolderError::Io { what: "create folder", path: folder.clone(), source };
            refuse_link(&folder)?;
            // Only the state folder itself may be missing with those above it.
            let recursive = folder == self.above[0];
            if folder.is_dir() {
                continue;
            }
            match DirBuilder::new().recursive(recursive).mode(0o700).create(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made.map_err(failed)?,
            }
            // What is written into it is not found after a crash of the machine unless it is.
            let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)?;
        }
        Ok(())
    }

    /// From the state folder down to that of the events.
    fn folders(&self) -> [PathBuf; 4] {
        let [root, namespace] = self.above.clone();
        [root, namespace, self.path.clone(), self.events()]
    }

    /// The lock of whoever changes something in it.
    pub(super) fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// The lock of whoever carries out its events.
    pub(super) fn turn(&self) -> PathBuf {
        self.path.join("turn")
    }

    /// The file of the context.
    pub(super) fn context(&self) -> PathBuf {
        self.path.join("context.json")
    }

    /// The file of an event.
    pub(super) fn event(&self, name: &str) -> PathBuf {
        self.events().join(format!("{name}.json"))
    }

    fn events(&self) -> PathBuf {
        self.path.join("events")
    }

    /// Names of the events, in no order.
    pub(super) fn event_names(&self) -> Result<Vec<String>, FolderError> {
        let files = names(&self.events())?;
        Ok(files.into_iter().filter_map(|file| file.strip_suffix(".json").map(str::to_owned)).collect())
    }

    /// Removes all of it. Whoever does holds the lock.
    pub(super) fn remove(&self) -> Result<(), FolderError> {
        self.folders().iter().try_for_each(|folder| refuse_link(folder))?;
        let failed = |path: PathBuf| |source| FolderError::Io { what: "remove", path, source };
        // The context goes first: what is left of a crash in between is nobody's, and goes when the name comes back.
        remove(&self.context())?;
        unless_absent(fs::remove_dir_all(self.events())).map_err(failed(self.events()))?;
        let entries = fs::read_dir(&self.path).map_err(failed(self.path.clone()))?;
        for entry in entries {
            let path = entry.map_err(failed(self.path.clone()))?.path();
            if path != self.lock() && path != self.events() {
                remove(&path)?;
            }
        }
        // From here on somebody else may hold the lock, and make the context anew: nothing of theirs may go.
        remove(&self.lock())?;
        match unless_absent(fs::remove_dir(&self.path)) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => removed.map_err(failed(self.path.clone())),
        }
    }

    /// Removes the events, of a context that is gone.
    pub(super) fn remove_events(&self) -> Result<(), FolderError> {
        self.folders().iter().try_for_each(|folder| refuse_link(folder))?;
        self.event_names()?.iter().try_for_each(|name| remove(&self.event(name)))
    }
}

/// That a folder is not where it seems to be.
fn refuse_link(folder: &Path) -> Result<(), FolderError> {
    if fs::symlink_metadata(folder).is_ok_and(|about| about.is_symlink()) {
        let problem = "it is a link, which is not followed".to_owned();
        return Err(FolderError::Content { path: folder.to_owned(), problem });
    }
    Ok(())
}

/// Names of the contexts of a namespace that have a folder, in their order.
pub(super) fn contexts(root: &Path, namespace: &str) -> Result<Vec<String>, FolderError> {
    let mut contexts = names(&root.join(namespace))?;
    contexts.sort();
    Ok(contexts)
}

/// What is in a folder, but for hidden files; nothing, if there is none.
fn names(folder: &Path) -> Result<Vec<String>, FolderError> {
    let failed = |source| FolderError::Io { what: "read folder", path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        names.extend(name.to_str().filter(|name| !name.starts_with('.')).map(str::to_owned));
    }
    Ok(names)
}

/// Reads what was written into a file; none, if there is none.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FolderError> {
    let text = match fs::read(path) {
        Err(error) if is_absent(&error) => return Ok(None),
        text => text.map_err(|source| FolderError::Io { what: "read", path: path.to_owned(), source })?,
    };
    let content = serde_json::from_slice(&text);
    content.map(Some).map_err(|error| FolderError::Content { path: path.to_owned(), problem: error.to_string() })
}

/// Whether there is nothing, not even a place for it.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Replaces a file: after a crash it is what it was or what it is to be. Whoever writes holds the lock of the context.
pub(super) fn write(path: &Path, content: &impl Serialize) -> Result<(), FolderError> {
    // Only who holds the lock writes here: what is there is left of a crash.
    write_by(&path.with_file_name(".new"), path, content)
}

/// The same with another name for the file that is not complete yet, in the same folder: each lock has its own.
pub(crate) fn write_by(new: &Path, path: &Path, content: &impl Serialize) -> Result<(), FolderError> {
    let failed = |source| FolderError::Io { what: "write", path: path.to_owned(), source };
    // Pretty, since people look into these files too.
    let mut text = serde_json::to_vec_pretty(content).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let replace = || {
        unless_absent(fs::remove_file(new))?;
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(new, path)?;
        File::open(folder)?.sync_all()
    };
    #[cfg(test)]
    crash::pass().map_err(failed)?;
    replace().map_err(failed)?;
    #[cfg(test)]
    crash::pass().map_err(failed)?;
    Ok(())
}

/// Where a test wants this thread to fail, as if the process ended there: before or after any write.
#[cfg(test)]
pub(super) mod crash {
    use std::{cell::Cell, io};

    thread_local! {
        /// How many more places are passed before the one that fails.
        static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Fails at the place of this number, from 0; or nowhere.
    pub(in crate::source::files) fn at(place: Option<usize>) {
        LEFT.set(place);
    }

    /// Whether the place was not reached.
    pub(in crate::source::files) fn is_ahead() -> bool {
        LEFT.get().is_some()
    }

    pub(super) fn pass() -> io::Result<()> {
        match LEFT.get() {
            Some(0) => {
                LEFT.set(None);
                Err(io::Error::other("crash"))
            }
            left => {
                LEFT.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }
}

/// Removes a file, unless it is gone.
pub(super) fn remove(path: &Path) -> Result<(), FolderError> {
    let removed = unless_absent(fs::remove_file(path));
    removed.map_err(|source| FolderError::Io { what: "remove", path: path.to_owned(), source })
}

fn unless_absent(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Whether a name fits a file, with its ending.
pub(super) fn fits(name: &str) -> bool {
    const LONGEST: usize = 255;
    OsStr::new(name).len() + ".json".len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_folder_is_in_a_folder_and_beside_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        assert_eq!(beside(&file), folder.path().join(".cicdctl"));
        assert_eq!(beside(folder.path()), folder.path().join(".cicdctl"));
        assert_eq!(beside(Path::new("a.yaml")), Path::new(".cicdctl"));
    }

    #[test]
    fn files_are_replaced_and_nobody_else_may_read_them() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().join("state");
        let folder = ContextFolder::of(&root, "default", "shop");
        folder.make().unwrap();
        for content in [json!({"a": 1}), json!({"b": "x".repeat(10_000)}), json!({})] {
            write(&folder.context(), &content).unwrap();
            assert_eq!(read::<Value>(&folder.context()).unwrap(), Some(content));
        }
        write(&folder.event("e.1"), &json!({})).unwrap();
        assert_eq!(folder.event_names().unwrap(), ["e.1"], "nothing is left beside it");
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(folder.context()), 0o600);
        assert_eq!(mode(root.clone()), 0o700);
        assert_eq!(mode(root.join("default/shop/events")), 0o700);
        assert_eq!(contexts(&root, "default").unwrap(), ["shop"]);
        folder.remove().unwrap();
        assert_eq!(contexts(&root, "default").unwrap(), Vec::<String>::new());
        assert_eq!(read::<Value>(&folder.context()).unwrap(), None);
    }

    #[test]
    fn links_in_the_state_folder_are_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        let victim = outside.path().join("victim");
        fs::write(&victim, "mine").unwrap();
        let link = |at: &Path, to: &Path| std::os::unix::fs::symlink(to, at).unwrap();

        let root = tempfile::tempdir().unwrap();
        let folder = ContextFolder::of(root.path(), "default", "shop");
        folder.make().unwrap();
        link(&root.path().join("default/shop/.new"), &victim);
        write(&folder.context(), &json!({})).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        assert!(!fs::symlink_metadata(folder.context()).unwrap().is_symlink());

        fs::create_dir_all(outside.path().join("web/deep")).unwrap();
        link(&root.path().join("elsewhere"), outside.path());
        let folder = ContextFolder::of(root.path(), "elsewhere", "web");
        for error in [folder.make().unwrap_err(), folder.remove().unwrap_err()] {
            assert!(error.to_string().contains("elsewhere: it is a link, which is not followed"), "{error}");
        }
        assert!(outside.path().join("web/deep").is_dir());
    }

    #[test]
    fn what_nobody_can_read_is_told_with_its_file() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("context.json");
        fs::write(&path, "{").unwrap();
        let error = read::<Value>(&path).unwrap_err().to_string();
        let told = format!("read {}: EOF while parsing an object at line 1 column 1; it is written by", path.display());
        assert!(error.starts_with(&told), "{error}");
        let error = write(&root.path().join("gone/context.json"), &json!({})).unwrap_err().to_string();
        assert!(error.starts_with("write ") && error.ends_with("No such file or directory (os error 2)"), "{error}");
    }
}
