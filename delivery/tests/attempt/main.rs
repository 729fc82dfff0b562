//! One attempt over real sockets on loopback. Names are answered by an injected resolver with loopback addresses only,
//! so that no packet leaves the machine whatever the verdict; which of them are refused is up to the policy.

// The exemption in clippy.toml covers test functions, not what they share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod egress;
mod matrix;
mod proxy;
mod receiver;
mod signing;
mod tls;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use cicdcontext_delivery::resolve::Resolve;
use cicdcontext_delivery::{
    Answer, AttemptError, Class, Credentials, Destination, Outgoing, Phase, Policy, RefusalReason, Scope, Sender,
    classify,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use receiver::{Receiver, Then};

/// Answers from a table, one list per question; the last one stays. Remembers what it was asked.
#[derive(Default)]
struct Names {
    answers: Mutex<HashMap<String, Vec<Vec<&'static str>>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    fn with(self, name: &str, answers: &[&[&'static str]]) -> Self {
        let answers = answers.iter().map(|addresses| addresses.to_vec()).collect();
        self.answers.lock().unwrap().insert(name.to_owned(), answers);
        self
    }
}

impl Resolve for Names {
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let found = match answers.get_mut(name) {
            Some(lists) if lists.len() > 1 => Ok(lists.remove(0)),
            Some(lists) => Ok(lists[0].clone()),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "no such name")),
        };
        // Port 9 would be wrong: the port is the URL's.
        let found = found.map(|list| list.iter().map(|ip| SocketAddr::new(ip.parse::<IpAddr>().unwrap(), 9)).collect());
        async move { found }.boxed()
    }
}

fn shop() -> Scope {
    Scope::namespace("shop", "cluster.local")
}

fn sender_with(names: Names, allow: &[&str]) -> (Sender, Arc<Names>) {
    let names = Arc::new(names);
    let policy = Policy::parse(allow, &[]).unwrap();
    (Sender::with(policy, names.clone(), rustls::RootCertStore::empty()).unwrap(), names)
}

fn sender() -> Sender {
    sender_with(Names::default(), &["127.0.0.1"]).0
}

fn to(url: &str) -> Destination {
    Destination::new(url.parse().unwrap(), shop()).allow_http(true)
}

fn post(destination: &Destination) -> Outgoing {
    let builder = Outgoing::to(destination, "POST").unwrap().header("content-type", "application/json").unwrap();
    builder.body(b"{\"a\":1}".to_vec()).unwrap().build("msg-1", 1_700_000_000).unwrap()
}

async fn attempt(url: &str) -> Result<Answer, AttemptError> {
    let destination = to(url);
    sender().attempt(&destination, &post(&destination)).await
}

