//! Contexts whose configuration is a manifest's and whose state is not.

use std::{fs, thread};

use cicdcontext_crds::{conditions, vocabulary::condition};
use futures::StreamExt;
use serde_json::{Value, json};

use super::{
    super::{Files, FilesOptions, testing::Scene},
    set,
};
use crate::source::{Configuration, Context, Contexts, Events, Problem, SourceError};

#[tokio::test]
async fn a_context_keeps_its_uid_and_state_while_its_manifest_changes_and_begins_anew_once_it_is_deleted() {
    let scene = Scene::new([], json!({}), json!([])).await;
    let first = scene.open().context("shop").await.unwrap();
    set(&scene, "state.a", json!(1)).await;
    scene.edit("1.4", "9.9");
    let files = scene.open();
    let now = files.context("shop").await.unwrap();
    assert_eq!((now.uid.clone(), &json!(now.state)), (first.uid.clone(), &json!({"version": "1.4", "a": 1})));
    assert_eq!(files.whole_context("shop").await.unwrap().metadata.uid, Some(first.uid.clone()));
    scene.fire("e1").await;
    assert!(files.delete_context("shop", "other").await.is_err());
    files.delete_context("shop", &first.uid).await.unwrap();
    assert!(files.event("e1").await.is_err(), "its events go with it");
    let anew = files.context("shop").await.unwrap();
    assert_ne!(anew.uid, first.uid);
    assert_eq!(json!(anew.state), json!({"version": "9.9"}));
}

#[tokio::test]
async fn a_context_without_a_manifest_can_be_created_changed_and_deleted() {
    let scene = Scene::new([], json!({}), json!([])).await;
    let files = scene.open();
    let context = |name: &str| {
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": {
            "bases": [{"kind": "CicdBase", "name": "app"}], "state": {"a": 1}}}))
        .unwrap()
    };
    files.create_context(&context("run")).await.unwrap();
    for name in ["run", "shop"] {
        let error = files.create_context(&context(name)).await.unwrap_err().to_string();
        assert_eq!(error, format!("create CicdContext {name} in namespace default: it exists already"));
    }
    let uid = files.context("run").await.unwrap().uid;
    let whole = scene.open().whole_context("run").await.unwrap();
    assert_eq!((json!(whole.spec.state), whole.spec.bases.unwrap().len()), (json!({"a": 1}), 1));
    files.delete_context("run", &uid).await.unwrap();
    let error = files.context("run").await.unwrap_err().to_string();
    assert!(
        error.contains("neither a manifest nor the state folder ") && error.contains("has CicdContext \"run\""),
        "{error}"
    );
}

