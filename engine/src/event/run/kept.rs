//! Requests that are kept: compressed, so that they can stand in a status.
//!
//! What is sent later is byte for byte what was rendered first. Nothing of a Secret is in a request: whoever sends it adds
//! that, each time anew.

use std::fmt::Display;

use cicdcontext_crds::{AttemptHistory, StoredRequest};
use data_encoding::BASE64;
use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec_with_limit};

use super::Run;
use crate::handler::Request;

/// Bytes that all kept requests of one event may have together, as they stand in its status.
pub const MAX_KEPT_BYTES: usize = 768 * 1024;
/// More than any request unpacks to: its body, headers and URL are bounded by the templates they come from.
const MAX_UNPACKED_BYTES: usize = 16 * 1024 * 1024;
/// Compression that costs milliseconds for the largest body.
const LEVEL: u8 = 6;

/// Why a request cannot be kept, or not be read again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeptError {
    /// It takes too much room.
    #[error(
        "keep the request to send it later: it takes {size} bytes compressed, and those of an event may have {MAX_KEPT_BYTES} in all, \
         of which {used} are used"
    )]
    TooLarge {
        /// Bytes of this request.
        size: usize,
        /// Bytes of the event's others.
        used: usize,
    },
    /// What was kept is not a request.
    #[error("read the kept request of handler {handler}: {problem}")]
    Unreadable {
        /// The handler.
        handler: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl KeptError {
    fn unreadable(handler: &str, problem: impl Display) -> Self {
        Self::Unreadable { handler: handler.to_owned(), problem: problem.to_string() }
    }
}

/// Packs a request of `handler`.
pub(super) fn pack(handler: &str, request: &Request, history: AttemptHistory) -> Result<StoredRequest, KeptError> {
    let text = serde_json::to_vec(request).map_err(|error| KeptError::unreadable(handler, error))?;
    let content = BASE64.encode(&compress_to_vec(&text, LEVEL));
    Ok(StoredRequest { handler: handler.to_owned(), content, history })
}

/// The request that was packed.
pub(super) fn unpack(stored: &StoredRequest) -> Result<Request, KeptError> {
    let unreadable = |problem: &dyn Display| KeptError::unreadable(&stored.handler, problem);
    let packed = BASE64.decode(stored.content.as_bytes()).map_err(|error| unreadable(&error))?;
    let text = decompress_to_vec_with_limit(&packed, MAX_UNPACKED_BYTES).map_err(|error| unreadable(&error))?;
    serde_json::from_slice(&text).map_err(|error| unreadable(&error))
}

impl Run {
    /// Keeps the current request, if there is room for it beside those of the other handlers.
    pub(super) fn keep(&mut self, history: AttemptHistory) -> Result<(), KeptError> {
        let Some(request) = &self.request else { return Ok(()) };
        let name = &self.statuses[self.position].name;
        let stored = match self.slots[self.position].kept.take() {
            // The same bytes as before.
            Some(stored) => StoredRequest { history, ..stored },
            None => pack(name, request, history)?,
        };
        let size = stored.content.len();
        let used = self.slots.iter().filter_map(|slot| slot.kept.as_ref()).map(|kept| kept.content.len()).sum();
        if size + used > MAX_KEPT_BYTES {
            return Err(KeptError::TooLarge { size, used });
        }
        self.slots[self.position].kept = Some(stored);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cicdcontext_crds::handler::{EndpointReference, HttpMethod};

    use super::*;
    use crate::handler::Target;

    fn request(body: String) -> Request {
        let endpoint = EndpointReference { name: "chat".into(), namespace: Some("team".into()) };
        Request {
            target: Target::Foreign { endpoint, url: "https://hooks.chat.example/r/1".into() },
            method: HttpMethod::Put,
            path: Some("/a".into()),
            headers: vec![("x-a".into(), "1".into())],
            endpoint_headers: vec![("x-b".into(), "2".into())],
            body: Some(body),
            webhook_id: "msg_1".into(),
        }
    }

    #[test]
    fn a_kept_request_is_read_as_it_was_and_takes_less_room() {
        let request = request("ü\0\u{2028}".repeat(10_000));
        let history = AttemptHistory { attempts: 2, start_ms: 5, held_ms: None };
        let stored = pack("tell", &request, history).unwrap();
        assert!(stored.content.len() < 2_000, "{}", stored.content.len());
        assert_eq!((stored.handler.as_str(), stored.history), ("tell", history));
        assert_eq!(unpack(&stored).unwrap(), request);
    }

    #[test]
    fn what_somebody_else_wrote_there_is_an_error_and_no_bomb() {
        let text = |content: String| {
            let stored = StoredRequest { handler: "tell".into(), content, ..StoredRequest::default() };
            unpack(&stored).unwrap_err().to_string()
        };
        assert!(text("no base64!".into()).starts_with("read the kept request of handler tell: "));
        assert!(text(BASE64.encode(b"nothing deflated")).starts_with("read the kept request of handler tell: "));
        let bomb = BASE64.encode(&compress_to_vec(&vec![b' '; 64 * 1024 * 1024], 9));
        let stopped = text(bomb);
        assert!(
            stopped.ends_with("Output size exceeded the specified limit"),
            "it stops at {MAX_UNPACKED_BYTES} bytes: {stopped}"
        );
        let other = BASE64.encode(&compress_to_vec(br#"{"method":"GET"}"#, 1));
        assert!(text(other).contains("missing field"));
    }
}
