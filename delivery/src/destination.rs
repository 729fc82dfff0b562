//! Where the platform lets deliveries go: the endpoint's URL with everything that belongs to it at the attempt.
//!
//! Built from an endpoint and its Secrets right before an attempt, and never stored. Must not know handlers.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::credentials::{Credentials, Redactor, secret_value};
use crate::egress::{Refusal, Scope, Target};
use crate::proxy::Proxy;
use crate::request::{RequestError, endpoint_header_name, header_value};
use crate::sign::{MAX_SIGNING_KEYS, SigningKey};
use crate::tls::TlsMaterial;

/// The longest that one attempt may take.
pub const MAX_TIMEOUT: Duration = Duration::from_mins(1);
/// How long one attempt may take if nothing else is said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);

/// An endpoint at the moment of an attempt.
///
/// ```
/// use std::time::Duration;
///
/// use cicdcontext_delivery::{Credentials, Destination, Proxy, Scope, TlsMaterial};
///
/// let url = "https://ci.example/api".parse()?;
/// let destination = Destination::new(url, Scope::namespace("shop", "cluster.local"))
///     .credentials(Credentials::Bearer("s3cret-token".into()))
///     .timeout(Duration::from_secs(30))?
///     .header("x-team", "shop")?
///     .signing_key(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into())?
///     .tls(TlsMaterial::default())
///     .proxy(Proxy::parse("http://proxy.example:3128")?)
///     .secret_header("x-api-key", "key=", &"another-secret".into(), "")?;
/// assert!(!format!("{destination:?}").contains("secret"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Destination {
    pub(crate) url: Url,
    pub(crate) scope: Scope,
    pub(crate) allow_http: bool,
    pub(crate) timeout: Duration,
    pub(crate) credentials: Credentials,
    /// Sent to every URL, and only to the endpoint's own.
    pub(crate) headers: HeaderMap,
    pub(crate) secret_headers: HeaderMap,
    pub(crate) signing_keys: Vec<SigningKey>,
    pub(crate) tls: TlsMaterial,
    pub(crate) proxy: Option<Proxy>,
    secrets: Vec<SecretString>,
    url_is_secret: bool,
}

impl Destination {
    /// A destination without credentials: https only, 15 seconds for an attempt.
    pub fn new(url: Url, scope: Scope) -> Self {
        Self {
            url,
            scope,
            allow_http: false,
            timeout: DEFAULT_TIMEOUT,
            credentials: Credentials::None,
            headers: HeaderMap::new(),
            secret_headers: HeaderMap::new(),
            signing_keys: Vec::new(),
            tls: TlsMaterial::default(),
            proxy: None,
            secrets: Vec::new(),
            url_is_secret: false,
        }
    }

    /// Whether plain `http` will do. Default: no.
    #[must_use]
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// How long one attempt may take in all, up to 60 seconds. Default: 15 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Result<Self, RequestError> {
        if timeout.is_zero() || timeout > MAX_TIMEOUT {
            return Err(RequestError::Timeout(timeout));
        }
        self.timeout = timeout;
        Ok(self)
    }

    /// The `Authorization` header.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Signs requests to the endpoint's own URL with this key of Standard Webhooks: `whsec_` and the base64 of 24 to 64
    /// bytes. Each of up to 4 keys gives one signature in `webhook-signature`, so that a receiver can change from one
    /// to the next.
    pub fn signing_key(mut self, key: &SecretString) -> Result<Self, RequestError> {
        let number = self.signing_keys.len() + 1;
        if number > MAX_SIGNING_KEYS {
            return Err(RequestError::TooManySigningKeys(number));
        }
        self.signing_keys.push(SigningKey::parse(number, key)?);
        Ok(self)
    }

    /// The endpoint's own certificates. A CA bundle holds for every URL, the client certificate is shown to the
    /// endpoint's own only. Default: the sender's trust, no client certificate.
    #[must_use]
    pub fn tls(mut self, material: TlsMaterial) -> Self {
        self.tls = material;
        self
    }

    /// Sends everything through this proxy, which then resolves the names. Default: directly.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// The URL was read from a Secret: no error shows anything of it, and it is taken out of answers.
    #[must_use]
    pub fn url_is_secret(mut self) -> Self {
        self.url_is_secret = true;
        self
    }

    /// A header of the endpoint. Handlers cannot set it any more.
    pub fn header(self, name: &str, value: &str) -> Result<Self, RequestError> {
        let name = endpoint_header_name(name)?;
        let value = header_value(&name, value)?;
        self.add(name, value, false)
    }

    /// A header of the endpoint whose value is `prefix`, a secret and `suffix`; sent to the endpoint's own URL only.
    pub fn secret_header(
        mut self,
        name: &str,
        prefix: &str,
        secret: &SecretString,
        suffix: &str,
    ) -> Result<Self, RequestError> {
        let name = endpoint_header_name(name)?;
        let value = secret_value(name.as_str(), &format!("{prefix}{}{suffix}", secret.expose_secret()))?;
        self.secrets.push(secret.clone());
        self.add(name, value, true)
    }

    fn add(mut self, name: HeaderName, value: HeaderValue, secret: bool) -> Result<Self, RequestError> {
        if self.sets(&name) {
            return Err(RequestError::HeaderTwice(name.to_string()));
        }
        if secret { &mut self.secret_headers } else { &mut self.headers }.insert(name, value);
        Ok(self)
    }

    /// Whether the endpoint itself sets this header.
    pub(crate) fn sets(&self, name: &HeaderName) -> bool {
        self.headers.contains_key(name) || self.secret_headers.contains_key(name)
    }

    /// Where `url` goes, told as openly as this destination allows. `own`: it was made from the endpoint's URL.
    pub(crate) fn target(&self, url: &Url, own: bool) -> Result<Target, Refusal> {
        if own && self.url_is_secret { Target::of_secret(url) } else { Target::of(url) }
    }

    /// Takes the secrets of this destination out of answers.
    pub fn redactor(&self) -> Redactor {
        let mut values = self.credentials.secrets();
        values.extend(self.secrets.iter().map(ExposeSecret::expose_secret));
        values.extend(self.signing_keys.iter().flat_map(SigningKey::secrets));
        values.extend(self.proxy.iter().flat_map(Proxy::secrets));
        if self.url_is_secret {
            let query = self.url.query().unwrap_or_default();
            let parts = self.url.path().split('/').chain(query.split(['&', '=']));
            values.extend([self.url.as_str(), self.url.path(), query]);
            values.extend(parts.filter(|part| part.len() >= SHORTEST_SECRET_PART));
        }
        Redactor::new(values)
    }
}

/// Shorter parts of a secret URL are words (`services`, `workflows`), not secrets.
const SHORTEST_SECRET_PART: usize = 16;

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.target(&self.url, true) {
            Ok(target) => target.to_string(),
            Err(refusal) => refusal.place,
        };
        let names: Vec<_> = self.headers.keys().chain(self.secret_headers.keys()).map(HeaderName::as_str).collect();
        f.debug_struct("Destination")
            .field("url", &place)
            .field("scope", &self.scope)
            .field("allow_http", &self.allow_http)
            .field("timeout", &self.timeout)
            .field("headers", &names)
            .field("signing_keys", &self.signing_keys.len())
            .field("tls", &self.tls)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}
