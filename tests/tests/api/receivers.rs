//! What receivers do, and what the status of an event says of it: how often it was tried, how it ended, and in which words.
//! `delivery/tests/attempt` plays the same receivers, and those with bad certificates, against a single attempt.

use std::{net::SocketAddr, time::Duration};

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::{
    object::{Kind, event, handler, notify, on_success},
    scene::Scene,
};

/// What a receiver does with each request.
#[derive(Clone)]
enum Does {
    /// Answers with these bytes, and closes the connection.
    Says(String),
    /// Answers with these bytes, and then nothing more comes.
    Hangs(String),
    /// Answers one byte each 100 ms.
    Drips,
    /// Sends zeros without end behind this head.
    Floods(String),
    /// Answers that it got what it got.
    Echoes,
    /// Closes the connection instead of an answer.
    Closes,
    /// Keeps the connection, and closes it when the next request begins.
    ClosesKept,
    /// Is not there.
    Refuses,
}

fn says(status: &str, headers: &str, body: &str) -> Does {
    let length = body.len();
    Does::Says(format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"))
}

/// How a row ends.
struct Row {
    name: &'static str,
    does: Does,
    attempts: i64,
    phase: &'static str,
    reason: &'static str,
    /// With RECEIVER for the address.
    message: &'static str,
}

fn row(name: &'static str, does: Does, end: (i64, &'static str, &'static str, &'static str)) -> Row {
    let (attempts, phase, reason, message) = end;
    Row { name, does, attempts, phase, reason, message }
}

fn rows() -> Vec<Row> {
    const DONE: (i64, &str, &str, &str) = (1, "Succeeded", "Delivered", "");
    let unavailable = |asked: &str| says("503 Service Unavailable", &format!("retry-after: {asked}\r\n"), "");
    let end = |reason, message| (1, "Failed", reason, message);
    let twice = |reason, message| (2, "Failed", reason, message);
    let moved = "location: http://169.254.169.254/latest/meta-data\r\n";
    let busy = twice("ServerError", "endpoint answered with status 503; given up after attempt 2 of 2");
    let redirect = |status| end("Redirect", status);
    let lost = twice(
        "ConnectionLost",
        "send to http://127.0.0.1: connection closed before message completed while waiting for the answer; given up after attempt 2 of 2",
    );
    let waiting =
        "send to http://127.0.0.1: timed out after 1.0 s while waiting for the answer; given up after attempt 2 of 2";
    let reading = "send to http://127.0.0.1: timed out after 1.0 s while reading the answer's body; given up after attempt 2 of 2";
    vec![
        row("ok", says("200 OK", "", r#"{"ok":true}"#), DONE),
        row("created", says("201 Created", "", "{}"), DONE),
        row("no-content", Does::Says("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".into()), DONE),
        row("text", says("200 OK", "content-type: text/plain\r\n", "thanks"), DONE),
        row("empty", says("200 OK", "", ""), DONE),
        row("invalid-json", says("200 OK", "content-type: application/json\r\n", r#"{"ok":"#), DONE),
        row("echo", Does::Echoes, DONE),
        row("flood", Does::Floods("content-type: application/octet-stream\r\n".into()), DONE),
        row("bomb", Does::Floods("content-type: application/json\r\ncontent-encoding: gzip\r\n".into()), DONE),
        row("kept", Does::ClosesKept, DONE),
        row(
            "error",
            says("500 Internal Server Error", "", "oops"),
            twice("ServerError", "endpoint answered with status 500; given up after attempt 2 of 2"),
        ),
        row("later", unavailable("1"), busy),
        row("date", unavailable("Sun, 06 Nov 1994 08:49:37 GMT"), busy),
        row("far-date", unavailable("Fri, 31 Dec 2100 23:59:59 GMT"), busy),
        row("negative", unavailable("-7"), busy),
        row("huge", unavailable("99999999999999999999"), busy),
        row("garbage", unavailable("soon"), busy),
        row(
            "too-many",
            says("429 Too Many Requests", "retry-after: 1\r\n", ""),
            twice("TooManyRequests", "endpoint answered with status 429; given up after attempt 2 of 2"),
        ),
        row(
            "timeout",
            says("408 Request Timeout", "", ""),
            twice("RequestTimeout", "endpoint answered with status 408; given up after attempt 2 of 2"),
        ),
        row(
            "early",
            says("425 Too Early", "", ""),
            twice("TooEarly", "endpoint answered with status 425; given up after attempt 2 of 2"),
        ),
        row("bad", says("400 Bad Request", "", "no"), end("Rejected", "endpoint answered with status 400")),
        row("unknown", says("401 Unauthorized", "", ""), end("NotAuthorized", "endpoint answered with status 401")),
        row("missing", says("404 Not Found", "", ""), end("NotFound", "endpoint answered with status 404")),
        row("gone", says("410 Gone", "retry-after: 5\r\n", ""), end("NotFound", "endpoint answered with status 410")),
        row("moved", says("301 Moved Permanently", moved, ""), redirect("endpoint answered with status 301")),
        row("found", says("302 Found", moved, ""), redirect("endpoint answered with status 302")),
        row("moved-once", says("307 Temporary Redirect", moved, ""), redirect("endpoint answered with status 307")),
        row("moved-for-good", says("308 Permanent Redirect", moved, ""), redirect("endpoint answered with status 308")),
        row("silent", Does::Hangs(String::new()), twice("Timeout", waiting)),
        row("half", Does::Hangs("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".into()), twice("Timeout", reading)),
        row("slow", Does::Drips, twice("Timeout", waiting)),
        row("closes", Does::Closes, lost),
        row(
            "refuses",
            Does::Refuses,
            twice(
                "ConnectFailed",
                "connect to http://127.0.0.1: Connection refused (os error 111); given up after attempt 2 of 2",
            ),
        ),
    ]
}

#[tokio::test]
async fn each_receiver_is_tried_as_often_as_it_makes_sense_and_told_of_in_words() {
    let scene = Scene::new().await;
    join_all(rows().into_iter().map(async |row| {
        let address = serve(row.does.clone()).await;
        let retry = json!({"maxAttempts": 2, "initialDelaySeconds": 1, "maxDelaySeconds": 1});
        let spec = json!({
            "url": format!("http://{address}/canary"), "allowHttp": true, "timeoutSeconds": 1, "retry": retry,
        });
        let name = format!("endpoint-{}", row.name);
        scene.create(Kind::Endpoint, &name, &spec).await;
        scene.create(Kind::Context, row.name, &on_success(&json!([notify("tell", &name, "built")]))).await;
        scene.create(Kind::Event, row.name, &event(row.name, "build=success")).await;
        let done = scene.finished(row.name).await;
        let told = handler(&done, "tell");
        let found = ["attempts", "phase", "reason", "message"].map(|field| told[field].clone());
        let message = match row.message {
            "" => Value::Null,
            message => json!(message.replace("endpoint answered", &format!("{name} answered"))),
        };
        let expected = [json!(row.attempts), json!(row.phase), json!(row.reason), message];
        assert_eq!(found, expected, "{}: {told:#}", row.name);
    }))
    .await;
    scene.others_work().await;
}

/// Serves one receiver on a free port, until the test is over.
async fn serve(does: Does) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    if !matches!(does, Does::Refuses) {
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, does.clone()));
            }
        });
    }
    address
}

