//! A dry run: the very run of an event, with imagined answers. Nothing is sent, nothing is written but the status, which
//! shows each request as it would be sent.

use std::{collections::HashMap, fmt::Write as _};

use cicdcontext_crds::{CicdEndpointSpec, EventPhase, conditions::cut, vocabulary::reason};
use cicdcontext_engine::{
    event::{Delivered, Outcome, Step, View},
    handler::{Request, Target},
    state::{ChangeSet, Draft, Limits, Schema, schema::Guard},
};
use serde_json::{Map, Value};

use super::gather::Ready;
use crate::{endpoint::gather::Gathered, shared::Operator};

/// Bytes of a request that the status shows.
const SHOWN_BYTES: usize = 16 * 1024;

/// Runs to the end on imagined answers: each request is answered with 200 and an empty JSON object.
pub async fn rehearse(operator: &Operator, ready: Ready) -> Outcome {
    let Ready { mut run, mut state, endpoints, context, .. } = ready;
    let schema = context.spec().ok().and_then(|spec| spec.state_schema);
    let compiled = match &schema {
        Some(schema) => Some(operator.compute(|| operator.schemas.get(schema)).await),
        None => None,
    };
    // A schema that cannot be used refuses nothing, here as in earnest.
    let schema = compiled.as_ref().and_then(|compiled| compiled.as_ref().as_ref().ok());
    let mut requests = HashMap::new();
    let mut outcome = loop {
        let step = operator.compute(|| run.next(View { state: &state, endpoints: &endpoints })).await;
        match step {
            Step::Again => {}
            Step::Done(outcome) => break outcome,
            Step::Write(write) => {
                let limits = if write.captured { Limits::capture() } else { Limits::default() };
                let set = ChangeSet { changes: write.changes, limits, ..ChangeSet::default() };
                let made = operator.compute(|| make(&state, &set, schema)).await;
                run.written(made.map(|(made, paths)| {
                    state = made;
                    paths
                }));
            }
            Step::Send(request) => {
                requests.insert(request.webhook_id.clone(), shown(&request, &endpoints));
                let body = "{}".to_owned();
                run.answered(Delivered { status: Some(200), body, ..Delivered::default() });
            }
        }
    };
    for handler in &mut outcome.handlers {
        let request = handler.webhook_id.as_ref().and_then(|id| requests.remove(id));
        if request.is_some() {
            // What the imagined answer brought about says nothing.
            handler.http_status = None;
            handler.attempts = None;
            handler.duration_ms = None;
            handler.reason = Some(reason::DRY_RUN.to_owned());
        }
        handler.request = request;
    }
    outcome.message = format!("dry run, nothing was sent or written: {}", outcome.message);
    if outcome.phase == EventPhase::Succeeded {
        reason::DRY_RUN.clone_into(&mut outcome.reason);
    }
    outcome
}

/// The state with the changes, and the paths that they wrote, or why they are refused.
fn make(
    state: &Map<String, Value>,
    set: &ChangeSet,
    schema: Option<&Schema>,
) -> Result<(Map<String, Value>, Vec<String>), String> {
    let mut guard = Guard::new(schema, Some(state));
    let mut draft = Draft::new(Some(state));
    let made = draft.apply_checked(set, |state| guard.check(state));
    let paths = made.map_err(|refusal| refusal.to_string())?;
    Ok((draft.finish().0, paths))
}

/// The request as text. Of credentials only the place is shown.
fn shown(request: &Request, endpoints: &Gathered) -> String {
    let (url, spec) = match &request.target {
        Target::Url(url) | Target::Foreign { url, .. } => (url.clone(), None),
        Target::Endpoint(reference) => {
            let spec = endpoints.spec(reference).map(|(_, spec)| spec);
            let url = spec.and_then(|spec| spec.url.clone()).unwrap_or_else(|| format!("(url of {})", request.target));
            (url, spec)
        }
    };
    let path = request.path.as_deref().unwrap_or_default();
    let root = if path.is_empty() { url.as_str() } else { url.trim_end_matches('/') };
    let mut text = format!("{} {root}{path}\n", request.method.as_str());
    for (name, value) in request.endpoint_headers.iter().chain(&request.headers) {
        let _ = writeln!(text, "{name}: {value}");
    }
    for name in spec.into_iter().flat_map(secret_headers) {
        let _ = writeln!(text, "{name}: ***");
    }
    let _ = writeln!(text, "webhook-id: {}", request.webhook_id);
    if let Some(body) = &request.body {
        let _ = write!(text, "\n{body}");
    }
    cut(&text, SHOWN_BYTES).to_owned()
}

fn secret_headers(spec: &CicdEndpointSpec) -> Vec<String> {
    let from_secrets = spec.headers.iter().flatten().filter(|header| header.value_from.is_some());
    let authorization = spec.auth.is_some().then(|| "authorization".to_owned());
    from_secrets.map(|header| header.name.clone()).chain(authorization).collect()
}
