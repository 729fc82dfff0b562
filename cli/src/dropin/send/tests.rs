use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use super::*;

const PLACE: &str = "pipelines.p.event-handlers.e.respond";

/// Answers one request after the other, and gives them as they came.
fn answering(answers: Vec<String>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let mut requests = Vec::new();
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
                head.push_str(line.trim_end());
                head.push('\n');
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            requests.push(format!("{head}\n{}", String::from_utf8(body).unwrap()));
            reader.into_inner().write_all(answer.as_bytes()).unwrap();
        }
        requests
    });
    (port, server)
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn courier(slack: &str, trigger: &str) -> Courier {
    rustls::crypto::ring::default_provider().install_default().ok();
    let core = format!("cicdstatemgr: {{slack: {{url: '{slack}'}}, trigger: {{url: '{trigger}'}}}}");
    let secrets = "cicdstatemgr: {slack: {token: chat-token}, trigger: {token: start-token}}";
    Courier::new(&Core::read("config.yaml", &core).unwrap(), &Secrets::read("secrets.yaml", secrets).unwrap())
}

fn request(handler: HandlerType, url: &str, headers: &[(&str, &str)]) -> Request {
    let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Request { handler, place: PLACE.to_owned(), url: url.to_owned(), headers, body: r#"{"a":"é"}"#.to_owned() }
}

fn header<'r>(request: &'r str, name: &str) -> Vec<&'r str> {
    let lines = request.split("\n\n").next().unwrap().lines();
    lines
        .filter_map(|line| line.split_once(": "))
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

#[tokio::test]
async fn a_message_goes_with_the_token_which_no_answer_brings_back() {
    let (port, server) = answering(vec![answer("200 OK", "you sent chat-token")]);
    let url = format!("http://127.0.0.1:{port}/chat?x=1");
    let (answered, notices) = courier(&url, "http://127.0.0.1:1/").send(&request(HandlerType::Notify, &url, &[])).await;
    assert_eq!(answered, Answered::Delivered("you sent ***".to_owned()));
    assert_eq!(notices, []);
    let requests = server.join().unwrap();
    assert!(requests[0].starts_with("POST /chat?x=1 HTTP/1.1\n"), "{}", requests[0]);
    assert!(requests[0].ends_with("\n\n{\"a\":\"é\"}"), "{}", requests[0]);
    for (name, value) in [
        ("content-type", "application/json; charset=UTF-8"),
        ("authorization", "Bearer chat-token"),
        ("cache-control", "no-cache"),
        ("content-length", "10"),
    ] {
        assert_eq!(header(&requests[0], name), [value], "{name}");
    }
}

#[tokio::test]
async fn a_trigger_has_the_headers_of_the_configuration_and_never_the_token() {
    let (port, server) = answering(vec![answer("201 Created", "start-token 3")]);
    let url = format!("http://127.0.0.1:{port}/start");
    let headers = [
        ("X-Key", "start-token"),
        ("CONTENT-TYPE", "text/json"),
        ("Authorization", "Basic x"),
        ("x-wave", "3"),
        ("X-Wave", "4"),
    ];
    let request = request(HandlerType::TriggerPipeline, &url, &headers);
    let (answered, notices) = courier(&url, &url).send(&request).await;
    assert_eq!((answered, notices), (Answered::Delivered("*** 3".to_owned()), Vec::new()));
    let requests = server.join().unwrap();
    for (name, value) in [
        ("content-type", "text/json"),
        ("authorization", "Basic x"),
        ("x-key", "start-token"),
        ("x-wave", "4"),
        ("cache-control", "no-cache"),
    ] {
        assert_eq!(header(&requests[0], name), [value], "{name}");
    }
}

#[tokio::test]
async fn three_attempts_are_made_and_all_have_the_same_id() {
    let busy = answer("503 Busy", "");
    let (port, server) = answering(vec![busy.clone(), busy.clone(), busy]);
    let url = format!("http://127.0.0.1:{port}/");
    let (answered, _) = courier(&url, &url).send(&request(HandlerType::Notify, &url, &[])).await;
    let expected = "the receiver answered 503 (ServerError); given up after attempt 3 of 3";
    assert_eq!(answered, Answered::Failed(expected.to_owned()));
    let requests = server.join().unwrap();
    let ids: Vec<_> = requests.iter().flat_map(|request| header(request, "webhook-id")).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn a_redirect_is_a_failure_that_is_explained() {
    let (port, server) = answering(vec!["HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n".to_owned()]);
    let url = format!("http://127.0.0.1:{port}/");
    let (answered, notices) = courier(&url, &url).send(&request(HandlerType::Notify, &url, &[])).await;
    assert_eq!(answered, Answered::Failed("the receiver answered 302 (Redirect)".to_owned()));
    assert_eq!(notices.iter().map(|notice| notice.anchor).collect::<Vec<_>>(), ["redirect"]);
    assert_eq!(server.join().unwrap().len(), 1);
}

#[tokio::test]
async fn a_reply_to_another_place_has_no_token_and_goes_to_the_public_only() {
    let mut courier = courier("http://127.0.0.1:9/chat", "http://10.1.2.3/start");
    for url in ["http://127.0.0.1:10/", "https://10.1.2.4/", "http://hooks.chat.example/", "http://169.254.169.254/x"] {
        let request = request(HandlerType::Respond, url, &[]);
        let (answered, notices) = courier.send(&request).await;
        assert!(matches!(answered, Answered::Failed(_)), "{url}");
        let anchors: Vec<_> = notices.iter().map(|notice| notice.anchor).collect();
        assert_eq!(anchors, ["token", "egress"], "{url}");
    }
    let mut told = Vec::new();
    let elsewhere = request(HandlerType::Respond, "https://hooks.chat.example/x", &[]);
    let url = Url::parse(&elsewhere.url).unwrap();
    let destination = courier.destination(&elsewhere, url, &mut told).unwrap();
    // The token would be one of the secrets that it takes out of answers.
    assert_eq!(destination.redactor().text("chat-token"), "chat-token");
    let same = request(HandlerType::Respond, "http://127.0.0.1:9/reply", &[]);
    let destination = courier.destination(&same, Url::parse(&same.url).unwrap(), &mut told).unwrap();
    assert_eq!(destination.redactor().text("chat-token"), "***");
}
