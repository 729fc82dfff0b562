//! Events from the command line: fired once, rehearsed, listed, followed and sent again.

use cicdcontext_tests::{cluster::Role, receiver::Answer};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::{Pipeline, expect, ran};
use crate::{
    object::{Kind, event, name, notify, on_success, tells, with},
    scene::{Scene, deliveries::patient},
};

#[tokio::test]
async fn a_dry_run_prints_what_would_be_sent_and_the_event_can_still_be_fired() {
    let scene = Scene::new().await;
    scene.shop().await;
    let pipeline = Pipeline::of(scene).await;
    let line = ["event", "shop", "build=success", "--id", "run-1"];
    let shown = pipeline.ok(&[&line[..], &["--dry-run"]].concat()).await;
    assert!(shown.starts_with("HANDLER  TYPE    PHASE      REASON"), "{shown}");
    let head = format!("\ntell would send:\n\nPOST {}\n", pipeline.0.receiver.url("/chat"));
    assert!(shown.contains(&head) && shown.ends_with("\n\n{\"text\": \"built 1.4\"}\n"), "{shown}");
    pipeline.0.nothing_sent_to("/chat");

    let fired = pipeline.run(&[&line[..], &["--wait"]].concat()).await;
    assert_eq!((fired.code, fired.errors.as_str()), (0, ""), "{fired:?}");
    assert!(fired.data.contains("tell     notify  Succeeded  Delivered"), "{fired:?}");
    let arrived = pipeline.0.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 1, "{arrived:?}");
}

#[tokio::test]
async fn two_processes_of_one_run_fire_one_event() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    let fire = |run: &'static str, data: &'static str| {
        let mut command = pipeline.command(&["event", "shop", "build=success", "--data", data]);
        command.env("CICD_RUN_UID", run);
        ran(command)
    };
    let (one, two) = tokio::join!(fire("run-7", "k=v"), fire("run-7", "k=v"));
    assert_eq!((one.code, two.code, &one.data), (0, 0, &two.data), "{one:?} {two:?}");
    let errors = [one.errors, two.errors].concat();
    assert!(
        errors.starts_with("event shop-") && errors.ends_with(": already fired; nothing new is fired\n"),
        "{errors}"
    );
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert_eq!(pipeline.0.list(Kind::Event).await.len(), 1);
    for (run, data) in [("run-7", "k=w"), ("run-8", "k=v")] {
        let other = fire(run, data).await;
        assert_eq!((other.code, other.errors.as_str()), (0, ""), "{other:?}");
    }
    assert_eq!(pipeline.0.list(Kind::Event).await.len(), 3);
}

