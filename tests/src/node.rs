//! A whole Kubernetes node for end-to-end tests: containerd, kubelet, kube-proxy, kube-scheduler and DNS beside the control
//! plane of [`crate::cluster`], with real Pods.
//!
//! All of it runs in namespaces of its own (processes, mounts, network): whatever happens inside, the kernel takes it
//! away with the namespaces. The machine's interfaces, firewall and mounts are never touched. What namespaces do not hold,
//! control groups and a directory, is removed by the process outside ([`Confinement`]).
//!
//! It must not know what is tested on the node.

mod command;
mod components;
mod confinement;
mod control_group;
mod dns;
mod error;
mod ground;
mod images;
mod requirements;
mod start;

pub use self::{
    confinement::Confinement,
    error::NodeError,
    ground::ADDRESS,
    images::{RECEIVER, SHOW, archives},
    requirements::{Missing, missing},
    start::{Node, Options},
};
