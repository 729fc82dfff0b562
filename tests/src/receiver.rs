//! A small HTTP or HTTPS server on loopback that records each request and answers as it was told to. It knows nothing of what is
//! expected.

pub mod tls;

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tls::{Identity, Peer, TlsListener};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// More than the operator ever sends.
const MAX_BODY: usize = 1024 * 1024;

/// What is answered to a request.
///
/// ```
/// use std::time::Duration;
///
/// use cicdcontext_tests::receiver::Answer;
/// use serde_json::json;
///
/// let slow = Answer::json(201, &json!({"run": 7})).after(Duration::from_secs(2));
/// let never = Answer::hang();
/// # let _ = (slow, never);
/// ```
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    delay: Duration,
    hang: bool,
    lost: bool,
}

impl Answer {
    /// A status and a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, body.to_string()).header("content-type", "application/json")
    }

    /// A status and any text.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), delay: Duration::ZERO, hang: false, lost: false }
    }

    /// None: the request is read, and then the connection is closed.
    pub fn lost() -> Self {
        Self { status: 0, lost: true, ..Self::default() }
    }

    /// `200 {"ok": true}`, but only after [`Receiver::release`]; never, if that is not called.
    pub fn hang() -> Self {
        Self { hang: true, ..Self::default() }
    }

    /// The same, not before this time has passed.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The same, not before [`Receiver::release`].
    #[must_use]
    pub fn held(self) -> Self {
        Self { hang: true, ..self }
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Default for Answer {
    /// `200 {"ok": true}`
    fn default() -> Self {
        Self::json(200, &json!({"ok": true}))
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// When its last byte was read.
    pub at: Instant,
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// The client's certificate, as DER; only over TLS, and only if it showed one.
    pub client_certificate: Option<Vec<u8>>,
    /// JSON where it is, else the text.
    pub body: Value,
    /// The text of the body.
    pub text: String,
    /// The status that it is answered with; 0 if the connection is closed instead.
    pub answered: u16,
}

impl Arrived {
    /// A header's text; blank if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What was waited for did not arrive.
#[derive(Debug, thiserror::Error)]
#[error("wait for {expected} requests to {path}: after {} s there are {}: {}", within.as_secs(), arrived.len(), shown(arrived))]
pub struct Late {
    /// The path.
    pub path: String,
    /// How many were expected.
    pub expected: usize,
    /// How long they were waited for.
    pub within: Duration,
    /// What arrived at any path.
    pub arrived: Vec<Arc<Arrived>>,
}

fn shown(arrived: &[Arc<Arrived>]) -> String {
    let list: Vec<String> =
        arrived.iter().map(|request| format!("{} {} {}", request.method, request.path, request.body)).collect();
    if list.is_empty() { "none".to_owned() } else { list.join("; ") }
}

/// Whoever asks, given the request, gets the answer.
type Program = Box<dyn FnMut(&Arrived) -> Answer + Send>;

struct Shared {
    arrived: watch::Sender<Vec<Arc<Arrived>>>,
    released: watch::Sender<bool>,
    programs: Mutex<HashMap<String, Program>>,
    under_way: AtomicUsize,
    most_at_once: AtomicUsize,
}

/// A request that arrived and is not answered yet.
struct UnderWay<'a>(&'a Shared);

impl<'a> UnderWay<'a> {
    fn begin(shared: &'a Shared) -> Self {
        let now = shared.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_at_once.fetch_max(now, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    fn programs(&self) -> MutexGuard<'_, HashMap<String, Program>> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server. It ends when this is dropped.
pub struct Receiver {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Receiver {
    /// Listens on a free port. Each request to any path is answered with `200 {"ok": true}` until told otherwise.
    pub async fn start() -> io::Result<Self> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// The same at an address of one's own choice.
    pub async fn start_at(address: SocketAddr) -> io::Result<Self> {
        Self::on(TcpListener::bind(address).await?)
    }

    /// A port on which nobody listens yet: whoever connects is refused.
    pub fn closed() -> io::Result<Closed> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Closed(socket))
    }

    fn on(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self::serve(address, "http", |router| {
            // An error would show as a request that did not arrive.
            tokio::spawn(async move { axum::serve(listener, router).await.unwrap_or_default() })
        }))
    }

    /// The same behind TLS.
    pub async fn start_tls(identity: &Identity) -> io::Result<Self> {
        let listener = TlsListener::bind(identity).await?;
        let address = listener.address();
        Ok(Self::serve(address, "https", |router| {
            let service = router.into_make_service_with_connect_info::<Peer>();
            tokio::spawn(async move { axum::serve(listener, service).await.unwrap_or_default() })
        }))
    }

    fn serve(address: SocketAddr, scheme: &'static str, spawn: impl FnOnce(Router) -> JoinHandle<()>) -> Self {
        let shared = Arc::new(Shared {
            arrived: watch::Sender::new(Vec::new()),
            released: watch::Sender::new(false),
            programs: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        });
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        Self { address, scheme, shared, server: spawn(router) }
    }

    /// `http://127.0.0.1:PORT`, or `https`, and a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers each request to `path` so from now on.
    pub fn answer(&self, path: &str, answer: Answer) {
        self.program(path, move |_| answer.clone());
    }

    /// Answers the next requests to `path` one after the other with these, and all further ones with the default.
    pub fn answers(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        self.program(path, move |_| answers.pop_front().unwrap_or_default());
    }

    /// Answers each request to `path` as a function says.
    pub fn program(&self, path: &str, program: impl FnMut(&Arrived) -> Answer + Send + 'static) {
        self.shared.programs().insert(path.to_owned(), Box::new(program));
    }

    /// Lets all answers go that hang, now and later.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// All requests, in the order in which they arrived.
    pub fn requests(&self) -> Vec<Arc<Arrived>> {
        self.shared.arrived.borrow().clone()
    }

    /// The requests to `path`.
    pub fn requests_to(&self, path: &str) -> Vec<Arc<Arrived>> {
        of_path(&self.shared.arrived.borrow(), path)
    }

    /// How many requests, to whatever path, have ever been under way at once: arrived, and neither answered nor given up
    /// by who sent them.
    pub fn most_at_once(&self) -> usize {
        self.shared.most_at_once.load(Ordering::SeqCst)
    }

    /// Waits until at least `count` requests have arrived at `path`, and gives all of them.
    pub async fn wait_for(&self, path: &str, count: usize, within: Duration) -> Result<Vec<Arc<Arrived>>, Late> {
        let mut arrived = self.shared.arrived.subscribe();
        let enough = arrived.wait_for(|all| of_path(all, path).len() >= count);
        let enough = timeout(within, enough).await.is_ok();
        let arrived = self.requests();
        if enough {
            return Ok(of_path(&arrived, path));
        }
        Err(Late { path: path.to_owned(), expected: count, within, arrived })
    }
}

/// A port of loopback that is taken, and on which nobody listens.
#[derive(Debug)]
pub struct Closed(TcpSocket);

impl Closed {
    /// Where it will listen.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Listens from now on.
    pub fn open(self) -> io::Result<Receiver> {
        Receiver::on(self.0.listen(1024)?)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn of_path(arrived: &[Arc<Arrived>], path: &str) -> Vec<Arc<Arrived>> {
    arrived.iter().filter(|request| request.path == path).cloned().collect()
}

async fn receive(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let _under_way = UnderWay::begin(&shared);
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let bytes = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.as_str()));
    let client_certificate = parts.extensions.get::<ConnectInfo<Peer>>().and_then(|peer| peer.0.certificate.clone());
    let (at, method, headers) = (Instant::now(), parts.method, parts.headers);
    let mut arrived = Arrived { at, method, path, headers, client_certificate, body, text, answered: 0 };
    let answer = shared.programs().get_mut(&arrived.path).map(|program| program(&arrived)).unwrap_or_default();
    arrived.answered = answer.status;
    shared.arrived.send_modify(|all| all.push(Arc::new(arrived)));
    sleep(answer.delay).await;
    if answer.hang {
        // The sender is part of `shared`: it outlives this wait.
        shared.released.subscribe().wait_for(|released| *released).await.map(drop).unwrap_or_default();
    }
    if answer.lost {
        // The server knows no other way to let go of a connection.
        std::panic::resume_unwind(Box::new("the connection is closed without an answer"));
    }
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Body::from(answer.body)).into_response();
    for (name, value) in &answer.headers {
        let (Ok(name), Ok(value)) = (name.parse::<header::HeaderName>(), value.parse()) else { continue };
        response.headers_mut().append(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    async fn post(receiver: &Receiver, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(receiver.address()).await.unwrap();
        let length = body.len();
        let request = format!("POST {path} HTTP/1.0\r\nContent-Length: {length}\r\nX-Run: 7\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn requests_are_recorded_in_order_and_answered_as_told() {
        let receiver = Receiver::start().await.unwrap();
        receiver.answers("/a", [Answer::json(503, &json!({"busy": true}))]);
        assert!(post(&receiver, "/a", r#"{"n": 1}"#).await.starts_with("HTTP/1.0 503"));
        assert!(post(&receiver, "/a", "text").await.ends_with(r#"{"ok":true}"#));
        let arrived = receiver.wait_for("/a", 2, Duration::from_secs(5)).await.unwrap();
        assert_eq!((&arrived[0].body, &arrived[1].body), (&json!({"n": 1}), &json!("text")));
        assert_eq!(arrived[0].header("x-run"), "7");
        assert_eq!(receiver.most_at_once(), 1, "one after the other");
    }

    #[tokio::test]
    async fn an_answer_that_hangs_is_given_after_the_release() {
        let receiver = Receiver::start().await.unwrap();
        receiver.answer("/a", Answer::text(201, "late").held());
        let (answer, _, ()) = tokio::join!(post(&receiver, "/a", ""), post(&receiver, "/a", ""), async {
            receiver.wait_for("/a", 2, Duration::from_secs(5)).await.unwrap();
            receiver.release();
        });
        assert_eq!(receiver.most_at_once(), 2);
        assert!(answer.starts_with("HTTP/1.0 201") && answer.ends_with("late"), "{answer}");
    }

    #[tokio::test]
    async fn a_lost_answer_is_a_closed_connection_and_a_closed_port_refuses_until_it_is_opened() {
        let closed = Receiver::closed().unwrap();
        let refused = TcpStream::connect(closed.address().unwrap()).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let receiver = closed.open().unwrap();
        receiver.answers("/a", [Answer::lost()]);
        assert_eq!(post(&receiver, "/a", "1").await, "");
        assert!(post(&receiver, "/a", "2").await.starts_with("HTTP/1.0 200"));
        let answered: Vec<u16> = receiver.requests().iter().map(|arrived| arrived.answered).collect();
        assert_eq!(answered, [0, 200]);
    }

    #[tokio::test]
    async fn what_did_not_arrive_is_told_with_what_did() {
        let receiver = Receiver::start().await.unwrap();
        post(&receiver, "/other", "1").await;
        let late = receiver.wait_for("/a", 1, Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(late.to_string(), "wait for 1 requests to /a: after 0 s there are 1: POST /other 1");
    }
}
