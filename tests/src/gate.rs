//! A gate before an API server: it holds one request back and lets it go later, when whoever sent it is gone and others
//! have worked meanwhile. Exactly that happens to a process that is stopped in the middle of sending. Or it answers in
//! the API server's place, loses answers, and breaks watches; and it remembers what it was asked.
//!
//! It must not know which requests matter, nor what they mean.

pub mod fault;
pub mod watches;

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
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

use self::{
    fault::{Asked, Fault},
    watches::{Break, breakable},
};

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
type Faults = Box<dyn FnMut(&Asked) -> Option<Fault> + Send>;

struct Shared {
    client: Client,
    rule: Mutex<Option<Rule>>,
    held: watch::Sender<Option<Held>>,
    faults: Mutex<Option<Faults>>,
    asked: Mutex<Vec<Asked>>,
    breaks: watch::Sender<Break>,
    /// How many answers are late, and whether they may go.
    late: watch::Sender<(usize, bool)>,
}

impl Shared {
    /// What is to happen to a request, which is remembered.
    fn judge(&self, asked: Asked) -> Option<Fault> {
        let fault = lock(&self.faults).as_mut().and_then(|faults| faults(&asked));
        lock(&self.asked).push(asked);
        fault
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        let shared = Arc::new(Shared {
            client,
            rule: Mutex::default(),
            held: watch::Sender::new(None),
            faults: Mutex::default(),
            asked: Mutex::default(),
            breaks: watch::Sender::new(Break::default()),
            late: watch::Sender::new((0, false)),
        });
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
        *lock(&self.shared.rule) = Some(Box::new(rule));
    }

    /// From now on does to each request what this says; passes those on of which it says nothing.
    pub fn faults(&self, faults: impl FnMut(&Asked) -> Option<Fault> + Send + 'static) {
        *lock(&self.shared.faults) = Some(Box::new(faults));
    }

    /// From now on passes everything on.
    pub fn mend(&self) {
        *lock(&self.shared.faults) = None;
    }

    /// All requests that have come, in their order.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.asked).clone()
    }

    /// The requests of this kind that have come, in their order.
    pub fn asked_for(&self, kind: impl Fn(&Asked) -> bool) -> Vec<Asked> {
        lock(&self.shared.asked).iter().filter(|asked| kind(asked)).cloned().collect()
    }

    /// Breaks the watches that are open. Those that begin later are not concerned.
    pub fn break_watches(&self, how: Break) {
        self.shared.breaks.send_replace(how);
    }

    /// Waits until an answer of the API server is there that is late.
    pub async fn late(&self) {
        let mut late = self.shared.late.subscribe();
        late.wait_for(|(answers, _)| *answers > 0).await.map(drop).unwrap_or_default();
    }

    /// Lets late answers go, now and later.
    pub fn release(&self) {
        self.shared.late.send_modify(|(_, released)| *released = true);
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
        let rule = lock(&shared.rule);
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
    let asked = asked(&held);
    let breaks = asked.is_watch().then(|| shared.breaks.subscribe());
    let fault = shared.judge(asked);
    match fault {
        Some(Fault::Refused(reply)) => return reply.into_response(),
        Some(Fault::Silent) => return std::future::pending().await,
        Some(Fault::Lost(_) | Fault::Late) | None => {}
    }
    let answer = forward(&shared.client, held).await;
    let answer = answer.unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, error.to_string()).into_response());
    if matches!(fault, Some(Fault::Late)) {
        shared.late.send_modify(|(answers, _)| *answers += 1);
        // The sender is part of `shared`: it outlives this wait.
        shared.late.subscribe().wait_for(|(_, released)| *released).await.map(drop).unwrap_or_default();
    }
    match (fault, breaks) {
        (Some(Fault::Lost(reply)), _) => reply.into_response(),
        (_, Some(breaks)) => breakable(answer, breaks),
        (_, None) => answer,
    }
}

fn asked(held: &Held) -> Asked {
    Asked {
        at: Instant::now(),
        method: held.method.clone(),
        path: held.uri.path().to_owned(),
        query: held.uri.query().unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(&held.body).into_owned(),
    }
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
