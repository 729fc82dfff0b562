//! Stepping an event through 20 handlers, from the first step to its outcome; requests are answered at once.

use std::{collections::BTreeMap, hint::black_box, sync::Arc};

use cicdcontext_crds::{CicdEndpointSpec, CicdEventSpec, ConfigurationBlock, EventPhase, handler::EndpointReference};
use cicdcontext_engine::{
    configuration::{Input, Lookup, Origin, resolve},
    event::{ContextFacts, Delivered, EventFacts, Outcome, Run, Step, View},
    handler::{Endpoint, EndpointLookup, Endpoints, Program},
    state::{Limits, apply},
};
use criterion::{BatchSize, Criterion};
use serde_json::{Map, Value, json};

/// As many handlers as the benchmark is about: half of them send, half of them write.
const HANDLERS: usize = 20;

struct Chat(Arc<Endpoint>);

impl Endpoints for Chat {
    fn find(&self, _: &EndpointReference) -> EndpointLookup {
        EndpointLookup::Found(Arc::clone(&self.0))
    }
}

pub(crate) fn measure(criterion: &mut Criterion) {
    let (program, chat, event) = (program(), chat(), event());
    let run = || {
        let context = ContextFacts { name: "shop-17".into(), namespace: "shop".into(), uid: "context-uid".into() };
        Run::new(event.clone(), context, Arc::clone(&program), [])
    };
    let mut group = criterion.benchmark_group(format!("step an event with {HANDLERS} handlers"));
    for bytes in [1_000, 100_000] {
        let state = crate::state::state(bytes);
        let (outcome, after) = drive(run(), state.clone(), &chat);
        assert_eq!((outcome.phase, outcome.handlers.len()), (EventPhase::Succeeded, HANDLERS), "{}", outcome.message);
        assert_eq!(after["log"].as_array().map(Vec::len), Some(HANDLERS / 4));
        let name = format!("state of {} kB", bytes / 1000);
        group.bench_function(&*name, |bencher| {
            let prepare = || (run(), state.clone());
            bencher.iter_batched(prepare, |(run, state)| drive(run, state, black_box(&chat)), BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn drive(mut run: Run, mut state: Map<String, Value>, endpoints: &Chat) -> (Outcome, Map<String, Value>) {
    loop {
        match run.next(View { state: &state, endpoints }) {
            Step::Undelivered(_) | Step::Wait(_) => unreachable!("every request is delivered"),
            Step::Send(_) => run.answered(Delivered {
                status: Some(200),
                body: r#"{"ok": true, "ts": "1700.1"}"#.to_owned(),
                ..Delivered::default()
            }),
            Step::Write(write) => {
                let written = apply(Some(&state), &write.changes, &Limits::default()).unwrap();
                state = written.state;
                run.written(Ok(written.paths));
            }
            Step::Again => {}
            Step::Done(outcome) => return (outcome, state),
        }
    }
}

fn program() -> Arc<Program> {
    let handler = |number: usize| match number % 4 {
        0 => json!({"name": format!("tell-{number}"), "notify": {
            "endpoint": {"name": "chat"},
            "message": "*{{variables.release}}* was built by {{event.data.by}} in {{context.selected}}: {{settings.dashboard}}/{{event.id}}",
            "fields": [{"name": "Commit", "value": "{{state.git.commit}}"}],
        }}),
        1 => json!({"name": format!("log-{number}"), "if": "{{state.app.name}}", "setValues": [
            {"path": "state.log", "op": "Append", "template": format!("{number}: {{{{variables.release}}}}")},
        ]}),
        2 => json!({"name": format!("start-{number}"), "webhook": {
            "endpoint": {"name": "chat"}, "path": format!("/runs/{number}"),
            "body": "{\"release\": \"{{variables.release}}\", \"by\": \"{{event.data.by}}\"}",
            "capture": [{"path": format!("state.runs['{number}']"), "fromPath": "$.body.ts"}],
        }}),
        _ => json!({"name": format!("set-{number}"), "setValues": [
            {"path": format!("state.steps.s{number}"), "value": true},
            {"path": "state.release.status", "template": "{{lower event.name}}"},
        ]}),
    };
    let handlers: Vec<Value> = (0..HANDLERS).map(handler).collect();
    let block = json!({
        "settings": {"dashboard": "https://ci.example"},
        "variables": {"release": "{{state.app.name}} {{state.app.version}}"},
        "pipelines": {"build": {"eventHandlers": {"success": handlers}}},
    });
    let block: ConfigurationBlock = serde_json::from_value(block).unwrap();
    let input = Input { owner: Origin::context("shop-17"), selected: None, bases: &[], block: &block };
    let program = Program::new(resolve(&input, &|_| Lookup::NotFound).unwrap(), &BTreeMap::new());
    assert!(program.errors.is_empty(), "{:?}", program.errors);
    Arc::new(program)
}

fn chat() -> Chat {
    let spec: CicdEndpointSpec = serde_json::from_value(json!({
        "bodies": {"notify": "{\"channel\": \"#ci\", \"text\": \"{{handler.message}}\", \"fields\": {{json handler.fields}}}"},
        "allow": {"pathPrefixes": ["/runs"]},
    }))
    .unwrap();
    Chat(Arc::new(Endpoint::new(&spec).unwrap()))
}

fn event() -> EventFacts {
    let spec: CicdEventSpec = serde_json::from_value(json!({
        "contextRef": {"name": "shop-17"}, "pipeline": "build", "event": "success", "data": {"by": "anna", "run": 17},
    }))
    .unwrap();
    EventFacts::read(spec, "shop-17-success", "event-uid", "17-success", jiff::Timestamp::UNIX_EPOCH).unwrap()
}
