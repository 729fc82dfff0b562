//! One attempt of a delivery, counted.

use cicdcontext_dispatch::{Attempt, Grounds, prepare};
use cicdcontext_engine::handler::Request;

use crate::{
    crash::Point,
    endpoint::{gather::Gathered, vault::NamespaceVault},
    metrics::ResultLabel,
    shared::Operator,
};

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
    let settings = &operator.settings;
    let grounds = Grounds { proxies: &settings.proxies, cluster_domain: &settings.cluster_domain };
    let vault = |home: &str| NamespaceVault::new(&operator.client, home);
    let prepared = match prepare(request, endpoints, vault, grounds, || operator.precise_now()).await {
        Ok(prepared) => prepared,
        Err(failure) => return Some(failure.into()),
    };
    if !begin() {
        return None;
    }
    let under_way = operator.metrics.attempt();
    operator.crash.pass(Point::BeforeSend);
    let sent = prepared.send(&operator.sender).await;
    operator.crash.pass(Point::AttemptEnded);
    drop(under_way);
    let (refusal, took) = (sent.refusal(), sent.took());
    let attempt = sent.judge(at_most_once, operator.precise_now());
    if let Some(reason) = refusal {
        operator.metrics.egress_refused(reason);
    } else {
        let result = if attempt.delivered.failure.is_none() { "Succeeded" } else { "Failed" };
        operator.metrics.attempt_duration.get_or_create(&ResultLabel { result }).observe(took.as_secs_f64());
    }
    Some(attempt)
}
