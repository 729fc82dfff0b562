//! A receiver on loopback that answers as told, byte by byte, and remembers what it got.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What happens after a request was read.
pub(crate) enum Then {
    /// These bytes, and then the next request; the connection closes after the last one.
    Answer(Vec<u8>),
    /// A head, and then a chunk again and again until the sender hangs up.
    Endless(Vec<u8>, Vec<u8>),
    /// These bytes, and then nothing.
    Silence(Vec<u8>),
    /// These bytes again and again, one at a time with a pause between, until the sender hangs up.
    Drip(Vec<u8>, Duration),
    /// Everything that was asked, as the body of an answer.
    Echo,
    /// These bytes, and the connection closes once the sender has seen that.
    Last(Vec<u8>),
    /// The connection is reset.
    Reset,
    /// The connection closes.
    Close,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    gone: Notify,
}

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

impl Receiver {
    pub(crate) async fn start(script: Vec<Then>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Seen::default()));
        let (shared, script) = (Arc::clone(&seen), Arc::new(Mutex::new(script.into_iter())));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (seen, script) = (Arc::clone(&shared), Arc::clone(&script));
                tokio::spawn(async move {
                    serve(stream, &script, &seen).await;
                    seen.gone.notify_one();
                });
            }
        });
        Self { address, seen }
    }

    /// One that resets each connection before it has read anything.
    pub(crate) async fn resetting() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Seen::default()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_zero_linger().unwrap();
            }
        });
        Self { address, seen }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Waits until a connection has ended.
    pub(crate) async fn gone(&self) {
        self.seen.gone.notified().await;
    }
}

async fn serve(mut stream: TcpStream, script: &Mutex<std::vec::IntoIter<Then>>, seen: &Seen) {
    loop {
        let Some(request) = request(&mut stream).await else { return };
        seen.requests.lock().unwrap().push(request);
        let then = script.lock().unwrap().next();
        match then {
            Some(Then::Answer(bytes)) => {
                let kept = bytes.windows(15).any(|part| part == b"content-length:") && !bytes.ends_with(b"half");
                if stream.write_all(&bytes).await.is_err() || !kept {
                    return;
                }
            }
            Some(Then::Endless(head, chunk)) => {
                stream.write_all(&head).await.unwrap();
                while stream.write_all(&chunk).await.is_ok() {}
                return;
            }
            Some(Then::Silence(bytes)) => {
                stream.write_all(&bytes).await.unwrap();
                let _ = stream.read(&mut [0; 1]).await;
                return;
            }
            Some(Then::Drip(bytes, pause)) => {
                let mut ticks = tokio::time::interval(pause);
                for byte in bytes.into_iter().cycle() {
                    ticks.tick().await;
                    if stream.write_all(&[byte]).await.is_err() {
                        return;
                    }
                }
            }
            Some(Then::Echo) => {
                let request = seen.requests.lock().unwrap().last().unwrap().clone();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{request}", request.len());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            Some(Then::Last(bytes)) => {
                stream.write_all(&bytes).await.unwrap();
                stream.shutdown().await.unwrap();
                let _ = stream.read(&mut [0; 1]).await;
                return;
            }
            Some(Then::Reset) => return stream.set_zero_linger().unwrap(),
            Some(Then::Close) | None => return,
        }
    }
}

async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            // Not a request (the start of a TLS handshake, for instance), or the end.
            return None;
        }
        if bytes.first() == Some(&0x16) {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.ok()?;
            return None;
        }
    }
}
