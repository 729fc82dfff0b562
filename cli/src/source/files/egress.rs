//! Where requests may go: hosts that the manifests name, as they are written there, and what is public.
//!
//! Whoever may write the manifests may run this program with them, on a machine of their own. A name that they do not
//! write, and what a name resolves to, are judged as in a cluster: a name other than `localhost` opens private addresses,
//! but neither loopback nor link-local ones. Where a cloud keeps the credentials of a machine, nothing is ever sent, however it is
//! written: manifests are tried by machines that did not write them.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use cicdcontext_crds::{CicdEndpoint, CicdEndpointSpec};
use cicdcontext_delivery::{
    RefusalReason,
    egress::{Policy, Rule, Scope, Target},
    resolve::{Resolve, SystemResolver},
};
use futures::{FutureExt, future::BoxFuture};
use serde_json::Value;
use url::{Host, Url};

use super::{Kind, Manifests};

/// What the manifests name, as rules, each once.
pub(super) fn named(manifests: &Manifests) -> Vec<String> {
    let mut rules = Vec::new();
    for manifest in manifests.iter() {
        match manifest.kind {
            Kind::Endpoint => {
                // One that cannot be read is sent to by nobody.
                let endpoint = manifest.typed::<CicdEndpoint>().ok();
                rules.extend(
                    endpoint.iter().flat_map(|endpoint| of_endpoint(manifests, &manifest.namespace, &endpoint.spec)),
                );
            }
            Kind::Context | Kind::Base | Kind::ClusterBase => of_webhooks(&manifest.object, &mut rules),
            _ => {}
        }
    }
    rules.sort();
    rules.dedup();
    rules
}

/// The rules of an operator that may send to all these.
pub(crate) fn policy(rules: &[String]) -> Policy {
    // What is no rule names no host: a template at its place, for instance.
    Policy::new(rules.iter().filter_map(|rule| rule.parse::<Rule>().ok()).collect(), Vec::new())
}

fn of_endpoint(manifests: &Manifests, namespace: &str, spec: &CicdEndpointSpec) -> Vec<String> {
    let secret = spec.url_from.as_ref().and_then(|source| {
        let reference = &source.secret_key_ref;
        let data = manifests.secret(namespace, &reference.name)?.data?;
        String::from_utf8(data.get(&reference.key)?.0.clone()).ok()
    });
    let urls = spec.url.iter().chain(&secret).filter_map(|url| Url::parse(url.trim()).ok());
    let hosts = spec.allowed_hosts.iter().flatten().flat_map(|host| of_host(host, None));
    urls.flat_map(|url| of_url(&url)).chain(hosts).collect()
}

/// Every `webhook.url` whose host is no template.
fn of_webhooks(value: &Value, rules: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let url = map.get("webhook").and_then(|webhook| webhook.get("url")).and_then(Value::as_str);
            let literal = url.and_then(|url| url.split('{').next());
            // Where a template begins before the path does, the host is not written there.
            let whole = literal.filter(|text| {
                url == Some(*text) || text.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?', '#']))
            });
            rules.extend(whole.and_then(|text| Url::parse(text).ok()).iter().flat_map(of_url));
            map.values().for_each(|value| of_webhooks(value, rules));
        }
        Value::Array(items) => items.iter().for_each(|value| of_webhooks(value, rules)),
        _ => {}
    }
}

/// The host and port of a URL, as rules.
pub(crate) fn of_url(url: &Url) -> Vec<String> {
    url.host_str().map(|host| of_host(host, url.port_or_known_default())).unwrap_or_default()
}

/// A host with its port, as rules.
fn of_host(host: &str, port: Option<u16>) -> Vec<String> {
    let behind = port.map(|port| format!(":{port}")).unwrap_or_default();
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    if is_localhost(&name) {
        return vec![format!("127.0.0.1{behind}"), format!("[::1]{behind}")];
    }
    match Host::parse(host) {
        Ok(Host::Ipv6(address)) if !is_of_machines(address.into()) => vec![format!("[{address}]{behind}")],
        Ok(Host::Ipv4(address)) if !is_of_machines(address.into()) => vec![format!("{address}{behind}")],
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => Vec::new(),
        _ => vec![format!("{name}{behind}")],
    }
}

