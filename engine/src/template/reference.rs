//! The reference of templates, written from the tables that the engines work by.
//!
//! Gives Markdown by section; whoever puts it into a page knows where. Nothing here renders anything.

use std::fmt::Write as _;

use super::bounds::{Bound, Bounds};
use super::helper::TABLE;
use super::jinja;

/// The sections, by the names that the page calls them.
///
/// ```
/// let sections = cicdcontext_engine::template::reference();
/// let (_, helpers) = sections.iter().find(|(name, _)| *name == "helpers").unwrap();
/// assert!(helpers.contains("| `upper text` |"));
/// ```
pub fn reference() -> Vec<(&'static str, String)> {
    vec![
        ("helpers", helpers()),
        ("filters", entries("filter", jinja::filters())),
        ("tests", entries("test", jinja::tests())),
        ("functions", entries("function", jinja::functions())),
        ("bounds", bounds()),
    ]
}

fn helpers() -> String {
    let rows = TABLE.iter().map(|helper| {
        let data = if helper.data == "{}" { String::new() } else { code(helper.data) };
        [code(helper.signature), helper.description.to_owned(), code(helper.example), data, code(helper.expected)]
    });
    table(["helper", "gives", "example", "over", "which gives"], rows)
}

fn entries(what: &str, entries: impl Iterator<Item = jinja::Documented>) -> String {
    let rows = entries.map(|entry| {
        let (template, result) = entry.example;
        [code(&entry.signature), entry.description.to_owned(), code(template), code(result)]
    });
    table([what, "gives", "example", "which gives"], rows)
}

fn bounds() -> String {
    let rows = Bound::ALL
        .iter()
        .map(|bound| [bound.to_string(), format!("{} {}", bound.allowed(&Bounds::DEFAULT), bound.unit())]);
    table(["bound", "allowed"], rows)
}

fn table<const N: usize>(headings: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = String::new();
    // Writing into a text cannot fail.
    let _ = writeln!(table, "| {} |", headings.join(" | "));
    let _ = writeln!(table, "|{}", "---|".repeat(N));
    for row in rows {
        let _ = writeln!(table, "| {} |", row.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    table
}

/// A text as code, also if it has backticks; line breaks are shown as `\n`.
fn code(text: &str) -> String {
    let text = text.replace('\n', "\\n");
    if text.is_empty() {
        "(blank)".to_owned()
    } else if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}
