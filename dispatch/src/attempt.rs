//! One request: its destination is made, it is sent once, and what came of it is told in words.
//!
//! It knows neither how endpoints and Secrets are found, nor when the next attempt is due.

use std::time::{Duration, Instant, SystemTime};

use cicdcontext_crds::{CicdEndpointSpec, handler::EndpointReference, vocabulary::reason};
use cicdcontext_delivery::{
    Answer, AttemptError, Class, Destination, Outgoing, RefusalReason, RequestError, Scope, Sender, classify,
    limit::Contact,
};
use cicdcontext_engine::{
    event::{Delivered, Failure, Prospect},
    handler::{EndpointLookup, Endpoints, Request, Target},
};
use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use crate::{
    destination::destination,
    proxy::Proxies,
    secret::{Secrets, Vault},
};

/// Endpoints as handlers see them, and as they are written down.
pub trait Specs: Endpoints {
    /// Namespace and spec of an endpoint that was found.
    fn spec(&self, reference: &EndpointReference) -> Option<(&str, &CicdEndpointSpec)>;
}

/// What is the same for all requests of a process.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'a> {
    /// The proxies that endpoints may name.
    pub proxies: &'a Proxies,
    /// The domain below which Services have their names, for example `cluster.local`.
    pub cluster_domain: &'a str,
}

/// A request with nothing left to do but to send it.
#[derive(Debug)]
pub struct Prepared<'a> {
    target: &'a Target,
    destination: Destination,
    outgoing: Outgoing,
}

/// A request that was sent, or was refused at the last instant.
#[derive(Debug)]
pub struct Sent<'a> {
    target: &'a Target,
    result: Result<Answer, AttemptError>,
    took: Duration,
}

/// What one attempt came to.
#[derive(Debug)]
pub struct Attempt {
    /// What the run is told.
    pub delivered: Delivered,
    /// What it says about the endpoint.
    pub contact: Contact,
    /// How long the receiver asked to wait.
    pub retry_after: Option<Duration>,
}

impl From<Failure> for Attempt {
    /// Nothing could be sent.
    fn from(failure: Failure) -> Self {
        let delivered = Delivered { failure: Some(failure), ..Delivered::default() };
        Self { delivered, contact: Contact::Unknown, retry_after: None }
    }
}

/// Puts together what is sent: URL, headers, credentials, signing keys and certificates are those of the endpoint and its
/// Secrets at this moment. `vault` opens that of the endpoint's namespace. `now` is asked when all is read, and goes into
/// the signature.
pub async fn prepare<'a, V: Vault>(
    request: &'a Request,
    endpoints: &impl Specs,
    vault: impl FnOnce(&str) -> V,
    grounds: Grounds<'_>,
    now: impl FnOnce() -> Timestamp,
) -> Result<Prepared<'a>, Failure> {
    let domain = grounds.cluster_domain;
    let destination = match &request.target {
        Target::Url(url) => {
            let url = Url::parse(url)
                .map_err(|error| invalid(format!("read the rendered url: {error}; write https://host/path")))?;
            Destination::new(url, Scope::public(domain))
        }
        Target::Endpoint(reference) | Target::Foreign { endpoint: reference, .. } => {
            let (home, spec) = endpoints.spec(reference).ok_or_else(|| problem(endpoints, reference))?;
            let mut secrets = Secrets::new(vault(home));
            // Whose Services are meant is decided by where the endpoint stands, not by who uses it.
            let scope = Scope::namespace(home, domain);
            destination(spec, &mut secrets, grounds.proxies, scope, &request.endpoint_headers).await.map_err(
                |error| {
                    // A Secret may come; what is wrong with the endpoint itself stays so until somebody mends it.
                    let passes = error.may_pass() || error.reason() == reason::SECRET_NOT_FOUND;
                    let prospect = if passes { Prospect::Retry } else { Prospect::Final };
                    Failure::new(prospect, error.reason(), format!("use CicdEndpoint {}: {error}", request.target))
                },
            )?
        }
    };
    let outgoing =
        outgoing(&destination, request, now()).map_err(|error| invalid(format!("build the request: {error}")))?;
    Ok(Prepared { target: &request.target, destination, outgoing })
}

impl<'a> Prepared<'a> {
    /// Sends it once. Dropping the future abandons the attempt.
    pub async fn send(&self, sender: &Sender) -> Sent<'a> {
        let started = Instant::now();
        let result = sender.attempt(&self.destination, &self.outgoing).await;
        Sent { target: self.target, result, took: started.elapsed() }
    }
}

