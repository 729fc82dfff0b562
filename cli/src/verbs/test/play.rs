//! One test, played: its event is rehearsed with the answers that it gives, and compared.

use std::{cell::RefCell, collections::BTreeSet, sync::Arc, time::Duration, time::SystemTime};

use cicdcontext_crds::{
    CicdContext, CicdContextSpec, CicdEventSpec, ContextReference,
    vocabulary::{GROUP, VERSION},
};
use cicdcontext_delivery::{Answer, Class, Policy, classify};
use cicdcontext_engine::{
    event::{
        ContextFacts, Delivered, EventFacts, FactsError, Failure, Progress, Prospect, Rehearsal, RehearsedHandler, Run,
        annotation::Front, name::event_name,
    },
    handler::Request,
    state::{Path, Schema},
};
use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    difference::{Difference, Extent, below, compare},
    expectation::{ExpectedRequest, Response, Test},
};
use crate::{
    configuration::{
        self, GatheredEndpoints,
        request::{ShownRequest, refusal, show},
    },
    manifests::structure::validate_manifest,
    output::handlers::word,
    source::{
        Configuration,
        files::{Kind, Manifests, Seen},
    },
};

/// When it happens unless the test says so.
const TIME: &str = "2026-01-01T00:00:00Z";
/// What templates see as the UID of the context, and as the id of the event.
const IDENTITY: &str = "test";
/// The name of a context whose spec stands in the test.
const INLINE: &str = "test";

/// What came of an event.
struct Played {
    phase: String,
    reason: String,
    message: String,
    handlers: Vec<RehearsedHandler>,
    state: Map<String, Value>,
    requests: Vec<(String, ShownRequest)>,
}

/// What differs from what is expected; nothing if all is well.
pub(super) async fn play(manifests: &Manifests, namespace: &str, test: &Test) -> Vec<Difference> {
    match played(manifests, namespace, test).await {
        Err(difference) => vec![difference],
        Ok(played) => {
            let mut differences = Vec::new();
            judge(test, &played, &mut differences);
            differences
        }
    }
}

async fn played(manifests: &Manifests, namespace: &str, test: &Test) -> Result<Played, Difference> {
    let (namespace, context) = context(manifests, namespace, &test.context).await?;
    let namespace = namespace.as_str();
    let source = Seen { manifests, namespace };
    let wrong = |error: &dyn std::fmt::Display| Difference::problem("context", error);
    let program = configuration::program(&source, &context).await.map_err(|error| wrong(&error))?;
    let name = context.metadata.name.clone().unwrap_or_default();
    let run = Run::new(
        event(test, &name).map_err(|error| Difference::problem("event", &error))?,
        ContextFacts { name, namespace: namespace.to_owned(), uid: IDENTITY.to_owned() },
        Arc::new(program),
        [],
    );
    let endpoints =
        GatheredEndpoints::gather(&source, namespace, run.endpoints()).await.map_err(|error| wrong(&error))?;
    let mut rehearsal = Rehearsal::new(run, state(&context.spec, test));
    if let Some(schema) = &context.spec.state_schema {
        rehearsal = rehearsal.within(Arc::new(Schema::compile(schema)));
    }
    let sent = RefCell::new(BTreeSet::new());
    let answers = |handler: &str, request: &Request| {
        let refused = refusal(request, &endpoints, None);
        if refused.is_some() {
            return refused;
        }
        sent.borrow_mut().insert(handler.to_owned());
        test.responses.get(handler).map(|given| delivered(given, &request.target.to_string()))
    };
    let mut handlers = Vec::new();
    let outcome = loop {
        match rehearsal.next(&endpoints, &answers) {
            Progress::Again | Progress::Set(_) => {}
            Progress::Handler(handler) => handlers.push(*handler),
            Progress::Done(outcome) => break outcome,
        }
    };
    let sent = sent.borrow();
    if let Some(unasked) = test.responses.keys().find(|handler| !sent.contains(*handler)) {
        let problem = "no handler of this name sent a request; remove the answer, or correct its name";
        return Err(Difference::problem(below("responses", unasked), &problem));
    }
    let policy = Policy::default();
    let requests = handlers
        .iter()
        .filter(|handler| sent.contains(&handler.name))
        .filter_map(|handler| Some((handler.name.clone(), show(handler.request.as_ref()?, &endpoints, &policy).0)));
    let requests = requests.collect();
    let state = rehearsal.state().clone();
    let (phase, reason, message) = (word(&outcome.phase), outcome.reason, outcome.message);
    Ok(Played { phase, reason, message, handlers, state, requests })
}

