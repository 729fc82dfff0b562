//! The status of a CicdEndpoint: whether it can be used, and when deliveries last succeeded and failed.

use std::time::Duration;

use cicdcontext_crds::{
    CicdEndpoint, CicdEndpointSpec, CicdEndpointStatus, Time, conditions,
    vocabulary::{condition, reason},
};
use cicdcontext_delivery::Scope;
use cicdcontext_dispatch::{Secrets, destination};

use super::{gather::find, vault::NamespaceVault};
use crate::{
    cache::{ObjectKey, Stored, watch},
    crash::Point,
    queue::Next,
    report::Severity,
    shared::{Operator, status},
    waiting::{Gate, Line},
};

/// How soon, and how late, an endpoint that is not ready is looked at again: Secrets are not watched. The longer it has
/// not been ready, the later.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(1));
/// How often one that is ready is: its Secrets may go. A delivery that misses one finds out before.
const LOOK_AFTER: Duration = Duration::from_mins(5);

/// Brings the status of an endpoint up to date.
pub async fn reconcile(operator: &Operator, key: &ObjectKey) -> Next {
    let known = watch::read(&operator.caches.endpoints, |store| (store.get(key), store.len()));
    let (Some(stored), endpoints) = known else {
        operator.activities.forget(key);
        operator.reach.forget(key);
        return look_for(operator, key).await;
    };
    let activity = operator.activities.take(key, stored.uid());
    let verdict = match stored.spec() {
        Err(malformed) => Err((malformed.reason(), malformed.to_string())),
        Ok(spec) => match check(operator, &stored, &spec).await {
            // What was not read says nothing of the endpoint.
            Check::Unknown => return Next::Retry,
            Check::Known(verdict) => verdict,
        },
    };
    let before = stored.status_or_default();
    let mut after = before.clone();
    judge(operator, &stored, &verdict, &mut after);
    let judged_anew = after != before;
    let ends_successes = activity.ends_successes(&before);
    let mut active = after.clone();
    activity.apply(&mut active);
    let has_news = active != after;
    let wait = if has_news && !ends_successes { operator.activities.wait(key, endpoints) } else { None };
    // What only counts waits for its time, or goes along.
    if wait.is_none() || judged_anew {
        after = active;
    }
    if after != before {
        if let (true, Err((reason, message))) = (judged_anew, &verdict) {
            operator.reporter.report(&*stored, Severity::Warning, reason, "Check", message);
        }
        match status::replace(operator, &*stored, &after, "endpoint_status").await {
            Ok(written) => {
                operator.crash.pass(Point::EndpointStatus);
                // The next look must not find the status as it was.
                watch::write(&operator.caches.endpoints, |store| store.put_if_newer(written));
            }
            // An object that breaks its schema takes no status either; a change of it brings it here again.
            Err(error) if matches!(error.code(), Some(404 | 422)) => return Next::Await,
            Err(error) => {
                tracing::warn!(namespace = key.namespace, endpoint = key.name, %error, "write the status of an endpoint");
                return Next::Retry;
            }
        }
    }
    let waiting = wait.filter(|_| !judged_anew);
    if waiting.is_none() {
        operator.activities.told(key, &activity, has_news);
    }
    let again = match (&verdict, stored.spec()) {
        (Err(_), _) => Some(look_again(&after, operator.now())),
        (Ok(()), Ok(spec)) if reads_objects(&spec) => Some(LOOK_AFTER),
        (Ok(()), _) => None,
    };
    again.into_iter().chain(waiting).min().map_or(Next::Await, Next::After)
}

/// How often an endpoint is looked for that no watch tells of, as long as deliveries wait for it.
const LOOK_FOR: Duration = Duration::from_mins(1);

/// An endpoint that the cache does not have: it is gone, or in a namespace that is not watched.
async fn look_for(operator: &Operator, key: &ObjectKey) -> Next {
    let line = Line::Endpoint(key.clone());
    if !operator.waiting.waits_at(&line) {
        return Next::Await;
    }
    match find(operator, key).await {
        // Its gate is set.
        Ok(Some(_)) => Next::After(LOOK_FOR),
        Ok(None) => {
            operator.waiting.set_gate(&line, Gate::Missing);
            Next::After(LOOK_FOR)
        }
        Err(_) => Next::Retry,
    }
}

/// Sets the condition Ready.
fn judge(operator: &Operator, stored: &Stored<CicdEndpoint>, verdict: &Verdict, status: &mut CicdEndpointStatus) {
    let (ready, why, message) = match verdict {
        Ok(()) => (true, reason::VALID, "the endpoint can be used"),
        Err((reason, message)) => (false, *reason, message.as_str()),
    };
    let generation = stored.metadata.generation;
    status.observed_generation = generation;
    conditions::set(&mut status.conditions, condition::READY, ready, why, message, generation, &Time(operator.now()));
}

/// When to look again at an endpoint that is not ready: after a quarter of the time for which it has not been.
fn look_again(status: &CicdEndpointStatus, now: jiff::Timestamp) -> Duration {
    let since = conditions::get(&status.conditions, condition::READY).map_or(now, |ready| ready.last_transition_time.0);
    let lasted = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    (lasted / 4).clamp(LOOK_AGAIN.0, LOOK_AGAIN.1)
}

/// Whether Secrets or ConfigMaps decide whether the endpoint can be used.
fn reads_objects(spec: &CicdEndpointSpec) -> bool {
    let in_headers = spec.headers.iter().flatten().any(|header| header.value_from.is_some());
    in_headers || spec.url_from.is_some() || spec.auth.is_some() || spec.signing.is_some() || spec.tls.is_some()
}

/// Nothing, or the reason and a sentence.
type Verdict = Result<(), (&'static str, String)>;

enum Check {
    /// The API server did not answer.
    Unknown,
    Known(Verdict),
}

async fn check(operator: &Operator, stored: &Stored<CicdEndpoint>, spec: &CicdEndpointSpec) -> Check {
    if let Err(problem) = operator.compiled(stored, spec).await {
        return Check::Known(Err((reason::INVALID_TEMPLATE, problem)));
    }
    let mut secrets = Secrets::new(NamespaceVault::new(&operator.client, stored.namespace()));
    let scope = Scope::namespace(stored.namespace(), &operator.settings.cluster_domain);
    match destination(spec, &mut secrets, &operator.settings.proxies, scope, &[]).await {
        Ok(_) => Check::Known(Ok(())),
        Err(error) if error.may_pass() => {
            tracing::warn!(namespace = stored.namespace(), endpoint = stored.name(), %error, "check an endpoint; it is tried again");
            Check::Unknown
        }
        Err(error) => Check::Known(Err((error.reason(), error.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_an_endpoint_is_not_ready_the_later_it_is_looked_at_again() {
        let mut status = CicdEndpointStatus::default();
        let at = |second| jiff::Timestamp::from_second(second).unwrap();
        assert_eq!(look_again(&status, at(100)), Duration::from_secs(2));
        conditions::set(&mut status.conditions, condition::READY, false, "SecretNotFound", "", None, &Time(at(100)));
        for (now, seconds) in [(99, 2), (100, 2), (104, 2), (140, 10), (340, 60), (100_000, 60)] {
            assert_eq!(look_again(&status, at(now)), Duration::from_secs(seconds), "{now}");
        }
    }
}
