mod blocks;
mod choices;
mod example;
mod sending;
mod writing;

use serde_json::{Map, Value, json};

use super::*;
use crate::files::File;

pub(super) fn map(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("{value} is no map") };
    map
}

pub(super) fn core_of(content: Value) -> Core {
    Core(File { name: "config.yaml".to_owned(), content: map(content), findings: Vec::new() })
}

/// A core config in which every type of handler can send.
pub(super) fn core() -> Core {
    core_of(json!({
        "boardUrl": "https://board.test",
        "slack": {"url": "https://chat.test/post"},
        "trigger": {
            "url": "https://start.test/go",
            "headers": [{"name": "X-Key", "value": "{{ secretData.trigger.token }}"}],
            "auto-args": {"pipeline": "{{ triggerPipeline.name }}", "attempts": 1},
        },
        "templates": {
            "notify": r#"{"text": {{ notify.message|json_dumps }}, "icon": {{ notify.icon|default('')|json_dumps }}}"#,
            "respond": r#"{"text": {{ respond.message|json_dumps }}, "mood": "{{ respond.mood }}"}"#,
            "manual-choice": "{{ manualChoice|json_dumps }}",
        },
    }))
}

pub(super) fn secrets() -> Secrets {
    Secrets::of(map(json!({"slack": {"token": "chat-tok"}, "trigger": {"token": "start-tok"}})))
}

/// A document with the handlers of the event `ship=shipped`.
pub(super) fn document(handlers: Value) -> Document {
    let mut document = Document(map(json!({
        "pipelines": {"ship": {"event-handlers": {"shipped": null}}},
        "state": {"svc": "ferry", "false": "False", "targets": {"t1": {"id": "north"}, "t2": {"id": "south"}}},
    })));
    document.0["pipelines"]["ship"]["event-handlers"]["shipped"] = handlers;
    document
}

/// What an event did.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) requests: Vec<Request>,
    pub(super) ended: Vec<Ended>,
    pub(super) document: Document,
}

impl Ran {
    /// The only request.
    pub(super) fn request(&self) -> &Request {
        let [request] = self.requests.as_slice() else { panic!("{self:#?}") };
        request
    }

    /// What the blocks came to, each with the end of its place.
    pub(super) fn outcomes(&self) -> Vec<(&str, &Outcome)> {
        let ended = self.ended.iter();
        ended
            .map(|ended| (ended.place.trim_start_matches("pipelines.ship.event-handlers.shipped."), &ended.result))
            .collect()
    }

    /// Why the only block failed.
    pub(super) fn failure(&self) -> &str {
        let [Ended { result: Outcome::Failed(problem), .. }] = self.ended.as_slice() else { panic!("{self:#?}") };
        problem
    }

    /// Anchors of all notices.
    pub(super) fn anchors(&self) -> Vec<&str> {
        self.ended.iter().flat_map(|ended| &ended.notices).map(|notice| notice.anchor).collect()
    }
}

/// Runs `ship=shipped`.
pub(super) fn run_with(
    mut document: Document,
    core: &Core,
    settings: &Settings,
    mut answer: impl FnMut(&Request) -> Answered,
) -> Ran {
    let settings = Settings { config: core.config_data().clone(), ..settings.clone() };
    let mut run = Run::new(&document, "ship", "shipped").unwrap();
    let (mut requests, mut ended) = (Vec::new(), Vec::new());
    loop {
        match run.next(&mut document, core, &secrets(), &settings) {
            Step::Send(request) => {
                run.answered(&mut document, core, answer(&request));
                requests.push(*request);
            }
            Step::Ended(one) => ended.push(one),
            Step::Done => return Ran { requests, ended, document },
        }
    }
}

/// The same with the usual core config and an answer to all requests.
pub(super) fn run(handlers: Value) -> Ran {
    run_with(document(handlers), &core(), &Settings::default(), |_| Answered::Delivered(r#"{"ok": true}"#.to_owned()))
}

pub(super) fn skipped(reason: &str) -> Outcome {
    Outcome::Skipped(reason.to_owned())
}

pub(super) fn failed(problem: &str) -> Outcome {
    Outcome::Failed(problem.to_owned())
}
