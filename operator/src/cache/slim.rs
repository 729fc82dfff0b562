//! What the cache does not keep of an event: the requests that wait or can be sent again, up to 768 KiB of each.
//!
//! Whoever sends them, or writes the status that holds them, reads the event from the API server. What is left says of
//! which handlers requests are kept.

use cicdcontext_crds::{CicdEvent, StoredRequest};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::stored::Stored;

/// Only where the requests are: the rest of the status stays as it was sent, byte for byte.
#[derive(Deserialize)]
struct Requests<'a> {
    #[serde(borrow)]
    requests: Option<&'a RawValue>,
}

/// Takes the content out of an event's stored requests.
pub fn without_contents(event: &mut Stored<CicdEvent>) {
    let Some(status) = event.raw_status() else { return };
    // Most have none, and are not parsed for that.
    if !status.contains(r#""requests""#) {
        return;
    }
    if let Some(slim) = slim(status) {
        event.replace_status(slim);
    }
}

/// The status without the contents. None if it is none of ours, or has no requests.
fn slim(status: &str) -> Option<Box<RawValue>> {
    let raw = serde_json::from_str::<Requests<'_>>(status).ok()?.requests?.get();
    let mut requests: Vec<StoredRequest> = serde_json::from_str(raw).ok()?;
    for request in &mut requests {
        request.content = String::new();
    }
    // `raw` is a part of `status`.
    let begin = raw.as_ptr().addr().checked_sub(status.as_ptr().addr())?;
    let (before, after) = (status.get(..begin)?, status.get(begin + raw.len()..)?);
    // As large as it gets, and no larger.
    let slim = [before, &serde_json::to_string(&requests).ok()?, after].concat();
    RawValue::from_string(slim).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(status: &str) -> Stored<CicdEvent> {
        serde_json::from_str(&format!(r#"{{"metadata":{{"name":"e"}},"status":{status}}}"#)).unwrap()
    }

    fn slimmed(status: &str) -> String {
        let mut event = event(status);
        without_contents(&mut event);
        event.raw_status().unwrap().to_owned()
    }

    #[test]
    fn an_event_with_requests_is_small_and_everything_else_of_its_status_stays_byte_for_byte() {
        let content = "x".repeat(700_000);
        let history = r#""history":{"attempts":3,"startMs":7}"#;
        let (before, after) = (r#"{ "phase" : "Retrying","requests":"#, r#", "unknown":[1,  {"requests":"x"}] }"#);
        let requests = |content: &str| format!(r#"[{{"handler":"tell","content":"{content}",{history}}}]"#);
        let slim = slimmed(&format!("{before}{}{after}", requests(&content)));
        assert_eq!(slim, format!("{before}{}{after}", requests("")));
        assert!(slim.len() < 200, "{}", slim.len());
        let status = event(&slim).status().unwrap();
        assert_eq!((status.requests[0].handler.as_str(), status.requests[0].history.attempts), ("tell", 3));
    }

    #[test]
    fn what_has_no_requests_or_is_none_of_ours_stays_as_it_is() {
        for status in [
            r#"{"phase":"Succeeded"}"#,
            r#"{"phase":"Failed","handlers":[{"name":"a","phase":"Failed","message":"\"requests\""}]}"#,
            r#"{"requests":null}"#,
            r#"{"requests":"many"}"#,
        ] {
            assert_eq!(slimmed(status), status);
        }
    }
}
