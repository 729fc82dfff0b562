//! Priority and fairness of the real API server: one seat and no queue for the operator's requests in one namespace. For a
//! while somebody else sits there, so that nothing is let through; afterwards only what comes alone is.

use std::process::Stdio;

use cicdcontext_tests::cluster::{Access, Role};
use k8s_openapi::api::flowcontrol::v1::{FlowSchema, PriorityLevelConfiguration};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PostParams},
    client,
    core::DynamicObject,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

use crate::{
    object::{Kind, event, expect_outcome, logs_and_tells},
    scene::Scene,
};

/// The one seat. It is gone when this is dropped, whatever becomes of the test.
struct OneSeat {
    access: Access,
    client: Client,
    name: String,
}

impl OneSeat {
    async fn of(scene: &Scene) -> Self {
        let name = format!("one-seat-{}", scene.namespace);
        let seat = Self { access: scene.access.clone(), client: scene.client.clone(), name };
        let level: PriorityLevelConfiguration = serde_json::from_value(json!({
            "metadata": {"name": seat.name},
            "spec": {"type": "Limited", "limited": {
                "nominalConcurrencyShares": 0, "borrowingLimitPercent": 0, "limitResponse": {"type": "Reject"},
            }},
        }))
        .unwrap();
        let user = Role::Operator.user();
        let (namespace, account) = user.trim_start_matches("system:serviceaccount:").split_once(':').unwrap();
        let schema: FlowSchema = serde_json::from_value(json!({
            "metadata": {"name": seat.name},
            "spec": {
                "priorityLevelConfiguration": {"name": seat.name},
                "matchingPrecedence": 2,
                "rules": [{
                    "subjects": [{"kind": "ServiceAccount", "serviceAccount": {"namespace": namespace, "name": account}}],
                    "resourceRules": [{
                        "verbs": ["*"], "apiGroups": ["cicdcontext.io"], "resources": ["*"],
                        "namespaces": [scene.namespace],
                    }],
                }],
            },
        }))
        .unwrap();
        let parameters = PostParams::default();
        Api::all(seat.client.clone()).create(&parameters, &level).await.unwrap();
        Api::all(seat.client.clone()).create(&parameters, &schema).await.unwrap();
        seat
    }

    async fn remove(client: &Client, name: &str) {
        let parameters = DeleteParams::default();
        Api::<FlowSchema>::all(client.clone()).delete(name, &parameters).await.ok();
        Api::<PriorityLevelConfiguration>::all(client.clone()).delete(name, &parameters).await.ok();
    }

    /// How many requests were refused here.
    async fn refused(&self) -> u64 {
        let request = axum::http::Request::get("/metrics").body(Vec::new()).unwrap();
        let text = self.client.request_text(request).await.unwrap();
        let schema = format!("flow_schema=\"{}\"", self.name);
        let lines = text.lines().filter(|line| {
            line.starts_with("apiserver_flowcontrol_rejected_requests_total{") && line.contains(&schema)
        });
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }
}

/// Takes the seat with a request whose body never comes, until this is dropped.
async fn sit_down(scene: &Scene) -> (Child, TcpStream) {
    let path = format!("/apis/cicdcontext.io/v1alpha1/namespaces/{}/cicdevents", scene.namespace);
    let seat: Api<FlowSchema> = Api::all(scene.client.clone());
    let uid = seat.get(&format!("one-seat-{}", scene.namespace)).await.unwrap().metadata.uid.unwrap();
    let client = scene.access.client(Role::Operator).await.unwrap();
    // The schema is not in force at once; the answer tells which one was.
    let in_force = async || {
        let request = axum::http::Request::get(&path).body(client::Body::empty()).unwrap();
        let answer = client.send(request).await.map_err(|error| error.to_string())?;
        let told = answer.headers().get("x-kubernetes-pf-flowschema-uid").cloned();
        if told.as_ref().is_some_and(|told| *told == uid) { Ok(()) } else { Err(format!("{told:?}")) }
    };
    scene.until("the seat is the only one", in_force).await;
    // kubectl proxy knows how the user is told to the API server, and passes on what it gets, as it comes.
    let mut proxy = Command::from(scene.access.kubectl_as(Role::Operator));
    proxy.args(["proxy", "--port=0"]).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut proxy = proxy.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(proxy.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let address = line.trim().rsplit(' ').next().unwrap().to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap_or_else(|error| panic!("{line}: {error}"));
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // More than anybody keeps before he passes it on.
    stream.write_all(" ".repeat(50_000).as_bytes()).await.unwrap();
    (proxy, stream)
}

/// Waits until a request of the operator's user is let through, or is not.
async fn is_refused(scene: &Scene, refused: bool) {
    let client = scene.access.client(Role::Operator).await.unwrap();
    let api: Api<DynamicObject> = Api::namespaced_with(client, &scene.namespace, &Kind::Context.resource());
    let look = async || match api.list(&ListParams::default().limit(1)).await {
        Err(kube::Error::Api(status)) if refused && status.code == 429 => Ok(()),
        Ok(_) if !refused => Ok(()),
        other => Err(format!("{:?}", other.map(drop))),
    };
    scene.until(if refused { "the operator is refused" } else { "the operator is let through" }, look).await;
}

#[tokio::test]
async fn an_api_server_that_lets_nothing_through_for_a_while_is_not_flooded_and_all_is_done_once() {
    const REFUSED: u64 = 8;
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.create(Kind::Context, "shop", &logs_and_tells()).await;
    scene.wait_condition(Kind::Context, "shop", "Ready", "True").await;
    let seat = OneSeat::of(&scene).await;
    let sitting = sit_down(&scene).await;
    is_refused(&scene, true).await;
    let (before, begun) = (seat.refused().await, std::time::Instant::now());
    scene.annotate("shop", "r1", "build=success").await;
    scene.create(Kind::Event, "e1", &event("shop", "build=success")).await;
    let changes = json!([{"path": "state.written", "value": true}]);
    scene.create(Kind::StateWrite, "w1", &json!({"contextRef": {"name": "shop"}, "changes": changes})).await;
    let tried = async || {
        let refused = seat.refused().await - before;
        if refused >= REFUSED { Ok(refused) } else { Err(format!("{refused} requests were refused")) }
    };
    let refused = scene.until("the operator has tried", tried).await;
    let seconds = begun.elapsed().as_secs() + 1;
    // Three things to do, each at most a few times in a second.
    assert!(refused <= 15 * seconds, "{refused} requests were refused within {seconds} s");
    scene.nothing_sent_to("/chat");
    drop(sitting);
    is_refused(&scene, false).await;

    let done = scene.finished_annotation("shop", "r1").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    let done = scene.finished("e1").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    scene.wait(Kind::StateWrite, "w1", "is gone", Value::is_null).await;
    let state = scene.get(Kind::Context, "shop").await.unwrap()["spec"]["state"].clone();
    assert_eq!(state["log"], json!(["start", "built", "told", "built", "told"]), "{state}");
    assert_eq!(state["written"], true);
    assert_eq!(scene.receiver.requests_to("/chat").len(), 2);
}

impl Drop for OneSeat {
    fn drop(&mut self) {
        let (access, name) = (self.access.clone(), self.name.clone());
        // Inside a runtime nothing can be waited for.
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async move {
                let client = access.client(Role::Admin).await.ok()?;
                Self::remove(&client, &name).await;
                Some(())
            })
        });
        removal.join().ok();
    }
}
