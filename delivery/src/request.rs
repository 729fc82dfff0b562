//! What a handler asks to send, kept inside the destination that the platform allowed.
//!
//! Every rule that a handler's method, path, headers and body must keep stands here. Must not know credentials, and
//! decides nothing about addresses.

mod path;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use thiserror::Error;
use url::Url;

use crate::destination::Destination;
use crate::sign::MAX_SIGNING_KEYS;
pub use path::PathProblem;

/// The largest request body, in bytes.
pub const MAX_BODY: usize = 256 * 1024;
/// The longest URL, in bytes.
pub const MAX_URL: usize = 8 * 1024;
/// The most headers that a handler sets.
pub const MAX_HEADERS: usize = 64;
/// The longest header value, in bytes.
pub const MAX_HEADER_VALUE: usize = 8 * 1024;
/// All headers of an attempt together, the endpoint's and the credentials included: names and values, in bytes.
/// Few servers read more.
pub const MAX_HEADERS_IN_ALL: usize = 64 * 1024;

/// Headers that frame the message or steer its connection: the HTTP client's own business, for everyone.
const FRAMING: &[&str] =
    &["connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];
/// Headers that a handler never sets, beside those for framing: they say who sends, or what was sent.
const RESERVED: &[&str] = &["authorization", "cookie", "forwarded", "idempotency-key"];
const RESERVED_PREFIXES: &[&str] = &["proxy-", "x-forwarded-", "webhook-"];

/// A request that breaks a rule. Texts name the header, path segment or size, never a value or a URL.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The method is not an HTTP method, or one that a delivery has no use for.
    #[error("use method {0:?}: not a method for a delivery; write GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS")]
    Method(String),
    /// The path leaves the endpoint's URL, or might.
    #[error("join path to the endpoint's URL: {0}")]
    Path(PathProblem),
    /// The URL is too long.
    #[error("send to a URL of {0} bytes: the limit is {MAX_URL}; put long values into the body")]
    UrlTooLong(usize),
    /// The URL cannot be written into a request.
    #[error("send to a URL that HTTP cannot carry: write https://host/path")]
    Url,
    /// The header's name is not one.
    #[error("set header {0:?}: not a header name; use letters, digits and hyphens")]
    HeaderName(String),
    /// A header that handlers, or endpoints, do not set.
    #[error("set header {0:?}: it is set by the operator; remove it, and put credentials into the endpoint")]
    HeaderReserved(String),
    /// A header that the endpoint sets.
    #[error("set header {0:?}: the endpoint sets it already; remove it here or from the endpoint")]
    HeaderOfEndpoint(String),
    /// A header is set twice.
    #[error("set header {0:?}: it is set twice; keep one of them")]
    HeaderTwice(String),
    /// A header value holds a control character.
    #[error("set header {name:?}: its value has a control character at byte {at}; remove line breaks and tabs")]
    HeaderValue {
        /// The header.
        name: String,
        /// Where in the value, from 0.
        at: usize,
    },
    /// A header value is too long.
    #[error("set header {name:?}: its value has {actual} bytes; the limit is {MAX_HEADER_VALUE}")]
    HeaderTooLong {
        /// The header.
        name: String,
        /// Bytes of the value.
        actual: usize,
    },
    /// Too many headers.
    #[error("set header {0:?}: there are {MAX_HEADERS} headers already, which is the limit")]
    TooManyHeaders(String),
    /// The headers are too large together.
    #[error(
        "send {0} bytes of headers: the limit is {MAX_HEADERS_IN_ALL}, with the endpoint's; put long values into the body"
    )]
    HeadersTooLarge(usize),
    /// A secret does not fit into its header.
    #[error("set header {name:?} from its Secret: the value has {problem}; correct the Secret")]
    SecretValue {
        /// The header.
        name: String,
        /// What is wrong with the value.
        problem: &'static str,
    },
    /// A signing key cannot be used.
    #[error(
        "sign with key {number} of the endpoint: it {problem}; write whsec_ and the base64 of 24 to 64 random bytes"
    )]
    SigningKey {
        /// Which key, from 1.
        number: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Too many signing keys.
    #[error(
        "sign with key {0} of the endpoint: {MAX_SIGNING_KEYS} keys are the limit; remove the keys that no receiver uses any more"
    )]
    TooManySigningKeys(usize),
    /// The HTTP client has one TLS configuration for the proxy and for the endpoint behind it.
    #[error(
        "use the endpoint's tls behind proxy {0}: certificates meant for the endpoint would be used with the proxy, too; \
         use a proxy whose URL starts with http://, through which TLS goes to the endpoint alone"
    )]
    TlsBehindHttpsProxy(String),
    /// The body is too large.
    #[error("send a body of {0} bytes: the limit is {MAX_BODY}; send a link to the data instead")]
    BodyTooLarge(usize),
    /// The delivery's id is not a header value.
    #[error("use webhook-id {0:?}: write 1 to 256 letters, digits and any of . _ : -")]
    WebhookId(String),
    /// The timeout is out of range.
    #[error("use a timeout of {0:?}: write more than 0 s and at most 60 s")]
    Timeout(Duration),
}

