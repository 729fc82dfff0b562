//! How an attempt fails, told from what the HTTP client reports. Texts show scheme and host, nothing else of the URL.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use thiserror::Error;

use super::Phase::Connect;
use crate::egress::{Refusal, Target};
use crate::proxy::Proxy;
use crate::request::RequestError;

/// How far an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Before the connection stood.
    Connect,
    /// After that, until the answer's headers were there.
    Answer,
    /// In the answer's body.
    Body,
}

impl Phase {
    const fn text(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Answer => "waiting for the answer",
            Self::Body => "reading the answer's body",
        }
    }
}

/// An attempt without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AttemptError {
    /// The destination is not one that this process dials.
    #[error(transparent)]
    Egress(#[from] Refusal),
    /// The request breaks a rule, or a Secret does not fit into its header.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The name has no address.
    #[error("resolve the host of {target}: {detail}")]
    Dns {
        /// What was aimed at.
        target: Target,
        /// What the resolver said.
        detail: String,
    },
    /// No connection.
    #[error("connect to {target}: {detail}")]
    Connect {
        /// What was aimed at.
        target: Target,
        /// What the system said.
        detail: String,
    },
    /// The operator's proxy could not be reached, or does not serve.
    #[error("reach {target} through the operator's proxy {proxy}: {detail}")]
    Proxy {
        /// What was aimed at.
        target: Target,
        /// Scheme, host and port of the proxy.
        proxy: String,
        /// Where it failed: a proxy has seen the request only if it was not asked for a tunnel.
        phase: Phase,
        /// What the proxy or the system said.
        detail: String,
    },
    /// A connection, but no trust: certificate or protocol.
    #[error("agree on TLS with {target}: {detail}")]
    Tls {
        /// What was aimed at.
        target: Target,
        /// What is wrong with the certificate or the handshake.
        detail: String,
    },
    /// Time ran out.
    #[error("send to {target}: timed out after {:.1} s while {}", after.as_secs_f64(), phase.text())]
    Timeout {
        /// What was aimed at.
        target: Target,
        /// Where it waited.
        phase: Phase,
        /// How long the attempt took.
        after: Duration,
    },
    /// The connection broke, or what came back was not HTTP.
    #[error("send to {target}: {detail} while {}", phase.text())]
    Lost {
        /// What was aimed at.
        target: Target,
        /// Where it broke.
        phase: Phase,
        /// What broke.
        detail: String,
    },
}

impl AttemptError {
    /// The error as a CamelCase word of a closed set, for metrics and logs.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Egress(_) => "Egress",
            Self::Request(_) => "Request",
            Self::Dns { .. } => "Dns",
            Self::Connect { .. } => "Connect",
            Self::Proxy { .. } => "Proxy",
            Self::Tls { .. } => "Tls",
            Self::Timeout { .. } => "Timeout",
            Self::Lost { .. } => "Lost",
        }
    }

    /// Whether bytes of the request may have left this process. `false` is certain; `true` may mean that the receiver
    /// has it, or nothing.
    pub const fn may_have_been_sent(&self) -> bool {
        match self {
            Self::Egress(_) | Self::Request(_) | Self::Dns { .. } | Self::Connect { .. } | Self::Tls { .. } => false,
            Self::Timeout { phase, .. } | Self::Lost { phase, .. } | Self::Proxy { phase, .. } => {
                !matches!(phase, Connect)
            }
        }
    }

    /// The proxy answered itself, with status 407.
    pub(super) fn proxy_credentials(target: Target, proxy: &Proxy) -> Self {
        Self::Proxy { target, proxy: proxy.to_string(), phase: Phase::Answer, detail: ASKS_FOR_CREDENTIALS.to_owned() }
    }

    /// Translates what the HTTP client reports. `phase` is how far the attempt came as far as is known from outside.
    pub(super) fn of(
        error: &reqwest::Error,
        target: &Target,
        proxy: Option<&Proxy>,
        phase: Phase,
        after: Duration,
    ) -> Self {
        if let Some(refusal) = find::<Refusal>(error) {
            return Self::Egress(refusal.clone());
        }
        if error.is_builder() {
            return Self::Request(RequestError::Url);
        }
        let target = target.clone();
        let connecting = error.is_connect();
        let phase = if connecting { Connect } else { phase };
        if error.is_timeout() {
            return Self::Timeout { target, phase, after };
        }
        if !connecting {
            return Self::Lost { target, phase, detail: innermost(error) };
        }
        if error.is_dns() && proxy.is_none() {
            return Self::Dns { target, detail: innermost(error) };
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return Self::Tls { target, detail: shown(&tls.to_string()) };
        }
        let ended = |cause: &io::Error| cause.kind() == io::ErrorKind::UnexpectedEof;
        if target.https() && causes(error).filter_map(|cause| cause.downcast_ref()).any(ended) {
            return Self::Tls { target, detail: "the receiver closed the connection in the handshake".to_owned() };
        }
        match proxy {
            None => Self::Connect { target, detail: innermost(error) },
            Some(proxy) => Self::Proxy { target, proxy: proxy.to_string(), phase, detail: of_tunnel(innermost(error)) },
        }
    }
}

const ASKS_FOR_CREDENTIALS: &str = "it asks for other credentials";

/// The tunnel's errors (hyper-util's `TunnelError`, which is not public here) in words that name who did not do what.
fn of_tunnel(detail: String) -> String {
    match detail.strip_prefix("tunnel error: ") {
        None => detail,
        Some("proxy authorization required") => ASKS_FOR_CREDENTIALS.to_owned(),
        Some("unsuccessful") => "it does not connect to that host".to_owned(),
        Some("unexpected end of file") => "it closed the connection".to_owned(),
        Some(other) => format!("it gave no tunnel ({other})"),
    }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    fn next<'a>(cause: &&'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
        match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            // The source of an I/O error that wraps another error is that one's source: the error itself is skipped.
            Some(wrapped) => Some(wrapped),
            None => (*cause).source(),
        }
    }
    std::iter::successors(error.source(), next)
}

fn find<T: StdError + 'static>(error: &reqwest::Error) -> Option<&T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// What the innermost cause says: a system error or the HTTP parser's words. The client's own errors name the URL.
fn innermost(error: &reqwest::Error) -> String {
    let last = causes(error).last().filter(|cause| !cause.is::<reqwest::Error>());
    last.map_or_else(|| "the exchange failed".to_owned(), |cause| shown(&cause.to_string()))
}

/// One bounded line: certificates bring names of their own into these texts.
fn shown(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
