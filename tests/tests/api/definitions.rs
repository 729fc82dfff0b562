//! The six kinds on a real API server: what it accepts, keeps, refuses, and how it says so.

use std::process::Stdio;

use cicdcontext_tests::cluster::Role;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{
    object::{Kind, event, name, notify, on_success, tells},
    scene::Scene,
};

/// Runs kubectl in the scene's namespace, and gives what it printed and whether it succeeded.
async fn kubectl(scene: &Scene, arguments: &[&str], input: &str) -> (bool, String, String) {
    let mut command = Command::from(scene.access.kubectl_as(Role::Admin));
    command.arg("-n").arg(&scene.namespace).args(arguments).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// The message with which the API server refuses a spec; it stores nothing either way.
async fn refused(scene: &Scene, kind: Kind, spec: &Value) -> String {
    let object: DynamicObject = serde_json::from_value(kind.object("x", spec)).unwrap();
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    match scene.api(kind).create(&parameters, &object).await {
        Ok(_) => panic!("{kind:?} is accepted: {spec:#}"),
        Err(kube::Error::Api(status)) => status.message,
        Err(error) => panic!("{error}"),
    }
}

/// Everything that a free-form part may hold.
fn anything() -> Value {
    json!({
        "text": "", "zero": 0, "no": false, "nothing": null, "list": [1, "a", null, {"b": []}],
        "deep": {"key.with.dots": {"UPPER and blank": {"": 1.5}}},
    })
}

#[tokio::test]
async fn all_kinds_are_served_and_free_form_parts_keep_everything() {
    let scene = Scene::without_operator().await;
    let change = json!({"path": "state.a", "value": anything()});
    let nothing = json!({"path": "state.b", "value": null});
    let capture = json!([change, nothing]);
    let mut tell = notify("tell", "chat", "built");
    tell["notify"]["capture"] = capture.clone();
    let mut block = on_success(&json!([tell, {"name": "set", "setValues": capture}]));
    block["settings"] = anything();
    block["pipelines"]["build"]["settings"] = anything();
    block["pipelines"]["build"]["generators"] = json!({"image": [{"name": "alpine", "set": capture}]});
    block["contexts"] = json!({"stage": {"settings": anything(), "pipelines": block["pipelines"].clone()}});
    let mut context = block.clone();
    context["state"] = anything();
    context["stateSchema"] = json!({"properties": {"a": {"const": null}}, "$defs": {"x": true}});
    let mut described = event("shop", "build=success");
    described["data"] = anything();
    described["vars"] = json!({"ctx.flag": null, "state.a": anything()});
    described["varsFrom"] = json!({"ctx.tag": "state.tag"});
    described["set"] = capture.clone();
    let write = json!({
        "contextRef": {"name": "shop"}, "changes": capture,
        "preconditions": [{"path": "state.a", "equals": null}, {"path": "state.b", "equals": anything()}],
    });
    let endpoint = json!({"url": "https://chat.example", "capture": capture});
    let platform = format!("{}-platform", scene.namespace);
    let objects = [
        (Kind::Context, "shop", context),
        (Kind::Event, "built", described),
        (Kind::StateWrite, "write", write),
        (Kind::Base, "app", block.clone()),
        (Kind::ClusterBase, platform.as_str(), block),
        (Kind::Endpoint, "chat", endpoint),
    ];
    for (kind, name, spec) in objects {
        scene.create(kind, name, &spec).await;
        let stored = scene.get(kind, name).await.unwrap();
        assert_eq!(stored["spec"], spec, "{kind:?}: neither pruned nor defaulted");
    }
}

#[tokio::test]
async fn data_of_an_event_may_be_any_json() {
    let scene = Scene::without_operator().await;
    for (number, data) in [json!(null), json!(7), json!("text"), json!([1, null]), json!(false)].into_iter().enumerate()
    {
        let mut spec = event("shop", "build=success");
        spec["data"] = data.clone();
        let created = scene.create(Kind::Event, &format!("e{number}"), &spec).await;
        assert_eq!(created["spec"]["data"], data);
    }
}

#[tokio::test]
async fn events_and_state_writes_cannot_be_changed_not_even_by_renaming_a_key() {
    let scene = Scene::without_operator().await;
    let mut spec = event("shop", "build=success");
    spec["data"] = json!({"run": {"id": 7}});
    spec["vars"] = json!({"ctx.flag": true});
    spec["varsFrom"] = json!({"ctx.tag": "state.tag"});
    spec["set"] = json!([{"path": "state.a", "value": {"b": 1}}]);
    scene.create(Kind::Event, "e", &spec).await;
    let moves = [
        ("/spec/data/run", "/spec/data/nur"),
        ("/spec/data/run/id", "/spec/data/run/di"),
        ("/spec/vars/ctx.flag", "/spec/vars/ctx.galf"),
        ("/spec/varsFrom/ctx.tag", "/spec/varsFrom/ctx.gat"),
        ("/spec/set/0/value/b", "/spec/set/0/value/c"),
    ];
    let message = "CicdEvent.cicdcontext.io \"e\" is invalid: spec: Invalid value: an event cannot be changed; create \
                   another one";
    for (from, path) in moves {
        let refused = scene.json_patch(Kind::Event, "e", &json!([{"op": "move", "from": from, "path": path}])).await;
        assert_eq!(refused.unwrap_err(), message, "{from} to {path}");
    }
    for patch in [json!({"dryRun": true}), json!({"event": "failure"}), json!({"data": null})] {
        let refused = scene.try_patch(Kind::Event, "e", &json!({ "spec": patch })).await;
        assert_eq!(refused.unwrap_err(), message, "{patch}");
    }
    // Labels and annotations are no part of what happened.
    scene.patch(Kind::Event, "e", &json!({"metadata": {"labels": {"team": "shop"}}})).await;

    let write = json!({
        "contextRef": {"name": "shop"}, "changes": [{"path": "state.a", "value": {"b": 1}}],
        "preconditions": [{"path": "state.c", "equals": {"d": 1}}],
    });
    scene.create(Kind::StateWrite, "w", &write).await;
    let message = "CicdStateWrite.cicdcontext.io \"w\" is invalid: spec: Invalid value: a state write cannot be changed; \
                   create another one";
    for (from, path) in [
        ("/spec/changes/0/value/b", "/spec/changes/0/value/c"),
        ("/spec/preconditions/0/equals/d", "/spec/preconditions/0/equals/e"),
    ] {
        let refused =
            scene.json_patch(Kind::StateWrite, "w", &json!([{"op": "move", "from": from, "path": path}])).await;
        assert_eq!(refused.unwrap_err(), message, "{from} to {path}");
    }
}

#[tokio::test]
async fn what_excludes_or_needs_each_other_is_refused_by_name() {
    let scene = Scene::without_operator().await;
    let secret = json!({"secretKeyRef": {"name": "s", "key": "k"}});
    let endpoint = |more: Value| crate::object::with(json!({"url": "https://chat.example"}), &more);
    let handler = |handler: Value| on_success(&json!([handler]));
    let none = "must validate one and only one schema (oneOf). Found none valid";
    let several = "must validate one and only one schema (oneOf). Found 2 valid alternatives";
    let place = "spec.pipelines.build.eventHandlers.success[0]";
    let cases = [
        (Kind::Event, json!({"contextRef": {"name": "c"}, "pipeline": "b"}), format!("\"spec\" {none}")),
        (
            Kind::Event,
            json!({"contextRef": {"name": "c"}, "pipeline": "b", "event": "e", "generate": "g"}),
            format!("\"spec\" {several}"),
        ),
        (
            Kind::Event,
            json!({"contextRef": {"name": "c"}, "event": "e"}),
            "spec: Invalid value: pipeline is required".into(),
        ),
        (
            Kind::StateWrite,
            json!({"contextRef": {"name": "c"}, "changes": [{"path": "state.a"}]}),
            format!("\"spec.changes[0]\" {none}"),
        ),
        (
            Kind::StateWrite,
            json!({"contextRef": {"name": "c"}, "changes": [{"path": "state.a", "op": "Unset", "value": 1}]}),
            format!("\"spec.changes[0]\" {several}"),
        ),
        (
            Kind::StateWrite,
            json!({
                "contextRef": {"name": "c"}, "changes": [{"path": "state.a", "op": "Unset"}],
                "preconditions": [{"path": "state.a", "equals": 1, "exists": true}],
            }),
            format!("\"spec.preconditions[0]\" {several}"),
        ),
        (
            Kind::StateWrite,
            json!({"contextRef": {"name": "c"}, "changes": []}),
            "spec.changes in body should have at least 1 items".into(),
        ),
        (
            Kind::Context,
            handler(json!({"name": "h", "notify": {}, "setValues": [{"path": "state.a", "value": 1}]})),
            format!("\"{place}\" {several}"),
        ),
        (
            Kind::Context,
            handler(json!({"name": "h", "webhook": {"endpoint": {"name": "e"}, "url": "https://x.example"}})),
            format!("\"{place}.webhook\" {several}"),
        ),
        (
            Kind::Base,
            handler(json!({"name": "h", "notify": {"capture": [{"path": "state.a", "value": 1, "template": "x"}]}})),
            format!("\"{place}.notify.capture[0]\" {several}"),
        ),
        (
            Kind::ClusterBase,
            json!({"bases": [{"kind": "CicdBase", "name": "b"}]}),
            "spec.bases: Invalid value: a ClusterCicdBase may only build on ClusterCicdBases".into(),
        ),
        (Kind::Endpoint, json!({"preset": "Slack"}), format!("\"spec\" {none}")),
        (Kind::Endpoint, endpoint(json!({"urlFrom": secret})), format!("\"spec\" {several}")),
        (
            Kind::Endpoint,
            json!({"url": "http://chat.example"}),
            "spec.url: Invalid value: url must start with https:// (or with http:// if allowHttp is true)".into(),
        ),
        (Kind::Endpoint, endpoint(json!({"auth": {}})), format!("\"spec.auth\" {none}")),
        (
            Kind::Endpoint,
            endpoint(json!({"auth": {"bearer": secret}, "headers": [{"name": "authorization", "value": "x"}]})),
            "spec.headers: Invalid value: auth and an Authorization header exclude each other".into(),
        ),
        (Kind::Endpoint, endpoint(json!({"headers": [{"name": "X-A"}]})), format!("\"spec.headers[0]\" {none}")),
        (Kind::Endpoint, endpoint(json!({"tls": {"ca": {}}})), format!("\"spec.tls.ca\" {none}")),
    ];
    for (kind, spec, expected) in cases {
        let message = refused(&scene, kind, &spec).await;
        assert!(message.contains(&expected), "{spec}\nexpected: {expected}\nfound: {message}");
    }
}

#[tokio::test]
async fn names_and_sizes_are_bounded() {
    let scene = Scene::without_operator().await;
    let with_event = |name: &str| json!({"contextRef": {"name": "c"}, "pipeline": "b", "event": name});
    let pattern = "spec.event in body should match '^[A-Za-z0-9_-]+$'";
    assert!(refused(&scene, Kind::Event, &with_event("a b")).await.contains(pattern));
    let long = refused(&scene, Kind::Event, &with_event(&"x".repeat(64))).await;
    assert!(long.contains("spec.event: Too long: may not be more than 63 "), "{long}");
    let twice = on_success(&json!([{"name": "tell", "enabled": false}, {"name": "tell"}]));
    let message = refused(&scene, Kind::Context, &twice).await;
    assert!(message.contains(r#"eventHandlers[success][1]: Duplicate value: {"name":"tell"}"#), "{message}");
    let template = refused(&scene, Kind::Context, &tells("chat", &"x".repeat(65_537))).await;
    assert!(template.contains("notify.message: Too long: may not be more than 65536 "), "{template}");
    let variable = refused(&scene, Kind::Base, &json!({"variables": {"a": "x".repeat(65_537)}})).await;
    assert!(variable.contains("spec.variables.a: Too long: may not be more than 65536 "), "{variable}");
    let mut from = with_event("e");
    from["varsFrom"] = json!({"ctx.a": ""});
    let message = refused(&scene, Kind::Event, &from).await;
    assert!(message.contains("spec.varsFrom.ctx.a in body should be at least 1 chars long"), "{message}");
}

#[tokio::test]
async fn events_are_listed_by_their_context_on_the_server() {
    let scene = Scene::without_operator().await;
    for (name, context) in [("e1", "shop"), ("e2", "other"), ("e3", "shop")] {
        scene.create(Kind::Event, name, &event(context, "build=success")).await;
    }
    let of_shop = ListParams::default().fields("spec.contextRef.name=shop");
    let found = scene.api(Kind::Event).list(&of_shop).await.unwrap();
    let names: Vec<String> = found.items.into_iter().filter_map(|event| event.metadata.name).collect();
    assert_eq!(names, ["e1", "e3"]);
    let write = json!({"contextRef": {"name": "shop"}, "changes": [{"path": "state.a", "op": "Unset"}]});
    scene.create(Kind::StateWrite, "w", &write).await;
    assert_eq!(scene.api(Kind::StateWrite).list(&of_shop).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn server_side_apply_merges_handlers_by_name_and_keeps_their_owners() {
    let scene = Scene::without_operator().await;
    let apply = async |manager: &str, handlers: Value| {
        let object = Kind::Base.object("app", &on_success(&handlers));
        let applied = scene.api(Kind::Base).patch("app", &PatchParams::apply(manager), &Patch::Apply(&object)).await;
        serde_json::to_value(applied.unwrap()).unwrap()
    };
    let names = |object: &Value| {
        let handlers = &object["spec"]["pipelines"]["build"]["eventHandlers"]["success"];
        handlers.as_array().unwrap().iter().map(|handler| handler["name"].clone()).collect::<Vec<_>>()
    };
    apply("platform", json!([notify("chat", "chat", "built"), notify("mail", "mail", "built")])).await;
    let both = apply("team", json!([notify("board", "board", "built")])).await;
    assert_eq!(names(&both), ["chat", "mail", "board"]);
    let less = apply("platform", json!([notify("chat", "chat", "built")])).await;
    assert_eq!(names(&less), ["chat", "board"], "what a manager leaves out goes, what others wrote stays");
}

#[tokio::test]
async fn kubectl_explain_is_the_documentation() {
    let scene = Scene::without_operator().await;
    let cases = [
        ("cctx", "CicdContext is the memory of one logical CI/CD run"),
        ("cctx.spec.state", "one free-form JSON object that every step reads and writes by patching"),
        ("cctx.spec.pipelines.eventHandlers.if", "A template; if its trimmed text is blank"),
        ("cbase.spec.contexts.pipelines.generators.set.fromPath", "An RFC 9535 JSONPath over what templates see"),
        ("cev.spec.varsFrom", "As vars, with values read from the state when the event starts"),
        ("cev.status.handlers.webhookId", "The id that every attempt carries"),
        ("cend.spec.retry.maxElapsedSeconds", "Default: 86400, a day"),
        ("csw.spec.preconditions.exists", "True: something must stand there"),
    ];
    for (field, expected) in cases {
        let (succeeded, text, errors) = kubectl(&scene, &["explain", field], "").await;
        assert!(succeeded, "{errors}");
        let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(expected), "kubectl explain {field}: {text}");
    }
}

#[tokio::test]
async fn a_misspelt_field_is_refused_by_kubectl_and_told_to_everybody_else() {
    let scene = Scene::without_operator().await;
    let object = Kind::Context.object("shop", &json!({"sate": {"tag": "1.4"}})).to_string();
    let (succeeded, _, errors) = kubectl(&scene, &["create", "-f", "-"], &object).await;
    assert!(!succeeded && errors.contains(r#"unknown field "spec.sate""#), "{errors}");
    let (succeeded, _, warnings) = kubectl(&scene, &["create", "--validate=warn", "-f", "-"], &object).await;
    assert!(succeeded, "{warnings}");
    assert!(warnings.contains(r#"Warning: unknown field "spec.sate""#), "{warnings}");
    let stored = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!((name(&stored), stored["spec"].get("sate")), ("shop", None), "and it is not stored");
}

#[tokio::test]
async fn kubectl_get_shows_the_columns_and_the_category() {
    let scene = Scene::new().await;
    scene.shop().await;
    scene.run("built", &event("shop", "build=success")).await;
    scene.wait_condition(Kind::Context, "shop", "Ready", "True").await;
    let (_, contexts, errors) = kubectl(&scene, &["get", "cctx"], "").await;
    let head: Vec<&str> = contexts.lines().next().unwrap_or(&errors).split_whitespace().collect();
    assert_eq!(head, ["NAME", "CONTEXT", "READY", "REASON", "LAST", "EVENT", "PHASE", "PENDING", "AGE"]);
    let (_, events, _) = kubectl(&scene, &["get", "cev", "--no-headers"], "").await;
    let row: Vec<&str> = events.split_whitespace().collect();
    assert_eq!(row[..6], ["built", "shop", "build", "success", "Succeeded", "Succeeded"], "{events}");
    let (_, all, _) = kubectl(&scene, &["get", "cicd", "-o", "name"], "").await;
    for object in
        ["cicdcontext.cicdcontext.io/shop", "cicdevent.cicdcontext.io/built", "cicdendpoint.cicdcontext.io/chat"]
    {
        assert!(all.lines().any(|line| line == object), "{all}");
    }
    let wait = ["wait", "--for=condition=Finished", "cicdevent/built", "--timeout=10s"];
    let (succeeded, said, errors) = kubectl(&scene, &wait, "").await;
    assert!(succeeded && said.contains("condition met"), "{said}{errors}");
}
