//! Canary: secrets that are used in every way an endpoint can use one, by receivers that send back whatever they got, and
//! in requests that fail in every way. Then everything that people can read is searched for them.

mod parrot;
mod search;

use cicdcontext_tests::receiver::{
    Answer, Receiver,
    tls::{Authority, Identity},
};
use data_encoding::BASE64;
use kube::api::ListParams;
use miniz_oxide::inflate::decompress_to_vec;
use serde_json::{Value, json};

use self::{
    parrot::{echo, refusing_proxy},
    search::hits,
};
use crate::{
    object::{Kind, event, handler, notify, with},
    scene::Scene,
};

const BEARER: &str = "cA1+bearer/7Q=xY&z~wK?";
const USER: &str = "cA2+user/8R=xY&z~wKLM";
const PASSWORD: &str = "cA3:password+/9S=xY&z~";
const HEADER: &str = "cA4+header/1T=xY&z~wK";
const HOOK: &str = "cA5-hook(7Q)~xY!z@wKLM";
const QUERY: &str = "cA6-query:8R~xY!z@wKLM";
const SIGNING: [&str; 2] = ["whsec_Y0E3K3NpZ25pbmcvMVQ9eFkmen53Szdh", "whsec_Y0E4K3NpZ25pbmcvMlU9eFkmen53Szdh"];
const PROXY_USER: &str = "cA9+proxy/3V=xY&z~wK";
const PROXY_PASSWORD: &str = "cB1+word/4W=xY&z~wK?";
const UNUSED: &str = "cB2+unused/5X=xY&z~wK";
const COOKIE: &str = "cB3+cookie/6Y=xY&z~wK";
const NO_URL: &str = "cB4+no-url/7Z=xY&z~wK";
const NO_KEY: &str = "cB5+no-key/8A=xY&z~wK";
const NO_HEADER: &str = "cB6+no-header/9B=xY&z~wK";
const CLOSED: &str = "cB7-closed(1C)~xY!z@wK";
const METADATA: &str = "cB8-metadata(2D)~xY!z@wK";

fn secret(key: &str) -> Value {
    json!({"secretKeyRef": {"name": "canaries", "key": key}})
}

fn bearer() -> Value {
    json!({"auth": {"bearer": secret("bearer")}})
}

/// What endpoints and handlers lead to.
struct Stage {
    scene: Scene,
    tls: Receiver,
    closed: u16,
    client: Identity,
}

