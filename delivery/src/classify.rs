//! What an attempt means for its delivery. Pure; the clock is passed in.

use std::time::{Duration, SystemTime};

use crate::attempt::{Answer, AttemptError};

/// `Retry-After` asks for at most this; the retry schedule may clamp further.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Reasons, as they stand in statuses and metric labels.
pub mod reason {
    /// 2xx.
    pub const DELIVERED: &str = "Delivered";
    /// 3xx, never followed.
    pub const REDIRECT: &str = "Redirect";
    /// 408.
    pub const REQUEST_TIMEOUT: &str = "RequestTimeout";
    /// 425.
    pub const TOO_EARLY: &str = "TooEarly";
    /// 429.
    pub const TOO_MANY_REQUESTS: &str = "TooManyRequests";
    /// 401 or 403.
    pub const NOT_AUTHORIZED: &str = "NotAuthorized";
    /// 404 or 410.
    pub const NOT_FOUND: &str = "NotFound";
    /// Any other 4xx.
    pub const REJECTED: &str = "Rejected";
    /// 5xx.
    pub const SERVER_ERROR: &str = "ServerError";
    /// A status that ends no exchange (1xx), or none that HTTP defines.
    pub const UNEXPECTED_STATUS: &str = "UnexpectedStatus";
    /// The egress guard refused the destination.
    pub const EGRESS_REFUSED: &str = "EgressRefused";
    /// The request breaks a rule.
    pub const INVALID_REQUEST: &str = "InvalidRequest";
    /// The name has no address.
    pub const DNS_FAILED: &str = "DnsFailed";
    /// No connection.
    pub const CONNECT_FAILED: &str = "ConnectFailed";
    /// The operator's proxy could not be reached, or does not serve.
    pub const PROXY_FAILED: &str = "ProxyFailed";
    /// No trust.
    pub const TLS_FAILED: &str = "TlsFailed";
    /// No answer in time.
    pub const TIMEOUT: &str = "Timeout";
    /// The connection broke, or the answer was not HTTP.
    pub const CONNECTION_LOST: &str = "ConnectionLost";
}

/// What an attempt means for its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The receiver has it.
    Delivered,
    /// Another attempt may succeed.
    Retry {
        /// One of [`reason`].
        reason: &'static str,
        /// What the receiver asked to wait, at most [`MAX_RETRY_AFTER`].
        retry_after: Option<Duration>,
    },
    /// Another attempt would end the same.
    Final {
        /// One of [`reason`].
        reason: &'static str,
    },
}

impl Class {
    /// One of [`reason`].
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Delivered => reason::DELIVERED,
            Self::Retry { reason, .. } | Self::Final { reason } => reason,
        }
    }
}

/// Tells delivered, worth another attempt, and final apart. This is AtLeastOnce's view: for AtMostOnce, ask
/// [`AttemptError::may_have_been_sent`] before a retry.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use cicdcontext_delivery::{Answer, Class, classify};
///
/// let busy = Answer {
///     status: 429,
///     headers: [("retry-after".to_owned(), "30".to_owned())].into(),
///     body: Vec::new(),
///     truncated: false,
///     duration: Duration::from_millis(8),
/// };
/// let class = classify(&Ok(busy), SystemTime::now());
/// assert_eq!(class, Class::Retry { reason: "TooManyRequests", retry_after: Some(Duration::from_secs(30)) });
/// ```
pub fn classify(result: &Result<Answer, AttemptError>, now: SystemTime) -> Class {
    let answer = match result {
        Ok(answer) => answer,
        Err(error) => return classify_error(error),
    };
    let retry = |reason| {
        let asked = answer.headers.get("retry-after");
        Class::Retry { reason, retry_after: asked.and_then(|value| retry_after(value, now)) }
    };
    match answer.status {
        200..=299 => Class::Delivered,
        300..=399 => Class::Final { reason: reason::REDIRECT },
        401 | 403 => Class::Final { reason: reason::NOT_AUTHORIZED },
        404 | 410 => Class::Final { reason: reason::NOT_FOUND },
        408 => retry(reason::REQUEST_TIMEOUT),
        425 => retry(reason::TOO_EARLY),
        429 => retry(reason::TOO_MANY_REQUESTS),
        400..=499 => Class::Final { reason: reason::REJECTED },
        500..=599 => retry(reason::SERVER_ERROR),
        _ => Class::Final { reason: reason::UNEXPECTED_STATUS },
    }
}

