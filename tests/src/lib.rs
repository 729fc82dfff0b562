//! A real Kubernetes control plane for the integration suite, the demo and the benchmarks, the operator as a process,
//! and a receiver for what it sends.
//!
//! It knows how to get etcd, kube-apiserver, kube-controller-manager and kubectl, and how to start and stop them and the
//! operator. It must not know what the operator does with them: the suites in `tests/tests` and the demo do.

pub mod audit;
pub mod cluster;
pub mod figures;
pub mod gate;
pub mod installation;
pub mod node;
pub mod operator;
pub mod receiver;
pub mod shifted_clock;
pub mod tekton;
pub mod tools;