impl Stage {
    async fn endpoint(&self, name: &str, more: &Value) {
        let path = format!("/{name}");
        self.scene.receiver.program(&path, echo(200));
        let body = r#"{"text": "{{handler.message}}"}"#;
        let base = json!({
            "bodies": {"notify": body, "respond": body, "manualChoice": r#"{"choices": {{json handler.choices}}}"#},
            // What is tried again is tried soon, and given up.
            "retry": {"maxAttempts": 2, "maxElapsedSeconds": 5, "initialDelaySeconds": 1, "maxDelaySeconds": 1},
            "capture": [
                {"path": "state.captured.{{handler.name}}.body", "fromPath": "$.body"},
                {"path": "state.captured.{{handler.name}}.headers", "fromPath": "$.headers"},
            ],
        });
        self.scene.endpoint(name, &path, &with(base, more)).await;
    }

    /// An endpoint whose URL is that of a Secret.
    async fn hidden(&self, name: &str, key: &str) {
        self.endpoint(name, &json!({})).await;
        let change = json!({"spec": {"url": null, "urlFrom": secret(key)}});
        self.scene.patch(Kind::Endpoint, name, &change).await;
    }

    async fn secrets(&self) {
        let url = |path: String| self.scene.receiver.url(&path);
        let texts = json!({
            "bearer": BEARER, "username": USER, "password": PASSWORD, "header": HEADER, "unused": UNUSED,
            "old": SIGNING[0], "new": SIGNING[1], "hook": url(format!("/hooks/{HOOK}?key={QUERY}")),
            "no-url": NO_URL, "no-key": NO_KEY, "no-header": format!("{NO_HEADER}\u{1}"),
            "closed": format!("http://127.0.0.1:{}/{CLOSED}", self.closed),
            "metadata": format!("http://169.254.169.254/{METADATA}"),
        });
        self.scene.secret("canaries", &texts).await;
        let certificate = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "client"},
            "stringData": {"tls.crt": self.client.certificate_pem(), "tls.key": self.client.key_pem()},
        });
        self.scene.create_object(Kind::Secret, certificate).await;
    }

    /// Endpoints that answer, with every kind of credential.
    async fn answering(&self, authority: &Authority) {
        let everything = with(
            bearer(),
            &json!({
                "headers": [
                    {"name": "x-key", "valueFrom": with(secret("header"), &json!({"prefix": "Key ", "suffix": ";v=1"}))},
                    {"name": "x-event", "value": "{{event.id}}"},
                ],
                "signing": {"keys": [secret("old"), secret("new")]},
                "allow": {"methods": ["PUT"], "pathPrefixes": ["/"], "headers": ["x-mine"]},
                "allowedHosts": ["127.0.0.1"], "args": [{"name": "ref", "value": "main"}],
            }),
        );
        self.endpoint("all", &everything).await;
        self.scene.receiver.program("/all/below", echo(200));
        self.endpoint("basic", &json!({"auth": {"basic": {"secretName": "canaries"}}})).await;
        for preset in ["Slack", "Teams", "Discord", "TektonTrigger", "Generic"] {
            let name = preset.to_lowercase();
            self.endpoint(&name, &with(bearer(), &json!({"preset": preset}))).await;
            self.scene.patch(Kind::Endpoint, &name, &json!({"spec": {"bodies": null}})).await;
        }
        self.hidden("hook", "hook").await;
        self.scene.receiver.program(&format!("/hooks/{HOOK}?key={QUERY}"), echo(200));
        self.scene.secret("authority", &json!({"ca.crt": authority.pem()})).await;
        let trust = json!({"ca": {"secretKeyRef": {"name": "authority", "key": "ca.crt"}}});
        let tls = with(json!({"tls": trust}), &json!({"tls": {"clientCertificateSecretName": "client"}}));
        let url = json!({"url": self.tls.url("/certified")});
        self.endpoint("certified", &with(bearer(), &with(tls, &url))).await;
        self.tls.program("/certified", echo(200));
        self.tls.program("/reply", echo(200));
        self.endpoint("text", &bearer()).await;
        self.scene.receiver.program("/text", |request| {
            Answer::text(200, format!("you said {:?} to {}", request.headers, request.path))
        });
        self.scene.endpoint("plain", "/plain", &json!({})).await;
    }

    /// Endpoints with which something goes wrong, each with a secret.
    async fn failing(&self) {
        for (name, status) in [("refused", 400), ("forbidden", 403), ("missing", 404), ("broken", 500), ("moved", 307)]
        {
            self.endpoint(name, &bearer()).await;
            self.scene.receiver.program(&format!("/{name}"), echo(status));
        }
        self.endpoint("slow", &with(bearer(), &json!({"timeoutSeconds": 1}))).await;
        self.scene.receiver.answer("/slow", Answer::hang());
        let never = json!({"successWhen": "{{contains body.text 'never'}}"});
        self.endpoint("unsuccessful", &with(bearer(), &never)).await;
        self.endpoint("misjudged", &with(bearer(), &json!({"successWhen": "{{fromJson body.debug}}"}))).await;
        self.endpoint(
            "unjudged",
            &with(bearer(), &json!({"capture": [{"path": "state.{{body.debug}}", "fromPath": "$.body"}]})),
        )
        .await;
        let unrendered = json!({"bodies": {"notify": "{{fromJson handler.message}}"}});
        self.endpoint("unrendered", &with(bearer(), &unrendered)).await;
        self.endpoint(
            "secretless",
            &json!({"auth": {"bearer": {"secretKeyRef": {"name": "canaries", "key": "none"}}}}),
        )
        .await;
        self.endpoint("bad-key", &json!({"signing": {"keys": [secret("no-key")]}})).await;
        self.endpoint("bad-header", &json!({"headers": [{"name": "x-key", "valueFrom": secret("no-header")}]})).await;
        self.endpoint(
            "insecure",
            &with(bearer(), &json!({"url": format!("https://{}/x", self.scene.receiver.address())})),
        )
        .await;
        self.endpoint("untrusted", &with(bearer(), &json!({"url": self.tls.url("/untrusted")}))).await;
        self.endpoint("proxied", &with(bearer(), &json!({"proxy": "out"}))).await;
        self.endpoint("forbidden-address", &with(bearer(), &json!({"url": "http://127.0.0.2/x"}))).await;
        for (name, key) in [("bad-url", "no-url"), ("closed", "closed"), ("metadata", "metadata")] {
            self.hidden(name, key).await;
        }
    }

    /// The handlers, with how each has to end.
    fn handlers(&self) -> Vec<(Value, &'static str)> {
        let to = |name: &str| json!({"endpoint": {"name": name}});
        let one = |name: &str, kind: &str, more: Value| json!({"name": name, kind: with(to("all"), &more)});
        let choices = json!([{"name": "go", "options": [{"text": "Go", "value": "go"}]}]);
        let generators = json!([{"name": "made", "foreach": "$.state.list", "template": "- {name: m, options: []}"}]);
        let reply = self.tls.url("/reply?sig={{event.data.run}}");
        let certified = |name: &str| {
            json!({"name": name, "respond": {
            "endpoint": {"name": "all"}, "url": reply, "message": "thanks"}})
        };
        let mut all = vec![
            (one("reply", "respond", json!({"message": "thanks"})), "Succeeded"),
            (
                one(
                    "choose",
                    "manualChoice",
                    json!({"title": "Next?", "choices": choices, "choiceGenerators": generators}),
                ),
                "Succeeded",
            ),
            (
                one("trigger", "triggerPipeline", json!({"name": "deploy", "args": [{"name": "tag", "value": "1"}]})),
                "Succeeded",
            ),
            (
                one(
                    "call",
                    "webhook",
                    json!({
                        "method": "PUT", "path": "/below", "headers": [{"name": "x-mine", "value": "{{event.id}}"}],
                        "body": r#"{"a": "{{event.id}}"}"#,
                        "capture": [{"path": "state.called", "fromPath": "$.body.headers"}],
                    }),
                ),
                "Succeeded",
            ),
            // The operator does not trust the authority without the endpoint's own word.
            (certified("reply-elsewhere"), "Failed"),
            (json!({"name": "call-public", "webhook": {"url": "https://127.0.0.2/x", "method": "GET"}}), "Failed"),
            (
                json!({"name": "copy", "setValues": [{"path": "state.copy", "fromPath": "$.state.captured.reply"}]}),
                "Succeeded",
            ),
            (json!({"name": "make", "generate": {"generator": "file"}}), "Succeeded"),
        ];
        let good =
            ["all", "basic", "slack", "teams", "discord", "tektontrigger", "generic", "hook", "certified", "text"];
        all.extend(good.map(|name| (notify(name, name, "built"), "Succeeded")));
        let bad = [
            "refused",
            "forbidden",
            "missing",
            "broken",
            "moved",
            "slow",
            "unsuccessful",
            "misjudged",
            "unjudged",
            "unrendered",
            "secretless",
            "bad-key",
            "bad-header",
            "insecure",
            "untrusted",
            "proxied",
            "forbidden-address",
            "bad-url",
            "closed",
            "metadata",
        ];
        all.extend(bad.map(|name| (notify(name, name, "built"), "Failed")));
        // Somebody else gets what was captured.
        all.push((notify("pass-on", "plain", "{{json state.captured}} {{json state.called}}"), "Succeeded"));
        all
    }

    /// All objects of a kind as the API server shows them, with managedFields.
    async fn shown(&self, kind: Kind) -> String {
        let all = self.scene.api(kind).list(&ListParams::default()).await.unwrap();
        serde_json::to_string(&all.items).unwrap()
    }

    /// What people can read, by where they do.
    async fn places(&self) -> Vec<(String, String)> {
        let kinds = [Kind::Context, Kind::Event, Kind::StateWrite, Kind::Base, Kind::ClusterBase, Kind::Endpoint];
        let mut places = vec![
            ("the log".to_owned(), self.scene.log()),
            ("/metrics".to_owned(), self.scene.metrics().await),
            ("Kubernetes Events".to_owned(), serde_json::to_string(&self.scene.kubernetes_events().await).unwrap()),
        ];
        for kind in kinds.into_iter().chain([Kind::ConfigMap]) {
            places.push((format!("{kind:?}"), self.shown(kind).await));
        }
        for request in self.scene.receiver.requests_to("/plain") {
            places
                .push(("a receiver without credentials".to_owned(), format!("{:?} {}", request.headers, request.text)));
        }
        places
    }

    fn canaries(&self) -> Vec<(&'static str, String)> {
        let mut all: Vec<(&'static str, String)> = [
            ("the bearer token", BEARER),
            ("the user name", USER),
            ("the password", PASSWORD),
            ("the secret header", HEADER),
            ("the path of the secret URL", HOOK),
            ("the query of the secret URL", QUERY),
            ("the first signing key", &SIGNING[0]["whsec_".len()..]),
            ("the second signing key", &SIGNING[1]["whsec_".len()..]),
            ("the proxy's user", PROXY_USER),
            ("the proxy's password", PROXY_PASSWORD),
            ("a key that nobody uses", UNUSED),
            ("a cookie", COOKIE),
            ("a URL that is none", NO_URL),
            ("a signing key that is none", NO_KEY),
            ("a header that is none", NO_HEADER),
            ("the path of a closed port", CLOSED),
            ("the path of a refused address", METADATA),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec();
        let key = self.client.key_pem();
        all.push(("the client's private key", key.lines().nth(1).unwrap().to_owned()));
        all
    }
}

