//! `init` and `delete` on a real API server: a retried step finds the context that it made.

use cicdcontext_tests::cluster::Role;
use serde_json::json;

use super::{Pipeline, Ran, ran};
use crate::object::{Kind, uid};

impl Pipeline {
    /// Runs `init` as a step of this run.
    async fn init(&self, run: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command(&[&["init"], arguments].concat());
        command.env("CICD_RUN_UID", run);
        ran(command).await
    }
}

fn printed(ran: &Ran) -> (i32, &str, &str) {
    (ran.code, &ran.data, &ran.errors)
}

#[tokio::test]
async fn a_context_is_made_once_for_a_run_however_often_its_step_is_tried() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    let line = ["store", "--cicd-context", "stage", "--base", "CicdBase/b", "--set", "state.app=store", "--ttl", "7d"];
    let made = pipeline.init("run-1", &line).await;
    assert_eq!(printed(&made), (0, "store\n", ""));
    let first = pipeline.0.get(Kind::Context, "store").await.unwrap();
    assert_eq!(
        first["spec"],
        json!({
            "context": "stage", "bases": [{"kind": "CicdBase", "name": "b"}], "state": {"app": "store"},
            "ttlSecondsAfterLastActivity": 604_800,
        })
    );
    assert_eq!(first["metadata"]["annotations"], json!({"cicdcontext.io/run-uid": "run-1"}));

    pipeline.ok(&["set", "store", "state.tag=1"]).await;
    for what in ["fail", "keep", "reset"] {
        let again = pipeline.init("run-1", &[&line[..], &["--if-exists", what]].concat()).await;
        let kept = "CicdContext store: kept: it exists already, made for this run ($CICD_RUN_UID)\n";
        assert_eq!(printed(&again), (0, "store\n", kept));
    }
    assert_eq!(pipeline.ok(&["get", "store"]).await, "{\"app\":\"store\",\"tag\":\"1\"}\n");

    let other = pipeline.init("run-2", &line).await;
    assert_eq!((other.code, other.data.as_str()), (4, ""));
    assert!(other.errors.starts_with("error: init CicdContext store: it exists already, made for run run-1; go on"));
    let kept = pipeline.init("run-2", &[&line[..], &["--if-exists", "keep"]].concat()).await;
    assert_eq!((kept.code, kept.data.as_str(), kept.errors.contains("kept")), (0, "store\n", true));

    // A new run begins anew, and what was fired before is not lost.
    pipeline.0.annotate("store", "e1", "build=success").await;
    let reset = pipeline.init("run-2", &["store", "--set", "state.n:=1", "--if-exists", "reset"]).await;
    assert_eq!(printed(&reset), (0, "store\n", ""));
    let second = pipeline.0.get(Kind::Context, "store").await.unwrap();
    assert_eq!((uid(&second), &second["spec"]), (uid(&first), &json!({"state": {"n": 1}})));
    assert_eq!(
        second["metadata"]["annotations"],
        json!({"cicdcontext.io/run-uid": "run-2", "event.cicdcontext.io/e1": "build=success"})
    );
    let none = pipeline.run(&["init", "store", "--if-exists", "reset"]).await;
    assert_eq!(printed(&none), (0, "store\n", ""));
    let third = pipeline.0.get(Kind::Context, "store").await.unwrap();
    assert_eq!(third["metadata"]["annotations"], json!({"event.cicdcontext.io/e1": "build=success"}));
}

#[tokio::test]
async fn of_8_steps_that_make_one_context_at_once_for_one_run_all_have_it() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    let made = futures::future::join_all((0..8).map(|_| pipeline.init("run", &["store"]))).await;
    assert!(made.iter().all(|ran| (ran.code, ran.data.as_str()) == (0, "store\n")), "{made:?}");
    assert_eq!(made.iter().filter(|ran| ran.errors.is_empty()).count(), 1, "one made it: {made:?}");
}

#[tokio::test]
async fn frozen_variables_stay_what_they_were() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    let parent = json!({"variables": {"image": "{{state.app}}:{{variables.tag}}", "tag": "1"}});
    pipeline.0.create(Kind::Base, "parent", &parent).await;
    let base = json!({
        "bases": [{"kind": "CicdBase", "name": "parent"}],
        "contexts": {"stage": {"variables": {"tag": "{{context.selected}}-2"}}},
    });
    pipeline.0.create(Kind::Base, "b", &base).await;
    let line = [
        "init",
        "store",
        "--base",
        "CicdBase/b",
        "--cicd-context",
        "stage",
        "--freeze-variables",
        "--set",
        "state.app=a",
    ];
    pipeline.ok(&line).await;
    let made = pipeline.0.get(Kind::Context, "store").await.unwrap();
    assert_eq!(made["spec"]["variableValues"], json!({"image": "a:stage-2", "tag": "stage-2"}));

    let broken = json!({"spec": {"variables": {"tag": "{{event.data.tag}}"}}});
    pipeline.0.patch(Kind::Base, "parent", &broken).await;
    let failed = pipeline.run(&["init", "other", "--base", "CicdBase/parent", "--freeze-variables"]).await;
    assert_eq!((failed.code, failed.data.as_str()), (1, ""));
    assert!(failed.errors.contains("variable image of CicdContext other: it reads event.data.tag"), "{failed:?}");
    let missing = pipeline.run(&["init", "other", "--base", "CicdBase/none", "--freeze-variables"]).await;
    assert_eq!(missing.code, 1);
    assert!(missing.errors.contains("find CicdBase/none"), "{missing:?}");
    assert!(pipeline.0.get(Kind::Context, "other").await.is_none());
}

#[tokio::test]
async fn a_context_is_deleted_by_its_typed_name_alone() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    let delete = async |arguments: &[&str]| {
        let mut command = pipeline.command(&[&["delete"], arguments].concat());
        command.env("KUBECONFIG", pipeline.0.access.kubeconfig(Role::Admin)).env("CICD_CONTEXT", "shop");
        ran(command).await
    };
    let unnamed = delete(&[]).await;
    assert_eq!((unnamed.code, unnamed.errors.contains("name the CicdContext")), (2, true), "{unnamed:?}");
    assert_eq!(delete(&["store"]).await.code, 6);
    assert_eq!(printed(&delete(&["store", "--ignore-not-found"]).await), (0, "", ""));
    assert_eq!(printed(&delete(&["shop"]).await), (0, "", ""));
    assert!(pipeline.0.get(Kind::Context, "shop").await.is_none());
}
