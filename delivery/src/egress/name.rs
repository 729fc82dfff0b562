//! What does a host name mean by itself? Asked only where nobody here resolves it: behind a proxy.
//!
//! Knows names, no addresses and no policy. A list of names can never be complete; it covers those that clouds,
//! Kubernetes and hosts files hand out everywhere.

use super::Scope;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing is known against it.
    Public,
    /// The proxy's own host.
    Loopback,
    /// The metadata service of a cloud.
    Metadata,
    /// The Kubernetes API server.
    ApiServer,
    /// Something inside the cluster or the site.
    Internal,
}

const LOOPBACK: &[&str] = &["ip6-localhost", "ip6-loopback", "localhost", "localhost.localdomain"];
const METADATA: &[&str] = &[
    "instance-data",
    "instance-data.ec2.internal",
    "metadata",
    "metadata.azure.internal",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.tencentyun.com",
];
const API_SERVER: &[&str] = &["kubernetes", "kubernetes.default"];
/// Top-level names that no public server has: RFC 6762, RFC 8375, and ICANN's choice for private use.
const INTERNAL: &[&str] = &["home.arpa", "internal", "local", "localdomain"];

/// What `name` (in lower case, without a dot at its end) means, seen from `scope`.
pub(super) fn meaning_of(name: &str, scope: &Scope) -> Meaning {
    let below = |suffix: &str| name.strip_suffix(suffix).is_some_and(|left| left.ends_with('.'));
    if LOOPBACK.contains(&name) || below("localhost") {
        return Meaning::Loopback;
    }
    if METADATA.contains(&name) {
        return Meaning::Metadata;
    }
    if API_SERVER.contains(&name) || scope.service(name) == Some(("kubernetes", "default")) {
        return Meaning::ApiServer;
    }
    let in_cluster = below("svc") || below(&scope.cluster_domain) || name == scope.cluster_domain;
    if !name.contains('.') || in_cluster || INTERNAL.iter().any(|suffix| below(suffix)) {
        return Meaning::Internal;
    }
    Meaning::Public
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_a_place_inside_are_known() {
        let scope = Scope::namespace("shop", "cluster.local");
        for (meaning, names) in [
            (Meaning::Loopback, &["localhost", "a.localhost", "localhost.localdomain", "ip6-loopback"][..]),
            (Meaning::Metadata, &["metadata", "metadata.google.internal", "instance-data.ec2.internal"]),
            (
                Meaning::ApiServer,
                &["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"],
            ),
            (
                Meaning::Internal,
                &["vault", "vault.bank.svc", "vault.bank.svc.cluster.local", "10-0-0-1.bank.pod.cluster.local"],
            ),
            (Meaning::Internal, &["cluster.local", "printer.local", "db.corp.internal", "nas.home.arpa"]),
            (
                Meaning::Public,
                &["hooks.chat.example", "localhost.example", "mylocal.example", "svc.example", "a.xlocal"],
            ),
        ] {
            for name in names {
                assert_eq!(meaning_of(name, &scope), meaning, "{name}");
            }
        }
    }
}
