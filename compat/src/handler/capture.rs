//! Captures: what of an answer is written into the document.
//!
//! Those of one answer do not see what the others write, and they are written together or not at all.

use serde_json::{Map, Value};

use super::{Failure, blocks::Block, check_target, file_value};
use crate::{
    document::Document,
    files::{Capture, Core, captures, kind},
    notice::Notice,
    template::{Scope, Settings},
    write::{strip, write},
};

const KEY: &str = "capture-response-data";

/// A capture with the place where it stands.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    place: String,
    capture: Capture,
}

/// The captures of a block's answer: those that the core config has for the type of handler, then the block's own.
pub(super) fn planned(block: &Block, core: &Core) -> Result<Vec<Planned>, Failure> {
    let placed = |place: String, listed: Vec<Capture>| {
        let place = move |index| format!("{place}[{index}]");
        listed.into_iter().enumerate().map(move |(index, capture)| Planned { place: place(index), capture })
    };
    let key = block.handler.key();
    let auto = core.auto_captures(key)?;
    let own = match block.configuration.get(KEY) {
        None => Vec::new(),
        Some(listed) => captures(listed).map_err(|(place, found)| {
            let found = kind(Some(&found));
            Failure::plain(format!("`{KEY}{place}` is {found}; write a list of {{from, to}}, both templates"))
        })?,
    };
    let auto = placed(format!("{key}.auto-{KEY}"), auto);
    Ok(auto.chain(placed(format!("{}.{KEY}", block.place), own)).collect())
}

/// Writes what an answer gives. They see neither the command's variables nor the block.
pub(super) fn taken_in(
    planned: &[Planned],
    body: &str,
    document: &mut Document,
    settings: &Settings,
    notices: &mut Vec<Notice>,
) -> Result<(), Failure> {
    if planned.is_empty() {
        return Ok(());
    }
    let mut scope = Scope::new(document, settings).map_err(|error| Failure::plain(error.0))?;
    let body = serde_json::from_str(body).unwrap_or_else(|error| {
        let place = planned.first().map(|first| first.place.clone()).unwrap_or_default();
        let text = format!("the answer is no JSON ({error}), so captures see it as a text; before, the command failed");
        notices.push(Notice { place, text, anchor: "json-body" });
        Value::String(body.to_owned())
    });
    scope.insert("body", body);
    let mut changed: Map<String, Value> = document.0.clone();
    for Planned { place, capture } in planned {
        let text = scope.text(&format!("{place}.from"), &capture.from)?;
        let text = strip(&text);
        if text.is_empty() {
            continue;
        }
        let to = scope.text(&format!("{place}.to"), &capture.to)?;
        check_target(&to, text)?;
        write(&mut changed, &to, text)?;
        notices.extend(file_value(place, text));
    }
    document.0 = changed;
    Ok(())
}
