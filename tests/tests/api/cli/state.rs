//! State through `cicdctl` on a real API server: nothing is lost however many write at once, by patches or through the
//! operator, and whoever is refused or gives up is told so.

use std::time::{Duration, Instant};

use cicdcontext_tests::{
    cluster::Role,
    gate::{
        Gate,
        fault::{Fault, Reply},
    },
};
use futures::future::join_all;
use k8s_openapi::api::rbac::v1::{Role as RbacRole, RoleBinding};
use kube::{Api, api::PostParams};
use serde_json::{Value, json};

use super::{Pipeline, expect, ran};
use crate::object::Kind;

impl Pipeline {
    /// With an operator that looks at its namespace.
    async fn with_operator(state: &Value) -> Self {
        let mut pipeline = Self::with_state(state).await;
        pipeline.0.start_operator(&[]).await;
        pipeline
    }

    async fn state_writes(&self) -> Vec<Value> {
        self.0.list(Kind::StateWrite).await
    }
}

#[tokio::test]
async fn of_320_changes_of_16_writers_at_once_none_is_lost_and_none_is_made_twice() {
    let pipeline = Pipeline::with_operator(&json!({})).await;
    let write = async |writer: usize| {
        for step in 0..20 {
            let change = if writer < 8 {
                format!("state.keys['{writer}-{step}']:={step}")
            } else {
                format!("state.list[]={writer}-{step}")
            };
            assert_eq!(pipeline.ok(&["set", "shop", &change]).await, "");
        }
    };
    join_all((0..16).map(write)).await;
    let state = pipeline.state().await;
    assert_eq!(state["keys"].as_object().unwrap().len(), 160);
    let list: Vec<&str> = state["list"].as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect();
    assert_eq!(list.len(), 160, "{list:?}");
    for writer in 8..16 {
        let own: Vec<&str> = list.iter().filter(|item| item.starts_with(&format!("{writer}-"))).copied().collect();
        let expected: Vec<String> = (0..20).map(|step| format!("{writer}-{step}")).collect();
        assert_eq!(own, expected, "in the order in which they were written, each once");
    }
    assert_eq!(pipeline.state_writes().await, [json!(null); 0]);
}

#[tokio::test]
async fn of_64_processes_that_set_one_value_each_at_once_none_is_lost() {
    let pipeline = Pipeline::with_operator(&json!({})).await;
    let set = async |process: usize| {
        let begun = Instant::now();
        let ran = pipeline.run(&["set", "shop", &format!("state.new.k{process}=x")]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        begun.elapsed()
    };
    let mut took: Vec<Duration> = join_all((0..64).map(set)).await;
    took.sort();
    println!("64 sets at once: median {:?}, p99 {:?}", took[32], took[63]);
    assert_eq!(pipeline.state().await["new"].as_object().unwrap().len(), 64);
}

#[tokio::test]
async fn without_an_operator_a_state_write_is_withdrawn_in_time() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    for change in [&["state.a=1", "--via", "operator"][..], &["state.list[]=1"]] {
        let line = [&["set", "shop", "--timeout", "300ms"], change].concat();
        let late = pipeline.run(&line).await;
        expect(&late, 124, "no operator applied CicdStateWrite shop-");
        assert!(
            late.errors.contains(" within 0.3 s; it was withdrawn; a write in flight may still land: "),
            "{late:?}"
        );
        assert_eq!(pipeline.state_writes().await, [json!(null); 0]);
    }
    assert_eq!(pipeline.state().await, json!({}));
    pipeline.ok(&["set", "shop", "state.list[]=1", "--via", "patch"]).await;
    assert_eq!(pipeline.state().await, json!({"list": ["1"]}));
}

