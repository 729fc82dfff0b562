//! The release in prod: another context, with its own state, channel and messages.

use cicdcontext_crds::EventPhase;
use serde_json::{Value, json};

use super::{
    DIGEST, Step, VERSION, annotate, annotation, delivered, image, message, patch, run, skipped, written, wrote,
};
use crate::{events::Which, kubectl::Invocation};

const CONTEXT: &str = "shop-prod";
const CHANNEL: &str = "#shop-releases";
/// The sixth message of all is the first of this context.
const THREAD: &str = "1700000000.0006";
const EVENT: &str = "shop-prod-20-success";

pub(super) fn steps(namespace: &str) -> Vec<Step> {
    vec![deploy_starts(namespace), deploy_succeeds(namespace), verify_succeeds(namespace)]
}

pub(super) fn final_state() -> Value {
    json!({
        "app": {"name": "shop", "version": VERSION},
        "build": {"digest": DIGEST},
        "chat": {"threadTs": THREAD},
        "deploy": {"replicas": 3},
        "deployed": {"prod": image()},
        "release": {"status": "verified"},
        "verify": {"run": 21},
    })
}

fn deploy_starts(namespace: &str) -> Step {
    let state = json!({"spec": {"state": {"app": {"version": VERSION}, "build": {"digest": DIGEST}}}});
    let event = r#"{"pipeline":"deploy","event":"started","data":{"run":20}}"#;
    Step {
        title: "prod: deploy, run 20, starts",
        about: "The same pipelines with the settings of prod: another channel, and so another thread.",
        commands: vec![patch(namespace, CONTEXT, &state), annotate(namespace, CONTEXT, "20-started", event)],
        event: annotation(CONTEXT, "20-started"),
        context: CONTEXT,
        requests: vec![message(
            CHANNEL,
            None,
            ":rocket: Deploying *shop 1.4.2* to prod (<https://ci.example/20|run 20>)",
            &[],
        )],
        phase: EventPhase::Succeeded,
        handlers: vec![delivered("tell")],
        written: vec![written("state.chat.threadTs", "/chat/threadTs", THREAD)],
    }
}

fn deploy_succeeds(namespace: &str) -> Step {
    let event = format!(
        "apiVersion: cicdcontext.io/v1alpha1\n\
         kind: CicdEvent\n\
         metadata: {{name: {EVENT}}}\n\
         spec:\n\
         \x20 contextRef: {{name: {CONTEXT}}}\n\
         \x20 pipeline: deploy\n\
         \x20 event: success\n\
         \x20 data: {{run: 20}}\n\
         \x20 set: [{{path: state.deploy.replicas, value: 3}}]\n"
    );
    let create = Invocation { input: Some(event), ..Invocation::new(["-n", namespace, "create", "-f", "-"]) };
    Step {
        title: "prod: deploy, run 20, succeeds",
        about: "The other front door: an event as an object of its own, which brings its state along in `set`.\n\
                Prod has a wording and a field of its own for this message.",
        commands: vec![create],
        event: Which::Name(EVENT.to_owned()),
        context: CONTEXT,
        requests: vec![
            message(
                CHANNEL,
                Some((THREAD, false)),
                ":tada: *shop 1.4.2* is live in prod (<https://ci.example/20|run 20>)",
                &[("Address", "https://shop.example")],
            ),
            run("verify", "shop-prod/shop-prod-20-success", json!({"context": CONTEXT, "url": "https://shop.example"})),
        ],
        phase: EventPhase::Succeeded,
        handlers: vec![delivered("tell"), wrote("record"), delivered("verify")],
        written: vec![
            written("state.deploy.replicas", "/deploy/replicas", 3),
            written("state.deployed.prod", "/deployed/prod", image()),
            written("state.release.status", "/release/status", "deployed"),
            written("state.verify.run", "/verify/run", 21),
        ],
    }
}

fn verify_succeeds(namespace: &str) -> Step {
    Step {
        title: "prod: verify, run 21, succeeds",
        about: "There is nothing to promote to from here: the `if` of that handler is blank, and it is Skipped.",
        commands: vec![annotate(namespace, CONTEXT, "21-success", "verify=success")],
        event: annotation(CONTEXT, "21-success"),
        context: CONTEXT,
        requests: vec![message(CHANNEL, Some((THREAD, false)), ":+1: *shop 1.4.2* is verified in prod", &[])],
        phase: EventPhase::Succeeded,
        handlers: vec![delivered("tell"), wrote("approve"), skipped("promote")],
        written: vec![written("state.release.status", "/release/status", "verified")],
    }
}
