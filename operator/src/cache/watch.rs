//! Feeds a [`Store`] from the API server, for as long as the process lives.

use std::{
    fmt::Debug,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use futures::StreamExt;
use kube::{
    Api, Client, Resource,
    core::NamespaceResourceScope,
    runtime::{WatchStreamExt, utils::Backoff, watcher},
};
use tokio::sync::watch as signal;
use tokio_util::sync::CancellationToken;

use super::{
    store::{Changed, Store},
    stored::Stored,
};
use crate::metrics::WatchMetrics;

/// A store that several tasks share.
pub type Shared<K> = Arc<RwLock<Store<K>>>;

/// Reads a shared store. A panic of another reader does not make its content worse.
pub fn read<K, T>(store: &Shared<K>, look: impl FnOnce(&Store<K>) -> T) -> T {
    look(&store.read().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Changes a shared store.
pub fn write<K, T>(store: &Shared<K>, change: impl FnOnce(&mut Store<K>) -> T) -> T {
    change(&mut store.write().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Pauses before a watch that was interrupted is started again: from half a second to five. They stay short, since an
/// operator that watches nothing is of no use, and there are only a few watches.
#[derive(Debug)]
struct Pauses {
    next: Duration,
    /// When a pause was last asked for. A watcher reports progress before each list that it tries, so that only a
    /// silence since then says that the trouble is over.
    asked: Instant,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { next: FIRST_PAUSE, asked: Instant::now() }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST_PAUSE);
        self.asked = Instant::now();
        Some(pause)
    }
}

impl Backoff for Pauses {
    fn reset(&mut self) {
        if self.asked.elapsed() > 2 * LONGEST_PAUSE {
            self.next = FIRST_PAUSE;
        }
    }
}

/// One watch: of all namespaces, of one, or of a cluster-wide kind.
#[derive(Debug)]
pub struct Watch<K> {
    api: Api<Stored<K>>,
    scope: Option<String>,
    config: watcher::Config,
}

impl<K> Watch<K>
where
    K: Resource<DynamicType = ()>,
{
    /// Watches everything of a kind. After `timeout` at the latest, in whole seconds, the watch begins anew: it is not
    /// told when the other side is gone.
    pub fn all(client: Client, selector: Option<&str>, timeout: Duration) -> Self {
        Self { api: Api::all(client), scope: None, config: config(selector, timeout) }
    }

    /// Watches one namespace.
    pub fn namespace(client: Client, namespace: &str, selector: Option<&str>, timeout: Duration) -> Self
    where
        K: Resource<Scope = NamespaceResourceScope>,
    {
        Self {
            api: Api::namespaced(client, namespace),
            scope: Some(namespace.to_owned()),
            config: config(selector, timeout),
        }
    }
}

/// Objects that one answer to a list holds. The client has an answer in memory three times before it is parsed, and what
/// that took stays with the process: at 500 of 10 kB, as the watcher has it, more than 1,000 contexts take themselves.
const PAGE: u32 = 100;

fn config(selector: Option<&str>, timeout: Duration) -> watcher::Config {
    let config =
        watcher::Config::default().timeout(u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX)).page_size(PAGE);
    match selector {
        Some(selector) => config.labels(selector),
        None => config,
    }
}

/// Runs `watch` until `stop`, calling `changed` for each object that came, changed or went, after the store has it.
/// `ready` becomes true with the end of the first list; `counts` says how often it had to begin anew.
pub async fn run<K>(
    watch: Watch<K>,
    store: Shared<K>,
    changed: impl Fn(&Changed<K>) + Send,
    (ready, counts): (signal::Sender<bool>, WatchMetrics),
    stop: CancellationToken,
) where
    K: Resource<DynamicType = ()> + 'static,
    Stored<K>: Debug,
{
    let kind = K::kind(&()).into_owned();
    let begin = || watcher(watch.api.clone(), watch.config.clone()).backoff(Pauses::default()).boxed();
    let mut events = begin();
    loop {
        let next = tokio::select! {
            next = events.next() => next,
            () = stop.cancelled() => return,
        };
        match next {
            Some(Ok(event)) => {
                let listed = matches!(event, watcher::Event::InitDone);
                if matches!(event, watcher::Event::Init) {
                    counts.lists.inc();
                }
                let news = write(&store, |store| store.handle(watch.scope.as_deref(), event));
                news.iter().for_each(&changed);
                if listed {
                    ready.send_replace(true);
                }
            }
            Some(Err(error)) => {
                counts.errors.inc();
                tracing::warn!(kind, %error, "watch interrupted; it is started again");
                // The watcher would ask for the same version again, for ever.
                if is_expired(&error) {
                    events = begin();
                }
            }
            None => {
                // The stream of a watcher has no end; should that change, starting over beats a silent standstill.
                tracing::error!(kind, "watch ended");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Whether a watch was refused because the API server has forgotten the version that it should begin with. Where that
/// comes as an event of the watch, the watcher lists anew by itself.
fn is_expired(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_although_the_watcher_reports_progress_before_each_attempt() {
        let mut pauses = Pauses::default();
        let mut seen = Vec::new();
        for _ in 0..6 {
            pauses.reset();
            seen.extend(pauses.next().map(|pause| pause.as_millis()));
        }
        assert_eq!(seen, [500, 1000, 2000, 4000, 5000, 5000]);
        pauses.asked = Instant::now().checked_sub(Duration::from_secs(11)).unwrap();
        pauses.reset();
        assert_eq!(pauses.next(), Some(FIRST_PAUSE), "it went well for a while");
    }
}