async fn answer(mut stream: TcpStream, does: Does) {
    let Some(request) = read(&mut stream).await else { return };
    // Whoever hangs up is not told.
    let _ = match does {
        Does::Says(bytes) => stream.write_all(bytes.as_bytes()).await,
        Does::Hangs(bytes) => {
            let sent = stream.write_all(bytes.as_bytes()).await;
            let mut rest = [0; 64];
            while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
            sent
        }
        Does::Drips => drip(&mut stream).await,
        Does::Floods(headers) => flood(&mut stream, &headers).await,
        Does::Echoes => {
            let echo = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", request.len());
            let sent = stream.write_all(echo.as_bytes()).await;
            sent.and(stream.write_all(&request).await)
        }
        Does::ClosesKept => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await,
        Does::Closes | Does::Refuses => Ok(()),
    };
}

/// The head and the body of a request, as far as `content-length` says.
async fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let Some(head) = text.find("\r\n\r\n") else { continue };
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        if request.len() >= head + 4 + length.unwrap_or(0) {
            return Some(request);
        }
    }
}

async fn drip(stream: &mut TcpStream) -> std::io::Result<()> {
    for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}" {
        stream.write_all(&[*byte]).await?;
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// A hundred megabytes, if anybody takes them.
async fn flood(stream: &mut TcpStream, headers: &str) -> std::io::Result<()> {
    stream.write_all(format!("HTTP/1.1 200 OK\r\n{headers}content-length: 104857600\r\n\r\n").as_bytes()).await?;
    let chunk = vec![0; 64 * 1024];
    for _ in 0..1600 {
        stream.write_all(&chunk).await?;
    }
    Ok(())
}
