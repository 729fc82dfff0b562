//! `notify`: a message in the body of the core config, to `slack.url`.

use serde_json::Value;

use super::{Failure, Prepared, Surroundings, blocks::Block, capture, request};
use crate::notice::Notice;

const NAME: &str = "notify";

/// Renders the request. A blank message is sent like any other, as ever.
pub(super) fn prepare(
    block: &Block,
    surroundings: &Surroundings<'_>,
    notices: &mut Vec<Notice>,
) -> Result<Prepared, Failure> {
    let mut scope = match surroundings.open(block, NAME, notices)? {
        Ok(scope) => scope,
        Err(reason) => return Ok(Prepared::Skip(reason)),
    };
    let mut own = block.configuration.clone();
    let message = scope.text(&format!("{}.message", block.place), block.template("message")?)?;
    own.insert("message".to_owned(), Value::String(message));
    scope.insert(NAME, Value::Object(own));
    let body = scope.text("templates.notify", surroundings.core.body(NAME)?)?;
    request::check_body(&body, "templates.notify")?;
    let url = surroundings.core.slack_url()?;
    request::check_url(url, "slack.url")?;
    surroundings.secrets.slack_token()?;
    Ok(Prepared::Send {
        url: url.to_owned(),
        headers: Vec::new(),
        body,
        captures: capture::planned(block, surroundings.core)?,
    })
}