#[tokio::test]
async fn what_breaks_schema_or_condition_is_exit_4_whoever_would_write_it() {
    let pipeline = Pipeline::with_state(&json!({"phase": "ready"})).await;
    let schema = json!({"properties": {"n": {"type": "integer"}}});
    pipeline.0.patch(Kind::Context, "shop", &json!({"spec": {"stateSchema": schema}})).await;
    for via in ["patch", "operator", "auto"] {
        let run = async |change: &[&str]| pipeline.run(&[&["set", "shop", "--via", via], change].concat()).await;
        let violated = run(&["state.n=five"]).await;
        expect(&violated, 4, "keep state within its schema: state.n is \"five\" and must be of type integer");
        let guarded = run(&["state.n:=5", "--if", "state.phase=busy"]).await;
        expect(&guarded, 4, "check state.phase: expected \"busy\", found \"ready\"");
    }
    let guarded = pipeline.run(&["unset", "shop", "state.phase", "--if", "state.phase=busy"]).await;
    expect(&guarded, 4, "check state.phase: expected \"busy\", found \"ready\"");
    assert_eq!(pipeline.state_writes().await, [json!(null); 0]);
    assert_eq!(pipeline.state().await, json!({"phase": "ready"}));
}

#[tokio::test]
async fn what_the_operator_refuses_is_exit_4_with_its_words() {
    let mut pipeline = Pipeline::with_state(&json!({"phase": "ready"})).await;
    let line = ["set", "shop", "state.list[]=x", "--if", "state.phase=ready"];
    let mut command = pipeline.command(&line);
    let waiting = tokio::spawn(async move { command.output().await.unwrap() });
    let there = async || {
        let writes = pipeline.state_writes().await;
        if writes.is_empty() { Err("none".to_owned()) } else { Ok(()) }
    };
    pipeline.0.until("a state write is there", there).await;
    pipeline.0.patch(Kind::Context, "shop", &json!({"spec": {"state": {"phase": "busy"}}})).await;
    pipeline.0.start_operator(&[]).await;
    let output = waiting.await.unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: change CicdContext shop: the operator refuses it: ChangeRefused: check state.phase: expected \"ready\", \
         found \"busy\"\n"
    );
    assert_eq!(pipeline.state_writes().await, [json!(null); 0]);
    assert_eq!(pipeline.state().await, json!({"phase": "busy"}));
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_appends_once() {
    let pipeline = Pipeline::with_operator(&json!({})).await;
    let gate = Gate::before(pipeline.0.access.client(Role::Pipeline).await.unwrap()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("gate");
    gate.write_kubeconfig(&kubeconfig).unwrap();
    for (item, carried_out) in [("a", true), ("b", false)] {
        let mut faults = 2;
        gate.faults(move |asked| {
            (asked.is("POST", "/cicdstatewrites") && faults > 0).then(|| {
                faults -= 1;
                let reply = Reply::status(504, "Timeout", "request did not complete within the requested timeout");
                if carried_out { Fault::Lost(reply) } else { Fault::Refused(reply) }
            })
        });
        let mut command = pipeline.command(&["set", "shop", &format!("state.list[]={item}")]);
        command.env("KUBECONFIG", &kubeconfig);
        let ran = ran(command).await;
        assert_eq!((ran.code, ran.errors.as_str()), (0, ""), "{ran:?}");
    }
    assert_eq!(pipeline.state().await, json!({"list": ["a", "b"]}));
    assert_eq!(pipeline.state_writes().await, [json!(null); 0]);
}

#[tokio::test]
async fn a_patch_whose_answer_is_lost_is_made_again_only_if_that_is_the_same() {
    let pipeline = Pipeline::with_operator(&json!({"phase": "ready"})).await;
    let gate = Gate::before(pipeline.0.access.client(Role::Pipeline).await.unwrap()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("gate");
    gate.write_kubeconfig(&kubeconfig).unwrap();
    gate.faults(move |asked| {
        let reply = || Reply::status(504, "Timeout", "request did not complete within the requested timeout");
        asked.is("PATCH", "/shop").then(|| Fault::Lost(reply()))
    });
    let set = async |line: &[&str]| {
        let mut command = pipeline.command(&[&["set", "shop"], line].concat());
        command.env("KUBECONFIG", &kubeconfig);
        ran(command).await
    };
    let plain = set(&["state.a=1", "-v", "1"]).await;
    assert_eq!(plain.code, 0, "{plain:?}");
    assert!(plain.errors.starts_with("CicdContext shop: changed state.a (CicdStateWrite shop-"), "{plain:?}");
    let guarded = set(&["state.phase=busy", "--if", "state.phase=ready"]).await;
    expect(&guarded, 1, "the API server answered 504: request did not complete");
    assert_eq!(pipeline.state().await, json!({"a": "1", "phase": "busy"}));
}

#[tokio::test]
async fn whoever_may_not_write_is_told_so_in_one_line() {
    let pipeline = Pipeline::with_state(&json!({"a": 1})).await;
    let stranger = pipeline.run(&["set", "shop", "state.a=2", "--as", "somebody"]).await;
    expect(&stranger, 1, "the ClusterRole cicd-pipeline grants what cicdctl needs");

    let (client, namespace) = (pipeline.0.client.clone(), &pipeline.0.namespace);
    let role: RbacRole = serde_json::from_value(json!({
        "metadata": {"name": "half"},
        "rules": [{"apiGroups": ["cicdcontext.io"], "resources": ["cicdcontexts"], "verbs": ["get", "patch"]}],
    }))
    .unwrap();
    Api::<RbacRole>::namespaced(client.clone(), namespace).create(&PostParams::default(), &role).await.unwrap();
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": {"name": "half"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "half"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": Role::Viewer.user()}],
    }))
    .unwrap();
    Api::<RoleBinding>::namespaced(client, namespace).create(&PostParams::default(), &binding).await.unwrap();
    let allowed = async || {
        let ran = ran(pipeline.command_as(Role::Viewer, &["set", "shop", "state.b=1"])).await;
        if ran.code == 0 { Ok(()) } else { Err(format!("{ran:?}")) }
    };
    pipeline.0.until("the role holds", allowed).await;
    let half = ran(pipeline.command_as(Role::Viewer, &["set", "shop", "state.list[]=x"])).await;
    expect(&half, 1, "cannot create resource \"cicdstatewrites\"");
    assert!(half.errors.contains("the ClusterRole cicd-pipeline grants what cicdctl needs"), "{half:?}");

    let delete = pipeline.run(&["delete", "shop"]).await;
    expect(&delete, 1, "the ClusterRole cicd-editor grants it, cicd-pipeline does not");
    assert_eq!(pipeline.state().await, json!({"a": 1, "b": "1"}));
}

