//! How far an attempt came: has the connection asked for the body?
//!
//! The HTTP client asks for the first bytes of a body after it has a connection and before it writes the first byte of
//! the request to it: head and body go out in one flush while the head fits the client's buffer (400 KiB in hyper's
//! `proto/h1`; see [`crate::request::MAX_HEADERS_IN_ALL`]). Not asked thus means: nothing was sent. A request without a
//! body gives no such sign, and counts as sent.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};

use super::Phase;

#[derive(Default)]
pub(super) struct Progress {
    asked: Arc<AtomicBool>,
}

impl Progress {
    /// A body of these bytes, with a known length, that tells when it is asked for.
    pub(super) fn watch(&self, bytes: &[u8]) -> reqwest::Body {
        if bytes.is_empty() {
            self.asked.store(true, Ordering::Release);
            return reqwest::Body::default();
        }
        reqwest::Body::wrap(Watched { bytes: bytes.to_vec().into(), asked: Arc::clone(&self.asked) })
    }

    /// The phase before the answer's headers that the attempt is in.
    pub(super) fn phase(&self) -> Phase {
        if self.asked.load(Ordering::Acquire) { Phase::Answer } else { Phase::Connect }
    }
}

struct Watched {
    bytes: reqwest::Body,
    asked: Arc<AtomicBool>,
}

impl Body for Watched {
    type Data = <reqwest::Body as Body>::Data;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.asked.store(true, Ordering::Release);
        Pin::new(&mut self.bytes).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.bytes.size_hint()
    }
}
