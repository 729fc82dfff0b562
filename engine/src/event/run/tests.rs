//! Runs driven over an imagined world: a state, a ledger and receivers that a test can stop at any step.

use std::{collections::BTreeMap, sync::LazyLock};

use cicdcontext_crds::{CicdEndpointSpec, CicdEventSpec, ConfigurationBlock, EventPhase};
use proptest::prelude::*;

use serde_json::{Map, json};

use super::*;
use crate::{
    configuration::{Input, Lookup, Origin, resolve},
    handler::{Endpoint, EndpointLookup, Target},
    state::{Limits, apply},
};

mod kills;

const CONFIGURATION: &str = r##"
settings: {channel: "#ci"}
variables: {image: "{{state.app}}:{{state.version}}", broken: "{{fromJson state.app}}"}
pipelines:
  build:
    eventHandlers:
      success:
        - name: tell
          notify:
            endpoint: {name: chat}
            message: "built {{variables.image}}"
            capture: [{path: state.chat.ts, fromPath: $.body.ts}]
        - name: log
          if: "{{state.chat.ts}}"
          setValues: [{path: state.log, op: Append, template: "built at {{state.chat.ts}}"}]
        - name: never
          if: "{{state.nothing}}"
          setValues: [{path: state.never, value: true}]
        - name: start
          webhook:
            endpoint: {name: ci}
            path: /start
            body: '{"thread": "{{state.chat.ts}}"}'
      strict:
        - name: first
          onFailure: Stop
          notify: {endpoint: {name: gone}, message: "x"}
        - name: second
          setValues: [{path: state.second, value: true}]
      ask:
        - name: choose
          manualChoice:
            endpoint: {name: chat}
            title: "Next for {{state.app}}?"
            choices:
              - name: stop
                header: Stop
                options: [{text: Abort, value: "abort:{{state.version}}", style: danger}]
            choiceGenerators:
              - name: targets
                foreach: $.state.targets
                iterator: target
                template: "go-{{target.id}}: {header: 'To {{target.id}}', options: [{text: Go, value: {{target.ring}}}]}"
      answered:
        - name: reply
          respond: {endpoint: {name: chat}, url: "{{event.data.url}}", message: "{{event.data.text}}"}
      start:
        - name: smoke
          triggerPipeline:
            endpoint: {name: ci}
            name: smoke
            args: [{name: image, value: "{{variables.image}}"}, {name: ref, value: "v{{state.version}}"}]
      variables:
        - name: copy
          setValues: [{path: state.image, fromPath: $.variables.image}]
        - name: broken
          setValues: [{path: state.broken, fromPath: $.variables.broken}]
        - name: each
          manualChoice:
            endpoint: {name: chat}
            title: all
            choiceGenerators:
              - name: texts
                foreach: $.variables['image']
                template: "x"
        - name: below
          setValues: [{path: state.below, fromPath: $..image}]
    generators:
      dockerfile:
        - name: base
          set: [{path: state.build.base, value: "alpine"}]
        - name: image
          if: "{{state.build.base}}"
          set: [{path: state.build.image, template: "{{state.build.base}}:3"}]
"##;

pub(in crate::event) struct Receivers(pub(in crate::event) BTreeMap<String, Arc<Endpoint>>);

impl Endpoints for Receivers {
    fn find(&self, reference: &EndpointReference) -> EndpointLookup {
        self.0.get(&reference.name).map_or(EndpointLookup::NotFound, |found| EndpointLookup::Found(Arc::clone(found)))
    }
}

pub(in crate::event) fn endpoint(yaml: &str) -> Arc<Endpoint> {
    let spec: CicdEndpointSpec = serde_saphyr::from_str(yaml).unwrap();
    Arc::new(Endpoint::new(&spec).unwrap())
}

fn receivers() -> Receivers {
    let chat = endpoint(
        r#"{bodies: {notify: '{"channel": "{{settings.channel}}", "text": "{{handler.message}}"}'}, allowedHosts: ["*.chat.example"]}"#,
    );
    let ci = endpoint(
        "{allow: {pathPrefixes: [/start]}, args: [{name: pipeline, value: '{{handler.pipeline}}'}, {name: ref, value: main}]}",
    );
    Receivers(BTreeMap::from([("chat".to_owned(), chat), ("ci".to_owned(), ci)]))
}

fn program() -> Arc<Program> {
    static PROGRAM: LazyLock<Arc<Program>> = LazyLock::new(|| compiled(CONFIGURATION));
    Arc::clone(&PROGRAM)
}

