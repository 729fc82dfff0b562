//! Plays the story: runs the commands of each step, shows what comes of them and compares it with what is expected.

use std::time::Duration;

use cicdcontext_crds::{CicdEvent, CicdEventStatus, HandlerStatus};
use cicdcontext_tests::receiver::Arrived;
use serde_json::{Value, json};

use crate::{
    difference::differences,
    error::DemoError,
    events::Events,
    kubectl::Invocation,
    output::{WIDTH, heading, indented},
    pretty::{line, pretty},
    scene::Scene,
    services::Exchange,
    story::{self, ExpectedRequest, Step, Written},
};

/// How long a request, or the end of an event, may take: two cores may be busy with other things.
const WITHIN: Duration = Duration::from_secs(30);

/// Plays all steps and then looks at the final state.
pub(crate) async fn play(scene: &Scene) -> Result<(), DemoError> {
    let events = Events::follow(scene.client().await?, &scene.namespace);
    let steps = story::steps(&scene.namespace);
    let count = steps.len();
    for (index, step) in steps.iter().enumerate() {
        heading(&format!("{} of {count}: {}", index + 1, step.title));
        perform(scene, &events, step).await?;
    }
    heading("What a person sees");
    scene.admin.show(&Invocation::new(["-n", &scene.namespace, "get", "cctx,cev"])).await?;
    finally(scene).await?;
    println!();
    println!("All {count} steps went as expected: requests, state, conditions.");
    Ok(())
}

/// Waits for what the contexts say of their last events. It is written at most once a minute, since a busy context would
/// cost a write for each event otherwise.
pub(crate) async fn epilogue(scene: &Scene) -> Result<(), DemoError> {
    heading("What the contexts say of their last events");
    println!("It follows within a minute, so that an event costs no write of its own for it.");
    println!();
    let last = "--for=jsonpath={.status.lastEvent.event}";
    let wait = ["-n", &scene.namespace, "wait", last, "--timeout=90s", "cctx/shop-stage", "cctx/shop-prod"];
    scene.admin.show(&Invocation::new(wait)).await?;
    scene.admin.show(&Invocation::new(["-n", &scene.namespace, "get", "cctx"])).await?;
    for (name, _) in story::final_states() {
        let context = scene.read(&format!("cctx/{name}")).await?;
        let last = context.pointer("/status/lastEvent").cloned().unwrap_or_default();
        let expected = json!({"event": "verify=success", "phase": "Succeeded"});
        let actual = json!({"event": last["event"], "phase": last["phase"]});
        same(&format!("the last event of {name}"), differences(&expected, &actual))?;
    }
    Ok(())
}

async fn perform(scene: &Scene, events: &Events, step: &Step) -> Result<(), DemoError> {
    println!("{}", step.about);
    println!();
    let before = scene.services.count();
    for command in &step.commands {
        scene.pipeline.show(command).await?;
    }
    let mut webhook_ids = Vec::new();
    for expected in &step.requests {
        let Some(exchange) = scene.services.next(WITHIN).await else {
            return Err(late(scene, step, &expected.path).await);
        };
        show(&exchange);
        check_request(expected, &exchange.request)?;
        webhook_ids.push(exchange.request.header("webhook-id").to_owned());
    }
    let event = events.finished(&step.event, WITHIN).await?;
    let (expected, arrived) = (step.requests.len(), scene.services.count() - before);
    if arrived != expected {
        let text = format!("  expected {expected}, there are {arrived}");
        return Err(DemoError::Different { what: "the number of requests".to_owned(), differences: vec![text] });
    }
    let context = scene.read(&format!("cctx/{}", step.context)).await?;
    let state = context.pointer("/spec/state").cloned().unwrap_or_default();
    show_outcome(&event, &state, &step.written);
    check_outcome(step, &event, &webhook_ids, &state)
}

/// Names the request that did not come, with what the operator says of the event.
async fn late(scene: &Scene, step: &Step, path: &str) -> DemoError {
    let events = ["-n", &scene.namespace, "get", "cev", "-o", "wide"];
    let seen = scene.admin.run(&Invocation::new(events)).await.unwrap_or_default();
    println!("{seen}");
    DemoError::Late { what: format!("the request to {path} of step `{}`", step.title), waited: WITHIN }
}

fn show(exchange: &Exchange) {
    let arrived = &exchange.request;
    let scheme = arrived.header("authorization").split(' ').next().unwrap_or_default();
    println!();
    println!("  → {} {}   Authorization: {scheme} ***", arrived.method, arrived.path);
    let correlation = arrived.header("x-correlation-id");
    if !correlation.is_empty() {
        println!("    X-Correlation-Id: {correlation}");
    }
    indented(&pretty(&arrived.body, WIDTH - 4), 4);
    println!("  ← {} {}", exchange.status, line(&exchange.answer));
}