#[tokio::test]
async fn values_come_from_files_and_go_into_files() {
    let pipeline = Pipeline::with_state(&json!({"old": {"a": 1}, "list": [1]})).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(file("log"), "one\n\"two\" $HOME `x`\n").unwrap();
    std::fs::write(file("runs.json"), r#"[{"id": 1, "ok": true}, {"id": 2, "ok": false}]"#).unwrap();
    let log = format!("state.log={}", file("log"));
    let runs = format!("state.runs={}", file("runs.json"));
    pipeline.ok(&["set", "shop", "--set-file", &log, "--set-json-file", &runs, "--clear", "state.list"]).await;
    pipeline.ok(&["unset", "shop", "state.old", "state.none"]).await;
    let state = pipeline.state().await;
    assert_eq!(
        (&state["log"], &state["list"], state.get("old")),
        (&json!("one\n\"two\" $HOME `x`\n"), &json!([]), None)
    );

    assert_eq!(pipeline.ok(&["get", "shop", "$.state.runs[?@.ok == false].id"]).await, "2\n");
    assert_eq!(pipeline.ok(&["get", "shop", "$.state.runs[*].id"]).await, "[1,2]\n");
    for (path, expected) in [("state.log", "one\n\"two\" $HOME `x`\n"), ("state.runs[0]", r#"{"id":1,"ok":true}"#)] {
        assert_eq!(pipeline.ok(&["get", "shop", path, "--to", &file("result")]).await, "");
        assert_eq!(std::fs::read_to_string(file("result")).unwrap(), expected);
    }
    let missing = pipeline.run(&["get", "shop", "state.none", "--to", &file("none")]).await;
    expect(&missing, 3, "state.none");
    assert!(!folder.path().join("none").exists());

    let mut mistaken = pipeline.command(&["get", "shop", "state.log"]);
    mistaken.env("CICD_CONTEXT", "shop");
    let mistaken = ran(mistaken).await;
    expect(&mistaken, 2, "get: $CICD_CONTEXT is shop, so no NAME is taken; leave 'shop' out");
    let unreadable = pipeline.run(&["set", "shop", "--set-file", "state.a=/missing/file"]).await;
    expect(&unreadable, 1, "read --set-file state.a=/missing/file: No such file");
}
