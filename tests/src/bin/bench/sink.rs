//! Where the operator's requests arrive: a server on loopback that notes when each came and of which event it told, and
//! answers at once. Cheaper than `receiver`, which keeps all that it got: the sink shares two cores with what is measured.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::error::BenchError;

/// The server; it ends when this is dropped.
pub(crate) struct Sink {
    address: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    /// When the first request of each event came, by the event's id.
    arrived: Mutex<HashMap<String, Instant>>,
    /// When the last one came at `/`.
    last_at: Mutex<Option<Instant>>,
    /// How many requests came at `/`.
    count: watch::Sender<u64>,
    /// The text of the last request.
    last: Mutex<String>,
    /// Whether requests at `/hang` are answered.
    released: watch::Sender<bool>,
    /// How many requests at `/hang` had to wait.
    hung: AtomicU64,
}

/// What a request says, as the endpoints of `scene` write it.
#[derive(Deserialize)]
struct Said {
    event: String,
    #[serde(default)]
    text: String,
}

/// How long a request at `/hang` is not answered: longer than any attempt.
const HANGS: Duration = Duration::from_mins(10);
/// What every answer is, so that there is something to capture.
const ANSWER: &str = r#"{"ok":true,"ts":"1700000000.000100"}"#;

impl Sink {
    /// Listens on a free port: `/` answers at once, `/hang` not before it is told to, `/busy` says that it should be
    /// asked in an hour.
    pub(crate) async fn open() -> Result<Self, BenchError> {
        let failed = || BenchError::io("listen on", "loopback");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let shared = Arc::new(Shared::default());
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        // An error would show as requests that do not arrive.
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap_or_default() });
        Ok(Self { address: address.to_string(), shared, server })
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many requests came at `/`.
    pub(crate) fn count(&self) -> u64 {
        *self.shared.count.borrow()
    }

    /// When the last request came at `/`.
    pub(crate) fn last_arrival(&self) -> Option<Instant> {
        *lock(&self.shared.last_at)
    }

    /// The text of the last request.
    pub(crate) fn last_text(&self) -> String {
        lock(&self.shared.last).clone()
    }

    /// Whether requests at `/hang` wait; those that do are answered when it becomes false. At first they do.
    pub(crate) fn hang(&self, hangs: bool) {
        self.shared.released.send_replace(!hangs);
    }

    /// How many requests at `/hang` had to wait.
    pub(crate) fn hung(&self) -> u64 {
        self.shared.hung.load(Ordering::Relaxed)
    }

    /// Told of each request at `/`: the value is how many there were.
    pub(crate) fn counts(&self) -> watch::Receiver<u64> {
        self.shared.count.subscribe()
    }

    /// Waits until so many requests came at `/`.
    pub(crate) async fn wait_for(&self, count: u64, within: Duration) -> Result<(), BenchError> {
        let mut counts = self.counts();
        let enough = timeout(within, counts.wait_for(|now| *now >= count)).await.is_ok();
        if enough {
            Ok(())
        } else {
            Err(BenchError::late(format!("{count} requests, of which {} came", self.count()), within))
        }
    }

    /// Waits for the request of one event; gives when it came.
    pub(crate) async fn arrival(&self, event: &str, within: Duration) -> Result<Instant, BenchError> {
        let mut counts = self.counts();
        let waiting = async {
            loop {
                counts.borrow_and_update();
                if let Some(at) = self.arrived(event) {
                    return at;
                }
                // The sender lives as long as we do.
                if counts.changed().await.is_err() {
                    sleep(within).await;
                }
            }
        };
        timeout(within, waiting).await.map_err(|_| BenchError::late(format!("the request of {event}"), within))
    }

    /// When the first request of an event came, if it did.
    pub(crate) fn arrived(&self, event: &str) -> Option<Instant> {
        lock(&self.shared.arrived).get(event).copied()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(State(shared): State<Arc<Shared>>, path: Uri, body: Bytes) -> Response {
    let at = Instant::now();
    match path.path() {
        "/hang" => {
            let mut released = shared.released.subscribe();
            if !*released.borrow() {
                shared.hung.fetch_add(1, Ordering::Relaxed);
            }
            // The sender lives as long as the server.
            let _ = timeout(HANGS, released.wait_for(|released| *released)).await;
        }
        "/busy" => return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "3600")]).into_response(),
        _ => {
            if let Ok(said) = serde_json::from_slice::<Said>(&body) {
                *lock(&shared.last) = said.text;
                lock(&shared.arrived).entry(said.event).or_insert(at);
            }
            *lock(&shared.last_at) = Some(at);
            shared.count.send_modify(|count| *count += 1);
        }
    }
    ([(header::CONTENT_TYPE, "application/json")], ANSWER).into_response()
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
