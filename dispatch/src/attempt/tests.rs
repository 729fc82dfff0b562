use std::sync::Mutex;

use cicdcontext_delivery::{Phase, Policy, Target as Host};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::testing::{Shelf, Written, request, secret, spec};

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn with_bearer(url: &str) -> Written {
    let bearer = json!({"secretKeyRef": {"name": "chat", "key": "token"}});
    Written::of(spec(json!({"url": url, "allowHttp": true, "auth": {"bearer": bearer}})))
}

async fn prepared<'a>(request: &'a Request, endpoints: &Written, shelf: &Shelf) -> Result<Prepared<'a>, Failure> {
    let proxies = Proxies::default();
    let grounds = Grounds { proxies: &proxies, cluster_domain: "cluster.local" };
    prepare(
        request,
        endpoints,
        |home| {
            assert_eq!(home, "shop");
            shelf
        },
        grounds,
        || NOW,
    )
    .await
}

#[tokio::test]
async fn what_cannot_be_prepared_says_whether_another_attempt_may_do_better() {
    let (endpoints, has_token) = (with_bearer("https://chat.example"), secret("chat", &[("token", b"s3cret")]));
    let mut elsewhere = request("chat");
    elsewhere.target = Target::Endpoint(EndpointReference { name: "chat".into(), namespace: Some("bank".into()) });
    let mut broken = request("chat");
    broken.headers = vec![("Authorization".to_owned(), "mine".to_owned())];
    let mut plain = request("chat");
    plain.target = Target::Url("chat.example".to_owned());
    let full = || Shelf::default().with(has_token.clone());
    for (request, shelf, prospect, told) in [
        (
            request("gone"),
            full(),
            Prospect::Retry,
            "EndpointNotFound: find CicdEndpoint gone: there is none of this name",
        ),
        (
            elsewhere,
            full(),
            Prospect::Final,
            "EndpointNotAllowed: use CicdEndpoint bank/chat: there is none that lists this namespace in spec.allowedNamespaces",
        ),
        (
            request("chat"),
            Shelf::default(),
            Prospect::Retry,
            "SecretNotFound: use CicdEndpoint chat: read Secret chat: it does not exist in the endpoint's namespace",
        ),
        (
            request("chat"),
            Shelf::down(),
            Prospect::Retry,
            "SecretNotFound: use CicdEndpoint chat: read Secret chat: it does not answer",
        ),
        (
            request("chat"),
            Shelf::default().with(secret("chat", &[("token", b"\xff")])),
            Prospect::Final,
            "SecretRefused: use CicdEndpoint chat: read Secret chat: the value of key \"token\" is not UTF-8 text",
        ),
        (
            plain,
            full(),
            Prospect::Final,
            "InvalidRequest: read the rendered url: relative URL without a base; write https://host/path",
        ),
        (broken, full(), Prospect::Final, "InvalidRequest: build the request: "),
    ] {
        let failure = prepared(&request, &endpoints, &shelf).await.unwrap_err();
        assert_eq!(failure.prospect, prospect, "{failure:?}");
        let text = format!("{}: {}", failure.reason, failure.message);
        assert!(text.starts_with(told), "{text}");
    }
}

