//! Sends what handlers want to send: three attempts within 30 seconds, no redirect, and neither proxy nor credentials of the
//! surroundings.
//!
//! The hosts and ports of `slack.url` and `trigger.url` are reached as they are written there, also over http and also on
//! this machine or a private network; everything else only over https, and only what is public. The token goes to the host and
//! port of `slack.url` alone.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use cicdcontext_compat::{
    files::{Core, Secrets},
    handler::{Answered, HandlerType, Request},
    notice::Notice,
};
use cicdcontext_delivery::{
    Answer, AttemptError, Class, Credentials, Destination, History, Next, Outgoing, Policy, Schedule, Scope, Sender,
    classify, classify::reason, tls::Authorities,
};
use serde_json::Value;
use url::Url;

use crate::{
    setting::Occasion,
    source::files::egress::{LocalResolver, of_url, policy},
};

/// Attempts of one delivery.
const ATTEMPTS: u32 = 3;
/// How long a delivery may take in all.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// The ceilings of the first pause and of the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// Shorter secrets are not looked for: they stand in a text by chance.
const SHORTEST_SECRET: usize = 6;

/// Standard headers, which those of the configuration replace.
const OF_MESSAGES: [(&str, &str); 2] =
    [("content-type", "application/json; charset=UTF-8"), ("cache-control", "no-cache")];
const OF_TRIGGERS: [(&str, &str); 2] = [("content-type", "application/json"), ("cache-control", "no-cache")];

/// Sends requests. The connections are made when the first one is sent.
pub(super) struct Courier {
    /// `slack.url` and `trigger.url`.
    named: Vec<Url>,
    /// Where the token goes.
    slack: Option<Url>,
    token: Option<String>,
    secrets: Vec<String>,
    sender: Option<Sender>,
}

impl Courier {
    pub(super) fn new(core: &Core, secrets: &Secrets) -> Self {
        let url = |text: Option<&str>| text.and_then(|text| Url::parse(text.trim()).ok());
        let slack = url(core.slack_url().ok());
        let named = slack.iter().cloned().chain(url(core.trigger_url().ok())).collect();
        let mut texts = Vec::new();
        secrets.secret_data().values().for_each(|value| collect(value, &mut texts));
        let token = secrets.slack_token().ok().map(str::to_owned);
        Self { named, slack, token, secrets: texts, sender: None }
    }

    /// Sends a request until it is delivered or given up, and tells what is different from before.
    pub(super) async fn send(&mut self, request: &Request) -> (Answered, Vec<Notice>) {
        let mut notices = Vec::new();
        let sent = self.deliver(request, &mut notices).await;
        (sent.map_or_else(Answered::Failed, Answered::Delivered), notices)
    }

    async fn deliver(&mut self, request: &Request, notices: &mut Vec<Notice>) -> Result<String, String> {
        // It may be a credential by itself, so it is not shown.
        let url = Url::parse(&request.url).map_err(|error| format!("read the URL to POST to: {error}"))?;
        let destination = self.destination(request, url, notices)?;
        let sender = self.sender()?;
        let occasion = || Occasion::now().map_err(|failure| failure.to_string());
        let id = format!("cicdstatemgr-{}", occasion()?.random_id());
        let schedule = schedule().map_err(|error| error.to_string())?;
        let mut history = History::start(SystemTime::now());
        loop {
            let now = SystemTime::now();
            let left = schedule.deadline(&history).duration_since(now).unwrap_or_default();
            let limit = left.clamp(Duration::from_millis(1), ATTEMPT);
            let destination = destination.clone().timeout(limit).map_err(|error| error.to_string())?;
            let outgoing = outgoing(&destination, request, &id, now)?;
            let result = sender.attempt(&destination, &outgoing).await;
            history = history.attempted();
            let (reason, retry_after) = match classify(&result, SystemTime::now()) {
                Class::Delivered => return Ok(result.map(|answer| text(&answer)).unwrap_or_default()),
                Class::Final { reason } => {
                    tell(request, reason, notices);
                    return Err(described(&result, reason));
                }
                Class::Retry { reason, retry_after } => (reason, retry_after),
            };
            let chance = occasion()?.random.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
            match schedule.next(&history, retry_after, SystemTime::now(), chance) {
                Next::At(time) => {
                    tokio::time::sleep(time.duration_since(SystemTime::now()).unwrap_or_default()).await;
                }
                Next::GiveUp(why) => return Err(format!("{}; {why}", described(&result, reason))),
            }
        }
    }

