//! The receiver matrix: what receivers do, and what it means for a delivery: class, reason and text.

use futures::future::join_all;

use super::*;

const HOUR: u64 = 3600;

fn answer(status: &str, headers: &str, body: &str) -> Then {
    let length = body.len();
    Then::Answer(format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes())
}

fn again(reason: &'static str, seconds: Option<u64>) -> Class {
    Class::Retry { reason, retry_after: seconds.map(Duration::from_secs) }
}

async fn to_receiver(receiver: &Receiver, timeout: u64) -> Result<Answer, AttemptError> {
    let destination = to(&format!("http://{}/canary?canary", receiver.address));
    let destination = destination.timeout(Duration::from_millis(timeout)).unwrap();
    sender().attempt(&destination, &post(&destination)).await
}

#[tokio::test]
async fn each_answer_has_its_class() {
    let end = |reason| Class::Final { reason };
    let done = Class::Delivered;
    let moved = "location: http://169.254.169.254/\r\n";
    let unavailable = |asked: &str| answer("503 Service Unavailable", &format!("retry-after: {asked}\r\n"), "");
    let rows = [
        (200, answer("200 OK", "", "{\"ok\":true}"), done),
        (201, answer("201 Created", "", "{}"), done),
        (204, Then::Answer(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()), done),
        (200, answer("200 OK", "content-type: text/plain\r\n", "thanks"), done),
        (200, answer("200 OK", "", ""), done),
        (200, answer("200 OK", "content-type: application/json\r\n", "{\"ok\":"), done),
        (500, answer("500 Internal Server Error", "", "oops"), again("ServerError", None)),
        (503, unavailable("7"), again("ServerError", Some(7))),
        (503, unavailable("Fri, 31 Dec 2100 23:59:59 GMT"), again("ServerError", Some(24 * HOUR))),
        (503, unavailable("Sun, 06 Nov 1994 08:49:37 GMT"), again("ServerError", Some(0))),
        (503, unavailable("-7"), again("ServerError", None)),
        (503, unavailable("99999999999999999999"), again("ServerError", Some(24 * HOUR))),
        (503, unavailable("soon, \u{fc}berm\u{f6}rgen"), again("ServerError", None)),
        (429, answer("429 Too Many Requests", "retry-after: 30\r\n", ""), again("TooManyRequests", Some(30))),
        (408, answer("408 Request Timeout", "", ""), again("RequestTimeout", None)),
        (425, answer("425 Too Early", "", ""), again("TooEarly", None)),
        (400, answer("400 Bad Request", "", "no"), end("Rejected")),
        (401, answer("401 Unauthorized", "www-authenticate: Basic\r\n", ""), end("NotAuthorized")),
        (403, answer("403 Forbidden", "", ""), end("NotAuthorized")),
        (404, answer("404 Not Found", "", ""), end("NotFound")),
        (407, answer("407 Proxy Authentication Required", "", ""), end("Rejected")),
        (410, answer("410 Gone", "retry-after: 5\r\n", ""), end("NotFound")),
        (301, answer("301 Moved Permanently", moved, ""), end("Redirect")),
        (302, answer("302 Found", moved, ""), end("Redirect")),
        (307, answer("307 Temporary Redirect", moved, ""), end("Redirect")),
        (308, answer("308 Permanent Redirect", moved, ""), end("Redirect")),
    ];
    join_all(rows.into_iter().map(async |(status, then, class)| {
        let receiver = Receiver::start(vec![then]).await;
        let result = to_receiver(&receiver, 10_000).await;
        assert_eq!(result.as_ref().unwrap().status, status);
        assert_eq!(classify(&result, SystemTime::now()), class, "{status}");
        assert_eq!((receiver.connections(), receiver.requests().len()), (1, 1), "{status} is one request");
    }))
    .await;
}

#[tokio::test]
async fn each_failure_has_its_class_its_text_and_tells_whether_bytes_may_have_left() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nnonsense\r\n".to_vec();
    let huge_head = [b"HTTP/1.1 200 OK\r\nx-pad: ".to_vec(), vec![b'x'; 1 << 20]].concat();
    let slowly = Duration::from_millis(100);
    let waiting = "timed out after 0.3 s while waiting for the answer";
    let reading = "timed out after 0.3 s while reading the answer's body";
    let rows = [
        (Then::Silence(Vec::new()), "Timeout", waiting),
        (Then::Silence(head.clone()), "Timeout", reading),
        (Then::Drip(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n".to_vec(), slowly), "Timeout", waiting),
        (Then::Reset, "ConnectionLost", " while waiting for the answer"),
        (Then::Close, "ConnectionLost", " while waiting for the answer"),
        (Then::Answer(head), "ConnectionLost", " while reading the answer's body"),
        (Then::Answer(chunked), "ConnectionLost", " while reading the answer's body"),
        (Then::Answer(b"SSH-2.0-canary\r\n\r\n".to_vec()), "ConnectionLost", " while waiting for the answer"),
        (Then::Answer(huge_head), "ConnectionLost", " while waiting for the answer"),
    ];
    let scripted = rows.into_iter().map(async |(then, reason, told)| {
        let receiver = Receiver::start(vec![then]).await;
        (to_receiver(&receiver, if reason == "Timeout" { 300 } else { 10_000 }).await, reason, told)
    });
    let results = join_all(scripted).await;
    let resetting = Receiver::resetting().await;
    // How far it came is a race; that it is told as lost is not.
    let unread = to_receiver(&resetting, 10_000).await;
    assert!(matches!(&unread, Err(AttemptError::Lost { .. })), "{unread:?}");
    assert_eq!(classify(&unread, SystemTime::now()), again("ConnectionLost", None));
    assert!(unread.unwrap_err().to_string().starts_with("send to http://127.0.0.1: "));
    for (result, reason, told) in results {
        assert_eq!(classify(&result, SystemTime::now()), again(reason, None), "{result:?}");
        let error = result.unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("send to http://127.0.0.1: ") && text.contains(told), "{text} has {told}");
        assert!(!text.contains("canary") && error.may_have_been_sent(), "{text}");
    }
}