impl RequestError {
    /// The error as a CamelCase word of a closed set.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Method(_) => "Method",
            Self::Path(_) => "Path",
            Self::UrlTooLong(_) | Self::Url => "Url",
            Self::HeaderName(_)
            | Self::HeaderReserved(_)
            | Self::HeaderOfEndpoint(_)
            | Self::HeaderTwice(_)
            | Self::HeaderValue { .. }
            | Self::HeaderTooLong { .. }
            | Self::TooManyHeaders(_)
            | Self::HeadersTooLarge(_) => "Header",
            Self::SecretValue { .. } => "SecretValue",
            Self::SigningKey { .. } | Self::TooManySigningKeys(_) => "SigningKey",
            Self::TlsBehindHttpsProxy(_) => "TlsBehindHttpsProxy",
            Self::BodyTooLarge(_) => "BodyTooLarge",
            Self::WebhookId(_) => "WebhookId",
            Self::Timeout(_) => "Timeout",
        }
    }
}

/// A request, complete but for credentials and the endpoint's own headers, which are added at the attempt.
///
/// ```
/// use cicdcontext_delivery::{Destination, Outgoing, Scope};
///
/// let endpoint = Destination::new("https://ci.example/api".parse()?, Scope::public("cluster.local"));
/// let outgoing = Outgoing::to(&endpoint, "POST")?
///     .path("/apps/my%20app/events")?
///     .header("content-type", "application/json")?
///     .body(br#"{"event":"success"}"#.to_vec())?
///     .build("msg-4f1a", 1_700_000_000)?;
/// assert_eq!(outgoing.url().as_str(), "https://ci.example/api/apps/my%20app/events");
///
/// let refused = Outgoing::to(&endpoint, "POST")?.path("/../admin").unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "join path to the endpoint's URL: segment 1 is \"..\", which leaves it; write the path without dot segments"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Made from the endpoint's own URL: such a request carries credentials, another one does not.
    pub(crate) own: bool,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) webhook_id: HeaderValue,
    pub(crate) webhook_timestamp: HeaderValue,
}

impl Outgoing {
    /// Starts a request to the endpoint's own URL.
    pub fn to<'a>(destination: &'a Destination, method: &str) -> Result<OutgoingBuilder<'a>, RequestError> {
        let useful =
            [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
        let known = useful.into_iter().find(|known| known.as_str() == method);
        let method = known.ok_or_else(|| RequestError::Method(method.chars().take(32).collect()))?;
        let mut url = destination.url.clone();
        url.set_fragment(None);
        Ok(OutgoingBuilder { destination, method, url, own: true, headers: HeaderMap::new(), body: Vec::new() })
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The whole URL. It may be a secret: log [`crate::Target`] instead.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The handler's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether credentials, secret headers and client certificate go with it: only to the endpoint's own URL.
    pub fn carries_credentials(&self) -> bool {
        self.own
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("headers", &self.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .field("webhook_id", &self.webhook_id)
            .finish_non_exhaustive()
    }
}

/// Collects the parts of an [`Outgoing`]; each step refuses what breaks a rule.
#[derive(Clone)]
pub struct OutgoingBuilder<'a> {
    destination: &'a Destination,
    method: Method,
    url: Url,
    own: bool,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl fmt::Debug for OutgoingBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingBuilder").field("method", &self.method).finish_non_exhaustive()
    }
}

