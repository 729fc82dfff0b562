//! What tests of files share: manifests in a folder, and a receiver on loopback.

// The exemption in clippy.toml covers test functions, not what they share.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    collections::VecDeque,
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use cicdcontext_crds::{CicdEvent, ContextReference, Time};
use futures::StreamExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use super::{Files, FilesOptions, events::is_finished};
use crate::source::{Contexts, Events, SourceError};

/// What is answered to a request; everything else is 200 and `{}`.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// Status, further header lines, body.
    Http(u16, &'static str, &'static str),
    /// The connection closes.
    Lost,
    /// Nothing.
    Silence,
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) head: String,
    pub(super) body: String,
}

impl Arrived {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| line.to_ascii_lowercase().starts_with(&format!("{name}: "));
        self.head.lines().find(named).map(|line| &line[name.len() + 2..])
    }
}

/// Answers as told, and remembers what came.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    news: Arc<Notify>,
}

impl Receiver {
    pub(super) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            arrived: Arc::default(),
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            news: Arc::default(),
        };
        let (arrived, answers) = (Arc::clone(&receiver.arrived), Arc::clone(&receiver.answers));
        let news = Arc::clone(&receiver.news);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&arrived), Arc::clone(&answers), Arc::clone(&news)));
            }
        });
        receiver
    }

    pub(super) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub(super) async fn until(&self, count: usize) {
        while self.arrived().len() < count {
            self.news.notified().await;
        }
    }
}

async fn serve(
    mut stream: TcpStream,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    news: Arc<Notify>,
) {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        let complete = text.split_once("\r\n\r\n").and_then(|(head, rest)| {
            let arrived = Arrived { head: head.to_owned(), body: String::new() };
            let length = arrived.header("content-length").map_or(0, |length| length.parse().unwrap());
            (rest.len() >= length).then(|| Arrived { body: rest[..length].to_owned(), ..arrived })
        });
        let Some(request) = complete else {
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(count) => read.extend_from_slice(&chunk[..count]),
            }
            continue;
        };
        read.clear();
        arrived.lock().unwrap().push(request);
        let answer = answers.lock().unwrap().pop_front().unwrap_or(Answer::Http(200, "", "{}"));
        news.notify_one();
        match answer {
            Answer::Lost => return,
            Answer::Silence => std::future::pending().await,
            Answer::Http(status, headers, body) => {
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    }
}

/// Manifests of a context `shop`, which sends to one endpoint.
pub(super) struct Scene {
    pub(super) folder: TempDir,
    pub(super) receiver: Receiver,
}

/// What no file of the state folder may hold.
pub(super) const CANARY: &str = "canary-5f3a9b";

impl Scene {
    /// `endpoint` is put into the endpoint's spec, `handlers` into the event `build=success`.
    pub(super) async fn new(answers: impl IntoIterator<Item = Answer>, endpoint: Value, handlers: Value) -> Self {
        let receiver = Receiver::start(answers).await;
        let folder = tempfile::tempdir().unwrap();
        let mut spec = json!({
            "url": format!("http://{}/hook", receiver.address),
            "allowHttp": true,
            "allow": {"pathPrefixes": ["/"]},
            "auth": {"bearer": {"secretKeyRef": {"name": "chat", "key": "token"}}},
            "retry": {"initialDelaySeconds": 1, "maxDelaySeconds": 1},
        });
        spec.as_object_mut().unwrap().extend(endpoint.as_object().unwrap().clone());
        let kind = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "cicdcontext.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "chat"}, "stringData": {"token": CANARY}});
        let block = json!({"pipelines": {"build": {
            "eventHandlers": {"success": handlers},
            "generators": {"tags": [{"name": "one", "set": [{"path": "state.tags", "op": "Append", "value": "x"}]}]},
        }}});
        let context = json!({"bases": [{"kind": "CicdBase", "name": "app"}], "state": {"version": "1.4"}});
        let items = [
            kind("CicdEndpoint", "chat", spec),
            secret,
            kind("CicdBase", "app", block),
            kind("CicdContext", "shop", context),
        ];
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        fs::write(folder.path().join("all.json"), list.to_string()).unwrap();
        Self { folder, receiver }
    }

    pub(super) fn manifest(&self) -> PathBuf {
        self.folder.path().join("all.json")
    }

    pub(super) fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.manifest()).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.manifest(), text.replace(from, to)).unwrap();
    }

    /// As another process sees it.
    pub(super) fn open(&self) -> Files {
        Files::open(FilesOptions {
            paths: vec![self.manifest()],
            patience: Duration::from_mins(1),
            ..FilesOptions::default()
        })
        .unwrap()
    }

    pub(super) async fn fire(&self, name: &str) -> CicdEvent {
        self.fire_with(name, |_| {}).await
    }

    pub(super) async fn fire_with(&self, name: &str, change: impl FnOnce(&mut CicdEvent)) -> CicdEvent {
        let files = self.open();
        let uid = files.context("shop").await.unwrap().uid;
        let mut event = CicdEvent::default();
        event.metadata.name = Some(name.to_owned());
        event.spec.context_ref = ContextReference { name: "shop".to_owned(), uid: Some(uid) };
        event.spec.pipeline = Some("build".to_owned());
        event.spec.event = Some("success".to_owned());
        event.spec.created_at = Some(Time(Timestamp::now()));
        change(&mut event);
        files.create_event(&event).await.unwrap()
    }

    /// Watches an event to its end.
    pub(super) async fn finish(&self, name: &str) -> CicdEvent {
        self.watch(name).await.unwrap().pop().unwrap()
    }

    /// All that a watch of an event shows.
    pub(super) async fn watch(&self, name: &str) -> Result<Vec<CicdEvent>, SourceError> {
        let files = self.open();
        let mut changes = files.watch_event(name);
        let mut seen = Vec::new();
        while let Some(change) = changes.next().await {
            seen.extend(change?);
        }
        assert!(is_finished(seen.last().expect("an event")));
        Ok(seen)
    }

    /// Watches an event until it is as `far` says, and no longer.
    pub(super) async fn watch_until(&self, name: &str, far: impl Fn(&CicdEvent) -> bool) -> CicdEvent {
        let files = self.open();
        let mut changes = files.watch_event(name);
        loop {
            let event = changes.next().await.unwrap().unwrap().unwrap();
            if far(&event) {
                return event;
            }
        }
    }

    pub(super) async fn state(&self) -> Value {
        Value::Object(self.open().context("shop").await.unwrap().state.unwrap_or_default())
    }

    /// Every file of the state folder, joined.
    pub(super) fn kept(&self) -> String {
        let mut folders = vec![self.folder.path().join(".cicdctl")];
        let mut text = String::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    text += &fs::read_to_string(path).unwrap();
                }
            }
        }
        text
    }
}
