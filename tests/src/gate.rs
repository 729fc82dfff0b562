//! A gate before an API server: it holds one request back and lets it go later, when whoever sent it is gone and others
//! have worked meanwhile. Exactly that happens to a process that is stopped in the middle of sending.
//!
//! It must not know which requests matter, nor what they mean.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header, request},
    response::{IntoResponse, Response},
};
use kube::{Client, client};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// More than any request of an operator.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// What comes with the connection and not with the message.
const HOP_BY_HOP: [header::HeaderName; 5] =
    [header::HOST, header::AUTHORIZATION, header::CONNECTION, header::TRANSFER_ENCODING, header::ACCEPT_ENCODING];

/// A request that was held back.
#[derive(Clone, Debug)]
pub struct Held {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
}

type Rule = Box<dyn Fn(&Method, &str, &str) -> bool + Send>;

struct Shared {
    client: Client,
    rule: Mutex<Option<Rule>>,
    held: watch::Sender<Option<Held>>,
}

/// The gate. It closes when this is dropped.
pub struct Gate {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Gate {
    /// A gate on a free port of loopback, before the API server of `client` and with its rights.
    pub async fn before(client: Client) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { client, rule: Mutex::default(), held: watch::Sender::new(None) });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        // An error would show as a request without an answer.
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap_or_default() });
        Ok(Self { address, shared, server })
    }

    /// Writes a kubeconfig that leads to the gate.
    pub fn write_kubeconfig(&self, path: &Path) -> io::Result<()> {
        let server = format!("http://{}", self.address);
        let text = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "gate",
            "clusters": [{"name": "gate", "cluster": {"server": server}}],
            "users": [{"name": "gate", "user": {}}],
            "contexts": [{"name": "gate", "context": {"cluster": "gate", "user": "gate"}}],
        });
        fs::write(path, text.to_string())
    }

    /// Holds the first request back of which the rule says so by method, path and body. From then on nobody who comes
    /// through the gate gets an answer.
    pub fn hold(&self, rule: impl Fn(&Method, &str, &str) -> bool + Send + 'static) {
        *self.shared.rule.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(rule));
    }

    /// Waits until a request is held back.
    pub async fn held(&self) -> Option<Held> {
        let mut held = self.shared.held.subscribe();
        held.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Lets the request go, and gives status and text of the API server's answer.
    pub async fn let_go(&self, held: Held) -> Result<(u16, String), kube::Error> {
        let answer = forward(&self.shared.client, held).await?;
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), MAX_BODY).await.unwrap_or_default();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (request::Parts { method, uri, headers, .. }, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default().to_vec();
    let held = Held { method, uri, headers, body };
    let closed = {
        // Under the lock: of two requests at once only one is the first.
        let rule = shared.rule.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&held.body);
        if shared.held.borrow().is_some() {
            true
        } else if rule.as_ref().is_some_and(|rule| rule(&held.method, held.uri.path(), &text)) {
            shared.held.send_replace(Some(held.clone()));
            true
        } else {
            false
        }
    };
    if closed {
        return std::future::pending().await;
    }
    forward(&shared.client, held)
        .await
        .unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, error.to_string()).into_response())
}

async fn forward(client: &Client, held: Held) -> Result<Response, kube::Error> {
    let Held { method, uri, headers, body } = held;
    let target = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let mut request = axum::http::Request::builder().method(method).uri(target);
    for (name, value) in headers.iter().filter(|(name, _)| !HOP_BY_HOP.contains(name)) {
        request = request.header(name, value);
    }
    let request = request.body(client::Body::from(body)).map_err(kube::Error::HttpError)?;
    let (mut parts, body) = client.send(request).await?.into_parts();
    for name in &HOP_BY_HOP {
        parts.headers.remove(name);
    }
    Ok(Response::from_parts(parts, Body::new(body)))
}
