//! An explanation for people: within 80 columns where words can be wrapped, bodies as they are.

use std::collections::BTreeMap;

use cicdcontext_crds::{HandlerPhase, vocabulary::reason};

use super::explanation::{ExplainedHandler, Explanation, Field};
use crate::{
    configuration::request::ShownRequest,
    console::one_line,
    output::{handlers::word, table::WIDTH},
};

/// Blanks before what belongs to a handler.
const INDENT: &str = "   ";

/// The whole text.
pub(super) fn text(explanation: &Explanation) -> String {
    let mut text = Text::default();
    let Explanation { context, event, phase, message, .. } = explanation;
    text.line("", "", &format!("{event} of CicdContext/{context}: {}: {message}", word(phase)));
    let selected = explanation.selected.as_deref().map(|name| format!("context {name} of ")).unwrap_or_default();
    text.line("", "configuration: ", &format!("{selected}{}", explanation.sources.join(", ")));
    explanation.notes.iter().for_each(|note| text.line("", "note: ", note));
    explanation.set.iter().for_each(|change| text.line("", "the event sets: ", &change.to_string()));
    for (number, handler) in explanation.handlers.iter().enumerate() {
        text.0.push('\n');
        text.handler(number + 1, handler);
    }
    text.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn handler(&mut self, number: usize, handler: &ExplainedHandler) {
        let kind = handler.handler_type.as_ref().map(word).unwrap_or_default();
        // How a delivery went is not known, and that it is skipped for its if is told by that.
        let told = handler.phase != HandlerPhase::Succeeded;
        let reason = handler.reason.as_deref().filter(|_| told).map(|reason| format!(", {reason}")).unwrap_or_default();
        self.line("", &format!("{number}. "), &format!("{} ({kind}): {}{reason}", handler.name, word(&handler.phase)));
        let mut line = |label: &str, words: &str| self.line(INDENT, label, words);
        let by_if = handler.reason.as_deref() == Some(reason::CONDITION_NOT_MET);
        if let Some(message) = handler.message.as_ref().filter(|_| !by_if) {
            line("", message);
        }
        if let Some(origin) = &handler.origin {
            line("from: ", origin);
        }
        for (origin, paths) in by_origin(&handler.overridden) {
            line("", &format!("{} {origin}", paths.join(", ")));
        }
        if let Some(condition) = &handler.condition {
            line("if: ", &format!("{condition:?}"));
        }
        if let Some(endpoint) = &handler.endpoint {
            line("endpoint: ", endpoint);
        }
        if let Some(request) = &handler.request {
            self.request(request);
        }
        let mut line = |label: &str, words: &str| self.line(INDENT, label, words);
        if let Some(egress) = &handler.egress {
            line("egress: ", &format!("{}: {}", word(&egress.verdict), egress.message));
        }
        handler.changes.iter().for_each(|change| line("writes: ", &change.to_string()));
        if !handler.captures.is_empty() {
            line("captures: ", &handler.captures.join(", "));
        }
        if let Some(assumption) = &handler.assumption {
            line("assumes: ", assumption);
        }
        if !handler.missing.is_empty() {
            line("blank: ", &handler.missing.join(", "));
        }
        for (origin, paths) in by_origin(&handler.settings) {
            line("", &format!("{} {origin}", paths.join(", ")));
        }
        handler.notes.iter().for_each(|note| line("note: ", note));
    }

    fn request(&mut self, request: &ShownRequest) {
        self.raw(&format!("{INDENT}{} {}", request.method, request.url));
        for header in &request.headers {
            self.raw(&format!("{INDENT}  {}: {}", header.name, header.value));
        }
        if let Some(body) = &request.body {
            self.0.push('\n');
            body.trim_end().lines().for_each(|line| self.raw(&format!("{INDENT}  {line}")));
            self.0.push('\n');
        }
    }

    /// A line that is not wrapped; what could move a cursor is a blank.
    fn raw(&mut self, line: &str) {
        let line = line.replace(|character: char| character.is_control(), " ");
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    /// Words after a label, wrapped below each other.
    fn line(&mut self, indent: &str, label: &str, words: &str) {
        let first = indent.len() + label.len();
        let mut line = format!("{indent}{label}");
        let mut length = first;
        for word in one_line(words).split(' ') {
            let word_length = word.chars().count();
            if length > first && length + 1 + word_length > WIDTH {
                self.0.push_str(line.trim_end());
                self.0.push('\n');
                line = " ".repeat(first);
                length = first;
            }
            if length > first {
                line.push(' ');
                length += 1;
            }
            line.push_str(word);
            length += word_length;
        }
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }
}

/// The paths that each wrote.
fn by_origin(fields: &[Field]) -> BTreeMap<String, Vec<&str>> {
    let mut origins: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for field in fields {
        let origin = field.origin.as_ref().map_or_else(|| "is not set".to_owned(), |origin| format!("from {origin}"));
        origins.entry(origin).or_default().push(&field.path);
    }
    origins
}
