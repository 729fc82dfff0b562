//! What a receiver can verify, and where a signature is not sent.

use super::*;

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD+zHqkJvt4zU=";

fn signing(url: &str) -> Destination {
    to(url).signing_key(&OLD.into()).unwrap().signing_key(&NEW.into()).unwrap()
}

/// Verifies a request as it came over the wire, with the library that receivers use.
fn verify(key: &str, request: &str) -> bool {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut headers = http::HeaderMap::new();
    for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
        headers.insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    standardwebhooks::Webhook::new(key).unwrap().verify(body.as_bytes(), &headers).is_ok()
}

#[tokio::test]
async fn a_request_over_the_wire_verifies_with_each_key_and_no_other() {
    let receiver = Receiver::start(vec![ok(""), ok("")]).await;
    let destination = signing(&format!("http://{}/api", receiver.address));
    // The library accepts what is at most 5 minutes old.
    let now = i64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    for body in [&b"{\"a\":1}"[..], b""] {
        let outgoing = Outgoing::to(&destination, "POST").unwrap().body(body.to_vec()).unwrap();
        let outgoing = outgoing.build("msg-1", now).unwrap();
        sender().attempt(&destination, &outgoing).await.unwrap();
    }
    let requests = receiver.requests();
    assert!(requests.len() == 2 && requests[0].ends_with("\r\n\r\n{\"a\":1}"), "{requests:?}");
    for request in requests {
        assert!(verify(OLD, &request) && verify(NEW, &request), "{request}");
        assert!(!verify("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &request));
        let (before, timestamp) = request.split_once(&now.to_string()).unwrap();
        assert!(!verify(OLD, &format!("{before}{}{timestamp}", now - 1)));
        assert!(!verify(OLD, &request.replace("webhook-id: msg", "webhook-id: m")));
    }
}

#[tokio::test]
async fn another_url_than_the_endpoints_gets_no_signature() {
    let receiver = Receiver::start(vec![ok("")]).await;
    let destination = signing("https://hooks.chat.example/ci");
    let url = format!("http://{}/respond", receiver.address).parse().unwrap();
    let outgoing = Outgoing::to(&destination, "POST").unwrap().url(url).build("msg-1", 0).unwrap();
    sender().attempt(&destination, &outgoing).await.unwrap();
    assert!(!receiver.requests()[0].contains("webhook-signature"));
}

#[tokio::test]
async fn a_receiver_that_knows_the_key_and_tells_it_is_not_heard() {
    let told = format!("{{\"key\":\"{OLD}\",\"bare\":\"{}\"}}", &NEW[6..]);
    let receiver = Receiver::start(vec![ok(&told)]).await;
    let destination = signing(&format!("http://{}/", receiver.address));
    let answer = sender().attempt(&destination, &post(&destination)).await.unwrap();
    assert_eq!(String::from_utf8(answer.body).unwrap(), "{\"key\":\"***\",\"bare\":\"***\"}");
}