fn check_request(expected: &ExpectedRequest, arrived: &Arrived) -> Result<(), DemoError> {
    let all = |method: &str, path: &str, authorization: &str, correlation: &str, body: &Value| {
        json!({
            "method": method, "path": path, "authorization": authorization, "x-correlation-id": correlation,
            "content-type": "application/json", "body": body,
        })
    };
    let wanted = all("POST", &expected.path, expected.authorization, expected.correlation, &expected.body);
    let (authorization, correlation) = (arrived.header("authorization"), arrived.header("x-correlation-id"));
    let mut found = all(arrived.method.as_str(), &arrived.path, authorization, correlation, &arrived.body);
    let content_type = arrived.header("content-type").split(';').next().unwrap_or_default();
    found["content-type"] = json!(content_type);
    let mut differences = differences(&wanted, &found);
    let id = arrived.header("webhook-id");
    if id.is_empty() || id != arrived.header("idempotency-key") {
        differences.push("  webhook-id must be there and be repeated as Idempotency-Key".to_owned());
    }
    same("the request", differences)
}

fn show_outcome(event: &CicdEvent, state: &Value, written: &[Written]) {
    let status = event.status.clone().unwrap_or_default();
    println!();
    for (path, by) in paths(&status) {
        let pointer = written.iter().find(|written| written.path == path).map_or("", |written| written.pointer);
        let value = state.pointer(pointer).map_or_else(|| "(removed)".to_owned(), line);
        println!("  {path} = {value}   ({by})");
    }
    let handlers: Vec<String> = status.handlers.iter().map(told).collect();
    let name = event.metadata.name.as_deref().unwrap_or_default();
    println!("  event {name}: {:?}", status.phase);
    let what = if handlers.is_empty() { reason(&status) } else { handlers.join(", ") };
    println!("    {what}");
}

/// The paths that were written, each once, with what wrote them.
fn paths(status: &CicdEventStatus) -> Vec<(String, String)> {
    let of_handlers = status.handlers.iter().flat_map(|handler| {
        let by = if handler.webhook_id.is_some() { "captured by" } else { "set by" };
        handler.paths.iter().map(move |path| (path.clone(), format!("{by} {}", handler.name)))
    });
    let of_set = status.paths.iter().map(|path| (path.clone(), "set by the event itself".to_owned()));
    let mut all: Vec<(String, String)> = of_set.chain(of_handlers).collect();
    all.dedup();
    all
}

fn told(handler: &HandlerStatus) -> String {
    format!("{} {:?}/{}", handler.name, handler.phase, handler.reason.as_deref().unwrap_or_default())
}

fn reason(status: &CicdEventStatus) -> String {
    let condition = status.conditions.iter().find(|condition| condition.type_ == "Succeeded");
    condition.map(|condition| format!("{}: {}", condition.reason, condition.message)).unwrap_or_default()
}

fn check_outcome(step: &Step, event: &CicdEvent, webhook_ids: &[String], state: &Value) -> Result<(), DemoError> {
    let status = event.status.clone().unwrap_or_default();
    let handlers =
        step.handlers.iter().map(|handler| format!("{} {:?}/{}", handler.name, handler.phase, handler.reason));
    let written: Value = step.written.iter().map(|written| (written.path.to_owned(), json!(written.value))).collect();
    let expected = json!({
        "phase": step.phase,
        "handlers": handlers.collect::<Vec<_>>(),
        "webhook-ids": webhook_ids,
        "written": written,
    });
    let ids: Vec<&String> = status.handlers.iter().filter_map(|handler| handler.webhook_id.as_ref()).collect();
    let value = |path: &str| {
        let written = step.written.iter().find(|written| written.path == path);
        written.and_then(|written| state.pointer(written.pointer)).cloned()
    };
    let found: Value = paths(&status).into_iter().map(|(path, _)| (path.clone(), json!(value(&path)))).collect();
    let actual = json!({
        "phase": status.phase,
        "handlers": status.handlers.iter().map(told).collect::<Vec<_>>(),
        "webhook-ids": ids,
        "written": found,
    });
    same("what the event's status says", differences(&expected, &actual))
}

/// Compares the contexts at the end: their whole state, conditions, and that no event annotation is left.
async fn finally(scene: &Scene) -> Result<(), DemoError> {
    for (name, state) in story::final_states() {
        let context = scene.read(&format!("cctx/{name}")).await?;
        let annotations = context.pointer("/metadata/annotations").and_then(Value::as_object);
        let left = annotations.into_iter().flatten().map(|(key, _)| key);
        let left: Vec<&String> = left.filter(|key| key.starts_with("event.cicdcontext.io/")).collect();
        let conditions = context.pointer("/status/conditions").and_then(Value::as_array);
        let is_ready = |condition: &&Value| condition["type"] == "Ready";
        let ready = conditions.into_iter().flatten().find(is_ready).cloned().unwrap_or_default();
        let expected = json!({
            "state": state, "Ready": {"status": "True", "reason": "Resolved"}, "eventAnnotations": [],
        });
        let actual = json!({
            "state": context.pointer("/spec/state"), "Ready": {"status": ready["status"], "reason": ready["reason"]},
            "eventAnnotations": left,
        });
        same(&format!("the context {name} at the end"), differences(&expected, &actual))?;
    }
    Ok(())
}

fn same(what: &str, differences: Vec<String>) -> Result<(), DemoError> {
    if differences.is_empty() { Ok(()) } else { Err(DemoError::Different { what: what.to_owned(), differences }) }
}
