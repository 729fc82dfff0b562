//! Idle connections, kept apart by who may use them.
//!
//! One HTTP client per scope and origin, because a pooled connection is used again without asking the resolver: what
//! one namespace may reach must not stand open for another. All of them share one TLS configuration.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::AttemptError;
use super::CONNECT_TIMEOUT;
use crate::egress::{Policy, Scope, Target};
use crate::request::RequestError;
use crate::resolve::{Guard, Resolve};

/// Clients beyond this many push out the one that was used longest ago.
const MAX_CLIENTS: usize = 256;
const MAX_IDLE_PER_CLIENT: usize = 8;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const USER_AGENT: &str = concat!("cicdcontext-operator/", env!("CARGO_PKG_VERSION"));

pub(super) struct Connections {
    policy: Arc<Policy>,
    resolver: Arc<dyn Resolve>,
    tls: rustls::ClientConfig,
    clients: Mutex<HashMap<Key, Client>>,
}

/// Scheme, host and port, seen from a scope.
type Key = (Scope, bool, url::Host<String>, u16);

struct Client {
    client: reqwest::Client,
    used: Instant,
}

impl Connections {
    pub(super) fn new(
        policy: Arc<Policy>,
        resolver: Arc<dyn Resolve>,
        roots: rustls::RootCertStore,
    ) -> Result<Self, rustls::Error> {
        // Named here instead of taken from the process: no order of initialisation to get wrong.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // One exchange at a time per connection: then it is known how far an exchange came when it breaks.
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { policy, resolver, tls, clients: Mutex::default() })
    }

    /// The client for `target` in `scope`; made at first use.
    pub(super) fn client(&self, target: &Target, scope: &Scope) -> Result<reqwest::Client, AttemptError> {
        let key = (scope.clone(), target.https(), target.host().clone(), target.port());
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get_mut(&key) {
            known.used = Instant::now();
            return Ok(known.client.clone());
        }
        let client = self.build(target, scope)?;
        if clients.len() >= MAX_CLIENTS
            && let Some(oldest) = clients.iter().min_by_key(|(_, client)| client.used).map(|(key, _)| key.clone())
        {
            clients.remove(&oldest);
        }
        clients.insert(key, Client { client: client.clone(), used: Instant::now() });
        Ok(client)
    }

    fn build(&self, target: &Target, scope: &Scope) -> Result<reqwest::Client, AttemptError> {
        let guard = Guard {
            policy: Arc::clone(&self.policy),
            resolver: Arc::clone(&self.resolver),
            scope: scope.clone(),
            target: target.clone(),
        };
        let built = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE_PER_CLIENT)
            .tls_backend_preconfigured(self.tls.clone())
            .dns_resolver(Arc::new(guard))
            .build();
        built.map_err(|_| AttemptError::Request(RequestError::Url))
    }
}
