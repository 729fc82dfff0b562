//! Documents in a folder: a file for each run, with a lock beside it. A file is replaced as a whole, so that whoever reads
//! needs no lock and never sees a part.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use cicdcontext_compat::document::Document;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{StoreError, name::name};
use crate::{
    dropin::failure::Failure,
    source::files::{
        folder::{FolderError, read, write_by},
        lock::{Held, lock},
    },
};

/// How long another process that changes the same run is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder of documents.
pub(crate) struct InFolder(PathBuf);

/// What stands in a file. The ID tells whose it is; a file without its end has none of this.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored {
    cicd_context_data_id: String,
    document: Map<String, Value>,
}

impl InFolder {
    /// Nothing is made or read yet.
    pub(super) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    pub(super) fn place(&self) -> String {
        format!("the folder {}", self.0.display())
    }

    fn file(&self, id: &str) -> PathBuf {
        self.0.join(format!("{}.json", name(id)))
    }

    pub(super) fn read(&self, id: &str) -> Result<Document, StoreError> {
        let file = self.file(id);
        let Some(Stored { cicd_context_data_id: owner, document }) = read(&file)? else {
            return Err(StoreError::NoRun { id: id.to_owned(), place: self.place() });
        };
        if owner != id {
            let (id, place) = (id.to_owned(), file.display().to_string());
            return Err(StoreError::Foreign { id, place, owner: format!("run {owner:?}") });
        }
        Ok(Document(document))
    }

    pub(super) async fn create(&self, id: &str, document: &Document) -> Result<(), StoreError> {
        // Only the owner may look into it: state may hold secrets.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.map_err(|source| FolderError::Io { what: "create folder", path: self.0.clone(), source })?;
        let _held = self.lock(id).await?;
        self.write(id, document)
    }

    pub(super) async fn change<T>(
        &self,
        id: &str,
        mut change: impl FnMut(&mut Document) -> Result<T, Failure>,
    ) -> Result<(Document, T), Failure> {
        // Without a run there is nothing to lock.
        self.read(id)?;
        let _held = self.lock(id).await?;
        let old = self.read(id)?;
        let mut new = old.clone();
        let result = change(&mut new)?;
        if new != old {
            self.write(id, &new)?;
        }
        Ok((new, result))
    }

    /// Writes the document as it is.
    pub(super) async fn check_writable(&self, id: &str) -> Result<(), Failure> {
        let _held = self.lock(id).await?;
        let document = self.read(id)?;
        Ok(self.write(id, &document)?)
    }

    async fn lock(&self, id: &str) -> Result<Held, StoreError> {
        Ok(lock(&self.0.join(format!("{}.lock", name(id))), PATIENCE).await?)
    }

    /// Whoever writes holds the lock.
    fn write(&self, id: &str, document: &Document) -> Result<(), StoreError> {
        let stored = Stored { cicd_context_data_id: id.to_owned(), document: document.0.clone() };
        let new = self.0.join(format!(".{}.new", name(id)));
        Ok(write_by(&new, &self.file(id), &stored)?)
    }
}

#[cfg(test)]
mod tests;