#[tokio::test]
async fn a_body_at_one_byte_at_a_time_ends_at_the_timeout() {
    let receiver = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n").await.unwrap();
            let mut ticks = tokio::time::interval(Duration::from_millis(50));
            while stream.write_all(b"x").await.is_ok() {
                ticks.tick().await;
            }
        });
        address
    };
    let destination = to(&format!("http://{receiver}/canary")).timeout(Duration::from_millis(400)).unwrap();
    let error = sender().attempt(&destination, &post(&destination)).await.unwrap_err();
    assert_eq!(error.to_string(), "send to http://127.0.0.1: timed out after 0.4 s while reading the answer's body");
}

#[tokio::test]
async fn nobody_there_and_no_such_name_are_told_apart() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, reason, told) in [
        (format!("http://{closed}/canary"), "ConnectFailed", "connect to http://127.0.0.1: Connection refused"),
        (
            "http://nowhere.example/canary".to_owned(),
            "DnsFailed",
            "resolve the host of http://nowhere.example: no such name",
        ),
    ] {
        let result = attempt(&url).await;
        assert_eq!(classify(&result, SystemTime::now()), again(reason, None));
        let error = result.unwrap_err();
        assert!(error.to_string().starts_with(told) && !error.may_have_been_sent(), "{error}");
    }
}

#[tokio::test]
async fn a_hundred_megabytes_and_a_gzip_bomb_are_cut_as_they_come() {
    let large = "HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n";
    let bomb = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 10485760\r\n\r\n";
    // A gzip header and a stored block; what follows would be unpacked to a thousand times its size.
    let zeros = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0; 8182]].concat();
    for (head, chunk) in [(large, b"x".repeat(8192)), (bomb, zeros)] {
        let receiver = Receiver::start(vec![Then::Endless(head.into(), chunk.clone())]).await;
        let result = to_receiver(&receiver, 10_000).await;
        assert_eq!(classify(&result, SystemTime::now()), Class::Delivered);
        let answer = result.unwrap();
        assert_eq!((answer.body.len(), answer.truncated), (64 * 1024, true));
        assert!(answer.body.starts_with(&chunk), "as it came, not unpacked");
        receiver.gone().await;
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_receiver_closed_is_not_used_again() {
    let kept = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none".to_vec();
    let receiver = Receiver::start(vec![Then::Last(kept), ok("two"), Then::Close, ok("four")]).await;
    let destination = to(&format!("http://{}/", receiver.address));
    let sender = sender();
    assert_eq!(sender.attempt(&destination, &post(&destination)).await.unwrap().body, b"one");
    // The sender has seen the end of the connection, and hung up.
    receiver.gone().await;
    assert_eq!(sender.attempt(&destination, &post(&destination)).await.unwrap().body, b"two");
    // Closed while the next request was under way: it is not repeated behind the schedule's back.
    let result = sender.attempt(&destination, &post(&destination)).await;
    assert_eq!(classify(&result, SystemTime::now()), again("ConnectionLost", None));
    assert!(result.unwrap_err().may_have_been_sent());
    assert_eq!(receiver.requests().len(), 3);
    assert_eq!(sender.attempt(&destination, &post(&destination)).await.unwrap().body, b"four");
    assert_eq!(receiver.connections(), 3);
}

#[tokio::test]
async fn a_receiver_that_echoes_the_request_gives_no_secret_away() {
    let receiver = Receiver::start(vec![Then::Echo]).await;
    let destination = to(&format!("http://{}/T0/canary-0123456789?k=canary-9876543210", receiver.address))
        .url_is_secret()
        .credentials(Credentials::Basic { username: "canary-robot".into(), password: "canary-pass".into() })
        .secret_header("x-key", "k=", &"canary-header".into(), ";")
        .unwrap()
        .signing_key(&"whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktMDEy".into())
        .unwrap();
    let answer = sender().attempt(&destination, &post(&destination)).await.unwrap();
    let body = String::from_utf8(answer.body).unwrap();
    assert!(body.starts_with("POST ***?*** HTTP/1.1\r\n") && body.ends_with("{\"a\":1}"), "{body}");
    assert!(body.contains("\r\nx-key: k=***;\r\n") && body.contains("\r\nwebhook-signature: v1,"), "{body}");
    let encoded = ["canary", "Y2FuYXJ5", "NhbmFyeS", "jYW5hcn"];
    assert!(encoded.iter().all(|part| !body.contains(part)), "{body}");
}