#[tokio::test]
async fn a_generator_is_waited_for_and_its_failure_is_exit_5() {
    let scene = Scene::new().await;
    let set = json!([{"name": "base", "set": [{"path": "state.base", "template": "alpine:{{event.data.tag}}"}]}]);
    let broken = json!([{"name": "bad", "set": [{"path": "state.base.x", "template": "{{join 1 2 3}}"}]}]);
    let spec = json!({"pipelines": {"build": {"generators": {"image": set, "broken": broken}}}});
    scene.create(Kind::Context, "shop", &spec).await;
    let pipeline = Pipeline::of(scene).await;
    let made = pipeline.run(&["generate", "shop", "build.image", "--data", "tag=3"]).await;
    assert_eq!((made.code, made.errors.as_str()), (0, ""), "{made:?}");
    assert!(made.data.contains("image    generate  Succeeded  StateWritten"), "{made:?}");
    assert_eq!(pipeline.state().await, json!({"base": "alpine:3"}));

    let failed = pipeline.run(&["generate", "shop", "build.broken", "-o", "json"]).await;
    assert_eq!(failed.code, 5, "{failed:?}");
    let printed: Value = serde_json::from_str(&failed.data).unwrap();
    assert_eq!(printed["status"]["phase"], "Failed", "{failed:?}");
    assert!(failed.errors.starts_with("error: event shop-") && failed.errors.lines().count() == 1, "{failed:?}");
    let unknown = pipeline.run(&["generate", "shop", "build.none"]).await;
    assert_eq!(unknown.code, 5);
    assert!(unknown.errors.contains(r#"pipeline "build" has no generator "none""#), "{unknown:?}");
}

#[tokio::test]
async fn what_waits_was_attempted_and_is_not_finished() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &patient()).await;
    let hour = Answer::json(503, &json!({})).header("retry-after", "3600");
    scene.receiver.answers("/chat", [hour]);
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    let pipeline = Pipeline::of(scene).await;
    let line = ["event", "shop", "build=success", "--id", "r1"];
    let attempted = pipeline.run(&[&line[..], &["--wait-for", "attempted"]].concat()).await;
    assert_eq!(attempted.code, 0, "{attempted:?}");
    assert!(attempted.data.contains("tell     notify  Waiting"), "{attempted:?}");
    let late = pipeline.run(&[&line[..], &["--wait", "--timeout", "200ms"]].concat()).await;
    assert_eq!(late.code, 124, "{late:?}");
    let told: Vec<&str> = late.errors.lines().collect();
    assert!(told[0].ends_with("already fired; nothing new is fired"), "{late:?}");
    assert!(told[1].contains(": tell Waiting ServerError: "), "a log has a line for each change: {late:?}");
    assert!(told[2].contains("not finished after 0.2 s: it is Retrying, "), "{late:?}");

    let details = pipeline.ok(&["events", "shop", "r1"]).await;
    for part in [
        "\ntell (notify): Waiting\n",
        "\n  Attempts:      1\n",
        "\n  Endpoint:      chat\n",
        "\n  Answer:        503 after ",
    ] {
        assert!(details.contains(part), "{part:?} of {details}");
    }
}

#[tokio::test]
async fn tables_of_events_fit_80_columns_and_objects_are_whole() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    expect(&pipeline.run(&["events", "nobody"]).await, 6, "\"nobody\" not found");
    let none = pipeline.run(&["events", "shop"]).await;
    assert_eq!((none.code, none.data.as_str(), none.errors.as_str()), (0, "", "CicdContext shop has no events\n"));
    let fired = pipeline.ok(&["event", "shop", "build=success", "--id", "Run_1", "--data", "k=v"]).await;
    pipeline.handle("Failed", "False", "HandlerFailed").await;
    let wide = "p".repeat(63);
    pipeline.0.create(Kind::Event, "by-hand", &event("shop", &format!("{wide}=b"))).await;
    pipeline.0.create(Kind::Event, "other", &event("web", "build=success")).await;

    let fits = |table: &str| table.lines().all(|line| line.chars().count() <= 80);
    let table = pipeline.ok(&["events", "shop"]).await;
    assert!(fits(&table) && table.contains("by-hand"), "{table}");
    let first = table.lines().nth(1).unwrap();
    let cells: Vec<&str> = first.split_whitespace().collect();
    assert!(cells[0] == "Run_1" && cells[2] == "Failed" && cells[4..] == ["1/1", "HandlerFailed"], "{table}");
    let all = pipeline.ok(&["events"]).await;
    assert!(all.contains("other") && !all.contains("Run_1") && fits(&all), "{all}");
    assert!(!table.contains("other"), "{table}");
    for called in ["Run_1", fired.trim()] {
        let details = pipeline.ok(&["events", "shop", called]).await;
        assert!(details.contains("Id:       Run_1\n") && details.contains("\ntell (notify): Failed\n"), "{details}");
        assert!(details.lines().all(|line| line.chars().count() <= 80), "{details}");
    }
    // A name that is longer than a line stays whole: it is copied.
    let long = "n".repeat(200);
    pipeline.0.create(Kind::Event, &long, &event("shop", "build=b")).await;
    let table = pipeline.ok(&["events", "shop"]).await;
    assert!(table.lines().any(|line| line.starts_with(&long)), "{table}");
    let mut by_variable = pipeline.command(&["events", "Run_1", "-o", "json"]);
    by_variable.env("CICD_CONTEXT", "shop");
    let printed: Value = serde_json::from_str(&ran(by_variable).await.data).unwrap();
    assert_eq!((name(&printed), &printed["spec"]["data"]), (fired.trim(), &json!({"k": "v"})));
    assert_eq!(printed["metadata"].get("managedFields"), None);
    let list: Value = serde_json::from_str(&pipeline.ok(&["events", "-o", "json"]).await).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 4);
    expect(&pipeline.run(&["events", "shop", "other"]).await, 6, "find event 'other' of CicdContext shop: it has none");
    expect(&pipeline.run(&["events", "--as", "somebody"]).await, 1, "the ClusterRole cicd-pipeline grants");
}

