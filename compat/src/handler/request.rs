//! What a request must be before anybody sends it.

use serde::de::IgnoredAny;
use url::Url;

use super::failure::Failure;

/// Refuses a text that is no URL of a web server. Whether one may be sent to is for the sender to decide. The text is not
/// in the error: it may be a credential by itself.
pub(super) fn check_url(url: &str, source: &str) -> Result<(), Failure> {
    let problem = match Url::parse(url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => return Ok(()),
        Ok(url) => format!("its scheme is {}", url.scheme()),
        Err(error) => error.to_string(),
    };
    Err(Failure::plain(format!("{source} gives no URL to POST to: {problem}; it begins with https:// or http://")))
}

/// Refuses a body that is no JSON, which all types of handlers say theirs is.
pub(super) fn check_body(body: &str, source: &str) -> Result<(), Failure> {
    match serde_json::from_str::<IgnoredAny>(body) {
        Ok(IgnoredAny) => Ok(()),
        Err(error) => {
            let problem = format!(
                "{source} gives no JSON: {error}; write values as {{{{ value|json_dumps }}}}, without quotes around them"
            );
            let before = "a body that is not the JSON that it says it is is not sent; before, it was";
            Err(Failure::new(problem, before, "json-body"))
        }
    }
}
