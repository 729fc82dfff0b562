//! Name look-up under guard: **the address that was checked is the address that is dialled**.
//!
//! The HTTP client asks a guard instead of the system; it looks the name up, lets the policy judge every address,
//! and hands on the very addresses it judged. One refused address refuses the name: a receiver that lists a public and
//! an internal address is no receiver for a platform. Must not know requests or credentials.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use url::Host;

use crate::egress::{Policy, RefusalReason, Scope, Target};

/// Looks up the addresses of a host name.
pub trait Resolve: Send + Sync {
    /// The addresses of `name`, which is absolute (ends with a dot). The ports of the result are not used.
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The system's resolver (`getaddrinfo`, on a thread of tokio's blocking pool).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let name = name.to_owned();
        async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }.boxed()
    }
}

/// Stands between the HTTP client and the resolver, for one target in one scope.
pub(crate) struct Guard {
    pub(crate) policy: Arc<Policy>,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) scope: Scope,
    pub(crate) target: Target,
    /// The proxy's own host and port, if there is one: then it is the one name that is looked up, and its addresses
    /// are the operator's business.
    pub(crate) proxy: Option<(Host<String>, u16)>,
}

impl reqwest::dns::Resolve for Guard {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let asked = name.as_str().trim_end_matches('.').to_ascii_lowercase();
        let (expected, port) = match &self.proxy {
            None => (self.target.host(), self.target.port()),
            Some((host, port)) => (host, *port),
        };
        if *expected != Host::Domain(asked.clone()) {
            let refusal = self.target.refused(RefusalReason::OtherHost);
            return async move { Err(refusal.into()) }.boxed();
        }
        let found = self.resolver.resolve(&self.scope.absolute(&asked));
        let (policy, scope, target) = (Arc::clone(&self.policy), self.scope.clone(), self.target.clone());
        let judged = self.proxy.is_none();
        async move {
            let mut addresses = found.await?;
            if addresses.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
            }
            for address in &mut addresses {
                if judged {
                    policy.check_address(address.ip(), &target, &scope)?;
                }
                address.set_port(port);
            }
            Ok(Box::new(addresses.into_iter()) as reqwest::dns::Addrs)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static [&'static str]);

    impl Resolve for Fixed {
        fn resolve(&self, _: &str) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
            let addresses = self.0.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 9)).collect();
            async move { Ok(addresses) }.boxed()
        }
    }

    async fn asked(url: &str, name: &str, addresses: &'static [&'static str]) -> Result<Vec<String>, String> {
        asked_behind(None, url, name, addresses).await
    }

    async fn asked_behind(
        proxy: Option<&str>,
        url: &str,
        name: &str,
        addresses: &'static [&'static str],
    ) -> Result<Vec<String>, String> {
        let guard = Guard {
            policy: Arc::default(),
            resolver: Arc::new(Fixed(addresses)),
            scope: Scope::public("cluster.local"),
            target: Target::parse(url).unwrap().1,
            proxy: proxy.map(|host| (Host::Domain(host.to_owned()), 3128)),
        };
        let found = reqwest::dns::Resolve::resolve(&guard, name.parse().unwrap()).await;
        found.map(|found| found.map(|address| address.to_string()).collect()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_checked_addresses_are_handed_on_with_the_port_of_the_url() {
        let found = asked("https://hooks.chat.example/", "hooks.chat.example.", &["8.8.8.8", "2606:4700::1111"]).await;
        assert_eq!(found, Ok(vec!["8.8.8.8:443".to_owned(), "[2606:4700::1111]:443".to_owned()]));
    }

    #[tokio::test]
    async fn one_refused_address_no_address_or_another_host_gives_nothing() {
        let url = "https://hooks.chat.example/";
        for (name, addresses, told) in [
            ("hooks.chat.example", &["8.8.8.8", "10.0.0.1"][..], "it is a private address"),
            ("hooks.chat.example", &[], "the name has no address"),
            ("other.example", &["8.8.8.8"], "asked for another host"),
        ] {
            let error = asked(url, name, addresses).await.unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[tokio::test]
    async fn behind_a_proxy_its_name_alone_is_looked_up_and_its_address_is_not_judged() {
        let asked = |name| asked_behind(Some("proxy.example"), "https://hooks.chat.example/", name, &["10.0.0.7"]);
        assert_eq!(asked("proxy.example.").await, Ok(vec!["10.0.0.7:3128".to_owned()]));
        assert!(asked("hooks.chat.example").await.unwrap_err().contains("asked for another host"));
    }
}
