//! Idle connections, kept apart by who may use them.
//!
//! One HTTP client per scope, origin, TLS material and proxy, because a pooled connection is used again without asking
//! the resolver or showing a certificate: what one namespace may reach must not stand open for another, and what was
//! opened with one endpoint's certificates must not serve another one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::AttemptError;
use super::CONNECT_TIMEOUT;
use crate::destination::Destination;
use crate::egress::{Policy, Scope, Target};
use crate::proxy::Proxy;
use crate::request::RequestError;
use crate::resolve::{Guard, Resolve};
use crate::tls::{Authorities, Fingerprint, TlsMaterial};

/// Clients beyond this many push out the one that was used longest ago.
const MAX_CLIENTS: usize = 256;
const MAX_IDLE_PER_CLIENT: usize = 8;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const USER_AGENT: &str = concat!("cicdcontext-operator/", env!("CARGO_PKG_VERSION"));

pub(super) struct Connections {
    policy: Arc<Policy>,
    resolver: Arc<dyn Resolve>,
    authorities: Authorities,
    clients: Mutex<HashMap<Key, Client>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    scope: Scope,
    https: bool,
    host: url::Host<String>,
    port: u16,
    tls: Fingerprint,
    proxy: Option<[u8; 32]>,
}

struct Client {
    client: reqwest::Client,
    used: Instant,
}

impl Connections {
    /// No connections yet. Fails if TLS cannot be had at all.
    pub(super) fn new(
        policy: Arc<Policy>,
        resolver: Arc<dyn Resolve>,
        authorities: Authorities,
    ) -> Result<Self, rustls::Error> {
        TlsMaterial::default().configuration(&Authorities::none())?;
        Ok(Self { policy, resolver, authorities, clients: Mutex::default() })
    }

    /// The client for `target` of `destination`; made at first use. `own`: the endpoint's own URL, where its client
    /// certificate is shown.
    pub(super) fn client(
        &self,
        destination: &Destination,
        target: &Target,
        own: bool,
    ) -> Result<reqwest::Client, AttemptError> {
        let tls = if own { destination.tls.clone() } else { destination.tls.anonymous() };
        let proxy = destination.proxy.as_ref();
        if let Some(proxy) = proxy.filter(|proxy| proxy.https() && !tls.is_default()) {
            return Err(RequestError::TlsBehindHttpsProxy(proxy.to_string()).into());
        }
        let key = Key {
            scope: destination.scope.clone(),
            https: target.https(),
            host: target.host().clone(),
            port: target.port(),
            tls: tls.fingerprint(),
            proxy: proxy.map(Proxy::fingerprint),
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get_mut(&key) {
            known.used = Instant::now();
            return Ok(known.client.clone());
        }
        let client = self.build(target, &destination.scope, &tls, proxy)?;
        if clients.len() >= MAX_CLIENTS
            && let Some(oldest) = clients.iter().min_by_key(|(_, client)| client.used).map(|(key, _)| key.clone())
        {
            clients.remove(&oldest);
        }
        clients.insert(key, Client { client: client.clone(), used: Instant::now() });
        Ok(client)
    }

    fn build(
        &self,
        target: &Target,
        scope: &Scope,
        tls: &TlsMaterial,
        proxy: Option<&Proxy>,
    ) -> Result<reqwest::Client, AttemptError> {
        let guard = Guard {
            policy: Arc::clone(&self.policy),
            resolver: Arc::clone(&self.resolver),
            scope: scope.clone(),
            target: target.clone(),
            proxy: proxy.map(|proxy| (proxy.host().clone(), proxy.port())),
        };
        // Reading the system's authorities takes longer than all else of a short program: not for plain http.
        let speaks_tls = target.https() || proxy.is_some_and(Proxy::https);
        let authorities = if speaks_tls { self.authorities.clone() } else { Authorities::none() };
        let configuration = tls
            .configuration(&authorities)
            .map_err(|error| AttemptError::Tls { target: target.clone(), detail: error.to_string() })?;
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE_PER_CLIENT)
            .tls_backend_preconfigured(configuration)
            .dns_resolver(Arc::new(guard));
        let unbuilt = |_| AttemptError::Request(RequestError::Url);
        if let Some(proxy) = proxy {
            builder = builder.proxy(proxy.for_client().map_err(unbuilt)?);
        }
        builder.build().map_err(unbuilt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::SystemResolver;

    #[test]
    fn the_authorities_of_the_system_are_read_for_tls_and_not_before() {
        let authorities = Authorities::system();
        let connections = Connections::new(Arc::default(), Arc::new(SystemResolver), authorities.clone()).unwrap();
        let made_for = |url: &str, tls: TlsMaterial, proxy: Option<&str>| {
            let (address, target) = Target::parse(url).unwrap();
            let mut destination = Destination::new(address, Scope::namespace("shop", "cluster.local")).tls(tls);
            if let Some(proxy) = proxy {
                destination = destination.proxy(Proxy::parse(proxy).unwrap());
            }
            connections.client(&destination, &target, true).unwrap();
            authorities.are_read()
        };
        assert!(!made_for("http://hooks.chat.example/", TlsMaterial::default(), Some("http://proxy.example:3128")));
        let made = rcgen::generate_simple_self_signed(vec!["ci.example".to_owned()]).unwrap();
        let own = TlsMaterial::default().trust(made.cert.pem().as_bytes()).unwrap();
        assert!(!made_for("https://hooks.chat.example/", own, None));
        assert!(made_for("https://hooks.chat.example/", TlsMaterial::default(), None));
    }

    #[test]
    fn clients_are_told_apart_by_who_may_use_them_and_bounded_in_number() {
        let connections = Connections::new(Arc::default(), Arc::new(SystemResolver), Authorities::none()).unwrap();
        let url = |text: &str| Target::parse(text).unwrap();
        let (address, target) = url("https://hooks.chat.example/");
        let shop = Destination::new(address.clone(), Scope::namespace("shop", "cluster.local"));
        let bank = Destination::new(address, Scope::namespace("bank", "cluster.local"));
        let made = rcgen::generate_simple_self_signed(vec!["ci.example".to_owned()]).unwrap();
        let key = made.signing_key.serialize_pem().into();
        let certificate = TlsMaterial::default().client_certificate(made.cert.pem().as_bytes(), &key).unwrap();
        let proxy = || Proxy::parse("http://proxy.example:3128").unwrap();
        let known = |destination: &Destination, own| {
            connections.client(destination, &target, own).unwrap();
            connections.clients.lock().unwrap().len()
        };
        assert_eq!((known(&shop, true), known(&shop, true), known(&bank, true)), (1, 1, 2));
        let with_certificate = shop.clone().tls(certificate);
        // Another URL than the endpoint's own shows no certificate, and is the endpoint without one.
        assert_eq!((known(&with_certificate, false), known(&with_certificate, true)), (2, 3));
        assert_eq!(known(&shop.clone().proxy(proxy()), true), 4);
        let other_word = proxy().credentials("robot".into(), "word".into()).unwrap();
        assert_eq!(known(&shop.clone().proxy(other_word), true), 5);
        for port in 1..=MAX_CLIENTS + 10 {
            connections.client(&shop, &url(&format!("https://hooks.chat.example:{port}/")).1, true).unwrap();
        }
        assert_eq!(connections.clients.lock().unwrap().len(), MAX_CLIENTS);
    }
}
