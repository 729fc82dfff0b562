//! `set-values`: writes what templates give.

use serde_json::{Map, Value};

use super::{Failure, blocks, blocks::Block, check_target, condition, file_value};
use crate::{
    document::Document,
    files::kind,
    notice::Notice,
    template::{Scope, Settings},
    write::{strip, write},
};

/// Writes the values of a block, all or none; gives why not if the block does not run. Entries of one list do not see each
/// other, the next block sees them all.
pub(super) fn run(
    block: &Block,
    document: &mut Document,
    settings: &Settings,
    notices: &mut Vec<Notice>,
) -> Result<Option<String>, Failure> {
    let scope = Scope::new(document, settings).map_err(|error| Failure::plain(error.0))?;
    let configuration = &block.configuration;
    let skipped = condition::skipped(configuration, &block.place, &scope, condition::Blank::Stripped, notices)?;
    if skipped.is_some() {
        return Ok(skipped);
    }
    let Some(Value::Array(entries)) = configuration.get("set") else {
        let found = kind(configuration.get("set"));
        return Err(Failure::plain(format!("`set` is {found}; write a list of {{from, to}}")));
    };
    let mut changed: Map<String, Value> = document.0.clone();
    for (index, entry) in entries.iter().enumerate() {
        let wrong = |problem: String| Failure::plain(format!("`set[{index}]`: {problem}"));
        let place = format!("{}.set[{index}]", block.place);
        let Value::Object(entry) = entry else {
            return Err(wrong(format!("it is {}; write a map of from and to", kind(Some(entry)))));
        };
        let text = scope.text(&format!("{place}.from"), blocks::template(entry, "from").map_err(wrong)?)?;
        let text = strip(&text);
        if text.is_empty() {
            continue;
        }
        let to = scope.text(&format!("{place}.to"), blocks::template(entry, "to").map_err(wrong)?)?;
        check_target(&to, text)?;
        write(&mut changed, &to, text)?;
        notices.extend(file_value(&place, text));
    }
    document.0 = changed;
    Ok(None)
}