pub(in crate::event) fn compiled(configuration: &str) -> Arc<Program> {
    let block: ConfigurationBlock = serde_saphyr::from_str(configuration).unwrap();
    let input = Input { owner: Origin::context("shop"), selected: None, bases: &[], block: &block };
    let resolved = resolve(&input, &|_| Lookup::NotFound).unwrap();
    let program = Program::new(resolved, &BTreeMap::new());
    assert!(program.errors.is_empty(), "{:?}", program.errors);
    Arc::new(program)
}

pub(in crate::event) fn event(spec: &str) -> EventFacts {
    let spec: CicdEventSpec = serde_saphyr::from_str(&format!("{{contextRef: {{name: shop}}, {spec}}}")).unwrap();
    EventFacts::read(spec, "shop-1", "event-uid", "1", jiff::Timestamp::UNIX_EPOCH).unwrap()
}

/// What outlives a crash of whoever drives a run: the state with its ledger, and what the receivers got.
pub(in crate::event) struct World {
    pub(in crate::event) state: Map<String, Value>,
    ledger: Vec<EffectHash>,
    pub(in crate::event) requests: Vec<Request>,
    pub(in crate::event) receivers: Receivers,
}

impl World {
    pub(in crate::event) fn new() -> Self {
        let state = json!({"app": "shop", "version": "1.4"});
        let Value::Object(state) = state else { unreachable!() };
        Self { state, ledger: Vec::new(), requests: Vec::new(), receivers: receivers() }
    }

    /// What the configuration of all these tests comes to.
    pub(super) fn program() -> Arc<Program> {
        program()
    }

    pub(super) fn ledger(&self) -> Vec<EffectHash> {
        self.ledger.clone()
    }

    pub(in crate::event) fn run(&self, spec: &str) -> Run {
        let context = ContextFacts { name: "shop".into(), namespace: "ns".into(), uid: "context-uid".into() };
        Run::new(event(spec), context, program(), self.ledger.clone())
    }

    /// Does at most `effects` effects; each may be carried out and yet not told to the run (`forget`), as when the
    /// process dies between the two. Gives the outcome if the run got so far.
    pub(super) fn drive(&mut self, run: &mut Run, mut effects: usize, forget: bool) -> Option<Outcome> {
        loop {
            let view = View { state: &self.state, endpoints: &self.receivers };
            let step = run.next(view);
            match step {
                Step::Done(outcome) => return Some(outcome),
                Step::Again => continue,
                Step::Undelivered(failure) => {
                    run.give_up(&failure.reason, &failure.message);
                    continue;
                }
                Step::Wait(_) => unreachable!("nothing was told to wait"),
                Step::Send(_) | Step::Write(_) => {}
            }
            if effects == 0 {
                return None;
            }
            effects -= 1;
            let last = effects == 0 && forget;
            match step {
                Step::Send(request) => {
                    self.requests.push(*request);
                    if last {
                        return None;
                    }
                    run.answered(Delivered {
                        status: Some(200),
                        body: r#"{"ok": true, "ts": "1700.1"}"#.to_owned(),
                        ..Delivered::default()
                    });
                }
                Step::Write(write) => {
                    assert!(!self.ledger.contains(&write.effect), "an effect is never asked for twice");
                    let outcome = apply(Some(&self.state), &write.changes, &Limits::default());
                    let result = match outcome {
                        Ok(outcome) => {
                            self.state = outcome.state;
                            self.ledger.push(write.effect);
                            Ok(outcome.paths)
                        }
                        Err(refusal) => Err(refusal.to_string()),
                    };
                    if last {
                        return None;
                    }
                    run.written(result);
                }
                Step::Again | Step::Done(_) | Step::Undelivered(_) | Step::Wait(_) => unreachable!(),
            }
        }
    }
}

pub(in crate::event) fn complete(world: &mut World, spec: &str) -> Outcome {
    let mut run = world.run(spec);
    world.drive(&mut run, usize::MAX, false).unwrap()
}

