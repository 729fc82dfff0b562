//! One attempt: check, connect, send once, read a bounded answer, take secrets out of it.
//!
//! Never follows a redirect, never repeats by itself, uses no proxy but the destination's and decodes no compression.
//! Must not know whether another attempt follows, nor read a clock but for how long this one took.

mod connections;
mod error;
mod progress;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, header};
use thiserror::Error;
use tokio::time::timeout_at;

use crate::credentials::Redactor;
use crate::destination::Destination;
use crate::egress::Policy;
use crate::request::{MAX_HEADERS_IN_ALL, Outgoing, RequestError};
use crate::resolve::{Resolve, SystemResolver};
use crate::sign::signatures;
use crate::tls::Authorities;
use connections::Connections;
pub use error::{AttemptError, Phase};
use progress::Progress;

/// How long an attempt waits for a connection: name look-up, TCP and TLS together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer's body is kept, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;
/// How much of an answer's headers is kept, names and values, in bytes.
pub const MAX_ANSWER_HEADERS: usize = 16 * 1024;

/// Answer headers that are credentials of somebody; nobody after this sees them.
const WITHHELD: &[&str] = &[
    "authentication-info",
    "authorization",
    "cookie",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "set-cookie",
    "set-cookie2",
    "www-authenticate",
];

/// Sends requests, each once. Cheap to clone; clones share their idle connections.
///
/// ```no_run
/// use cicdcontext_delivery::{Class, Destination, Outgoing, Policy, Scope, Sender, classify};
///
/// # async fn deliver() -> Result<(), Box<dyn std::error::Error>> {
/// let sender = Sender::new(Policy::parse(&["10.20.0.0/16"], &[])?)?;
/// let endpoint = Destination::new("https://hooks.chat.example/ci".parse()?, Scope::namespace("shop", "cluster.local"));
/// let outgoing = Outgoing::to(&endpoint, "POST")?.body(b"{}".to_vec())?.build("msg-4f1a", 1_700_000_000)?;
/// let result = sender.attempt(&endpoint, &outgoing).await;
/// match classify(&result, std::time::SystemTime::now()) {
///     Class::Delivered => println!("delivered"),
///     Class::Retry { reason, retry_after } => println!("{reason}: again after {retry_after:?}"),
///     Class::Final { reason } => println!("{reason}: given up"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Sender {
    policy: Arc<Policy>,
    connections: Arc<Connections>,
}

/// Why no sender could be made.
#[derive(Debug, Error)]
#[error("prepare TLS for outgoing requests: {0}")]
pub struct SenderError(#[from] rustls::Error);

/// What a receiver answered, without secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers by lower-case name, repeated ones joined with a comma; without cookies and authentication, and cut at
    /// 16 KiB in all.
    pub headers: BTreeMap<String, String>,
    /// At most the first 64 KiB of the body, as they came: not decompressed.
    pub body: Vec<u8>,
    /// Whether the body went on.
    pub truncated: bool,
    /// From the start of the attempt to the end of what was read.
    pub duration: Duration,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("truncated", &self.truncated)
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}

impl Sender {
    /// A sender that asks the system's resolver and trusts the system's certificate authorities, read here and now.
    pub fn new(policy: Policy) -> Result<Self, SenderError> {
        Self::with(policy, Arc::new(SystemResolver), Authorities::system().read())
    }

    /// A sender with another resolver and other certificate authorities.
    pub fn with(
        policy: Policy,
        resolver: Arc<dyn Resolve>,
        authorities: impl Into<Authorities>,
    ) -> Result<Self, SenderError> {
        let policy = Arc::new(policy);
        let connections = Arc::new(Connections::new(Arc::clone(&policy), resolver, authorities.into())?);
        Ok(Self { policy, connections })
    }