#[tokio::test]
async fn a_watch_of_a_context_tells_its_changes_and_whether_its_configuration_is_ready() {
    let scene = Scene::new([], json!({}), json!([])).await;
    let files = scene.open();
    let mut changes = files.watch_context("shop");
    let ready = |context: &Context| conditions::is_true(&context.conditions, condition::READY);
    let mut next = async || changes.next().await.unwrap().unwrap();
    assert!(ready(&next().await.unwrap()));
    set(&scene, "state.a", json!(1)).await;
    assert_eq!(next().await.unwrap().state.unwrap()["a"], json!(1));
    scene.edit(r#""name":"app"}]"#, r#""name":"gone"}]"#);
    let broken = next().await.unwrap();
    assert!(!ready(&broken));
    let why = &broken.conditions[0];
    assert_eq!(why.reason, "BaseNotFound", "as the operator says");
    assert!(why.message.starts_with("find CicdBase/gone, which the bases of CicdContext/shop name: "), "{why:?}");
    files.delete_context("shop", &broken.uid).await.unwrap();
    assert_ne!(next().await.unwrap().uid, broken.uid, "its manifest makes it anew");
}

#[tokio::test]
async fn names_that_no_object_has_lead_nowhere() {
    let scene = Scene::new([], json!({}), json!([])).await;
    scene.fire("e1").await;
    let files = scene.open();
    for name in ["../events/e1", "../../shop/events/e1", "."] {
        assert!(files.event(name).await.is_err(), "{name}");
        assert!(files.context(name).await.is_err(), "{name}");
        assert!(files.events(Some(name)).await.unwrap().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_state_folder_that_cannot_be_written_is_no_hindrance_to_reading() {
    let scene = Scene::new([], json!({}), json!([])).await;
    let options = FilesOptions {
        paths: vec![scene.manifest()],
        state_folder: Some(scene.manifest().join("below-a-file")),
        ..FilesOptions::default()
    };
    let files = Files::open(options).unwrap();
    assert_eq!(json!(files.context("shop").await.unwrap().state), json!({"version": "1.4"}));
}

#[tokio::test]
async fn what_the_manifest_says_is_not_patched() {
    let scene = Scene::new([], json!({}), json!([])).await;
    let files = scene.open();
    let patch = |patch: Value| serde_json::from_value::<Vec<json_patch::PatchOperation>>(patch).unwrap();
    let to_state = patch(json!([
        {"op": "test", "path": "/spec/state/b", "value": null},
        {"op": "add", "path": "/spec/state/b", "value": 2},
        {"op": "test", "path": "/metadata/annotations", "value": null},
        {"op": "add", "path": "/metadata/annotations", "value": {"x": "y"}},
    ]));
    files.patch_context("shop", &to_state).await.unwrap();
    let context = files.context("shop").await.unwrap();
    assert_eq!(
        (json!(context.state), json!(context.annotations)),
        (json!({"version": "1.4", "b": 2}), json!({"x": "y"}))
    );
    let error = files.patch_context("shop", &to_state).await.unwrap_err().to_string();
    assert_eq!(error, "change CicdContext shop in namespace default: somebody else changed it in the meantime");
    let to_spec = patch(json!([{"op": "add", "path": "/spec/suspend", "value": true}]));
    let error = files.patch_context("shop", &to_spec).await.unwrap_err().to_string();
    assert!(error.contains("its manifest is not rewritten") && error.contains("document 1, item 4"), "{error}");
}

#[tokio::test]
async fn a_key_that_goes_leaves_the_others_in_their_order() {
    let scene = Scene::new([], json!({}), json!([])).await;
    let files = scene.open();
    let patch = |patch: Value| serde_json::from_value::<Vec<json_patch::PatchOperation>>(patch).unwrap();
    let value: Value = serde_json::from_str(r#"{"d": 1, "c": [1, 2], "b": {"x": 1}, "a": 2}"#).unwrap();
    files.patch_context("shop", &patch(json!([{"op": "add", "path": "/spec/state/m", "value": value}]))).await.unwrap();
    let gone = ["/spec/state/m/d", "/spec/state/version", "/spec/state/m/c/0", "/spec/state/m/b/x"];
    let gone: Vec<Value> = gone.iter().map(|path| json!({"op": "remove", "path": path})).collect();
    files.patch_context("shop", &patch(Value::Array(gone.clone()))).await.unwrap();
    let state = Value::Object(scene.open().context("shop").await.unwrap().state.unwrap());
    assert_eq!(state.to_string(), r#"{"m":{"c":[2],"b":{},"a":2}}"#);
    let error = files.patch_context("shop", &patch(Value::Array(gone))).await.unwrap_err().to_string();
    assert_eq!(error, "change CicdContext shop in namespace default: somebody else changed it in the meantime");
}

#[test]
fn a_context_that_is_deleted_while_others_change_it_is_gone_or_anew_and_never_half() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let main = runtime();
    let scene = &main.block_on(Scene::new([], json!({}), json!([])));
    thread::scope(|scope| {
        for writer in 0..4 {
            scope.spawn(move || {
                runtime().block_on(async {
                    for round in 0..20 {
                        set(scene, &format!("state.w{writer}"), json!(round)).await;
                    }
                });
            });
        }
        for _ in 0..2 {
            scope.spawn(move || {
                runtime().block_on(async {
                    for _ in 0..40 {
                        let files = scene.open();
                        let uid = files.context("shop").await.unwrap().uid;
                        match files.delete_context("shop", &uid).await {
                            Ok(()) | Err(SourceError { problem: Problem::Conflict, .. }) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            });
        }
    });
    // Whatever came last, all of it is there.
    main.block_on(async {
        scene.fire("e1").await;
        scene.finish("e1").await;
        let files = scene.open();
        let uid = files.context("shop").await.unwrap().uid;
        files.delete_context("shop", &uid).await.unwrap();
    });
    assert_eq!(fs::read_dir(scene.folder.path().join(".cicdctl/default")).unwrap().count(), 0);
}