#[test]
fn a_captured_answer_changes_what_the_next_handlers_render() {
    let mut world = World::new();
    let outcome = complete(&mut world, "pipeline: build, event: success");
    assert_eq!((outcome.phase, outcome.message.as_str()), (EventPhase::Succeeded, "3 of 4 handlers ran, 1 skipped"));
    let bodies: Vec<_> = world.requests.iter().map(|request| request.body.as_deref().unwrap()).collect();
    assert_eq!(bodies, [r##"{"channel": "#ci", "text": "built shop:1.4"}"##, r#"{"thread": "1700.1"}"#]);
    assert_eq!(world.requests[1].path.as_deref(), Some("/start"));
    assert_eq!(world.requests[1].target, Target::Endpoint(EndpointReference { name: "ci".into(), namespace: None }));
    assert_eq!(
        Value::Object(world.state),
        json!({
            "app": "shop", "version": "1.4", "chat": {"ts": "1700.1"}, "log": ["built at 1700.1"],
        })
    );
    let phases: Vec<_> = outcome.handlers.iter().map(|handler| (handler.name.as_str(), handler.phase)).collect();
    assert_eq!(
        phases,
        [
            ("tell", HandlerPhase::Succeeded),
            ("log", HandlerPhase::Succeeded),
            ("never", HandlerPhase::Skipped),
            ("start", HandlerPhase::Succeeded),
        ]
    );
    assert_eq!(outcome.handlers[2].condition.as_deref(), Some(""));
    assert_eq!(outcome.handlers[0].paths, ["state.chat.ts"]);
}

#[test]
fn a_status_names_few_and_short_paths_whatever_was_written() {
    let long = format!("state.{}", "k".repeat(900));
    let paths = shown((0..60).map(|index| format!("{long}{index}")).collect());
    assert_eq!(paths.len(), 17);
    assert!(paths[0].len() <= 131 && paths[0].ends_with('…'), "{}", paths[0]);
    assert_eq!(paths[16], "and 44 more");
    assert_eq!(shown(vec!["state.a".to_owned()]), ["state.a"]);
}

#[test]
fn an_unknown_pipeline_fails_the_event_and_names_the_known_ones() {
    let mut world = World::new();
    let outcome = complete(&mut world, "pipeline: biuld, event: success");
    assert_eq!((outcome.phase, outcome.reason.as_str()), (EventPhase::Failed, "UnknownPipeline"));
    assert_eq!(outcome.message, "pipeline \"biuld\" is not configured; the pipelines are: build");
}

#[test]
fn an_event_that_nobody_listens_to_is_skipped_and_no_failure_and_its_set_is_made_all_the_same() {
    let mut world = World::new();
    let outcome = complete(&mut world, "pipeline: build, event: started, set: [{path: state.at, value: 1}]");
    assert_eq!((outcome.phase, outcome.reason.as_str(), outcome.succeeded), (EventPhase::Skipped, "NoHandlers", true));
    assert_eq!(outcome.message, "no handlers are configured for build=started");
    assert_eq!(world.state["at"], json!(1));
    assert_eq!(outcome.paths, ["state.at"]);
}

#[test]
fn set_that_is_refused_fails_the_event_before_anything_is_sent() {
    let mut world = World::new();
    let outcome = complete(&mut world, "pipeline: build, event: success, set: [{path: state.app.x, value: 1}]");
    assert_eq!((outcome.phase, outcome.reason.as_str()), (EventPhase::Failed, "SetRefused"));
    assert!(world.requests.is_empty());
}

#[test]
fn a_failed_handler_that_says_stop_stops_those_behind_it() {
    let mut world = World::new();
    let outcome = complete(&mut world, "pipeline: build, event: strict");
    assert_eq!(outcome.phase, EventPhase::Failed);
    assert_eq!(outcome.handlers[0].reason.as_deref(), Some("EndpointNotFound"));
    assert_eq!(outcome.handlers[0].message.as_deref(), Some("find CicdEndpoint gone: there is none of this name"));
    assert_eq!(outcome.handlers[1].phase, HandlerPhase::Skipped);
    assert_eq!(outcome.handlers[1].message.as_deref(), Some("first failed and says onFailure: Stop"));
    assert!(!world.state.contains_key("second"));
}

#[test]
fn the_items_of_a_generator_see_what_the_items_before_them_wrote() {
    let mut world = World::new();
    let outcome = complete(&mut world, "pipeline: build, generate: dockerfile");
    assert_eq!(outcome.phase, EventPhase::Succeeded, "{}", outcome.message);
    assert_eq!(world.state["build"], json!({"base": "alpine", "image": "alpine:3"}));
}

#[test]
fn choices_are_offered_with_those_that_are_made_from_the_state() {
    let mut world = World::new();
    world.state.insert("targets".into(), json!([{"id": "north", "ring": "r1"}, {"id": "south", "ring": "r2"}]));
    let outcome = complete(&mut world, "pipeline: build, event: ask");
    assert_eq!(outcome.phase, EventPhase::Succeeded, "{}", outcome.message);
    let body: Value = serde_json::from_str(world.requests[0].body.as_deref().unwrap()).unwrap();
    assert_eq!(body["title"], "Next for shop?");
    let option =
        |text: &str, value: &str, style: Value| json!({"text": text, "value": value, "style": style, "fields": {}});
    assert_eq!(
        body["choices"],
        json!([
            {"name": "stop", "header": "Stop", "options": [option("Abort", "abort:1.4", json!("danger"))]},
            {"name": "go-north", "header": "To north", "options": [option("Go", "r1", Value::Null)]},
            {"name": "go-south", "header": "To south", "options": [option("Go", "r2", Value::Null)]},
        ])
    );
}

#[test]
fn choices_are_made_of_yaml_and_a_bomb_of_aliases_is_an_error_of_that_handler() {
    let mut world = World::new();
    let bomb = "x: [&a [1,1,1,1,1,1,1,1,1], &b [*a,*a,*a,*a,*a,*a,*a,*a,*a], &c [*b,*b,*b,*b,*b,*b,*b,*b,*b], &d [*c,*c,*c,*c,*c,*c,*c,*c,*c], &e [*d,*d,*d,*d,*d,*d,*d,*d,*d], &f [*e,*e,*e,*e,*e,*e,*e,*e,*e], &g [*f,*f,*f,*f,*f,*f,*f,*f,*f], &h [*g,*g,*g,*g,*g,*g,*g,*g,*g], [*h,*h,*h,*h,*h,*h,*h,*h,*h]]";
    world.state.insert("targets".into(), json!([{"id": "x", "ring": bomb}]));
    let outcome = complete(&mut world, "pipeline: build, event: ask");
    assert_eq!(outcome.handlers[0].reason.as_deref(), Some("InvalidChoices"), "{}", outcome.message);
    assert!(world.requests.is_empty());
}

#[test]
fn a_response_goes_to_a_url_of_the_endpoints_hosts_only_and_never_with_its_credentials() {
    let mut world = World::new();
    let spec = "pipeline: build, event: answered, data: {url: 'https://hooks.chat.example/r/1', text: done}";
    let outcome = complete(&mut world, spec);
    assert_eq!(outcome.phase, EventPhase::Succeeded, "{}", outcome.message);
    let endpoint = EndpointReference { name: "chat".into(), namespace: None };
    let url = "https://hooks.chat.example/r/1".to_owned();
    assert_eq!(world.requests[0].target, Target::Foreign { endpoint, url });

    let outcome =
        complete(&mut world, "pipeline: build, event: answered, data: {url: 'https://evil.test/', text: done}");
    assert_eq!(
        outcome.handlers[0].message.as_deref(),
        Some("use CicdEndpoint chat: its spec.allowedHosts (*.chat.example) do not cover evil.test")
    );
    let outcome = complete(&mut world, "pipeline: build, event: answered, data: {text: done}");
    assert_eq!(outcome.handlers[0].phase, HandlerPhase::Skipped);
    assert_eq!(outcome.handlers[0].message.as_deref(), Some("its url is blank"));
    assert_eq!(world.requests.len(), 1);
}

#[test]
fn a_pipeline_is_started_with_the_endpoints_arguments_and_the_handlers_in_their_order() {
    let mut world = World::new();
    let outcome = complete(&mut world, "pipeline: build, event: start");
    assert_eq!(outcome.phase, EventPhase::Succeeded, "{}", outcome.message);
    assert_eq!(world.requests[0].body.as_deref(), Some(r#"{"pipeline": "smoke", "ref": "v1.4", "image": "shop:1.4"}"#));
}

#[test]
fn json_paths_see_variables_and_only_those_that_they_name_are_rendered() {
    let mut world = World::new();
    let outcome = complete(&mut world, "pipeline: build, event: variables");
    assert_eq!(world.state["image"], "shop:1.4", "the variable in error is not asked for");
    let broken = "render `pipelines.build.eventHandlers.variables[broken].setValues[0].fromPath` at line 1, column 1: \
                  `variables.broken` cannot be rendered: render `variables.broken` at line 1, column 1: ";
    let message = outcome.handlers[1].message.as_deref().unwrap();
    assert!(message.starts_with(broken), "{message}");
    assert_eq!(
        outcome.handlers[2].message.as_deref(),
        Some(
            "make choices of pipelines.build.eventHandlers.variables[each].manualChoice.choiceGenerators[texts].template: \
             foreach $.variables['image'] is neither a list nor a map"
        )
    );
    let message = outcome.handlers[3].message.as_deref().unwrap();
    assert!(message.contains("`variables.broken` cannot be rendered"), "{message}");
}

#[test]
fn vars_change_what_this_event_sees_and_nothing_else() {
    let mut world = World::new();
    complete(
        &mut world,
        "pipeline: build, event: success, vars: {state.version: '9.9'}, varsFrom: {ctx.was: state.version}",
    );
    assert_eq!(world.requests[0].body.as_deref(), Some(r##"{"channel": "#ci", "text": "built shop:9.9"}"##));
    assert_eq!(world.state["version"], json!("1.4"));
}

#[test]
fn vars_from_are_what_the_state_held_when_the_first_handler_began() {
    let mut world = World::new();
    complete(
        &mut world,
        "pipeline: build, event: success, set: [{path: state.chat.ts, value: early}], varsFrom: {state.nothing: state.chat.ts}",
    );
    assert_eq!(world.state["chat"]["ts"], json!("1700.1"), "captured by the first handler");
    assert_eq!(world.state["never"], json!(true), "its if reads state.nothing");
    let mut world = World::new();
    let outcome = complete(&mut world, "pipeline: build, event: success, varsFrom: {state.nothing: state.chat.ts}");
    assert_eq!(outcome.handlers[2].phase, HandlerPhase::Skipped, "what is captured later changes nothing");
}

#[test]
fn asked_again_before_the_step_was_answered_a_run_gives_the_same_step() {
    let world = World::new();
    let mut run = world.run("pipeline: build, event: success");
    let view = View { state: &world.state, endpoints: &world.receivers };
    let first = run.next(view);
    assert_eq!(run.next(view), first);
}

#[test]
fn a_cancelled_run_ends_and_what_had_not_begun_is_skipped() {
    let mut world = World::new();
    let mut run = world.run("pipeline: build, event: success");
    world.drive(&mut run, 2, false);
    run.cancel(reason::CONTEXT_DELETED, "the CicdContext was deleted");
    let outcome = world.drive(&mut run, usize::MAX, false).unwrap();
    assert_eq!((outcome.phase, outcome.reason.as_str()), (EventPhase::Failed, "ContextDeleted"));
    assert_eq!(outcome.handlers[0].phase, HandlerPhase::Succeeded);
    assert!(outcome.handlers[1..].iter().all(|handler| handler.phase == HandlerPhase::Skipped));
}

#[test]
fn a_handler_whose_request_was_answered_when_the_run_was_cancelled_was_delivered() {
    let mut world = World::new();
    let mut run = world.run("pipeline: build, event: success");
    // The request is sent and answered; the capture is asked for and not yet written.
    world.drive(&mut run, 1, false);
    run.cancel(reason::CONTEXT_DELETED, "the CicdContext was deleted");
    let first = &run.handlers()[0];
    assert_eq!((first.phase, first.reason.as_deref()), (HandlerPhase::Succeeded, Some("Delivered")));
    assert_eq!(first.message.as_deref(), Some("what it captured is not written: the CicdContext was deleted"));
    assert_eq!(run.handlers()[1].phase, HandlerPhase::Skipped);
}

proptest! {
    /// The driver dies again and again, each time after some effects, the last of which it may not have heard of. Then
    /// one run is let through. Whatever happened before: every append is there once, no write was asked for twice, all
    /// arrivals of a handler share one id, and the state is the same as without any crash.
    #[test]
    fn killed_between_any_two_steps_a_run_resumes_without_losing_or_doubling_an_effect(
        crashes in prop::collection::vec((0_usize..6, any::<bool>()), 0..6),
    ) {
        let spec = "pipeline: build, event: success, set: [{path: state.marks, op: Append, value: set}]";
        let mut undisturbed = World::new();
        complete(&mut undisturbed, spec);

        let mut world = World::new();
        for (effects, forget) in crashes {
            let mut run = world.run(spec);
            if world.drive(&mut run, effects, forget).is_some() {
                break;
            }
        }
        let outcome = complete(&mut world, spec);
        prop_assert_eq!(outcome.phase, EventPhase::Succeeded);
        prop_assert_eq!(&world.state, &undisturbed.state);
        let ids = |path: Option<&str>| -> std::collections::BTreeSet<String> {
            let of = world.requests.iter().filter(|request| request.path.as_deref() == path);
            of.map(|request| request.webhook_id.clone()).collect()
        };
        prop_assert_eq!(ids(None).len(), 1);
        prop_assert_eq!(ids(Some("/start")).len(), 1);
        prop_assert_ne!(ids(None), ids(Some("/start")));
    }
}
