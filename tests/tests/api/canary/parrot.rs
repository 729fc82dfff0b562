//! Receivers and a proxy that send back whatever they got, as it is and encoded.

use cicdcontext_tests::receiver::{Answer, Arrived};
use data_encoding::{BASE64, BASE64URL};
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use super::COOKIE;

/// Answers with all that arrived, as it is and encoded, in headers and body.
pub(super) fn echo(status: u16) -> impl FnMut(&Arrived) -> Answer + Send + 'static {
    move |request| {
        let headers: Vec<(String, String)> =
            request.headers.keys().map(|name| (name.to_string(), request.header(name.as_str()).to_owned())).collect();
        let all = format!("{} {headers:?} {}", request.path, request.text);
        let percent = |upper: bool| -> String {
            all.bytes().map(|byte| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") }).collect()
        };
        let object: Map<String, Value> = headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let keys: Map<String, Value> = headers.iter().map(|(_, value)| (value.clone(), json!(1))).collect();
        let body = json!({
            "path": request.path, "headers": object, "keys": keys, "text": request.text, "debug": all,
            "base64": BASE64.encode(all.as_bytes()), "shifted": BASE64.encode(format!("x{all}").as_bytes()),
            "url": BASE64URL.encode(format!("xx{all}").as_bytes()),
            "percent": [percent(true), percent(false)],
        });
        let mut answer = Answer::json(status, &body)
            .header("x-path", &request.path)
            .header("x-body", &BASE64.encode(request.text.as_bytes()))
            .header("set-cookie", COOKIE)
            .header("www-authenticate", request.header("authorization"));
        for (name, value) in headers {
            answer = answer.header(&format!("x-echo-{name}"), &value);
        }
        answer
    }
}

/// A proxy that refuses everything and repeats what it was told.
pub(super) async fn refusing_proxy() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 16 * 1024];
            let length = stream.read(&mut head).await.unwrap_or_default();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let line = head.replace("\r\n", " ");
            let answer = format!(
                "HTTP/1.1 407 {line}\r\nx-echo: {line}\r\nproxy-authenticate: {line}\r\ncontent-length: {length}\r\n\r\n{head}"
            );
            // It may have hung up.
            stream.write_all(answer.as_bytes()).await.ok();
        }
    });
    (url, server)
}
