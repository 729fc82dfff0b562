//! The two admission policies on the real API server: what each role may still do under them, what not, and what it is
//! told; and an operator that works under both.

use std::collections::BTreeMap;

use axum::http::Request;
use cicdcontext_tests::cluster::Role;
use kube::Client;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    cli::{bind, program},
    object::{Kind, event, expect_outcome, notify, on_success, with},
    page::{kubeconfig, type_in},
    scene::{Scene, policies::Policy},
};

const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml?fieldManager=step";

fn state_write(context: &str, value: &Value) -> Value {
    json!({"contextRef": {"name": context}, "changes": [{"path": "state.written", "value": value}]})
}

/// A context with this spec and more metadata.
fn context(name: &str, spec: &Value, metadata: &Value) -> Value {
    let mut object = Kind::Context.object(name, spec);
    for (key, value) in metadata.as_object().unwrap() {
        object["metadata"][key] = value.clone();
    }
    object
}

/// A namespace with the four roles, each bound to its user, under both policies.
struct Court {
    scene: Scene,
    clients: BTreeMap<Role, Client>,
}

impl Court {
    async fn new() -> Self {
        let scene = Scene::without_operator().await;
        let mut clients = BTreeMap::new();
        for role in Role::ALL {
            clients.insert(role, scene.access.client(role).await.unwrap());
        }
        let court = Self { scene, clients };
        let bound = [
            (Role::Pipeline, "cicd-pipeline"),
            (Role::Viewer, "cicd-viewer"),
            (Role::Editor, "cicd-editor"),
            (Role::EndpointEditor, "cicd-endpoint-editor"),
        ];
        for (user, role) in bound {
            bind(&court.scene, user, role).await;
        }
        court.settle().await;
        court
    }

    /// What the requests are about, and both policies in force.
    async fn settle(&self) {
        let scene = &self.scene;
        let spec = json!({
            "bases": [{"kind": "CicdBase", "name": "app"}], "variableValues": {"a": "b"}, "settings": {"channel": "#ci"},
            "state": {"tag": "1.4"},
        });
        let mut shop = Kind::Context.object("shop", &spec);
        shop["metadata"]["labels"] = json!({"team": "shop"});
        shop["metadata"]["annotations"] = json!({"cicdcontext.io/run-uid": "r1", "event.cicdcontext.io/old": "a=b"});
        scene.create_object(Kind::Context, shop).await;
        scene.create(Kind::Event, "built", &event("shop", "build=success")).await;
        scene.create(Kind::StateWrite, "tag", &state_write("shop", &json!(1))).await;
        scene.introduce(Policy::Status).await;
        scene.introduce(Policy::Configure).await;
        // Bindings and policies come into force through watches of the API server's own.
        let label = json!({"metadata": {"labels": {"probe": "x"}}});
        self.is_refused_at_last(Role::Pipeline, "cicdcontexts/shop", &label, Policy::Configure).await;
        let phase = json!({"status": {"phase": "Failed"}});
        self.is_refused_at_last(Role::Admin, "cicdevents/built/status", &phase, Policy::Status).await;
        let label = json!({"metadata": {"labels": {"probe": "x"}}});
        for (role, object) in [(Role::Editor, "cicdcontexts/shop"), (Role::EndpointEditor, "cicdendpoints/chat")] {
            if role == Role::EndpointEditor {
                scene.endpoint("chat", "/chat", &json!({})).await;
            }
            let look = async || self.patch(role, MERGE, &format!("{object}?dryRun=All"), &label).await.map(drop);
            scene.until(&format!("{role} may write"), look).await;
        }
        let look = async || self.ask(Role::Viewer, "GET", "cicdcontexts/shop", "", &Value::Null).await.map(drop);
        scene.until("the viewer may look", look).await;
    }

    async fn is_refused_at_last(&self, role: Role, object: &str, patch: &Value, policy: Policy) {
        let look = async || match self.patch(role, MERGE, &format!("{object}?dryRun=All"), patch).await {
            Err(message) if message.contains("ValidatingAdmissionPolicy") => Ok(()),
            other => Err(format!("{other:?}")),
        };
        self.scene.until(&format!("{policy:?} is in force"), look).await;
    }