/// The context, and the namespace that it is in.
async fn context(manifests: &Manifests, namespace: &str, given: &Value) -> Result<(String, CicdContext), Difference> {
    let wrong = |error: &dyn std::fmt::Display| Difference::problem("context", error);
    if let Value::String(name) = given {
        let mut homes: Vec<&str> = manifests
            .iter()
            .filter(|manifest| manifest.kind == Kind::Context && manifest.name == *name)
            .map(|manifest| manifest.namespace.as_str())
            .collect();
        if homes.contains(&namespace) {
            homes = vec![namespace];
        }
        return match homes.as_slice() {
            [home] => {
                let found = Seen { manifests, namespace: home }.whole_context(name).await;
                found.map(|context| ((*home).to_owned(), context)).map_err(|error| wrong(&error))
            }
            [] => {
                Err(wrong(&format!("no manifest has CicdContext {name:?}; name another one, or other files with -f")))
            }
            _ => Err(wrong(&format!(
                "CicdContext {name:?} is in the namespaces {}; choose one with --namespace",
                homes.join(", ")
            ))),
        };
    }
    let object = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"), "kind": "CicdContext", "metadata": {"name": INLINE}, "spec": given,
    });
    if let Some(finding) = validate_manifest(&object).into_iter().next() {
        return Err(Difference::problem(finding.place.replacen("spec", "context", 1), &finding.problem));
    }
    let context = CicdContext::deserialize(object).map_err(|error| wrong(&error))?;
    Ok((namespace.to_owned(), context))
}

fn event(test: &Test, context: &str) -> Result<EventFacts, FactsError> {
    let given = test.event.clone();
    let spec = CicdEventSpec {
        context_ref: ContextReference { name: context.to_owned(), uid: None },
        pipeline: Some(given.pipeline),
        event: given.name,
        generate: given.generate,
        data: given.data,
        vars: given.vars,
        vars_from: given.vars_from,
        set: given.set,
        ..CicdEventSpec::default()
    };
    let name = event_name(context, IDENTITY, Front::Event, IDENTITY);
    let time = test.time.or_else(|| TIME.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    EventFacts::read(spec, &name, IDENTITY, IDENTITY, time)
}

/// The state that the test begins with.
fn state(spec: &CicdContextSpec, test: &Test) -> Map<String, Value> {
    let own = spec.state.clone().filter(|_| !test.replace_state).unwrap_or_default();
    let mut state = Value::Object(own);
    if let Some(given) = &test.state {
        lay_over(&mut state, given);
    }
    match state {
        Value::Object(state) => state,
        _ => Map::new(),
    }
}

/// Merges maps key by key, where null takes a key out; the rest keeps its order.
fn lay_over(state: &mut Value, given: &Map<String, Value>) {
    if !state.is_object() {
        *state = Value::Object(Map::new());
    }
    let Value::Object(map) = state else { return };
    for (key, value) in given {
        match value {
            Value::Null => {
                map.shift_remove(key);
            }
            Value::Object(inner) => lay_over(map.entry(key.as_str()).or_insert(Value::Null), inner),
            other => {
                map.insert(key.clone(), other.clone());
            }
        }
    }
}

/// An answer as the operator would take it.
fn delivered(response: &Response, target: &str) -> Delivered {
    let body = match &response.body {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let headers = response.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    let answer = Answer {
        status: response.status,
        headers: headers.collect(),
        body: body.clone().into_bytes(),
        truncated: false,
        duration: Duration::ZERO,
    };
    let headers = answer.headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let class = classify(&Ok(answer), SystemTime::UNIX_EPOCH);
    let prospect = match class {
        Class::Retry { .. } => Prospect::Retry,
        Class::Delivered | Class::Final { .. } => Prospect::Final,
    };
    let message = format!("{target} answered with status {}", response.status);
    let failure = (class != Class::Delivered).then(|| Failure::new(prospect, class.reason(), message));
    Delivered { failure, status: Some(response.status), headers, body, duration_ms: 0 }
}

fn judge(test: &Test, played: &Played, differences: &mut Vec<Difference>) {
    let expect = &test.expect;
    let mut word_of = |place: String, expected: Option<String>, actual: Option<&str>| {
        if let Some(expected) = expected.filter(|expected| Some(expected.as_str()) != actual) {
            differences.push(Difference::new(place, Some(expected.into()), actual.map(Value::from)));
        }
    };
    word_of("phase".to_owned(), expect.phase.as_ref().map(word), Some(&played.phase));
    word_of("reason".to_owned(), expect.reason.clone(), Some(&played.reason));
    if !differences.is_empty() {
        differences.push(Difference::problem("the event", &played.message));
    }
    for (name, expected) in &expect.handlers {
        let place = below("handlers", name);
        let Some(handler) = played.handlers.iter().find(|handler| handler.name == *name) else {
            let names: Vec<&str> = played.handlers.iter().map(|handler| handler.name.as_str()).collect();
            let known =
                if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) };
            differences.push(Difference::problem(place, &format!("the event has no such handler; {known}")));
            continue;
        };
        let phase = word(&handler.phase);
        if let Some(wanted) = expected.phase.as_ref().map(word).filter(|wanted| *wanted != phase) {
            let why = handler.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
            let actual = format!("{phase}{why}");
            differences.push(Difference::new(format!("{place}.phase"), Some(wanted.into()), Some(actual.into())));
        }
        if let Some(wanted) = expected.reason.as_deref().filter(|wanted| Some(*wanted) != handler.reason.as_deref()) {
            let actual = handler.reason.as_deref().map(Value::from);
            differences.push(Difference::new(format!("{place}.reason"), Some(wanted.into()), actual));
        }
        if let Some(wanted) = &expected.request {
            let found = played.requests.iter().find(|(sender, _)| sender == name);
            request(&format!("{place}.request"), wanted, found, differences);
        }
    }
    if let Some(wanted) = &expect.requests {
        for index in 0..wanted.len().max(played.requests.len()) {
            let place = format!("requests[{index}]");
            match (wanted.get(index), played.requests.get(index)) {
                (Some(wanted), found) => request(&place, wanted, found, differences),
                (None, Some((sender, sent))) => {
                    let actual = format!("{} {} from {sender}", sent.method, sent.url);
                    differences.push(Difference::new(place, None, Some(actual.into())));
                }
                (None, None) => {}
            }
        }
    }
    if let Some(wanted) = &expect.state {
        let actual = Value::Object(played.state.clone());
        if let Some(exact) = &wanted.exact {
            compare("state", exact, &actual, Extent::Exact, differences);
        }
        if let Some(subset) = &wanted.subset {
            compare("state", subset, &actual, Extent::Subset, differences);
        }
        for path in &wanted.missing {
            match Path::parse(path) {
                Err(error) => differences.push(Difference::problem("state.missing", &error)),
                Ok(path) => {
                    if let Some(found) = path.get_in(&played.state) {
                        differences.push(Difference::new(path.to_string(), None, Some(found.clone())));
                    }
                }
            }
        }
    }
}

