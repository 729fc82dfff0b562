//! One request: its destination is made, it is sent once, and what came of it is told in words.

use std::time::{Duration, SystemTime};

use cicdcontext_crds::vocabulary::reason;
use cicdcontext_delivery::{
    Answer, AttemptError, Class, Destination, Outgoing, RequestError, Scope, classify, limit::Contact,
};
use cicdcontext_engine::{
    event::{Delivered, Failure, Prospect},
    handler::{Request, Target},
};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    crash::Point,
    endpoint::{destination::destination, gather::Gathered, secret::Secrets},
    metrics::ResultLabel,
    shared::Operator,
};

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

/// Sends a request. [`super::delivered::note`] it when it is known whether the endpoint takes the answer for a success.
/// `at_most_once`: only what certainly did not leave this process may be sent again. `begin` is asked when nothing remains
/// but to send, and may forbid it: then nothing was sent, and there is no attempt.
pub async fn send(
    operator: &Operator,
    endpoints: &Gathered,
    request: &Request,
    at_most_once: bool,
    begin: impl FnOnce() -> bool,
) -> Option<Attempt> {
    let (destination, outgoing) = match prepare(operator, endpoints, request).await {
        Ok(prepared) => prepared,
        Err(failure) => {
            let delivered = Delivered { failure: Some(failure), ..Delivered::default() };
            return Some(Attempt { delivered, contact: Contact::Unknown, retry_after: None });
        }
    };
    if !begin() {
        return None;
    }
    let under_way = operator.metrics.attempt();
    let started = std::time::Instant::now();
    operator.crash.pass(Point::BeforeSend);
    let result = operator.sender.attempt(&destination, &outgoing).await;
    operator.crash.pass(Point::AttemptEnded);
    let elapsed = started.elapsed();
    drop(under_way);
    let class = classify(&result, SystemTime::from(operator.precise_now()));
    if let Err(AttemptError::Egress(refusal)) = &result {
        operator.metrics.egress_refused(refusal.reason);
    } else {
        let result = if class == Class::Delivered { "Succeeded" } else { "Failed" };
        let durations = operator.metrics.attempt_duration.get_or_create(&ResultLabel { result });
        durations.observe(elapsed.as_secs_f64());
    }
    let retry_after = match &class {
        Class::Retry { retry_after, .. } => *retry_after,
        Class::Delivered | Class::Final { .. } => None,
    };
    let contact = contact(&result, &request.target);
    let prospect = prospect(&result, &class, at_most_once);
    let mut delivered = tell(result, &class, prospect, &request.target);
    delivered.duration_ms = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
    Some(Attempt { delivered, contact, retry_after })
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

async fn prepare(
    operator: &Operator,
    endpoints: &Gathered,
    request: &Request,
) -> Result<(Destination, Outgoing), Failure> {
    let domain = &operator.settings.cluster_domain;
    let destination = match &request.target {
        Target::Url(url) => {
            let url = Url::parse(url)
                .map_err(|error| invalid(format!("read the rendered url: {error}; write https://host/path")))?;
            Destination::new(url, Scope::public(domain))
        }
        Target::Endpoint(reference) | Target::Foreign { endpoint: reference, .. } => {
            let (home, spec) = endpoints.spec(reference).ok_or_else(|| endpoints.problem(reference))?;
            let mut secrets = Secrets::new(operator.client.clone(), home);
            // Whose Services are meant is decided by where the endpoint stands, not by who uses it.
            let scope = Scope::namespace(home, domain);
            destination(spec, &mut secrets, &operator.settings.proxies, scope, &request.endpoint_headers)
                .await
                .map_err(|error| {
                    // A Secret may come; what is wrong with the endpoint itself stays so until somebody mends it.
                    let passes = error.may_pass() || error.reason() == reason::SECRET_NOT_FOUND;
                    let prospect = if passes { Prospect::Retry } else { Prospect::Final };
                    Failure::new(prospect, error.reason(), format!("use CicdEndpoint {}: {error}", request.target))
                })?
        }
    };
    let outgoing =
        build(operator, &destination, request).map_err(|error| invalid(format!("build the request: {error}")))?;
    Ok((destination, outgoing))
}

fn invalid(message: String) -> Failure {
    Failure::new(Prospect::Final, reason::INVALID_REQUEST, message)
}

fn build(operator: &Operator, destination: &Destination, request: &Request) -> Result<Outgoing, RequestError> {
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
        let declared = request
            .headers
            .iter()
            .chain(&request.endpoint_headers)
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if !declared {
            builder = builder.header("content-type", "application/json")?;
        }
        builder = builder.body(body.clone().into_bytes())?;
    }
    builder.build(&request.webhook_id, operator.now().as_second())
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