    /// Sends a request below the namespace, and gives the answer or the message of the refusal.
    async fn ask(&self, who: Role, method: &str, path: &str, kind: &str, body: &Value) -> Result<Value, String> {
        // A content type may bring parameters of the request along.
        let (kind, parameters) = kind.split_once('?').unwrap_or((kind, ""));
        let joint = if path.contains('?') { '&' } else { '?' };
        let namespace = &self.scene.namespace;
        let path = format!("/apis/cicdcontext.io/v1alpha1/namespaces/{namespace}/{path}{joint}{parameters}");
        let request = Request::builder().method(method).uri(path).header("content-type", kind);
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answered = self.clients[&who].request_text(request.body(body).unwrap()).await;
        match answered {
            Ok(text) => Ok(serde_json::from_str(&text).unwrap()),
            Err(kube::Error::Api(status)) => Err(status.message),
            Err(other) => Err(other.to_string()),
        }
    }

    async fn patch(&self, who: Role, kind: &str, object: &str, patch: &Value) -> Result<Value, String> {
        self.ask(who, "PATCH", object, kind, patch).await
    }

    async fn create(&self, who: Role, object: &Value) -> Result<Value, String> {
        let plural = format!("{}s", object["kind"].as_str().unwrap().to_lowercase());
        self.ask(who, "POST", &plural, "application/json", object).await
    }

    async fn end(self) {
        self.scene.withdraw(Policy::Configure).await;
        self.scene.withdraw(Policy::Status).await;
    }
}

/// What a refusal by a policy says before its own message.
fn denied(court: &Court, object: &str, policy: Policy, message: &str) -> String {
    let name = court.scene.policy_name(policy);
    format!("{object} is forbidden: ValidatingAdmissionPolicy '{name}' with binding '{name}' denied request: {message}")
}