fn ok(body: &str) -> Then {
    Then::Answer(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

#[tokio::test]
async fn a_request_arrives_as_built_with_id_timestamp_and_credentials() {
    let receiver = Receiver::start(vec![ok("{\"id\":7}")]).await;
    let destination = to(&format!("http://{}/api", receiver.address))
        .credentials(Credentials::Basic { username: "robot".into(), password: "s3cret-pass".into() })
        .header("x-team", "shop")
        .unwrap()
        .secret_header("x-key", "k=", &"canary-key".into(), ";")
        .unwrap();
    let outgoing = Outgoing::to(&destination, "PUT").unwrap().path("/apps/a b").unwrap().header("x-note", "n").unwrap();
    let outgoing = outgoing.body(b"payload".to_vec()).unwrap().build("msg-1", 1_700_000_000).unwrap();
    let answer = sender().attempt(&destination, &outgoing).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice(), answer.truncated), (200, &b"{\"id\":7}"[..], false));
    let seen = receiver.requests().remove(0);
    assert!(seen.starts_with("PUT /api/apps/a%20b HTTP/1.1\r\n") && seen.ends_with("\r\n\r\npayload"), "{seen}");
    for line in [
        "webhook-id: msg-1",
        "webhook-timestamp: 1700000000",
        "idempotency-key: msg-1",
        "authorization: Basic cm9ib3Q6czNjcmV0LXBhc3M=",
        "x-team: shop",
        "x-key: k=canary-key;",
        "x-note: n",
        "content-length: 7",
        concat!("user-agent: cicdcontext-operator/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(seen.contains(&format!("\r\n{line}\r\n")), "{line} in {seen}");
    }
    for name in ["referer", "cookie", "accept-encoding", "transfer-encoding"] {
        assert!(!seen.contains(&format!("\r\n{name}:")), "{name} in {seen}");
    }
}

#[tokio::test]
async fn another_url_than_the_endpoints_gets_no_credentials() {
    let receiver = Receiver::start(vec![ok("")]).await;
    let destination = to("https://hooks.chat.example/ci").credentials(Credentials::Bearer("canary-token".into()));
    let destination =
        destination.secret_header("x-key", "", &"canary-key".into(), "").unwrap().header("x-team", "shop").unwrap();
    let url = format!("http://{}/respond", receiver.address).parse().unwrap();
    let outgoing = Outgoing::to(&destination, "POST").unwrap().url(url).build("msg-1", 0).unwrap();
    sender().attempt(&destination, &outgoing).await.unwrap();
    let seen = receiver.requests().remove(0);
    assert!(!seen.contains("canary") && !seen.contains("authorization") && seen.contains("x-team: shop"), "{seen}");
}

#[tokio::test]
async fn what_a_receiver_echoes_is_redacted_and_cookies_are_withheld() {
    let echo = "HTTP/1.1 200 OK\r\nset-cookie: s=1\r\nwww-authenticate: Basic\r\nx-echo: canary-token\r\nx-two: a\r\n\
                x-two: b\r\nconnection: close\r\n\r\nplain canary-token, base64 Y2FuYXJ5LXRva2Vu, Basic dXNlcjpjYW5hcnktdG9rZW4=";
    let receiver = Receiver::start(vec![Then::Answer(echo.into())]).await;
    let destination =
        to(&format!("http://{}/", receiver.address)).credentials(Credentials::Bearer("canary-token".into()));
    let answer = sender().attempt(&destination, &post(&destination)).await.unwrap();
    let body = String::from_utf8(answer.body).unwrap();
    assert!(body.starts_with("plain ***, base64 ***, Basic ") && !body.contains("jYW5hcnktdG9rZW"), "{body}");
    assert_eq!(answer.headers.get("x-echo").map(String::as_str), Some("***"));
    assert_eq!(answer.headers.get("x-two").map(String::as_str), Some("a, b"));
    assert!(!answer.headers.contains_key("set-cookie") && !answer.headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn an_answer_is_cut_at_64_kib_and_the_rest_is_not_read() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n";
    let receiver = Receiver::start(vec![Then::Endless(head.into(), b"x".repeat(8192))]).await;
    let answer = attempt(&format!("http://{}/", receiver.address)).await.unwrap();
    assert_eq!((answer.status, answer.body.len(), answer.truncated), (200, 64 * 1024, true));
    receiver.gone().await;
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = Receiver::start(vec![]).await;
    let place = format!("HTTP/1.1 302 Found\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n", elsewhere.address);
    let receiver = Receiver::start(vec![Then::Answer(place.into())]).await;
    let result = attempt(&format!("http://{}/", receiver.address)).await;
    assert_eq!(result.as_ref().unwrap().status, 302);
    assert_eq!(classify(&result, SystemTime::now()), Class::Final { reason: "Redirect" });
    assert_eq!((receiver.requests().len(), elsewhere.connections()), (1, 0));
}

#[tokio::test]
async fn the_checked_address_is_dialled_under_an_absolute_name() {
    let receiver = Receiver::start(vec![ok("one"), ok("two")]).await;
    let names = Names::default()
        .with("hooks.chat.example.", &[&["127.0.0.1"]])
        .with("in.shop.svc.cluster.local.", &[&["127.0.0.1"]]);
    let (sender, names) = sender_with(names, &["127.0.0.1"]);
    for host in ["Hooks.Chat.Example", "in.shop.svc"] {
        let destination = to(&format!("http://{host}:{}/", receiver.address.port()));
        sender.attempt(&destination, &post(&destination)).await.unwrap();
    }
    assert_eq!(*names.asked.lock().unwrap(), ["hooks.chat.example.", "in.shop.svc.cluster.local."]);
    assert!(receiver.requests()[0].contains("\r\nhost: hooks.chat.example:"));
}

#[tokio::test]
async fn a_name_that_turns_to_loopback_is_refused_before_a_byte_is_sent() {
    let receiver = Receiver::start(vec![]).await;
    let names = Names::default()
        .with("turns.example.", &[&["127.0.0.2"]])
        .with("both.example.", &[&["127.0.0.1", "127.0.0.2"]]);
    let (sender, _) = sender_with(names, &["*.example", "127.0.0.1"]);
    for host in ["turns.example", "both.example."] {
        let destination = to(&format!("http://{host}:{}/path?token=canary", receiver.address.port()));
        let error = sender.attempt(&destination, &post(&destination)).await.unwrap_err();
        let AttemptError::Egress(refusal) = &error else { panic!("{error:?}") };
        assert_eq!(refusal.reason, RefusalReason::Loopback);
        assert!(!error.may_have_been_sent());
        let text = error.to_string();
        assert!(text.starts_with(&format!("refuse to send to http://{host}: it is a loopback address")), "{text}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn an_address_in_the_url_is_checked_though_no_resolver_is_asked() {
    let receiver = Receiver::start(vec![]).await;
    let (sender, names) = sender_with(Names::default(), &["*.example"]);
    for host in ["127.0.0.1", "2130706433", "[::ffff:7f00:1]"] {
        let destination = to(&format!("http://{host}:{}/", receiver.address.port()));
        let error = sender.attempt(&destination, &post(&destination)).await.unwrap_err();
        assert_eq!(
            (error.label(), classify(&Err(error), SystemTime::now()).reason()),
            ("Egress", "EgressRefused"),
            "{host}"
        );
    }
    assert_eq!((receiver.connections(), names.asked.lock().unwrap().len()), (0, 0));
}

#[tokio::test]
async fn a_connection_of_one_namespace_is_not_another_ones() {
    let receiver = Receiver::start(vec![ok("one"), ok("two")]).await;
    let names = Names::default().with("hooks.chat.example.", &[&["127.0.0.1"], &["127.0.0.2"]]);
    let (sender, _) = sender_with(names, &["127.0.0.1"]);
    let url: url::Url = format!("http://hooks.chat.example:{}/", receiver.address.port()).parse().unwrap();
    let shop = Destination::new(url.clone(), shop()).allow_http(true);
    let bank = Destination::new(url, Scope::namespace("bank", "cluster.local")).allow_http(true);
    sender.attempt(&shop, &post(&shop)).await.unwrap();
    // The pooled connection serves the same namespace again, and only that one.
    let refused = sender.attempt(&bank, &post(&bank)).await.unwrap_err();
    assert_eq!(refused.label(), "Egress");
    sender.attempt(&shop, &post(&shop)).await.unwrap();
    assert_eq!((receiver.connections(), receiver.requests().len()), (1, 2));
}

#[tokio::test]
async fn a_failure_names_its_phase_and_shows_scheme_and_host_only() {
    let secret = "/path-canary?query-canary";
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let refused = attempt(&format!("http://{closed}{secret}")).await.unwrap_err();
    let unknown = attempt(&format!("http://nowhere.example{secret}")).await.unwrap_err();
    let mute = Receiver::start(vec![Then::Close]).await;
    let lost = attempt(&format!("http://{}{secret}", mute.address)).await.unwrap_err();
    let garbage = Receiver::start(vec![Then::Answer(b"SSH-2.0-canary\r\n\r\n".to_vec())]).await;
    let not_http = attempt(&format!("http://{}{secret}", garbage.address)).await.unwrap_err();
    let cut = Receiver::start(vec![Then::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec())]).await;
    let half = attempt(&format!("http://{}{secret}", cut.address)).await.unwrap_err();
    let plain = Receiver::start(vec![Then::Answer(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())]).await;
    let tls = attempt(&format!("https://{}{secret}", plain.address)).await.unwrap_err();
    for (error, label, sent, start) in [
        (&refused, "Connect", false, "connect to http://127.0.0.1: Connection refused"),
        (&unknown, "Dns", false, "resolve the host of http://nowhere.example: no such name"),
        (&lost, "Lost", true, "send to http://127.0.0.1: "),
        (&not_http, "Lost", true, "send to http://127.0.0.1: "),
        (&half, "Lost", true, "send to http://127.0.0.1: "),
        (&tls, "Tls", false, "agree on TLS with https://127.0.0.1: "),
    ] {
        let text = error.to_string();
        assert_eq!((error.label(), error.may_have_been_sent()), (label, sent), "{text}");
        assert!(text.starts_with(start) && !text.contains("canary"), "{text}");
        assert!(matches!(classify(&Err(error.clone()), SystemTime::now()), Class::Retry { .. }));
    }
    assert!(half.to_string().ends_with(" while reading the answer's body"), "{half}");
}

#[tokio::test]
async fn headers_have_a_limit_together_and_a_secret_that_is_no_header_value_is_told() {
    let destination = to("http://127.0.0.1:9/");
    let full = (0..9)
        .try_fold(Outgoing::to(&destination, "GET").unwrap(), |b, n| b.header(&format!("x-{n}"), &"v".repeat(8000)));
    let error = sender().attempt(&destination, &full.unwrap().build("id", 0).unwrap()).await.unwrap_err();
    assert!(error.to_string().contains(" bytes of headers: the limit is 65536, "), "{error}");
    let destination = destination.credentials(Credentials::Bearer("canary\n".into()));
    let error = sender().attempt(&destination, &post(&destination)).await.unwrap_err();
    let told =
        "set header \"authorization\" from its Secret: the value has a line break at its end; correct the Secret";
    assert_eq!((error.to_string().as_str(), error.label(), error.may_have_been_sent()), (told, "Request", false));
}

#[tokio::test]
async fn silence_ends_at_the_timeout_and_tells_where_it_was() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec();
    for (then, phase) in [(Then::Silence(Vec::new()), Phase::Answer), (Then::Silence(head), Phase::Body)] {
        let receiver = Receiver::start(vec![then]).await;
        let destination =
            to(&format!("http://{}/canary", receiver.address)).timeout(Duration::from_millis(200)).unwrap();
        let error = sender().attempt(&destination, &post(&destination)).await.unwrap_err();
        assert!(matches!(&error, AttemptError::Timeout { phase: at, .. } if *at == phase), "{error:?}");
        assert!(error.may_have_been_sent() && error.to_string().contains("timed out after 0.2 s while "), "{error}");
    }
    // The listener accepts in the kernel, but nobody speaks TLS: nothing of the request has left.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let destination =
        to(&format!("https://{}/", listener.local_addr().unwrap())).timeout(Duration::from_millis(200)).unwrap();
    let error = sender().attempt(&destination, &post(&destination)).await.unwrap_err();
    assert!(
        matches!(&error, AttemptError::Timeout { phase: Phase::Connect, .. }) && !error.may_have_been_sent(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_url_from_a_secret_shows_in_no_error_and_no_answer() {
    let receiver = Receiver::start(vec![ok("no hook /services/T0/canary-0123456789"), Then::Close]).await;
    let url = format!("http://{}/services/T0/canary-0123456789", receiver.address);
    let destination = to(&url).url_is_secret();
    let sender = sender();
    let answer = sender.attempt(&destination, &post(&destination)).await.unwrap();
    assert_eq!(answer.body, b"no hook ***");
    let error = sender.attempt(&destination, &post(&destination)).await.unwrap_err().to_string();
    assert!(error.starts_with("send to a URL from a Secret: ") && !error.contains("127.0.0.1"), "{error}");
}
