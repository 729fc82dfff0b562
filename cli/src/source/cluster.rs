//! Contexts and events of a cluster. Each request has a time limit, and none is repeated behind the caller's back but
//! those that the API server has put off without doing anything (429), which all its clients are expected to repeat.

pub(super) mod change;
mod configuration;
mod connect;
mod contexts;
mod events;
pub(crate) mod origin;
mod state_writes;
mod stored;
mod version;

use std::{
    fmt::Debug,
    io::Write,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream::LocalBoxStream};
use kube::{
    Api, Client, Resource,
    core::{Request, Status, request},
    runtime::{WatchStreamExt, watcher},
};
use serde::de::DeserializeOwned;

pub use connect::ClusterOptions;

use super::{Problem, SourceError};

/// From this verbosity on each request is told; kubectl begins at 6 too.
const TELL_REQUESTS: u8 = 6;

/// The shortest and the longest pause before a request is sent again that was put off.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// One namespace of a cluster.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    server: String,
    namespace: String,
    timeout: Duration,
    verbosity: u8,
}

impl Cluster {
    /// Sends a request that `build` makes for objects of kind `K` in our namespace, and gives the text of the answer.
    async fn send<K: Resource<DynamicType = ()>>(
        &self,
        verb: &str,
        name: &str,
        build: impl FnOnce(Request) -> Result<http::Request<Vec<u8>>, request::Error>,
    ) -> Result<String, SourceError> {
        let request = self.described::<K>(verb, name);
        self.send_to(&K::url_path(&(), Some(&self.namespace)), request, verb, build).await
    }

    /// Sends a request that `build` makes for the objects below `path`; errors call it `request`.
    async fn send_to(
        &self,
        path: &str,
        request: String,
        verb: &str,
        build: impl FnOnce(Request) -> Result<http::Request<Vec<u8>>, request::Error>,
    ) -> Result<String, SourceError> {
        let failed = |problem| SourceError { request, problem };
        let request = match build(Request::new(path)) {
            Ok(request) => request,
            Err(error) => return Err(failed(Problem::Unreadable(error.to_string()))),
        };
        let line = format!("{} {}", request.method(), request.uri());
        let start = Instant::now();
        let mut put_off = None;
        let answer = tokio::time::timeout(self.timeout, self.exchange(request, &mut put_off)).await;
        let answer = match (answer, put_off) {
            (Ok(answer), _) => answer.map_err(|error| Problem::of_error(error, &self.server)),
            (Err(_), Some(message)) => Err(Problem::Busy(message)),
            (Err(_), None) => Err(Problem::Timeout { after: self.timeout, changes: !["get", "list"].contains(&verb) }),
        };
        if self.verbosity >= TELL_REQUESTS {
            let outcome = answer.as_ref().map_or_else(ToString::to_string, |text| format!("{} bytes", text.len()));
            let line = format!("{line}: {outcome} in {} ms", start.elapsed().as_millis());
            writeln!(std::io::stderr(), "{}", crate::console::one_line(&line)).ok();
        }
        answer.map_err(failed)
    }

    /// Sends a request, again and again while the API server puts it off; `put_off` holds its words between attempts.
    async fn exchange(
        &self,
        request: http::Request<Vec<u8>>,
        put_off: &mut Option<String>,
    ) -> Result<String, kube::Error> {
        loop {
            *put_off = None;
            let answer = self.client.request_text(request.clone()).await;
            let Err(kube::Error::Api(status)) = &answer else { return answer };
            let Some(pause) = pause(status) else { return answer };
            *put_off = Some(status.message.clone());
            tokio::time::sleep(pause).await;
        }
    }

    fn described<K: Resource<DynamicType = ()>>(&self, verb: &str, name: &str) -> String {
        format!("{verb} {} {name} in namespace {}", K::kind(&()), self.namespace)
    }

    /// Understands an answer.
    fn read<K: Resource<DynamicType = ()>, T>(
        &self,
        verb: &str,
        name: &str,
        read: Result<T, impl ToString>,
    ) -> Result<T, SourceError> {
        read.map_err(|error| SourceError {
            request: self.described::<K>(verb, name),
            problem: Problem::Unreadable(error.to_string()),
        })
    }
}

/// One object as it is now, and each change, for who understands it with `read`; `request` is what errors call that.
fn watch_one<'s, K, T: 's>(
    api: Api<K>,
    name: &str,
    request: String,
    read: impl Fn(K) -> Result<T, String> + 's,
) -> LocalBoxStream<'s, Result<Option<T>, SourceError>>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    watcher::watch_object(api, name)
        .default_backoff()
        .filter_map(move |seen| {
            let failed = |problem| SourceError { request: request.clone(), problem };
            let seen = match seen {
                Ok(None) => Some(Ok(None)),
                Ok(Some(object)) => Some(read(object).map(Some).map_err(|text| failed(Problem::Unreadable(text)))),
                Err(error) => final_problem(error).map(|problem| Err(failed(problem))),
            };
            async move { seen }
        })
        .boxed_local()
}

/// How long to wait before a request is sent again that the API server has put off; `None` if it has not.
fn pause(status: &Status) -> Option<Duration> {
    let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    (status.code == 429).then(|| Duration::from_secs(seconds.into()).clamp(PAUSES.0, PAUSES.1))
}

/// What a watch cannot recover from by trying again.
fn final_problem(error: watcher::Error) -> Option<Problem> {
    let (watcher::Error::InitialListFailed(kube::Error::Api(status))
    | watcher::Error::WatchStartFailed(kube::Error::Api(status))
    | watcher::Error::WatchError(status)) = error
    else {
        return None;
    };
    let problem = Problem::of_status(&status);
    matches!(problem, Problem::Forbidden(_) | Problem::Unauthorized | Problem::NotInstalled).then_some(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, retry_after: u32) -> Status {
        let details = serde_json::json!({"code": code, "details": {"retryAfterSeconds": retry_after}});
        serde_json::from_value(details).unwrap()
    }

    #[test]
    fn only_what_was_put_off_is_sent_again_and_after_a_bounded_pause() {
        assert_eq!(pause(&status(429, 3)), Some(Duration::from_secs(3)));
        assert_eq!(pause(&status(429, 0)), Some(PAUSES.0));
        assert_eq!(pause(&status(429, 3600)), Some(PAUSES.1));
        assert_eq!(pause(&Status::failure("", "").with_code(429)), Some(PAUSES.0));
        for code in [409, 422, 500, 503, 504] {
            assert_eq!(pause(&status(code, 3)), None, "{code}");
        }
    }
}