#[tokio::test]
async fn under_both_policies_every_role_does_its_work() {
    let court = Court::new().await;
    let mut allowed = 0;
    let mut must = |what: &str, answer: Result<Value, String>| {
        allowed += 1;
        answer.unwrap_or_else(|refusal| panic!("{what}: {refusal}"))
    };
    let pipeline = Role::Pipeline;

    // A pipeline makes contexts of what is configured already.
    let all = json!({
        "context": "stage", "bases": [{"kind": "CicdBase", "name": "app"}], "state": {"tag": "1.5", "n": [1, {"a": null}]},
        "stateSchema": {"type": "object"}, "variableValues": {"image": "x"}, "ttlSecondsAfterLastActivity": 86400,
    });
    let run = json!({"annotations": {"cicdcontext.io/run-uid": "r2"}});
    must("create with all that may be set", court.create(pipeline, &context("made", &all, &run)).await);
    let unnamed = json!({"name": null, "generateName": "run-"});
    must("create with generateName", court.create(pipeline, &context("", &json!({}), &unnamed)).await);
    let applied = json!({"apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdContext", "metadata": {"name": "applied"},
        "spec": {"state": {"a": 1}}});
    must("apply what is not there", court.patch(pipeline, APPLY, "cicdcontexts/applied", &applied).await);

    // It writes state in every way, and fires events.
    let state = json!({"spec": {"state": {"tag": "1.5", "build": {"image": "shop:1.5"}}}});
    must("merge state", court.patch(pipeline, MERGE, "cicdcontexts/shop", &state).await);
    let removed = json!([{"op": "remove", "path": "/spec/state"}]);
    must("remove state", court.patch(pipeline, JSON, "cicdcontexts/shop", &removed).await);
    let both = json!({"spec": {"state": {"tag": "1.6"}}, "metadata": {"annotations": {
        "event.cicdcontext.io/new": "build=success", "generate.cicdcontext.io/new": "build.dockerfile",
        "event.cicdcontext.io/old": null}}});
    must("state and events in one patch", court.patch(pipeline, MERGE, "cicdcontexts/shop", &both).await);
    let mut applied = applied;
    applied["spec"]["state"] = json!({"b": 2});
    must("apply state", court.patch(pipeline, APPLY, "cicdcontexts/applied", &applied).await);
    let same = json!({"metadata": {"labels": {"team": "shop"}}, "spec": {"variableValues": {"a": "b"}}});
    must("patch what is so already", court.patch(pipeline, MERGE, "cicdcontexts/shop", &same).await);
    must(
        "create an event",
        court.create(pipeline, &Kind::Event.object("fired", &event("shop", "build=success"))).await,
    );
    let write = Kind::StateWrite.object("written", &state_write("shop", &json!(1)));
    must("create a state write", court.create(pipeline, &write).await);

    // Who may configure, does.
    let configured = json!({"settings": {"channel": "#prod"}, "suspend": true});
    let labelled = json!({"labels": {"team": "shop"}, "finalizers": ["example.test/keep"]});
    must("an editor creates", court.create(Role::Editor, &context("kept", &configured, &labelled)).await);
    let freed = json!({"metadata": {"finalizers": null, "labels": {"team": null}}, "spec": {"settings": {"a": 1}}});
    must("an editor configures", court.patch(Role::Editor, MERGE, "cicdcontexts/kept", &freed).await);
    let redeliver = json!({"metadata": {"annotations": {"redeliver.cicdcontext.io/1": "*"}}});
    must("an editor asks for a redelivery", court.patch(Role::Editor, MERGE, "cicdevents/built", &redeliver).await);
    let url = json!({"spec": {"timeout": "20s"}});
    must("an endpoint editor changes", court.patch(Role::EndpointEditor, MERGE, "cicdendpoints/chat", &url).await);
    must("a viewer looks", court.ask(Role::Viewer, "GET", "cicdcontexts/shop", "", &Value::Null).await);

    // And so does the operator, in whose name only the operator speaks.
    let ledger =
        json!({"metadata": {"annotations": {"cicdcontext.io/applied": "{}"}}, "spec": {"state": {"tag": "2"}}});
    must("the operator writes its ledger", court.patch(Role::Operator, MERGE, "cicdcontexts/shop", &ledger).await);
    let phase = json!({"status": {"phase": "Pending"}});
    must("the operator writes a status", court.patch(Role::Operator, MERGE, "cicdevents/built/status", &phase).await);
    assert_eq!(allowed, 17);
    court.end().await;
}

#[tokio::test]
async fn ownership_of_fields_cannot_be_forged_so_that_the_next_apply_removes_configuration() {
    let court = Court::new().await;
    // What comes from Git, and what somebody else, who may configure, has added.
    let intent = context("git", &json!({"bases": [], "state": {}}), &json!({}));
    let applied = "application/apply-patch+yaml?fieldManager=gitops";
    court.patch(Role::Editor, applied, "cicdcontexts/git", &intent).await.unwrap();
    let added = json!({"spec": {"suspend": true, "settings": {"channel": "#ci"}}});
    let object = court.patch(Role::Editor, MERGE, "cicdcontexts/git", &added).await.unwrap();

    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let index = entries.iter().position(|entry| entry["manager"] == "gitops").unwrap();
    let path = |field: &str| format!("/metadata/managedFields/{index}/fieldsV1/f:spec/f:{field}");
    let forged = json!([
        {"op": "add", "path": path("suspend"), "value": {}}, {"op": "add", "path": path("settings"), "value": {}},
    ]);
    let emptied = json!([{"op": "remove", "path": format!("/metadata/managedFields/{index}")}]);
    for patch in [&forged, &emptied] {
        let refusal = court.patch(Role::Pipeline, JSON, "cicdcontexts/git", patch).await.unwrap_err();
        assert!(refusal.contains("cicd-pipeline may not change metadata.managedFields of a CicdContext"), "{refusal}");
    }
    // The state is anybody's, also by apply, and events are fired.
    let step = context("git", &json!({"state": {"tag": "1"}}), &json!({}));
    court.patch(Role::Pipeline, APPLY, "cicdcontexts/git", &step).await.unwrap();
    let fired = json!({"metadata": {"annotations": {"event.cicdcontext.io/e": "build=success"}}});
    court.patch(Role::Pipeline, MERGE, "cicdcontexts/git", &fired).await.unwrap();

    let object = court.patch(Role::Editor, applied, "cicdcontexts/git", &intent).await.unwrap();
    assert_eq!((&object["spec"]["suspend"], &object["spec"]["settings"]), (&json!(true), &json!({"channel": "#ci"})));
    court.end().await;
}

