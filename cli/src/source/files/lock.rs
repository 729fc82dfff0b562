//! Locks between processes: a file that is locked as long as somebody works beside it.
//!
//! The system takes a lock away from a process that ends, however it ends.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use thiserror::Error;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Held(#[expect(dead_code, reason = "it is held, and nothing else")] File);

/// Why a lock was not had.
#[derive(Debug, Error)]
pub(crate) enum LockError {
    /// The file cannot be opened or locked.
    #[error("lock {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else held it all the time.
    #[error("another cicdctl has held {} for {} s", path.display(), after.as_secs_f32())]
    Held {
        /// The file.
        path: PathBuf,
        /// How long was waited.
        after: Duration,
    },
}

/// Locks a file, which is created if need be, as soon as nobody else holds it. Dropping the future gives up.
pub(crate) async fn lock(path: &Path, patience: Duration) -> Result<Held, LockError> {
    let failed = |source| LockError::Io { path: path.to_owned(), source };
    // What is further away than the clock can tell is for ever.
    let deadline = Instant::now().checked_add(patience);
    loop {
        if let Some(held) = try_lock(path).map_err(failed)? {
            return Ok(held);
        }
        let locked = wait(open(path).map_err(failed)?);
        let locked = match deadline {
            Some(deadline) => timeout_at(deadline, locked).await,
            None => Ok(locked.await),
        };
        let Ok(locked) = locked else { return Err(LockError::Held { path: path.to_owned(), after: patience }) };
        // A thread that could not be had is as good as one that found the lock held.
        let Ok(locked) = locked else { continue };
        let file = locked.map_err(failed)?;
        if is_at(&file, path).map_err(failed)? {
            return Ok(Held(file));
        }
    }
}

/// Locks a file, which is created if need be, unless somebody else holds it.
pub(super) fn try_lock(path: &Path) -> io::Result<Option<Held>> {
    loop {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path)? => return Ok(Some(Held(file))),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink()) {
        return Err(io::Error::other("it is a link, which is not followed"));
    }
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// Whoever held the lock may have removed the file: then the next one makes another one, and this one locks nothing.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Waits on a thread of its own, which ends with the process: tokio would wait for one of its own.
fn wait(file: File) -> oneshot::Receiver<io::Result<File>> {
    let (sender, receiver) = oneshot::channel();
    let waiting = thread::Builder::new().name("lock".to_owned()).spawn(move || {
        let locked = file.lock().map(|()| file);
        // Nobody waits any more: the lock goes with the file.
        sender.send(locked).ok();
    });
    drop(waiting);
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_is_had_once_it_is_let_go_and_given_up_when_patience_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = lock(&path, Duration::ZERO).await.unwrap();
        assert!(try_lock(&path).unwrap().is_none());
        let error = lock(&path, Duration::from_millis(20)).await.unwrap_err().to_string();
        assert_eq!(error, format!("another cicdctl has held {} for 0.02 s", path.display()));
        let next = tokio::spawn({
            let path = path.clone();
            async move { lock(&path, Duration::from_mins(1)).await }
        });
        tokio::task::yield_now().await;
        drop(held);
        next.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_lock_whose_file_was_removed_by_its_holder_is_taken_on_the_file_that_follows_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = lock(&path, Duration::ZERO).await.unwrap();
        let next = tokio::spawn({
            let path = path.clone();
            async move { lock(&path, Duration::from_mins(1)).await.unwrap() }
        });
        tokio::task::yield_now().await;
        fs::remove_file(&path).unwrap();
        drop(held);
        let held = next.await.unwrap();
        assert!(try_lock(&path).unwrap().is_none(), "the file that is there now is locked");
        drop(held);
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_an_error() {
        let error = lock(Path::new("/nowhere/lock"), Duration::ZERO).await.unwrap_err().to_string();
        assert_eq!(error, "lock /nowhere/lock: No such file or directory (os error 2)");
    }
}