impl Sent<'_> {
    /// Why it was not sent, if the egress rules forbid that.
    pub fn refusal(&self) -> Option<RefusalReason> {
        match &self.result {
            Err(AttemptError::Egress(refusal)) => Some(refusal.reason),
            _ => None,
        }
    }

    /// How long it took.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// What it came to. `at_most_once`: only what certainly did not leave this process may be sent again.
    pub fn judge(self, at_most_once: bool, now: Timestamp) -> Attempt {
        let Self { target, result, took } = self;
        let class = classify(&result, SystemTime::from(now));
        let retry_after = match &class {
            Class::Retry { retry_after, .. } => *retry_after,
            Class::Delivered | Class::Final { .. } => None,
        };
        let contact = contact(&result, target);
        let prospect = prospect(&result, &class, at_most_once);
        let mut delivered = tell(result, &class, prospect, target);
        delivered.duration_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        Attempt { delivered, contact, retry_after }
    }
}

/// Why an endpoint that was to be sent to cannot be: it went, or the permission did. It may come back.
fn problem(endpoints: &impl Endpoints, reference: &EndpointReference) -> Failure {
    let name = Target::Endpoint(reference.clone());
    match endpoints.find(reference) {
        EndpointLookup::NotAllowed => {
            let message =
                format!("use CicdEndpoint {name}: there is none that lists this namespace in spec.allowedNamespaces");
            Failure::new(Prospect::Final, reason::ENDPOINT_NOT_ALLOWED, message)
        }
        EndpointLookup::Broken(problem) => {
            Failure::new(Prospect::Final, reason::ENDPOINT_NOT_READY, format!("use CicdEndpoint {name}: {problem}"))
        }
        EndpointLookup::NotFound | EndpointLookup::Found(_) => {
            let message = format!("find CicdEndpoint {name}: there is none of this name");
            Failure::new(Prospect::Retry, reason::ENDPOINT_NOT_FOUND, message)
        }
    }
}

/// What can follow on an attempt that failed.
fn prospect(result: &Result<Answer, AttemptError>, class: &Class, at_most_once: bool) -> Prospect {
    match (class, result) {
        (Class::Retry { .. }, _) if !at_most_once => Prospect::Retry,
        (Class::Retry { .. }, Err(error)) if error.may_have_been_sent() => Prospect::Unknown,
        (Class::Retry { .. }, Err(_)) => Prospect::Retry,
        // At most once: the receiver has it, and what it answered is the last word.
        (Class::Delivered | Class::Final { .. } | Class::Retry { .. }, _) => Prospect::Final,
    }
}

/// What an attempt says about the endpoint. Another host than its own (of a respond handler) says nothing.
fn contact(result: &Result<Answer, AttemptError>, target: &Target) -> Contact {
    match result {
        _ if matches!(target, Target::Foreign { .. }) => Contact::Unknown,
        Ok(_) => Contact::Answered,
        Err(
            AttemptError::Dns { .. }
            | AttemptError::Connect { .. }
            | AttemptError::Tls { .. }
            | AttemptError::Proxy { .. }
            | AttemptError::Timeout { .. },
        ) => Contact::NotReached,
        Err(_) => Contact::Unknown,
    }
}

fn invalid(message: String) -> Failure {
    Failure::new(Prospect::Final, reason::INVALID_REQUEST, message)
}

/// The request as it leaves for a destination. What is signed says that it is `now`.
pub fn outgoing(destination: &Destination, request: &Request, now: Timestamp) -> Result<Outgoing, RequestError> {
    let mut builder = Outgoing::to(destination, request.method.as_str())?;
    if let Target::Foreign { url, .. } = &request.target {
        builder = builder.url(Url::parse(url).map_err(|_| RequestError::Url)?);
    }
    if let Some(path) = &request.path {
        builder = builder.path(path)?;
    }
    for (name, value) in &request.headers {
        builder = builder.header(name, value)?;
    }
    if let Some(body) = &request.body {
        if let Some((name, value)) = assumed_type(request) {
            builder = builder.header(name, value)?;
        }
        builder = builder.body(body.clone().into_bytes())?;
    }
    builder.build(&request.webhook_id, now.as_second())
}

/// The header that says what a body is, unless the handler or its endpoint does.
pub fn assumed_type(request: &Request) -> Option<(&'static str, &'static str)> {
    let mut headers = request.headers.iter().chain(&request.endpoint_headers);
    let declared = headers.any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    (request.body.is_some() && !declared).then_some(("content-type", "application/json"))
}

fn tell(result: Result<Answer, AttemptError>, class: &Class, prospect: Prospect, target: &Target) -> Delivered {
    let failed = |message: String| Some(Failure::new(prospect, class.reason(), message));
    match result {
        Err(error) => Delivered { failure: failed(error.to_string()), ..Delivered::default() },
        Ok(answer) => {
            let failure = match class {
                Class::Delivered => None,
                Class::Retry { .. } | Class::Final { .. } => {
                    failed(format!("{target} answered with status {}", answer.status))
                }
            };
            let headers: Map<String, Value> =
                answer.headers.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            Delivered { failure, status: Some(answer.status), headers, body, duration_ms: 0 }
        }
    }
}

#[cfg(test)]
mod tests;
