//! How soon a watch may begin anew. The watcher begins one at once when the last was ended in good order, so that a server
//! that ends each of them at once, or something before it that does, would be asked thousands of times in a second.
//!
//! It knows nothing of what is watched, and holds up nothing but watches.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::Request;
use tower::{Layer, Service};

/// First and longest pause before a watch that was short begins anew.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A watch that lasted so long was none that was ended at once.
const LASTING: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
struct Begun {
    at: Instant,
    next_pause: Duration,
}

/// When which watch has begun, by its path.
#[derive(Debug, Default)]
struct Watches(HashMap<String, Begun>);

impl Watches {
    /// How long the watch of this path has to wait that wants to begin now. None does that is the first.
    fn pause(&mut self, path: &str, now: Instant) -> Duration {
        let short = self.0.get(path).filter(|last| now.saturating_duration_since(last.at) < LASTING);
        let (pause, next_pause) = match short {
            None => (Duration::ZERO, FIRST_PAUSE),
            Some(last) => (last.next_pause, (last.next_pause * 2).min(LONGEST_PAUSE)),
        };
        self.0.insert(path.to_owned(), Begun { at: now + pause, next_pause });
        pause
    }
}

/// Makes clients in which watches keep their distance.
#[derive(Clone, Debug, Default)]
pub struct PaceLayer(Arc<Mutex<Watches>>);

impl<S> Layer<S> for PaceLayer {
    type Service = Paced<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Paced { inner, watches: Arc::clone(&self.0) }
    }
}

/// A client in which watches keep their distance.
#[derive(Clone, Debug)]
pub struct Paced<S> {
    inner: S,
    watches: Arc<Mutex<Watches>>,
}

type Answering<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl<S, B> Service<Request<B>> for Paced<S>
where
    S: Service<Request<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answering<S::Response, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let pause = if is_watch(request.uri()) {
            let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
            watches.pause(request.uri().path(), Instant::now())
        } else {
            Duration::ZERO
        };
        // Nothing is sent before this is polled.
        let answering = self.inner.call(request);
        Box::pin(async move {
            if !pause.is_zero() {
                tracing::debug!(?pause, "a watch that was short begins anew later");
                tokio::time::sleep(pause).await;
            }
            answering.await
        })
    }
}

fn is_watch(uri: &http::Uri) -> bool {
    uri.query().is_some_and(|query| query.split('&').any(|parameter| parameter == "watch=true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watches_that_end_at_once_begin_anew_at_growing_distances_each_for_itself() {
        let (mut watches, mut now) = (Watches::default(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let pause = watches.pause("/a", now);
            pauses.push(pause.as_millis());
            now += pause;
        }
        assert_eq!(pauses, [0, 500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(watches.pause("/b", now), Duration::ZERO, "another watch");
        now += LASTING;
        assert_eq!(watches.pause("/a", now), Duration::ZERO, "the last one lasted");
        assert_eq!(watches.pause("/a", now), FIRST_PAUSE);
    }

    #[test]
    fn only_watches_are_held_up() {
        assert!(is_watch(&"/apis/a/v1/b?&watch=true&timeoutSeconds=120".parse().unwrap()));
        for other in ["/apis/a/v1/b?limit=500", "/apis/a/v1/b", "/apis/a/v1/watch=true"] {
            assert!(!is_watch(&other.parse().unwrap()), "{other}");
        }
    }
}
