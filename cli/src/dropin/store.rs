//! Where the document of a run is kept: in a folder, or in a CicdContext. Both lose no change of anybody else: a change is
//! made to the document as it is now, and made anew if somebody was faster.

mod cluster;
pub(super) mod edit;
mod local;
mod name;
mod object;
mod order;

use cicdcontext_compat::document::Document;
use thiserror::Error;

pub(super) use self::{cluster::InCluster, local::InFolder};
use super::{failure::Failure, variables::Variables};
use crate::{
    environment::Environment,
    source::{
        SourceError,
        cluster::{Cluster, ClusterOptions, origin::has_service_account},
        files::{folder::FolderError, lock::LockError},
    },
};

/// A place for documents.
pub(super) enum Store {
    /// A folder.
    Local(InFolder),
    /// CicdContexts of a namespace.
    Cluster(InCluster),
}

/// Why a document cannot be read or written.
#[derive(Debug, Error)]
pub(super) enum StoreError {
    /// Nothing says where documents are kept.
    #[error(
        "find the store: nothing says where the context data is kept; set CICDSTATEMGR_STORE=cluster to keep it in \
         CicdContexts, or CICDSTATEMGR_LOCAL_DIR=DIR to keep it in a folder (docs/migration.md#store)"
    )]
    Nowhere,
    /// Two places are named.
    #[error("find the store: CICDSTATEMGR_STORE and CICDSTATEMGR_LOCAL_DIR are both set; unset one of them")]
    Two,
    /// There is no such place.
    #[error("read CICDSTATEMGR_STORE {0:?}: write cluster, or unset it and set CICDSTATEMGR_LOCAL_DIR")]
    Unknown(String),
    /// There is no such run.
    #[error("read run {id:?}: there is none in {place}; begin it with --init-new")]
    NoRun {
        /// Its ID.
        id: String,
        /// The store.
        place: String,
    },
    /// What is there belongs to another run, or to nobody that is known.
    #[error("read run {id:?}: {place} belongs to {owner}; choose another ID, or remove it")]
    Foreign {
        /// The ID that was asked for.
        id: String,
        /// What is there.
        place: String,
        /// Whose it is.
        owner: String,
    },
    /// It does not fit.
    #[error(
        "store run {id:?}: its document has {bytes} bytes as JSON, and the cluster refuses it as too large (about 1.5 MB \
         fit); keep large values elsewhere and write links to them"
    )]
    TooLarge {
        /// Its ID.
        id: String,
        /// Its size.
        bytes: usize,
    },
    /// Others were faster all the time.
    #[error(
        "change run {id:?}: others changed the same places during each of {attempts} attempts in {seconds} s; run it again"
    )]
    Conflict {
        /// Its ID.
        id: String,
        /// Attempts that were made.
        attempts: usize,
        /// How long that took.
        seconds: u64,
    },
    /// What a handler wrote has no place any more: somebody else wrote there.
    #[error(
        "change run {id:?}: {path} holds {found} by now, where a map or a list was to be; somebody else wrote there"
    )]
    Taken {
        /// Its ID.
        id: String,
        /// The path.
        path: String,
        /// What is there.
        found: &'static str,
    },
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A lock in it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The cluster.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl Store {
    /// The store that the variables name; else CicdContexts, where a Pod has a ServiceAccount. A kubeconfig is used only if a
    /// variable asks for a cluster: the one that happens to lie there may be another's.
    pub(super) async fn open(variables: &Variables, environment: &Environment) -> Result<Self, StoreError> {
        let inside = Environment { kubeconfig: None, home: None, ..environment.clone() };
        let environment = match (variables.store.as_deref(), &variables.local) {
            (Some("cluster"), Some(_)) => return Err(StoreError::Two),
            (Some("cluster"), None) => environment,
            (Some(other), _) => return Err(StoreError::Unknown(other.to_owned())),
            (None, Some(folder)) => return Ok(Self::Local(InFolder::new(folder))),
            (None, None) if has_service_account(environment) => &inside,
            (None, None) => return Err(StoreError::Nowhere),
        };
        let options = ClusterOptions {
            namespace: variables.namespace.clone(),
            timeout: cluster::REQUEST_TIMEOUT,
            ..ClusterOptions::default()
        };
        Ok(Self::Cluster(InCluster::new(Cluster::connect(options, environment).await?)))
    }

    /// What people call it.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Local(store) => store.place(),
            Self::Cluster(store) => store.place(),
        }
    }

    /// Reads a document.
    pub(super) async fn read(&self, id: &str) -> Result<Document, StoreError> {
        match self {
            Self::Local(store) => store.read(id),
            Self::Cluster(store) => store.read(id).await,
        }
    }

    /// Stores the document of a run that begins, in place of one that there may be.
    pub(super) async fn create(&self, id: &str, document: &Document) -> Result<(), StoreError> {
        match self {
            Self::Local(store) => store.create(id, document).await,
            Self::Cluster(store) => store.create(id, document).await,
        }
    }

    /// Fails if a folder could not be written now. Of a cluster that cannot be told before it is tried.
    pub(super) async fn check_writable(&self, id: &str) -> Result<(), Failure> {
        match self {
            Self::Local(store) => store.check_writable(id).await,
            Self::Cluster(_) => Ok(()),
        }
    }

    /// Changes a document, and gives it as it is then, with what `change` gave. If others were faster, `change` is made
    /// anew to what they left.
    pub(super) async fn change<T>(
        &self,
        id: &str,
        change: impl FnMut(&mut Document) -> Result<T, Failure>,
    ) -> Result<(Document, T), Failure> {
        match self {
            Self::Local(store) => store.change(id, change).await,
            Self::Cluster(store) => store.change(id, change).await,
        }
    }
}
