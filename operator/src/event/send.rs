//! One request: its destination is made, it is sent once, and what came of it is told in words.

use std::time::SystemTime;

use cicdcontext_crds::vocabulary::reason;
use cicdcontext_delivery::{Answer, AttemptError, Class, Destination, Outgoing, RequestError, Scope, classify};
use cicdcontext_engine::{
    event::Delivered,
    handler::{Request, Target},
};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    endpoint::{destination::destination, gather::Gathered, secret::Secrets},
    shared::Operator,
};

/// Sends a request. [`super::delivered::note`] it when it is known whether the endpoint takes the answer for a success.
pub async fn send(operator: &Operator, endpoints: &Gathered, request: &Request) -> Delivered {
    match prepare(operator, endpoints, request).await {
        Err((reason, message)) => failed(reason, message),
        Ok((destination, outgoing)) => {
            let started = std::time::Instant::now();
            let result = operator.sender.attempt(&destination, &outgoing).await;
            operator.metrics.attempt_duration.observe(started.elapsed().as_secs_f64());
            if matches!(result, Err(AttemptError::Egress(_))) {
                operator.metrics.egress_refusals.inc();
            }
            let duration = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
            Delivered { duration_ms: duration, ..tell(result, &request.target) }
        }
    }
}

type Failure = (&'static str, String);

async fn prepare(
    operator: &Operator,
    endpoints: &Gathered,
    request: &Request,
) -> Result<(Destination, Outgoing), Failure> {
    let domain = &operator.settings.cluster_domain;
    let destination = match &request.target {
        Target::Url(url) => {
            let url = Url::parse(url).map_err(|error| {
                (reason::INVALID_REQUEST, format!("read the rendered url: {error}; write https://host/path"))
            })?;
            Destination::new(url, Scope::public(domain))
        }
        Target::Endpoint(reference) | Target::Foreign { endpoint: reference, .. } => {
            let (home, spec) = endpoints
                .spec(reference)
                .ok_or_else(|| (reason::ENDPOINT_NOT_FOUND, format!("find CicdEndpoint {}", request.target)))?;
            let mut secrets = Secrets::new(operator.client.clone(), home);
            // Whose Services are meant is decided by where the endpoint stands, not by who uses it.
            let scope = Scope::namespace(home, domain);
            destination(spec, &mut secrets, &operator.settings.proxies, scope, &request.endpoint_headers)
                .await
                .map_err(|error| (error.reason(), format!("use CicdEndpoint {}: {error}", request.target)))?
        }
    };
    let outgoing = build(operator, &destination, request)
        .map_err(|error| (reason::INVALID_REQUEST, format!("build the request: {error}")))?;
    Ok((destination, outgoing))
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

fn tell(result: Result<Answer, AttemptError>, target: &Target) -> Delivered {
    let class = classify(&result, SystemTime::now());
    match result {
        Err(error) => failed(class.reason(), error.to_string()),
        Ok(answer) => {
            let failure = match class {
                Class::Delivered => None,
                Class::Retry { reason, .. } | Class::Final { reason } => {
                    Some((reason.to_owned(), format!("{target} answered with status {}", answer.status)))
                }
            };
            let headers: Map<String, Value> =
                answer.headers.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            Delivered {
                failure,
                status: Some(answer.status),
                headers,
                body: String::from_utf8_lossy(&answer.body).into_owned(),
                duration_ms: 0,
            }
        }
    }
}

fn failed(reason: &str, message: String) -> Delivered {
    Delivered { failure: Some((reason.to_owned(), message)), ..Delivered::default() }
}