/// Whether an address is link-local or a cloud's metadata service, in any form.
fn is_of_machines(address: IpAddr) -> bool {
    let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    let target = Url::parse(&format!("https://{host}/")).ok().and_then(|url| Target::of(&url).ok());
    let judged =
        target.map(|target| Policy::default().check_address(address, &target, &Scope::public("cluster.local")));
    let reason = judged.and_then(Result::err).map(|refusal| refusal.reason);
    matches!(reason, Some(RefusalReason::LinkLocal | RefusalReason::Metadata))
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// The system's resolver, for which `localhost` is always this machine (RFC 6761) and names end without a dot, so that those
/// of /etc/hosts are found by every C library.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LocalResolver;

impl Resolve for LocalResolver {
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let name = name.trim_end_matches('.');
        if is_localhost(name) {
            let addresses = ["127.0.0.1:0", "[::1]:0"].into_iter().filter_map(|text| text.parse().ok()).collect();
            return async move { Ok(addresses) }.boxed();
        }
        SystemResolver.resolve(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(policy: &Policy, url: &str) -> bool {
        let (_, target) = Target::parse(url).unwrap();
        policy.check(&target, &Scope::public("cluster.local"), true).is_ok()
    }

    fn judge_address(policy: &Policy, url: &str, address: &str) -> bool {
        let (_, target) = Target::parse(url).unwrap();
        policy.check_address(address.parse().unwrap(), &target, &Scope::public("cluster.local")).is_ok()
    }

    #[test]
    fn what_manifests_name_is_allowed_as_it_is_written_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        let text = r#"
apiVersion: cicdcontext.io/v1alpha1
kind: CicdEndpoint
metadata: {name: a}
spec: {url: "http://127.0.0.1:8080/x", allowedHosts: [chat.corp.example, "*.hooks.corp.example"]}
---
apiVersion: cicdcontext.io/v1alpha1
kind: CicdEndpoint
metadata: {name: b}
spec: {urlFrom: {secretKeyRef: {name: s, key: url}}}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {url: "https://10.1.2.3/secret\n"}
---
apiVersion: cicdcontext.io/v1alpha1
kind: CicdEndpoint
metadata: {name: c}
spec: {url: "http://localhost:9090/x"}
---
apiVersion: cicdcontext.io/v1alpha1
kind: CicdBase
metadata: {name: d}
spec:
  pipelines: {p: {eventHandlers: {e: [
    {name: x, webhook: {url: "https://10.9.9.9/{{state.a}}"}},
    {name: z, webhook: {url: "http://169.254.169.254/latest"}},
    {name: v, webhook: {url: "http://[fe80::1]/"}},
    {name: w, webhook: {url: "http://[::ffff:a9fe:a9fe]/"}},
    {name: y, webhook: {url: "https://10.8.{{state.a}}/"}}]}}}
"#;
        std::fs::write(&file, text).unwrap();
        let rules = named(&Manifests::read(&[file], "default").unwrap());
        assert_eq!(
            rules,
            [
                "*.hooks.corp.example",
                "10.1.2.3:443",
                "10.9.9.9:443",
                "127.0.0.1:8080",
                "127.0.0.1:9090",
                "[::1]:9090",
                "chat.corp.example"
            ]
        );
        let policy = policy(&rules);
        for url in ["http://127.0.0.1:8080/", "https://10.1.2.3/", "https://10.9.9.9/x", "http://[::1]:9090/"] {
            assert!(judge(&policy, url), "{url}");
        }
        for url in ["http://127.0.0.1:8081/", "https://10.1.2.4/", "http://169.254.169.254/", "http://127.0.0.2:8080/"]
        {
            assert!(!judge(&policy, url), "{url}");
        }
        assert!(judge_address(&policy, "http://localhost:9090/", "127.0.0.1"));
        assert!(judge_address(&policy, "https://chat.corp.example/", "10.0.0.7"));
        assert!(judge_address(&policy, "https://a.hooks.corp.example/", "10.0.0.7"));
        assert!(!judge_address(&policy, "https://chat.corp.example/", "127.0.0.1"));
        assert!(!judge_address(&policy, "https://chat.corp.example/", "169.254.169.254"));
        assert!(!judge_address(&policy, "https://other.example/", "10.0.0.7"));
    }

    #[tokio::test]
    async fn localhost_is_this_machine() {
        let addresses = LocalResolver.resolve("localhost.").await.unwrap();
        assert!(!addresses.is_empty() && addresses.iter().all(|address| address.ip().is_loopback()), "{addresses:?}");
    }
}
