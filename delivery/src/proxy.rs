//! A proxy of the operator, through which an endpoint's requests go out.
//!
//! Proxies are the operator's business: their addresses are not judged by the egress rules, which are about what
//! tenants may reach. What is asked of the proxy is judged ([`crate::Policy::check_behind_proxy`]).

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use url::{Host, Url};

/// An HTTP proxy: `CONNECT` for https, a request with the whole URL for http. Displays as scheme, host and port.
///
/// ```
/// use cicdcontext_delivery::Proxy;
///
/// let proxy = Proxy::parse("http://proxy.example:3128")?.credentials("robot".into(), "s3cret-word".into())?;
/// assert_eq!(proxy.to_string(), "http://proxy.example:3128");
/// assert!(!format!("{proxy:?}").contains("s3cret"));
/// # Ok::<(), cicdcontext_delivery::proxy::ProxyError>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    url: Url,
    https: bool,
    host: Host<String>,
    credentials: Option<(SecretString, SecretString)>,
}

/// Why a text is not a proxy. Texts show nothing of it: people write passwords into such URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// Not a URL, or one of another scheme.
    #[error("read the proxy's URL: it is not one for an HTTP proxy; write http://host:port or https://host:port")]
    Url,
    /// User information in the URL.
    #[error("read the proxy's URL: it carries a user name or password; give them apart from the URL")]
    UserInformation,
    /// A path, query or fragment.
    #[error("read the proxy's URL: it has a path, a query or a fragment; write http://host:port")]
    Path,
    /// A port that must be said.
    #[error("read the proxy's URL: it names no port; write http://host:port, such as http://proxy.example:3128")]
    Port,
    /// A user name with a colon, or control characters.
    #[error("use the proxy's credentials: {0}; correct them")]
    Credentials(&'static str),
}

impl Proxy {
    /// Reads `http://host:port` or `https://host:port`.
    pub fn parse(text: &str) -> Result<Self, ProxyError> {
        let url = Url::parse(text).map_err(|_| ProxyError::Url)?;
        let https = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(ProxyError::Url),
        };
        let host = match url.host() {
            Some(Host::Domain(name)) => Host::Domain(name.trim_end_matches('.').to_owned()),
            Some(host) => host.to_owned(),
            None => return Err(ProxyError::Url),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ProxyError::UserInformation);
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(ProxyError::Path);
        }
        // A URL drops the port that its scheme has anyway: look at what was written.
        let written = text.trim().trim_end_matches('/').rsplit_once(':').map(|(_, port)| port);
        if written.is_none_or(|port| port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(ProxyError::Port);
        }
        Ok(Self { url, https, host, credentials: None })
    }

    /// Adds a user name and a password, sent as `Proxy-Authorization: Basic`.
    pub fn credentials(mut self, username: SecretString, password: SecretString) -> Result<Self, ProxyError> {
        if username.expose_secret().contains(':') {
            return Err(ProxyError::Credentials("the user name has a colon"));
        }
        if [&username, &password].into_iter().any(|text| text.expose_secret().contains(char::is_control)) {
            return Err(ProxyError::Credentials("they have a line break or another control character"));
        }
        self.credentials = Some((username, password));
        Ok(self)
    }

    /// The host, a name without a dot at its end.
    pub(crate) fn host(&self) -> &Host<String> {
        &self.host
    }

    /// The port, explicit or the scheme's own.
    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Whether the connection to the proxy itself is encrypted.
    pub(crate) fn https(&self) -> bool {
        self.https
    }

    /// Tells proxies apart, credentials included, without holding them.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let secret = self.credentials.as_ref();
        let (username, password) = secret.map_or(("", ""), |(name, word)| (name.expose_secret(), word.expose_secret()));
        for part in [self.url.as_str(), if secret.is_some() { "+" } else { "-" }, username, password] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// The secret values, for the [`crate::Redactor`].
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.credentials.iter().flat_map(|(username, password)| [username.expose_secret(), password.expose_secret()])
    }

    /// The proxy in the HTTP client's terms. Everything goes through it: no exceptions from the environment.
    pub(crate) fn for_client(&self) -> Result<reqwest::Proxy, reqwest::Error> {
        let proxy = reqwest::Proxy::all(self.url.clone())?;
        Ok(match &self.credentials {
            Some((username, password)) => proxy.basic_auth(username.expose_secret(), password.expose_secret()),
            None => proxy,
        })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = if self.credentials.is_some() { " with credentials" } else { "" };
        write!(f, "Proxy({self}{credentials})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_scheme_host_and_port() {
        for (text, shown) in [
            ("http://Proxy.Example:3128", "http://proxy.example:3128"),
            ("https://proxy.example.:443/", "https://proxy.example:443"),
            ("http://10.0.0.7:80", "http://10.0.0.7:80"),
            ("http://[fd00::7]:3128/", "http://[fd00::7]:3128"),
        ] {
            assert_eq!(Proxy::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_showing_it() {
        for (text, error) in [
            ("proxy.example:3128", ProxyError::Url),
            ("socks5://proxy.example:1080", ProxyError::Url),
            ("http://", ProxyError::Url),
            ("http://canary:canary@proxy.example:3128", ProxyError::UserInformation),
            ("http://proxy.example:3128/canary", ProxyError::Path),
            ("http://proxy.example:3128?canary", ProxyError::Path),
            ("http://proxy.example", ProxyError::Port),
            ("https://[fd00::7]", ProxyError::Port),
        ] {
            let found = Proxy::parse(text).unwrap_err();
            assert_eq!(found, error, "{text}");
            assert!(found.to_string().starts_with("read the proxy's URL: ") && !found.to_string().contains("canary"));
        }
        let proxy = || Proxy::parse("http://proxy.example:3128").unwrap();
        let error = proxy().credentials("a:b".into(), "canary".into()).unwrap_err().to_string();
        assert_eq!(error, "use the proxy's credentials: the user name has a colon; correct them");
        assert!(matches!(proxy().credentials("a".into(), "canary\n".into()), Err(ProxyError::Credentials(_))));
    }

    #[test]
    fn proxies_with_other_credentials_are_other_proxies() {
        let proxy = || Proxy::parse("http://proxy.example:3128").unwrap();
        let with = |name: &str, word: &str| proxy().credentials(name.into(), word.into()).unwrap().fingerprint();
        let all = [proxy().fingerprint(), with("", ""), with("a", "bc"), with("ab", "c"), with("a", "b")];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(with("a", "b"), with("a", "b"));
    }
}
