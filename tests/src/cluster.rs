//! etcd, kube-apiserver, kube-controller-manager and kubectl for tests: the real programs, on loopback, with one user
//! per tested role.
//!
//! ```no_run
//! use cicdcontext_tests::cluster::{Cluster, ClusterError, Options, Role};
//!
//! let cluster = Cluster::start(Options::named("example"))?;
//! println!("a pipeline's kubeconfig: {}", cluster.kubeconfig(Role::Pipeline).display());
//! cluster.stop()?;
//! # Ok::<(), ClusterError>(())
//! ```
//!
//! Tests do not start a cluster each: `cluster with -- cargo test ...` starts one for all of them, and they take it from
//! the environment with [`Access::from_environment`]. Only tests of faults, which kill the API server, start their own.

mod access;
mod assets;
mod build;
mod client;
pub(crate) mod components;
mod credentials;
mod environment;
mod error;
pub(crate) mod files;
mod go;
pub(crate) mod log;
mod pki;
mod probe;
pub(crate) mod process;
mod provide;
mod record;
mod report;
mod start;

pub use self::{
    access::Access,
    assets::Assets,
    build::build,
    credentials::Role,
    environment::{Environment, workspace},
    error::ClusterError,
    go::GoModule,
    process::ProcessRecord,
    provide::Provided,
    record::{Record, remove_access},
    report::{Interrupt, Report},
    start::{AuditLevel, Cluster, Options},
};