#[tokio::test]
async fn a_watch_follows_deliveries_live_and_ends_with_0_when_it_is_interrupted() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    pipeline.ok(&["event", "shop", "build=success", "--id", "r1"]).await;
    let mut watching =
        pipeline.command(&["events", "shop", "--watch"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut next = async || lines.next_line().await.unwrap().unwrap();
    assert!(next().await.ends_with("Z r1 build=success - Pending"));
    pipeline.handle("Failed", "False", "HandlerFailed").await;
    let told = next().await;
    assert!(told.contains(" r1 build=success tell Failed HandlerFailed: x x x "), "{told}");
    assert!(next().await.ends_with(" r1 build=success - Failed HandlerFailed: as told"));
    kill_process(Pid::from_raw(watching.id().unwrap().cast_signed()).unwrap(), Signal::INT).unwrap();
    assert_eq!(watching.wait().await.unwrap().code(), Some(0));
    expect(&pipeline.run(&["events", "--watch", "--as", "somebody"]).await, 1, "the ClusterRole cicd-pipeline grants");
}

#[tokio::test]
async fn what_failed_is_sent_again_by_an_editor_and_waited_for() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.receiver.answers("/chat", [Answer::json(500, &json!({})), Answer::json(500, &json!({}))]);
    let handlers =
        json!([notify("tell", "chat", "built"), {"name": "set", "setValues": [{"path": "state.a", "value": 1}]}]);
    scene.create(Kind::Context, "shop", &with(on_success(&handlers), &json!({"state": {}}))).await;
    let pipeline = Pipeline::of(scene).await;
    let failed = pipeline.run(&["event", "shop", "build=success", "--id", "r1", "--wait"]).await;
    assert_eq!(failed.code, 5, "{failed:?}");

    let forbidden = pipeline.run(&["redeliver", "shop", "r1"]).await;
    expect(&forbidden, 1, "; the ClusterRole cicd-editor grants it");
    pipeline.grant(Role::Editor, "cicd-editor").await;
    let redeliver = |more: &[&str]| ran(pipeline.command_as(Role::Editor, &[&["redeliver", "shop"], more].concat()));
    expect(&redeliver(&["nobody"]).await, 6, "find event 'nobody' of CicdContext shop");
    expect(&redeliver(&["r1", "set"]).await, 4, "nothing to redeliver: redeliver set: it is Succeeded");
    expect(&redeliver(&["r1", "none"]).await, 4, "the event has no handler of this name; write one of tell, set, or *");
    let again = redeliver(&["r1", "tell", "--wait", "--id", "once"]).await;
    assert_eq!(again.code, 5, "it fails a second time: {again:?}");
    let same = redeliver(&["r1", "tell", "--wait", "--id", "once"]).await;
    assert_eq!(same.code, 5, "{same:?}");
    assert!(same.errors.contains("once was asked for before; nothing new is asked for"), "{same:?}");
    assert_eq!(pipeline.0.receiver.requests_to("/chat").len(), 2);
    let done = redeliver(&["r1", "--wait"]).await;
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.data.contains("tell     notify     Succeeded  Delivered"), "{done:?}");
    assert_eq!(pipeline.0.receiver.requests_to("/chat").len(), 3);
    expect(&redeliver(&["r1", "--wait"]).await, 4, "nothing to redeliver: redeliver *: no request");
}