fn request(
    place: &str,
    wanted: &ExpectedRequest,
    found: Option<&(String, ShownRequest)>,
    differences: &mut Vec<Difference>,
) {
    let Some((sender, sent)) = found else {
        return differences.push(Difference::problem(place, &"no request was sent"));
    };
    let path = Url::parse(&sent.url).map_or_else(|_| sent.url.clone(), |url| url.path().to_owned());
    let parts: [(&str, Option<&String>, &str); 4] = [
        ("handler", wanted.handler.as_ref(), sender),
        ("method", wanted.method.as_ref(), &sent.method),
        ("url", wanted.url.as_ref(), &sent.url),
        ("path", wanted.path.as_ref(), &path),
    ];
    for (name, wanted, actual) in parts {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != actual) {
            let place = format!("{place}.{name}");
            differences.push(Difference::new(place, Some(wanted.as_str().into()), Some(actual.into())));
        }
    }
    for (name, wanted) in &wanted.headers {
        let sent = sent.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        let actual = sent.map(|header| header.value.as_str());
        if actual != wanted.as_deref() {
            let place = below(&format!("{place}.headers"), name);
            differences.push(Difference::new(place, wanted.clone().map(Value::from), actual.map(Value::from)));
        }
    }
    let bodies = [(&wanted.body, Extent::Exact), (&wanted.body_subset, Extent::Subset)];
    for (wanted, extent) in bodies {
        if let Some(wanted) = wanted {
            body(&format!("{place}.body"), wanted, sent.body.as_deref(), extent, differences);
        }
    }
}

fn body(place: &str, wanted: &Value, actual: Option<&str>, extent: Extent, differences: &mut Vec<Difference>) {
    let Some(actual) = actual else {
        return differences.push(Difference::new(place, Some(wanted.clone()), None));
    };
    let as_text = || Value::from(actual);
    match wanted {
        Value::String(_) => compare(place, wanted, &as_text(), extent, differences),
        _ => match serde_json::from_str(actual) {
            Ok(parsed) => compare(place, wanted, &parsed, extent, differences),
            Err(_) => differences.push(Difference::new(place, Some(wanted.clone()), Some(as_text()))),
        },
    }
}