    /// Where the request goes, with which headers and credentials.
    fn destination(&self, request: &Request, url: Url, notices: &mut Vec<Notice>) -> Result<Destination, String> {
        let as_written = self.named.iter().any(|named| named.scheme() == url.scheme() && is_at(named, &url));
        let gets_token = self.slack.as_ref().is_some_and(|slack| is_at(slack, &url) && slack.scheme() == url.scheme());
        let is_trigger = request.handler == HandlerType::TriggerPipeline;
        let credentials = match &self.token {
            Some(token) if gets_token && !is_trigger => Credentials::Bearer(token.as_str().into()),
            _ => Credentials::None,
        };
        if !gets_token && !is_trigger {
            let text =
                "the URL is not on the host and port of slack.url, so slack.token is not sent there; before, it was";
            notices.push(Notice { place: format!("{}.url", request.place), text: text.to_owned(), anchor: "token" });
        }
        let mut destination =
            Destination::new(url, Scope::public("cluster.local")).allow_http(as_written).credentials(credentials);
        let standard = if is_trigger { OF_TRIGGERS } else { OF_MESSAGES };
        let mut headers: Vec<(&str, &str)> = standard.to_vec();
        for (name, value) in &request.headers {
            // The last one of a name has it.
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            headers.push((name, value));
        }
        for (name, value) in headers {
            let is_secret = self.secrets.iter().any(|secret| value.contains(secret.as_str()));
            let with = if is_secret {
                destination.secret_header(name, "", &value.into(), "")
            } else {
                destination.header(name, value)
            };
            destination = with.map_err(|error| error.to_string())?;
        }
        Ok(destination)
    }

    fn sender(&mut self) -> Result<Sender, String> {
        if let Some(sender) = &self.sender {
            return Ok(sender.clone());
        }
        let sender = Sender::with(self.policy(), Arc::new(LocalResolver), Authorities::system());
        let sender = sender.map_err(|error| error.to_string())?;
        self.sender = Some(sender.clone());
        Ok(sender)
    }

    /// Where requests may go.
    fn policy(&self) -> Policy {
        policy(&self.named.iter().flat_map(of_url).collect::<Vec<_>>())
    }
}

/// Explains a failure that there was not before.
fn tell(request: &Request, reason: &str, notices: &mut Vec<Notice>) {
    let (text, anchor) = match reason {
        reason::REDIRECT => ("a redirect is not followed; before, it was, and the POST became a GET", "redirect"),
        reason::EGRESS_REFUSED => (
            "only the hosts of slack.url and trigger.url are reached as they are written, others over https and in \
             public; before, every URL was",
            "egress",
        ),
        _ => return,
    };
    notices.push(Notice { place: request.place.clone(), text: text.to_owned(), anchor });
}

/// Whether two URLs have the same host and port.
fn is_at(one: &Url, other: &Url) -> bool {
    let end = |url: &Url| {
        let host = url.host_str().map(|host| host.trim_end_matches('.').to_ascii_lowercase());
        host.zip(url.port_or_known_default())
    };
    end(one).is_some() && end(one) == end(other)
}

fn schedule() -> Result<Schedule, cicdcontext_delivery::schedule::ScheduleError> {
    Schedule::default().max_attempts(ATTEMPTS)?.max_elapsed(PATIENCE)?.initial_delay(PAUSES.0)?.max_delay(PAUSES.1)
}

fn outgoing(destination: &Destination, request: &Request, id: &str, now: SystemTime) -> Result<Outgoing, String> {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let built = Outgoing::to(destination, "POST")
        .and_then(|outgoing| outgoing.body(request.body.clone().into_bytes()))
        .and_then(|outgoing| outgoing.build(id, i64::try_from(seconds).unwrap_or_default()));
    built.map_err(|error| error.to_string())
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

fn described(result: &Result<Answer, AttemptError>, reason: &str) -> String {
    match result {
        Ok(answer) => format!("the receiver answered {} ({reason})", answer.status),
        Err(error) => error.to_string(),
    }
}

/// The texts in a value that are long enough to be looked for.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() >= SHORTEST_SECRET => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(map) => map.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