impl OutgoingBuilder<'_> {
    /// Appends a path to the endpoint's. It starts with `/`; what is not legal in a path is percent-encoded, what is
    /// encoded already stays. The endpoint's query stays, and a path brings none. Empty: nothing is appended.
    pub fn path(mut self, path: &str) -> Result<Self, RequestError> {
        path::append(&mut self.url, path).map_err(RequestError::Path)?;
        Ok(self)
    }

    /// Sends to another URL than the endpoint's, without credentials and secret headers. The caller has checked that
    /// the endpoint allows its host.
    #[must_use]
    pub fn url(mut self, url: Url) -> Self {
        self.url = url;
        self.url.set_fragment(None);
        self.own = false;
        self
    }

    /// Sets a header.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, RequestError> {
        let name = header_name(name)?;
        let text = name.as_str();
        if RESERVED.contains(&text) || RESERVED_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            return Err(RequestError::HeaderReserved(text.to_owned()));
        }
        if self.destination.sets(&name) {
            return Err(RequestError::HeaderOfEndpoint(text.to_owned()));
        }
        if self.headers.contains_key(&name) {
            return Err(RequestError::HeaderTwice(text.to_owned()));
        }
        if self.headers.len() == MAX_HEADERS {
            return Err(RequestError::TooManyHeaders(text.to_owned()));
        }
        let value = header_value(&name, value)?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Sets the body, at most 256 KiB.
    pub fn body(mut self, body: Vec<u8>) -> Result<Self, RequestError> {
        if body.len() > MAX_BODY {
            return Err(RequestError::BodyTooLarge(body.len()));
        }
        self.body = body;
        Ok(self)
    }

    /// Completes the request. `webhook_id` is the same for every attempt of a delivery and also sent as
    /// `Idempotency-Key`; `timestamp` is the time of this attempt in seconds since 1970.
    pub fn build(self, webhook_id: &str, timestamp: i64) -> Result<Outgoing, RequestError> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let wrong = || RequestError::WebhookId(webhook_id.chars().take(64).collect());
        if !(1..=256).contains(&webhook_id.len()) || !webhook_id.bytes().all(legal) {
            return Err(wrong());
        }
        if self.url.as_str().len() > MAX_URL {
            return Err(RequestError::UrlTooLong(self.url.as_str().len()));
        }
        Ok(Outgoing {
            method: self.method,
            url: self.url,
            own: self.own,
            headers: self.headers,
            body: self.body,
            webhook_id: HeaderValue::from_str(webhook_id).map_err(|_| wrong())?,
            webhook_timestamp: HeaderValue::from(timestamp),
        })
    }
}

/// A name that the HTTP client does not set itself.
fn header_name(name: &str) -> Result<HeaderName, RequestError> {
    let shown = || name.chars().take(64).collect();
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| RequestError::HeaderName(shown()))?;
    if FRAMING.contains(&parsed.as_str()) {
        return Err(RequestError::HeaderReserved(shown()));
    }
    Ok(parsed)
}

/// A name that an endpoint may set: also credentials, but not what this crate sets on every request.
pub(crate) fn endpoint_header_name(name: &str) -> Result<HeaderName, RequestError> {
    let parsed = header_name(name)?;
    if parsed == "idempotency-key" || parsed.as_str().starts_with("webhook-") {
        return Err(RequestError::HeaderReserved(parsed.to_string()));
    }
    Ok(parsed)
}

pub(crate) fn header_value(name: &HeaderName, value: &str) -> Result<HeaderValue, RequestError> {
    if value.len() > MAX_HEADER_VALUE {
        return Err(RequestError::HeaderTooLong { name: name.to_string(), actual: value.len() });
    }
    let wrong = |at| RequestError::HeaderValue { name: name.to_string(), at };
    if let Some(at) = value.find(char::is_control) {
        return Err(wrong(at));
    }
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong(0))
}