const fn classify_error(error: &AttemptError) -> Class {
    let reason = match error {
        AttemptError::Egress(_) => return Class::Final { reason: reason::EGRESS_REFUSED },
        AttemptError::Request(_) => return Class::Final { reason: reason::INVALID_REQUEST },
        AttemptError::Dns { .. } => reason::DNS_FAILED,
        AttemptError::Connect { .. } => reason::CONNECT_FAILED,
        AttemptError::Proxy { .. } => reason::PROXY_FAILED,
        AttemptError::Tls { .. } => reason::TLS_FAILED,
        AttemptError::Timeout { .. } => reason::TIMEOUT,
        AttemptError::Lost { .. } => reason::CONNECTION_LOST,
    };
    Class::Retry { reason, retry_after: None }
}

/// Seconds or an HTTP date; a date that has passed means at once. Anything else is as if it were not there.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let asked = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default()
    };
    Some(asked.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Phase;
    use crate::egress::Target;
    use crate::request::RequestError;

    fn answered(status: u16, retry_after: Option<&str>) -> Class {
        let headers = retry_after.map(|value| ("retry-after".to_owned(), value.to_owned())).into_iter().collect();
        let duration = Duration::ZERO;
        // 1994-11-06T08:49:37Z
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        classify(&Ok(Answer { status, headers, body: Vec::new(), truncated: false, duration }), now)
    }

    #[test]
    fn each_status_has_its_class() {
        let again = |reason| Class::Retry { reason, retry_after: None };
        let end = |reason| Class::Final { reason };
        for (statuses, class) in [
            (&[200, 201, 202, 204, 299][..], Class::Delivered),
            (&[300, 301, 302, 303, 304, 307, 308], end("Redirect")),
            (&[401, 403], end("NotAuthorized")),
            (&[404, 410], end("NotFound")),
            (&[400, 402, 405, 409, 413, 422, 426, 451, 499], end("Rejected")),
            (&[408], again("RequestTimeout")),
            (&[425], again("TooEarly")),
            (&[429], again("TooManyRequests")),
            (&[500, 501, 502, 503, 504, 599], again("ServerError")),
            (&[101, 199, 600, 999], end("UnexpectedStatus")),
        ] {
            for status in statuses {
                assert_eq!(answered(*status, None), class, "{status}");
            }
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_date_and_clamped() {
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("86401", Some(86400)),
            ("99999999999999999999999", Some(86400)),
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some(120)),
            ("Sunday, 06-Nov-94 08:51:37 GMT", Some(120)),
            ("Sun Nov  6 08:51:37 1994", Some(120)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 2100 23:59:59 GMT", Some(86400)),
            ("-5", None),
            ("+5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            let expected = Class::Retry { reason: "ServerError", retry_after: seconds.map(Duration::from_secs) };
            assert_eq!(answered(503, Some(value)), expected, "{value:?}");
        }
        assert_eq!(answered(404, Some("5")), Class::Final { reason: "NotFound" });
    }

    #[test]
    fn failures_before_an_answer_are_retried_unless_they_would_end_the_same() {
        let target = Target::parse("https://hooks.chat.example/").unwrap().1;
        let detail = || "why".to_owned();
        let lost = AttemptError::Lost { target: target.clone(), phase: Phase::Answer, detail: detail() };
        let late = AttemptError::Timeout { target: target.clone(), phase: Phase::Body, after: Duration::from_secs(15) };
        assert!(lost.may_have_been_sent() && late.may_have_been_sent());
        for (error, reason) in [
            (AttemptError::Dns { target: target.clone(), detail: detail() }, "DnsFailed"),
            (AttemptError::Connect { target: target.clone(), detail: detail() }, "ConnectFailed"),
            (AttemptError::Tls { target, detail: detail() }, "TlsFailed"),
            (late, "Timeout"),
            (lost, "ConnectionLost"),
        ] {
            assert_eq!(classify(&Err(error), SystemTime::now()), Class::Retry { reason, retry_after: None });
        }
        let refusal = Target::parse("ftp://x.example/").unwrap_err();
        assert_eq!(classify(&Err(refusal.into()), SystemTime::now()).reason(), "EgressRefused");
        let invalid = classify(&Err(RequestError::BodyTooLarge(1).into()), SystemTime::now());
        assert_eq!(invalid, Class::Final { reason: "InvalidRequest" });
    }
}
