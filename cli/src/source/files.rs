//! Contexts, events and configuration of manifests in files, without any cluster.
//!
//! Manifests are read and never written. What changes stands in the state folder: the state of each context, and its
//! events. Nobody else carries events out, so whoever watches one does, and those before it. What still waits when nobody
//! watches any more is taken up by the next who does, with the same bytes and the same webhook-id. For that a request is
//! written down before it is sent; one that does not fit there beside those that wait (see the engine's
//! `MAX_KEPT_BYTES`) is not sent.
//!
//! An attempt that was cut off, since nobody watched any longer, has failed and counts. It is made again, like one that
//! was not answered in time, after what has not been tried yet, and only while somebody still waits.
//!
//! Of one context a single delivery is under way at a time, whatever the number of processes. An endpoint's `concurrency`
//! and `rateLimit` are not counted over several contexts or processes. Proxies are the operator's: a delivery to an
//! endpoint with `proxy` fails. Manifests of CicdEvents and CicdStateWrites are read, to be checked, and not carried out;
//! nor are event annotations of a CicdContext.
//!
//! ```text
//! FOLDER/                      0700; files 0600
//!   NAMESPACE/
//!     CONTEXT/
//!       lock                   held by whoever changes something below
//!       turn                   held by whoever carries out events of this context
//!       context.json           uid, resourceVersion, annotations, state; all of a context that no manifest has
//!       events/EVENT.json      a CicdEvent, with its status and the requests that wait
//! ```

mod carrier;
mod configuration;
mod contexts;
mod courier;
pub(crate) mod egress;
mod events;
pub(crate) mod folder;
pub(crate) mod lock;
mod manifest;
mod manifests;
mod performance;
mod read;
mod record;
mod uid;

use std::{path::PathBuf, sync::Arc, time::Duration};

pub use configuration::Seen;
pub use manifest::{Kind, Manifest, Origin};
pub use manifests::Manifests;
pub use read::{ReadError, yaml_options};

use super::{Problem, SourceError};

/// The namespace of manifests that name none, unless another one is chosen.
pub const DEFAULT_NAMESPACE: &str = "default";

/// Which files, and which namespace of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesOptions {
    /// Files, and folders whose files are read: `*.yaml`, `*.yml` and `*.json`, but not those of folders in them.
    pub paths: Vec<PathBuf>,
    /// Where state and events are kept. Default: `.cicdctl` in the first of `paths` if that is a folder, else in the
    /// folder that it is in.
    pub state_folder: Option<PathBuf>,
    /// The namespace, also of manifests that name none. Default: [`DEFAULT_NAMESPACE`].
    pub namespace: Option<String>,
    /// How long to wait for another process that changes the same context.
    pub patience: Duration,
}

/// One namespace of manifests in files.
#[derive(Clone)]
pub struct Files {
    namespace: String,
    paths: Vec<PathBuf>,
    state_folder: PathBuf,
    patience: Duration,
    manifests: Arc<Manifests>,
}

impl Files {
    /// Reads the manifests. Nothing is written yet.
    pub fn open(options: FilesOptions) -> Result<Self, SourceError> {
        let namespace = options.namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        let manifests = Manifests::read(&options.paths, &namespace).map_err(|error| SourceError {
            request: "read the manifests".to_owned(),
            problem: Problem::Files(error.to_string()),
        })?;
        let beside = || options.paths.first().map(|path| folder::beside(path)).unwrap_or_default();
        let state_folder = options.state_folder.clone().unwrap_or_else(beside);
        let FilesOptions { paths, patience, .. } = options;
        Ok(Self { namespace, paths, state_folder, patience, manifests: Arc::new(manifests) })
    }

    /// The same with the manifests as they are now, or as they were if they cannot be read now: somebody may be editing
    /// them.
    fn refreshed(&self) -> Self {
        let manifests = Manifests::read(&self.paths, &self.namespace).map_or_else(|_| self.manifests.clone(), Arc::new);
        Self { manifests, ..self.clone() }
    }

    /// The manifests of all namespaces.
    pub fn manifests(&self) -> &Manifests {
        &self.manifests
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