    /// Sends once and reads the answer, within the destination's timeout. Dropping the future abandons the attempt.
    pub async fn attempt(&self, destination: &Destination, outgoing: &Outgoing) -> Result<Answer, AttemptError> {
        let started = Instant::now();
        let target = destination.target(&outgoing.url, outgoing.own)?;
        match &destination.proxy {
            None => self.policy.check(&target, &destination.scope, destination.allow_http)?,
            Some(_) => self.policy.check_behind_proxy(&target, &destination.scope, destination.allow_http)?,
        }
        let headers = headers(destination, outgoing)?;
        let client = self.connections.client(destination, &target, outgoing.own)?;

        let progress = Progress::default();
        let request = client
            .request(outgoing.method.clone(), outgoing.url.clone())
            .headers(headers)
            .body(progress.watch(&outgoing.body));
        let deadline = tokio::time::Instant::from_std(started) + destination.timeout;
        let out_of_time = |phase| AttemptError::Timeout { target: target.clone(), phase, after: started.elapsed() };
        let failed = |error: &reqwest::Error, phase| {
            AttemptError::of(error, &target, destination.proxy.as_ref(), phase, started.elapsed())
        };

        let response = match timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(failed(&error, progress.phase())),
            Err(_) => return Err(out_of_time(progress.phase())),
        };
        if let Some(proxy) = &destination.proxy
            && !target.https()
            && response.status() == http::StatusCode::PROXY_AUTHENTICATION_REQUIRED
        {
            return Err(AttemptError::proxy_credentials(target, proxy));
        }
        let redactor = destination.redactor();
        let status = response.status().as_u16();
        let headers = answer_headers(response.headers(), &redactor);
        let (body, truncated) = match timeout_at(deadline, read(response, &redactor)).await {
            Ok(Ok(body)) => body,
            Ok(Err(error)) => return Err(failed(&error, Phase::Body)),
            Err(_) => return Err(out_of_time(Phase::Body)),
        };
        Ok(Answer { status, headers, body, truncated, duration: started.elapsed() })
    }
}

/// Everything that goes over the wire as a header, except what the HTTP client adds.
fn headers(destination: &Destination, outgoing: &Outgoing) -> Result<HeaderMap, RequestError> {
    let mut headers = outgoing.headers.clone();
    // Also a request made for another destination brings no header past this one.
    headers.extend(destination.headers.clone());
    if outgoing.own {
        headers.extend(destination.secret_headers.clone());
        if let Some(authorization) = destination.credentials.authorization()? {
            if headers.contains_key(header::AUTHORIZATION) {
                return Err(RequestError::HeaderTwice("authorization".to_owned()));
            }
            headers.insert(header::AUTHORIZATION, authorization);
        }
        let (id, timestamp) = (outgoing.webhook_id.as_bytes(), outgoing.webhook_timestamp.as_bytes());
        let signatures = signatures(&destination.signing_keys, id, timestamp, &outgoing.body);
        headers.extend(signatures.map(|value| (HeaderName::from_static("webhook-signature"), value)));
    }
    headers.insert("webhook-id", outgoing.webhook_id.clone());
    headers.insert("webhook-timestamp", outgoing.webhook_timestamp.clone());
    headers.insert("idempotency-key", outgoing.webhook_id.clone());
    // More than the HTTP client buffers would leave before the body is asked for, which `progress` relies on.
    let size = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > MAX_HEADERS_IN_ALL { Err(RequestError::HeadersTooLarge(size)) } else { Ok(headers) }
}

fn answer_headers(received: &HeaderMap, redactor: &Redactor) -> BTreeMap<String, String> {
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    let mut left = MAX_ANSWER_HEADERS;
    for (name, value) in received.iter().filter(|(name, _)| !WITHHELD.contains(&name.as_str())) {
        let value = redactor.text(&String::from_utf8_lossy(value.as_bytes()));
        let Some(rest) = left.checked_sub(name.as_str().len() + value.len()) else {
            continue;
        };
        left = rest;
        let known = kept.entry(name.as_str().to_owned()).or_default();
        if !known.is_empty() {
            known.push_str(", ");
        }
        known.push_str(&value);
    }
    kept
}

/// Reads as much as is kept, and a little more to recognise a secret across the cut; the rest is never received.
async fn read(mut response: reqwest::Response, redactor: &Redactor) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let enough = MAX_ANSWER + redactor.look_ahead().clamp(1, MAX_ANSWER);
    let mut body = Vec::new();
    while body.len() < enough
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    Ok((redactor.bytes(&body, MAX_ANSWER), body.len() > MAX_ANSWER))
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("policy", &self.policy).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_across_the_cut_leaves_no_beginning_behind() {
        let start = "x".repeat(MAX_ANSWER - 6);
        // Chunks end where a reader that stops at the limit would stop.
        let chunks =
            [start.as_str(), "canary", "-", "token", "tail"].map(|chunk| Ok::<_, RequestError>(chunk.to_owned()));
        let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
        let (body, truncated) = read(http::Response::new(body).into(), &Redactor::new(["canary-token"])).await.unwrap();
        assert!(truncated && body == format!("{start}***").into_bytes(), "{}", String::from_utf8_lossy(&body[65520..]));
    }
}
