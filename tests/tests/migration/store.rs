//! Where the drop-in keeps documents, and how they are read past it.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Map, Value};

#[cfg(feature = "cluster")]
use crate::cluster::Namespace;

/// A store of the drop-in.
pub(crate) enum Store {
    /// The folder `store` beside the files of the case.
    Folder,
    /// CicdContexts of a namespace.
    #[cfg(feature = "cluster")]
    Cluster(Box<Namespace>),
}

/// Where cases get their stores from.
#[derive(Clone)]
pub(crate) enum Stores {
    /// A folder for each.
    Folder,
    /// A namespace for each.
    #[cfg(feature = "cluster")]
    Cluster(cicdcontext_tests::cluster::Access),
}

impl Stores {
    pub(crate) async fn open(&self, number: usize) -> Store {
        // It would have nothing to wait for where there is no cluster.
        #[cfg(not(feature = "cluster"))]
        let _ = std::future::ready(number).await;
        match self {
            Self::Folder => Store::Folder,
            #[cfg(feature = "cluster")]
            Self::Cluster(access) => Store::Cluster(Box::new(Namespace::create(access, number).await)),
        }
    }

    /// Whether documents go through an API server, which has numbers of its own.
    pub(crate) fn is_cluster(&self) -> bool {
        !matches!(self, Self::Folder)
    }
}

impl Store {
    /// What names it to the drop-in.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        match self {
            Self::Folder => [("CICDSTATEMGR_LOCAL_DIR".to_owned(), "store".to_owned())].into(),
            #[cfg(feature = "cluster")]
            Self::Cluster(namespace) => namespace.environment(),
        }
    }

    /// All documents, by ID.
    pub(crate) async fn documents(&self, folder: &Path) -> Value {
        match self {
            Self::Folder => std::future::ready(in_folder(&folder.join("store"))).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(namespace) => namespace.documents().await,
        }
    }

    /// Removes what outlives the case.
    pub(crate) async fn remove(self) {
        match self {
            Self::Folder => std::future::ready(()).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(namespace) => namespace.remove().await,
        }
    }
}

fn in_folder(folder: &Path) -> Value {
    let mut all = Map::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let mut stored: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let id = stored["cicdContextDataId"].as_str().unwrap().to_owned();
        all.insert(id, stored["document"].take());
    }
    Value::Object(all)
}