#[tokio::test]
async fn an_attempt_shows_the_endpoints_secrets_and_is_told_in_the_words_of_the_run() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let seen = Mutex::new(String::new());
    let receive = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut got = String::new();
        while !got.ends_with("built\"}") {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).await.unwrap();
            got.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        }
        *seen.lock().unwrap() = got;
        let answer = "HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 6\r\nconnection: close\r\n\r\ns3cret";
        stream.write_all(answer.as_bytes()).await.unwrap();
    };
    let shelf = Shelf::default().with(secret("chat", &[("token", b"s3cret\n")]));
    let request = request("chat");
    let prepared = prepared(&request, &with_bearer(&url), &shelf).await.unwrap();
    let sender = Sender::new(Policy::parse(&["127.0.0.1"], &[]).unwrap()).unwrap();
    let (sent, ()) = tokio::join!(prepared.send(&sender), receive);
    assert_eq!(sent.refusal(), None);
    let Attempt { delivered, contact, retry_after } = sent.judge(false, NOW);
    assert_eq!((contact, retry_after), (Contact::Answered, Some(Duration::from_secs(7))));
    assert_eq!(delivered.failure, Some(Failure::new(Prospect::Retry, "ServerError", "chat answered with status 503")));
    assert_eq!((delivered.status, delivered.body.as_str()), (Some(503), "***"));
    let seen = seen.lock().unwrap();
    for line in ["authorization: Bearer s3cret", "webhook-timestamp: 1700000000", "content-type: application/json"] {
        assert!(seen.contains(line), "{seen}");
    }
}

#[tokio::test]
async fn what_the_egress_rules_forbid_is_final_and_says_nothing_of_the_endpoint() {
    let shelf = Shelf::default().with(secret("chat", &[("token", b"s3cret")]));
    let request = request("chat");
    let prepared = prepared(&request, &with_bearer("http://127.0.0.1:1/"), &shelf).await.unwrap();
    let nothing: [&str; 0] = [];
    let sender = Sender::new(Policy::parse(&nothing, &nothing).unwrap()).unwrap();
    let sent = prepared.send(&sender).await;
    assert_eq!(sent.refusal(), Some(RefusalReason::Loopback));
    let Attempt { delivered, contact, retry_after } = sent.judge(false, NOW);
    let failure = delivered.failure.unwrap();
    assert_eq!((failure.reason.as_str(), failure.prospect), ("EgressRefused", Prospect::Final));
    assert_eq!((contact, retry_after), (Contact::Unknown, None));
}

#[test]
fn at_most_once_only_what_certainly_did_not_leave_is_sent_again() {
    let target = request("chat").target;
    let host = || Host::of(&Url::parse("https://chat.example").unwrap()).unwrap();
    let judged = |result: Result<Answer, AttemptError>, at_most_once| {
        let sent = Sent { target: &target, result, took: Duration::ZERO };
        let attempt = sent.judge(at_most_once, NOW);
        (attempt.delivered.failure.unwrap().prospect, attempt.contact)
    };
    let not_found = || AttemptError::Dns { target: host(), detail: "no such name".into() };
    let lost = || AttemptError::Lost { target: host(), phase: Phase::Answer, detail: "reset".into() };
    let busy =
        || Ok(Answer { status: 503, headers: [].into(), body: Vec::new(), truncated: false, duration: Duration::ZERO });
    assert_eq!(judged(Err(not_found()), true), (Prospect::Retry, Contact::NotReached));
    assert_eq!(judged(Err(lost()), true), (Prospect::Unknown, Contact::Unknown));
    assert_eq!(judged(busy(), true), (Prospect::Final, Contact::Answered));
    assert_eq!(judged(Err(lost()), false), (Prospect::Retry, Contact::Unknown));
    assert_eq!(judged(busy(), false), (Prospect::Retry, Contact::Answered));
}

#[test]
fn another_host_than_its_own_says_nothing_of_the_endpoint() {
    let endpoint = EndpointReference { name: "chat".into(), namespace: None };
    let target = Target::Foreign { endpoint, url: "https://hooks.example/1".to_owned() };
    let answer =
        Answer { status: 200, headers: [].into(), body: b"ok".to_vec(), truncated: false, duration: Duration::ZERO };
    let attempt = Sent { target: &target, result: Ok(answer), took: Duration::from_millis(3) }.judge(true, NOW);
    assert_eq!((attempt.contact, &attempt.delivered.failure), (Contact::Unknown, &None));
    assert_eq!((attempt.delivered.body.as_str(), attempt.delivered.duration_ms), ("ok", 3));
}
