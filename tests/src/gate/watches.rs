//! Watches that go through a gate: they go on until somebody breaks them.
//!
//! It must not know what is watched.

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use futures::{StreamExt, stream};
use tokio::sync::watch;

use super::fault::status;

/// How the watches that are open come to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Break {
    /// Their connections are closed in good order.
    #[default]
    Closed,
    /// The API server has forgotten what came since the version that they began with: an event of type ERROR, code 410.
    Gone,
    /// Nothing comes any more, and nobody says so.
    Silent,
}

/// The answer to a watch, which ends as `breaks` says with its next change.
pub(super) fn breakable(response: Response, breaks: watch::Receiver<Break>) -> Response {
    let (parts, body) = response.into_parts();
    let chunks = stream::unfold(Some((body.into_data_stream(), breaks)), |open| async move {
        let (mut chunks, mut breaks) = open?;
        tokio::select! {
            biased;
            changed = breaks.changed() => {
                changed.ok()?;
                let ending = *breaks.borrow_and_update();
                match ending {
                    Break::Closed => None,
                    Break::Gone => Some((Ok(gone()), None)),
                    Break::Silent => std::future::pending().await,
                }
            }
            chunk = chunks.next() => chunk.map(|chunk| (chunk, Some((chunks, breaks)))),
        }
    });
    Response::from_parts(parts, Body::from_stream(chunks))
}

/// The last line of a watch whose version is too old.
fn gone() -> Bytes {
    let object = status(410, "Expired", "too old resource version: 1 (2)");
    Bytes::from(format!("{}\n", serde_json::json!({"type": "ERROR", "object": object})))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn broken(how: Break) -> String {
        let breaks = watch::Sender::new(Break::default());
        let open = stream::once(async { Ok::<_, std::io::Error>(Bytes::from("{}\n")) }).chain(stream::pending());
        let response = breakable(Response::new(Body::from_stream(open)), breaks.subscribe());
        let mut chunks = response.into_body().into_data_stream();
        let first = chunks.next().await.unwrap().unwrap();
        breaks.send_replace(how);
        let rest = to_bytes(Body::from_stream(chunks), 1024).await.unwrap();
        String::from_utf8_lossy(&[first, rest].concat()).into_owned()
    }

    #[tokio::test]
    async fn a_watch_goes_on_until_it_is_broken_and_ends_as_it_was_asked_to() {
        assert_eq!(broken(Break::Closed).await, "{}\n");
        let gone = broken(Break::Gone).await;
        assert!(gone.starts_with("{}\n{") && gone.contains(r#""code":410"#) && gone.ends_with('\n'), "{gone}");
        let silent = tokio::time::timeout(std::time::Duration::from_millis(50), broken(Break::Silent)).await;
        assert!(silent.is_err(), "{silent:?}");
    }
}
