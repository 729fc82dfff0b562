//! A real Kubernetes control plane for the integration suite, the demo and the benchmarks.
//!
//! It knows how to get etcd, kube-apiserver, kube-controller-manager and kubectl, and how to start and stop them. It
//! must not know what the operator does with them: the suites in `tests/tests` and the demo do.

pub mod cluster;
