//! `respond`: a message in the body of the core config, to a URL that a template gives.

use serde_json::Value;

use super::{Failure, Prepared, Surroundings, blocks::Block, request};
use crate::{files::kind, notice::Notice, write::strip};

const NAME: &str = "respond";

/// Renders the request: message, the block's other keys, body, URL. A blank message or URL skips, as ever.
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
    let message = strip(&message);
    if message.is_empty() {
        return Ok(Prepared::Skip("`message` is blank".to_owned()));
    }
    own.insert("message".to_owned(), Value::String(message.to_owned()));
    scope.insert(NAME, Value::Object(own.clone()));
    // They see each other as they are written.
    for (key, value) in own.iter_mut().filter(|(key, _)| !matches!(key.as_str(), "message" | "url" | "if" | "enabled"))
    {
        let Value::String(template) = value else {
            let found = kind(Some(value));
            return Err(Failure::plain(format!("`{key}` is {found}; each key of respond is a template, in quotes")));
        };
        *value = Value::String(scope.text(&format!("{}.{key}", block.place), template)?);
    }
    scope.insert(NAME, Value::Object(own));
    let body = scope.text("templates.respond", surroundings.core.body(NAME)?)?;
    let place = format!("{}.url", block.place);
    let url = scope.text(&place, block.template("url")?)?;
    let url = strip(&url);
    if url.is_empty() {
        return Ok(Prepared::Skip("`url` is blank".to_owned()));
    }
    request::check_body(&body, "templates.respond")?;
    request::check_url(url, &place)?;
    surroundings.secrets.slack_token()?;
    Ok(Prepared::Send { url: url.to_owned(), headers: Vec::new(), body, captures: Vec::new() })
}