fn configuration(handlers: &[(Value, &'static str)]) -> Value {
    let handlers: Vec<&Value> = handlers.iter().map(|(handler, _)| handler).collect();
    let file = json!([{"name": "base", "set": [{"path": "state.file", "template": "{{json state.captured.reply}}"}]}]);
    json!({"pipelines": {"build": {"eventHandlers": {"success": handlers}, "generators": {"file": file}}}})
}

/// The requests that are kept of events to be sent again, unpacked.
fn kept_requests(events: &[Value]) -> Vec<String> {
    let kept = events.iter().flat_map(|event| event["status"]["requests"].as_array().into_iter().flatten());
    kept.map(|stored| {
        let packed = BASE64.decode(stored["content"].as_str().unwrap().as_bytes()).unwrap();
        String::from_utf8(decompress_to_vec(&packed).unwrap()).unwrap()
    })
    .collect()
}

#[tokio::test]
async fn no_secret_shows_anywhere_when_every_feature_was_used_and_receivers_repeat_what_they_got() {
    let authority = Authority::new().unwrap();
    let identity = authority.identity(&["127.0.0.1"]).unwrap();
    let (proxy, _proxying) = refusing_proxy().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("credentials");
    std::fs::write(&file, format!("{PROXY_USER}:{PROXY_PASSWORD}\n")).unwrap();
    let flags = [
        format!("--proxy=out={proxy}"),
        format!("--proxy-credentials=out={}", file.display()),
        // More than anybody logs.
        "--log-level=info,cicdcontext_operator=trace,cicdcontext_delivery=trace,cicdcontext_engine=trace".to_owned(),
    ];
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let stage = Stage {
        scene: Scene::with_flags(&flags.each_ref().map(String::as_str)).await,
        tls: Receiver::start_tls(&identity.clients_of(&authority)).await.unwrap(),
        closed,
        client: authority.identity(&["operator.example"]).unwrap(),
    };
    stage.secrets().await;
    stage.answering(&authority).await;
    stage.failing().await;
    let handlers = stage.handlers();
    let base = json!({"bases": [{"kind": "CicdBase", "name": "platform"}], "state": {"list": [1]}});
    stage.scene.create(Kind::Base, "platform", &configuration(&handlers)).await;
    stage.scene.create(Kind::Context, "shop", &base).await;
    let write = json!({"contextRef": {"name": "shop"}, "changes": [{"path": "state.written", "value": 1}]});
    stage.scene.create(Kind::StateWrite, "write", &write).await;

    let mut first = event("shop", "build=success");
    first["data"] = json!({"run": 7});
    first["varsFrom"] = json!({"mine.captured": "state.captured"});
    let done = stage.scene.run("first", &first).await;
    for (configured, phase) in &handlers {
        let ended = handler(&done, configured["name"].as_str().unwrap());
        assert_eq!(ended["phase"], *phase, "{ended:#}");
    }
    // Once more, now with all of it in the state; and a rehearsal.
    stage.scene.annotate("shop", "again", "build=success").await;
    stage.scene.finished_annotation("shop", "again").await;
    let done = stage.scene.run("rehearsed", &with(first, &json!({"dryRun": true}))).await;
    assert_eq!(handler(&done, "all")["reason"], "DryRun", "{done:#}");

    // The secrets were used, and they came back.
    let arrived = stage.scene.receiver.requests_to("/all");
    assert_eq!(arrived[0].header("authorization"), format!("Bearer {BEARER}"));
    assert_eq!(arrived[0].header("x-key"), format!("Key {HEADER};v=1"));
    assert!(arrived[0].header("webhook-signature").contains(" v1,"), "two signatures: {:?}", arrived[0].headers);
    let basic = BASE64.encode(format!("{USER}:{PASSWORD}").as_bytes());
    assert_eq!(stage.scene.receiver.requests_to("/basic")[0].header("authorization"), format!("Basic {basic}"));
    assert!(!stage.scene.receiver.requests_to(&format!("/hooks/{HOOK}?key={QUERY}")).is_empty());
    assert!(stage.tls.requests_to("/certified")[0].client_certificate.is_some());
    let context = stage.scene.get(Kind::Context, "shop").await.unwrap();
    let captured = &context["spec"]["state"]["captured"];
    assert_eq!(captured["all"]["body"]["headers"]["authorization"], "Bearer ***");
    assert_eq!(captured["all"]["headers"]["x-echo-x-key"], "Key ***;v=1");

    let canaries = stage.canaries();
    let places = stage.places().await;
    let found: Vec<String> = places.iter().flat_map(|(place, text)| hits(place, text, &canaries)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    let kept = kept_requests(&stage.scene.list(Kind::Event).await);
    assert!(kept.len() > 4 && kept.iter().any(|text| text.contains("webhookId")), "{kept:?}");
    let found: Vec<String> = kept.iter().flat_map(|text| hits("a kept request", text, &canaries)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));

    // Had there been one, it would have been found.
    let planted = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "planted"},
        "data": {"text": format!("x{}", BASE64.encode(format!("user:{PASSWORD}").as_bytes()))},
    });
    stage.scene.create_object(Kind::ConfigMap, planted).await;
    let places = stage.places().await;
    let found: Vec<String> = places.iter().flat_map(|(place, text)| hits(place, text, &canaries)).collect();
    assert!(
        !found.is_empty() && found.iter().all(|hit| hit.starts_with("ConfigMap shows the password in base64")),
        "{found:?}"
    );
}
