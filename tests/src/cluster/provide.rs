//! The one way to a cluster for commands: the one that `CLUSTER_KUBECONFIG` names, else a new one.

use std::path::{PathBuf, absolute};

use super::{Access, Cluster, ClusterError, Options, assets, files, record::remove_access};

/// A cluster to work on.
#[derive(Debug)]
pub enum Provided {
    /// One that was started for this purpose.
    Started(Box<Cluster>),
    /// One that somebody else started and will stop.
    Yours {
        /// How to reach it.
        access: Access,
        /// Where kubeconfigs that impersonate the roles were written.
        directory: PathBuf,
    },
}

impl Provided {
    /// Takes the cluster of `CLUSTER_KUBECONFIG`, if that is set, and says so; starts one otherwise.
    pub fn provide(mut options: Options) -> Result<Self, ClusterError> {
        let Some(provided) = options.environment.cluster_kubeconfig.clone() else {
            return Cluster::start(options).map(|cluster| Self::Started(Box::new(cluster)));
        };
        let absolute = |path| absolute(path).map_err(ClusterError::file("find the absolute path of", path));
        let provided = absolute(&provided)?;
        options.directory = absolute(&options.directory)?;
        options
            .report
            .line(format!("using the cluster of CLUSTER_KUBECONFIG={}; nothing is started", provided.display()));
        files::create_directory(&options.directory)?;
        let kubectl = assets::kubectl(&options.environment, &options.report, &options.interrupt)?;
        Access::provided(&options.environment, &provided, kubectl, &options.directory)
            .map(|access| Self::Yours { access, directory: options.directory })
    }

    /// How to reach it.
    pub fn access(&self) -> Access {
        match self {
            Self::Started(cluster) => cluster.access(),
            Self::Yours { access, .. } => access.clone(),
        }
    }

    /// Stops it, if it was started here, and removes the kubeconfigs that were written for it.
    pub fn stop(self) -> Result<(), ClusterError> {
        match self {
            Self::Started(cluster) => cluster.stop(),
            Self::Yours { directory, .. } => remove_access(&directory),
        }
    }
}
