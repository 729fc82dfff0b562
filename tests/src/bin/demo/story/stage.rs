//! The release in stage: built, deployed, refused by its tests, verified at the second attempt, promoted.

use cicdcontext_crds::EventPhase;
use serde_json::{Value, json};

use super::{
    COMMIT, DIGEST, Step, VERSION, annotate, annotation, delivered, image, message, patch, removed, run, written, wrote,
};

const CONTEXT: &str = "shop-stage";
const CHANNEL: &str = "#shop-stage";
/// The timestamp of the first message, and so of the thread.
const THREAD: &str = "1700000000.0001";

pub(super) fn steps(namespace: &str) -> Vec<Step> {
    vec![
        build_starts(namespace),
        build_succeeds(namespace),
        deploy_starts(namespace),
        deploy_succeeds(namespace),
        verify_fails(namespace),
        verify_succeeds(namespace),
    ]
}

pub(super) fn final_state() -> Value {
    json!({
        "app": {"name": "shop", "version": VERSION},
        "git": {"branch": "main", "commit": COMMIT},
        "chat": {"threadTs": THREAD},
        "build": {"digest": DIGEST, "tags": [VERSION, "latest"]},
        "image": image(),
        "deploy": {"run": 18},
        "deployed": {"stage": image()},
        "verify": {"run": 19},
        "release": {"status": "verified"},
        "promotion": {"run": 20},
    })
}

fn build_starts(namespace: &str) -> Step {
    let state = json!({"spec": {"state": {
        "app": {"version": VERSION}, "git": {"branch": "main", "commit": COMMIT},
    }}});
    let event = r#"{"pipeline":"build","event":"started","data":{"run":17}}"#;
    Step {
        title: "build, run 17, starts",
        about: "The task patches what it knows into the state and says what happened. The message opens a thread,\n\
                whose timestamp is captured from the chat's answer; a generator derives the image's tags.",
        commands: vec![patch(namespace, CONTEXT, &state), annotate(namespace, CONTEXT, "17-started", event)],
        event: annotation(CONTEXT, "17-started"),
        context: CONTEXT,
        requests: vec![message(CHANNEL, None, ":hammer: Building *shop 1.4.2* (<https://ci.example/17|run 17>)", &[])],
        phase: EventPhase::Succeeded,
        handlers: vec![delivered("tell"), wrote("tags")],
        written: vec![
            written("state.chat.threadTs", "/chat/threadTs", THREAD),
            written("state.build.tags", "/build/tags", json!([VERSION, "latest"])),
        ],
    }
}

fn build_succeeds(namespace: &str) -> Step {
    let state_and_event = json!({
        "metadata": {"annotations": {"event.cicdcontext.io/17-success": "build=success"}},
        "spec": {"state": {"build": {"digest": DIGEST}}},
    });
    let body = json!({"context": CONTEXT, "target": "stage", "image": image()});
    Step {
        title: "build, run 17, succeeds",
        about: "State and event in one patch. The reply is in the thread, and the CI system is asked to deploy; the\n\
                number of that run is captured.",
        commands: vec![patch(namespace, CONTEXT, &state_and_event)],
        event: annotation(CONTEXT, "17-success"),
        context: CONTEXT,
        requests: vec![
            message(
                CHANNEL,
                Some((THREAD, false)),
                ":package: Built *shop 1.4.2*",
                &[("Commit", COMMIT), ("Tags", "1.4.2, latest")],
            ),
            run("deploy", "shop-stage/17-success", body),
        ],
        phase: EventPhase::Succeeded,
        handlers: vec![delivered("tell"), wrote("record"), delivered("deploy")],
        written: vec![written("state.image", "/image", image()), written("state.deploy.run", "/deploy/run", 18)],
    }
}

fn deploy_starts(namespace: &str) -> Step {
    Step {
        title: "deploy, run 18, starts",
        about: "Stage has switched this message off, and nobody else listens. That is an outcome too, not silence.",
        commands: vec![annotate(namespace, CONTEXT, "18-started", "deploy=started")],
        event: annotation(CONTEXT, "18-started"),
        context: CONTEXT,
        requests: Vec::new(),
        phase: EventPhase::Skipped,
        handlers: Vec::new(),
        written: Vec::new(),
    }
}

fn deploy_succeeds(namespace: &str) -> Step {
    let event = r#"{"pipeline":"deploy","event":"success","data":{"run":18}}"#;
    Step {
        title: "deploy, run 18, succeeds",
        about: "The deployed image is remembered, and the CI system is asked to verify it.",
        commands: vec![annotate(namespace, CONTEXT, "18-success", event)],
        event: annotation(CONTEXT, "18-success"),
        context: CONTEXT,
        requests: vec![
            message(
                CHANNEL,
                Some((THREAD, false)),
                ":rocket: Deployed *shop 1.4.2* to stage (<https://ci.example/18|run 18>)",
                &[],
            ),
            run("verify", "shop-stage/18-success", json!({"context": CONTEXT, "url": "https://stage.shop.example"})),
        ],
        phase: EventPhase::Succeeded,
        handlers: vec![delivered("tell"), wrote("record"), delivered("verify")],
        written: vec![
            written("state.deployed.stage", "/deployed/stage", image()),
            written("state.release.status", "/release/status", "deployed"),
            written("state.verify.run", "/verify/run", 19),
        ],
    }
}

fn verify_fails(namespace: &str) -> Step {
    let event = concat!(
        "{\"pipeline\":\"verify\",\"event\":\"failure\",\n",
        "  \"data\":{\"run\":19,\"failed\":2,\"cases\":[\"checkout\",\"refund\"]}}",
    );
    Step {
        title: "verify, run 19, fails",
        about: "A failure shows in the channel as well, not only in the thread. The cases are copied as a list.",
        commands: vec![annotate(namespace, CONTEXT, "19-failure", event)],
        event: annotation(CONTEXT, "19-failure"),
        context: CONTEXT,
        requests: vec![message(
            CHANNEL,
            Some((THREAD, true)),
            ":x: 2 tests of *shop 1.4.2* failed in stage (<https://ci.example/19|run 19>)",
            &[("Cases", "checkout, refund")],
        )],
        phase: EventPhase::Succeeded,
        handlers: vec![delivered("tell"), wrote("block")],
        written: vec![
            written("state.release.status", "/release/status", "blocked"),
            written("state.verify.failedCases", "/verify/failedCases", json!(["checkout", "refund"])),
        ],
    }
}

fn verify_succeeds(namespace: &str) -> Step {
    let event = r#"{"pipeline":"verify","event":"success","data":{"run":19}}"#;
    let body = json!({"context": "shop-prod", "version": VERSION, "image": image()});
    Step {
        title: "verify, run 19, is repeated and succeeds",
        about: "The release is verified, and the CI system is asked to promote it to prod.",
        commands: vec![annotate(namespace, CONTEXT, "19-success", event)],
        event: annotation(CONTEXT, "19-success"),
        context: CONTEXT,
        requests: vec![
            message(
                CHANNEL,
                Some((THREAD, false)),
                ":+1: *shop 1.4.2* is verified in stage (<https://ci.example/19|run 19>)",
                &[],
            ),
            run("deploy", "shop-stage/19-success", body),
        ],
        phase: EventPhase::Succeeded,
        handlers: vec![delivered("tell"), wrote("approve"), delivered("promote")],
        written: vec![
            written("state.release.status", "/release/status", "verified"),
            removed("state.verify.failedCases", "/verify/failedCases"),
            written("state.promotion.run", "/promotion/run", 20),
        ],
    }
}