#[tokio::test]
async fn what_is_not_a_roles_own_is_refused_with_what_would_be_right() {
    let court = Court::new().await;
    let scene = &court.scene;
    let changed = "of a CicdContext: without the verb configure on cicdcontexts, only spec.state and annotations \
                   event.cicdcontext.io/* and generate.cicdcontext.io/* change";
    let set = "of a CicdContext: without the verb configure on cicdcontexts, a new one has of its spec only context, bases, \
               state, stateSchema, variableValues, ttlSecondsAfterLastActivity, and of annotations only \
               cicdcontext.io/run-uid";
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "u"}]);
    let ledger = "cicdcontext.io/applied";

    // A pipeline changes no configuration, whatever it changes with it.
    let base = json!([{"kind": "CicdBase", "name": "mine"}]);
    let patches = [
        (json!({"spec": {"pipelines": {"build": {}}}}), "spec.pipelines"),
        (json!({"spec": {"bases": base}}), "spec.bases"),
        (json!({"spec": {"bases": null}}), "spec.bases"),
        (json!({"spec": {"suspend": true, "state": {"tag": "2"}}}), "spec.suspend"),
        (json!({"spec": {"variableValues": {"a": "c"}}}), "spec.variableValues"),
        (json!({"spec": {"stateSchema": {}}}), "spec.stateSchema"),
        (json!({"spec": {"ttlSecondsAfterLastActivity": 60}}), "spec.ttlSecondsAfterLastActivity"),
        (json!({"spec": {"settings": {"channel": 1}}}), "spec.settings"),
        (json!({"metadata": {"finalizers": ["example.test/forever"]}}), "metadata.finalizers"),
        (json!({"metadata": {"labels": {"team": "other"}}}), "label team"),
        (json!({"metadata": {"labels": null}}), "label team"),
        (json!({"metadata": {"annotations": {ledger: "{}"}}}), "annotation cicdcontext.io/applied"),
        (json!({"metadata": {"annotations": {"cicdcontext.io/run-uid": null}}}), "annotation cicdcontext.io/run-uid"),
    ];
    for (patch, what) in &patches {
        let refusal = court.patch(Role::Pipeline, MERGE, "cicdcontexts/shop", patch).await.unwrap_err();
        let message = format!("cicd-pipeline may not change {what} {changed}");
        let object = r#"cicdcontexts.cicdcontext.io "shop""#;
        assert_eq!(refusal, denied(&court, object, Policy::Configure, &message));
    }
    let before = json!([{"op": "add", "path": "/spec/state/tag", "value": "3"}, {"op": "add", "path": "/spec/partials",
        "value": {"a": "b"}}]);
    let refusal = court.patch(Role::Pipeline, JSON, "cicdcontexts/shop", &before).await.unwrap_err();
    assert!(refusal.contains("cicd-pipeline may not change spec.partials of a CicdContext"), "{refusal}");
    // Where Kubernetes' own plugin for owner references is on, that is quicker.
    let with_owner = json!({"metadata": {"ownerReferences": owner}});
    let refusal = court.patch(Role::Pipeline, MERGE, "cicdcontexts/shop", &with_owner).await.unwrap_err();
    let kubernetes = refusal.contains("cannot set an ownerRef on a resource you can't delete");
    assert!(kubernetes || refusal.contains("may not change metadata.ownerReferences of a CicdContext"), "{refusal}");
    let several = json!({"spec": {"unset": ["settings.a"]}, "metadata": {"labels": {"a": "b"}}});
    let refusal = court.patch(Role::Pipeline, MERGE, "cicdcontexts/shop", &several).await.unwrap_err();
    assert!(refusal.contains("cicd-pipeline may not change spec.unset, label a of a CicdContext"), "{refusal}");
    let shop = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(shop["spec"]["state"], json!({"tag": "1.4"}), "a refused request changes nothing");

    // Nor does it bring any along.
    let inline = json!({"pipelines": {"build": {}}});
    let event = json!({"event.cicdcontext.io/e": "build=success"});
    let creations = [
        (inline, json!({}), "spec.pipelines"),
        (json!({}), json!({"labels": {"team": "other"}}), "label team"),
        (json!({}), json!({"ownerReferences": owner}), "metadata.ownerReferences"),
        (json!({}), json!({"annotations": {ledger: "{}"}}), "annotation cicdcontext.io/applied"),
        (json!({}), json!({"annotations": event}), "annotation event.cicdcontext.io/e"),
    ];
    for (spec, metadata, what) in &creations {
        let refusal = court.create(Role::Pipeline, &context("new", spec, metadata)).await.unwrap_err();
        let message = format!("cicd-pipeline may not set {what} {set}");
        assert_eq!(refusal, denied(&court, r#"cicdcontexts.cicdcontext.io "new""#, Policy::Configure, &message));
    }
    let mut applied = context("new", &json!({"suspend": true}), &json!({}));
    let refusal = court.patch(Role::Pipeline, APPLY, "cicdcontexts/new", &applied).await.unwrap_err();
    assert!(refusal.contains("cicd-pipeline may not set spec.suspend of a CicdContext"), "{refusal}");
    applied["metadata"]["name"] = json!("shop");
    let refusal = court.patch(Role::Pipeline, APPLY, "cicdcontexts/shop", &applied).await.unwrap_err();
    assert!(refusal.contains("cicd-pipeline may not change spec.suspend of a CicdContext"), "{refusal}");
    assert!(scene.get(Kind::Context, "new").await.is_none());

    // Nobody but the operator says what the operator did.
    let phase = json!({"status": {"phase": "Succeeded"}});
    for (kind, plural, name) in [("CicdEvent", "cicdevents", "built"), ("CicdStateWrite", "cicdstatewrites", "tag")] {
        let path = format!("{plural}/{name}/status");
        let refusal = court.patch(Role::Admin, MERGE, &path, &phase).await.unwrap_err();
        let message = format!(
            "only the operator writes the status of a {kind}, not cicd-admin: it says what the operator did; delete the \
             object, or ask for a redelivery of an event by an annotation"
        );
        let object = format!("{plural}.cicdcontext.io {name:?}");
        assert_eq!(refusal, denied(&court, &object, Policy::Status, &message));
    }

    // What no policy is needed for.
    let state = json!({"spec": {"state": {}}});
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    let url = json!({"spec": {"url": "https://elsewhere.example"}});
    for (who, path, patch, resource) in [
        (Role::Viewer, "cicdcontexts/shop", &state, "cicdcontexts"),
        (Role::EndpointEditor, "cicdcontexts/shop", &state, "cicdcontexts"),
        (Role::Pipeline, "cicdcontexts/shop/status", &phase, "cicdcontexts/status"),
        (Role::Editor, "cicdevents/built/status", &phase, "cicdevents/status"),
        (Role::Pipeline, "cicdevents/built", &label, "cicdevents"),
        (Role::Editor, "cicdendpoints/chat", &url, "cicdendpoints"),
        (Role::Pipeline, "cicdbases/app", &label, "cicdbases"),
    ] {
        let refusal = court.patch(who, MERGE, path, patch).await.unwrap_err();
        let (name, namespace) = (path.split('/').nth(1).unwrap(), &scene.namespace);
        let (kind, user) = (resource.split('/').next().unwrap(), who.user());
        assert_eq!(
            refusal,
            format!(
                "{kind}.cicdcontext.io {name:?} is forbidden: User {user:?} cannot patch resource {resource:?} in API group \
                 \"cicdcontext.io\" in the namespace {namespace:?}"
            )
        );
    }
    court.end().await;
}

#[tokio::test]
async fn cicdctl_makes_and_uses_a_context_under_both_policies() {
    let court = Court::new().await;
    let scene = &court.scene;
    let ran = async |run: &str, arguments: &[&str]| {
        let mut command = Command::new(program());
        command.args(arguments).args(["-n", &scene.namespace]).env_clear().env("CICD_RUN_UID", run);
        let output = command.env("KUBECONFIG", scene.access.kubeconfig(Role::Pipeline)).output().await.unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let run = async |arguments: &[&str]| {
        let (success, errors) = ran("run-7", arguments).await;
        assert!(success, "cicdctl {arguments:?}: {errors}");
    };
    let base = ["--base", "CicdBase/app", "--cicd-context", "stage", "--ttl", "7d"];
    run(&[&["init", "made", "--set", "state.tag=1.4"][..], &base].concat()).await;
    // Once more for the same run, as a Pod that was started anew does.
    run(&[&["init", "made", "--set", "state.tag=1.4"][..], &base].concat()).await;
    run(&["set", "made", "state.build.image=shop:1.5"]).await;
    run(&["event", "made", "build=success"]).await;
    let made = scene.get(Kind::Context, "made").await.unwrap();
    assert_eq!(made["metadata"]["annotations"], json!({"cicdcontext.io/run-uid": "run-7"}));

    // To make it another run's is to configure it.
    let (success, errors) = ran("run-8", &[&["init", "made", "--if-exists", "reset"][..], &base].concat()).await;
    let refused = "may not change annotation cicdcontext.io/run-uid of a CicdContext";
    assert!(!success && errors.contains(refused), "{errors}");

    // kubectl's own annotation would let a step decide what the next apply of others removes.
    let kubeconfig = kubeconfig(scene, Role::Pipeline).await;
    let manifest =
        "apiVersion: cicdcontext.io/v1alpha1\nkind: CicdContext\nmetadata: {name: applied}\nspec: {state: {a: 1}}\n";
    let typed =
        async |command: &str| type_in(scene, &kubeconfig, &format!("kubectl {command} -f -"), Some(manifest)).await;
    let ran = typed("apply").await;
    let refused =
        "cicd-pipeline may not set annotation kubectl.kubernetes.io/last-applied-configuration of a CicdContext";
    assert!(!ran.success && ran.output.contains(refused), "{}", ran.output);
    for command in ["create", "apply --server-side"] {
        let ran = typed(command).await;
        assert!(ran.success, "{command}: {}", ran.output);
    }
    court.end().await;
}

#[tokio::test]
async fn the_operator_works_under_both_policies() {
    let mut court = Court::new().await;
    let scene = &mut court.scene;
    scene.delete(Kind::Event, "built").await;
    scene.start_operator(&[]).await;
    let note = json!({"name": "note", "setValues": [{"path": "state.built", "template": "{{state.tag}}"}]});
    let capture = json!({"notify": {"capture": [{"path": "state.answered", "template": "{{status}}"}]}});
    let tell = with(notify("tell", "chat", "built {{state.built}}"), &capture);
    let mut spec = on_success(&json!([note, tell]));
    spec["state"] = json!({"tag": "1.4"});
    scene.create(Kind::Context, "release", &spec).await;

    scene.annotate("release", "r1", "build=success").await;
    let done = scene.finished_annotation("release", "r1").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
    scene.create(Kind::StateWrite, "deployed", &state_write("release", &json!(true))).await;
    scene.wait(Kind::StateWrite, "deployed", "is gone", Value::is_null).await;
    let release = scene.get(Kind::Context, "release").await.unwrap();
    assert_eq!(release["spec"]["state"], json!({"tag": "1.4", "built": "1.4", "answered": "200", "written": true}));
    assert!(release["metadata"]["annotations"]["cicdcontext.io/applied"].is_string(), "{release:#}");
    scene.wait_condition(Kind::Context, "release", "Ready", "True").await;
    court.end().await;
}
