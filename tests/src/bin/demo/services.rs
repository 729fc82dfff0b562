//! Plays the chat and the CI system on loopback, and hands on each request in the order of arrival. It knows nothing of
//! what is expected.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use cicdcontext_tests::receiver::{Answer, Arrived, Receiver};
use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, mpsc},
    time::timeout,
};

use crate::error::DemoError;

/// Where chat messages are posted.
pub(crate) const CHAT_PATH: &str = "/api/chat.postMessage";
/// Where the measurements send to.
pub(crate) const MEASURE_PATH: &str = "/measure";
/// The base of the CI system's paths.
pub(crate) const CI_BASE: &str = "/api";
/// Where the CI system starts runs of its two pipelines.
const RUN_PATHS: [&str; 2] = ["/api/pipelines/deploy/runs", "/api/pipelines/verify/runs"];
/// The number of the first run that the CI system starts; the next ones count up.
const FIRST_RUN: u32 = 18;

/// A request, and what was answered.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) request: Arrived,
    pub(crate) status: u16,
    pub(crate) answer: Value,
}

/// Chat and CI system. They end when this is dropped.
pub(crate) struct Services {
    receiver: Receiver,
    exchanges: Mutex<mpsc::UnboundedReceiver<Exchange>>,
}

impl Services {
    /// Listens on a free port.
    pub(crate) async fn start() -> Result<Self, DemoError> {
        let receiver = Receiver::start().await.map_err(DemoError::io("listen on", "loopback"))?;
        let (sender, exchanges) = mpsc::unbounded_channel();
        let answer = |path: &str, mut answer: Box<dyn FnMut() -> (u16, Value) + Send>| {
            let sender = sender.clone();
            receiver.program(path, move |request| {
                let (status, answer) = answer();
                let shown = Exchange { request: request.clone(), status, answer: answer.clone() };
                // Nobody listens any more only while everything is stopped.
                sender.send(shown).unwrap_or_default();
                Answer::json(status, &answer)
            });
        };
        let mut message = 0;
        answer(
            CHAT_PATH,
            Box::new(move || {
                message += 1;
                (200, json!({"ok": true, "ts": format!("1700000000.{message:04}")}))
            }),
        );
        answer(MEASURE_PATH, Box::new(|| (200, json!({"ok": true, "ts": "1700000000.0000"}))));
        let runs = Arc::new(AtomicU32::new(FIRST_RUN));
        for path in RUN_PATHS {
            let runs = Arc::clone(&runs);
            answer(path, Box::new(move || (201, json!({"run": {"id": runs.fetch_add(1, Ordering::Relaxed)}}))));
        }
        Ok(Self { receiver, exchanges: Mutex::new(exchanges) })
    }

    /// `http://127.0.0.1:PORT` and a path.
    pub(crate) fn url(&self, path: &str) -> String {
        self.receiver.url(path)
    }

    /// The next request.
    pub(crate) async fn next(&self, within: Duration) -> Option<Exchange> {
        let mut exchanges = self.exchanges.lock().await;
        timeout(within, exchanges.recv()).await.ok().flatten()
    }

    /// How many requests arrived in all, also at paths that nobody plays.
    pub(crate) fn count(&self) -> usize {
        self.receiver.requests().len()
    }
}
