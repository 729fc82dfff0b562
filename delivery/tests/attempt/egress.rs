//! Refusals before a byte is sent. Every name stands for loopback, where a receiver counts who comes: no packet leaves
//! the machine whatever the verdict.

use super::*;

struct Loopback;

impl Resolve for Loopback {
    fn resolve(&self, _: &str) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        async { Ok(vec![SocketAddr::from(([127, 0, 0, 1], 0))]) }.boxed()
    }
}

/// A sender without any rule: loopback is refused.
fn strict() -> Sender {
    Sender::with(Policy::default(), Arc::new(Loopback), rustls::RootCertStore::empty()).unwrap()
}

const LOOPBACK: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.127.127.127",
    "2130706433",
    "0x7f000001",
    "0x7F.0x0.0x0.0x1",
    "0x7f.1",
    "017700000001",
    "0177.0.0.01",
    "0177.0x0.0.1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "①②⑦.⓪.⓪.①",
    "１２７.０.０.１",
    "127。0。0。1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:7F00:0001]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2002:7f00:0001::1]",
    // Names, which stand for loopback here.
    "localhost",
    "LOCALHOST.",
    "localhost.localdomain",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "turns.example",
    "turns.example.",
    "127.0.0.1.turns.example",
    "xn--bcher-kva.example",
    "bücher.example",
    "service.shop.svc",
    "service.shop.svc.cluster.local.",
    "hooks.chat.example%2e",
];

#[tokio::test]
async fn no_spelling_of_loopback_is_dialled() {
    let receiver = Receiver::start(vec![]).await;
    let sender = strict();
    assert!(LOOPBACK.len() >= 40);
    for host in LOOPBACK {
        let url = format!("http://{host}:{}/canary-path?canary=query#canary", receiver.address.port());
        let destination = to(&url).credentials(Credentials::Bearer("canary-token".into()));
        let error = sender.attempt(&destination, &post(&destination)).await.expect_err(host);
        let AttemptError::Egress(refusal) = &error else { panic!("{host}: {error:?}") };
        assert_eq!(refusal.reason, RefusalReason::Loopback, "{host}");
        let text = error.to_string();
        assert!(text.starts_with("refuse to send to http://") && !text.contains("canary"), "{text}");
        assert!(!error.may_have_been_sent());
        assert_eq!(classify(&Err(error), SystemTime::now()), Class::Final { reason: "EgressRefused" });
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn other_forbidden_places_are_refused_each_with_its_reason() {
    use RefusalReason as Why;
    for (url, reason) in [
        ("http://169.254.169.254/latest/meta-data/canary", Why::Metadata),
        ("http://2852039166/canary", Why::Metadata),
        ("http://0xa9.0xfe.0xa9.0xfe/canary", Why::Metadata),
        ("http://0251.0376.0251.0376/canary", Why::Metadata),
        ("http://169.254.43518/canary", Why::Metadata),
        ("http://[::ffff:169.254.169.254]/canary", Why::Metadata),
        ("http://[64:ff9b::a9fe:a9fe]/canary", Why::Metadata),
        ("http://[2002:a9fe:a9fe::]/canary", Why::Metadata),
        ("http://[fd00:ec2::254]/canary", Why::Metadata),
        ("http://169.254.0.7/canary", Why::LinkLocal),
        ("http://[fe80::7]/canary", Why::LinkLocal),
        ("http://10.0.0.7/canary", Why::Private),
        ("http://0/canary", Why::Unspecified),
        ("http://[::]/canary", Why::Unspecified),
        ("http://224.0.0.1/canary", Why::Multicast),
        ("http://canary:canary@127.0.0.1/", Why::UserInformation),
        ("https://hooks.chat.example@169.254.169.254/canary", Why::UserInformation),
        ("https://canary@[::1]/", Why::UserInformation),
        ("ftp://127.0.0.1/canary", Why::Scheme),
    ] {
        let destination = to(url);
        let error = strict().attempt(&destination, &post(&destination)).await.expect_err(url);
        let AttemptError::Egress(refusal) = &error else { panic!("{url}: {error:?}") };
        assert_eq!(refusal.reason, reason, "{url}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    // With a zone id there is no URL to begin with.
    for text in ["http://[fe80::1%25eth0]/", "http://[::1%lo]/"] {
        assert!(text.parse::<url::Url>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_name_that_was_public_when_it_was_looked_at_is_judged_again_when_it_is_dialled() {
    let receiver = Receiver::start(vec![]).await;
    let names = Names::default().with("turns.example.", &[&["8.8.8.8"], &["127.0.0.1"]]);
    let names = Arc::new(names);
    let policy = Policy::default();
    let sender = Sender::with(policy.clone(), names.clone(), rustls::RootCertStore::empty()).unwrap();
    let destination = to(&format!("http://turns.example:{}/canary", receiver.address.port()));
    let (_, target) = cicdcontext_delivery::Target::parse("http://turns.example/").unwrap();
    let first = names.resolve("turns.example.").await.unwrap()[0].ip();
    assert_eq!(policy.check_address(first, &target, &shop()), Ok(()), "nothing against it, if one only looked once");
    let error = sender.attempt(&destination, &post(&destination)).await.unwrap_err();
    assert!(matches!(&error, AttemptError::Egress(refusal) if refusal.reason == RefusalReason::Loopback), "{error:?}");
    assert_eq!((receiver.connections(), names.asked.lock().unwrap().len()), (0, 2));
}

#[tokio::test]
async fn a_redirect_or_a_captured_url_leads_nowhere_forbidden() {
    let place = "http://169.254.169.254/latest/meta-data/canary";
    let redirect = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
    let receiver = Receiver::start(vec![Then::Answer(redirect.into())]).await;
    let destination = to(&format!("http://{}/", receiver.address));
    let result = sender().attempt(&destination, &post(&destination)).await;
    assert_eq!(classify(&result, SystemTime::now()), Class::Final { reason: "Redirect" });
    assert_eq!((receiver.connections(), receiver.requests().len()), (1, 1));
    // What came back becomes the URL of a respond handler.
    let captured = result.unwrap().headers["location"].parse().unwrap();
    let outgoing = Outgoing::to(&destination, "POST").unwrap().url(captured).build("msg-2", 0).unwrap();
    let error = sender().attempt(&destination, &outgoing).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "refuse to send to http://169.254.169.254: it is the metadata service of a cloud; only an --egress-allow rule \
         with that very address opens it"
    );
}
