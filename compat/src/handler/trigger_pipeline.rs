//! `trigger-pipeline`: arguments as JSON, to `trigger.url`, with the headers of the core config.

use serde_json::{Map, Value};

use super::{Failure, Prepared, Surroundings, blocks::Block, request};
use crate::{
    files::{kind, plain_text},
    notice::Notice,
    template::python_json,
};

const NAME: &str = "triggerPipeline";

/// Renders the request. Arguments are texts: those of the core config first, then the block's, which take the places of
/// those of the same name.
pub(super) fn prepare(
    block: &Block,
    surroundings: &Surroundings<'_>,
    notices: &mut Vec<Notice>,
) -> Result<Prepared, Failure> {
    let mut scope = match surroundings.open(block, NAME, notices)? {
        Ok(scope) => scope,
        Err(reason) => return Ok(Prepared::Skip(reason)),
    };
    let url = surroundings.core.trigger_url()?;
    request::check_url(url, "trigger.url")?;
    surroundings.secrets.trigger_token()?;
    let mut arguments = Map::new();
    for (name, template) in surroundings.core.auto_args()? {
        let text = scope.text(&format!("trigger.auto-args.{name}"), &template)?;
        arguments.insert(name, Value::String(text));
    }
    let own = match block.configuration.get("args") {
        None => None,
        Some(Value::Object(own)) => Some(own),
        Some(other) => {
            return Err(Failure::plain(format!("`args` is {}; write a map of templates", kind(Some(other)))));
        }
    };
    for (name, template) in own.into_iter().flatten() {
        let text = scope.text(&format!("{}.args.{name}", block.place), &plain_text(template))?;
        arguments.insert(name.clone(), Value::String(text));
    }
    let body = python_json(&Value::Object(arguments))?;
    // Only headers see secrets, and nothing is rendered after them.
    scope.insert("secretData", Value::Object(surroundings.secrets.secret_data().clone()));
    let mut headers = Vec::new();
    for (index, header) in surroundings.core.trigger_headers()?.into_iter().enumerate() {
        let value = scope.secret_text(&format!("trigger.headers[{index}].value"), &header.value)?;
        headers.push((header.name, value));
    }
    Ok(Prepared::Send { url: url.to_owned(), headers, body, captures: Vec::new() })
}
