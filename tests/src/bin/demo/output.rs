//! Lines on standard output, at most 100 columns wide where their content allows.

use std::time::Instant;

/// How wide a line may be.
pub(crate) const WIDTH: usize = 100;

/// A heading.
pub(crate) fn heading(text: &str) {
    let dashes = WIDTH.saturating_sub(text.chars().count() + 4);
    println!("\n── {text} {}", "─".repeat(dashes));
}

/// Lines, each indented.
pub(crate) fn indented(text: &str, columns: usize) {
    let indent = " ".repeat(columns);
    for line in text.lines() {
        println!("{}", format!("{indent}{line}").trim_end());
    }
}

/// What was done and how long it took.
pub(crate) fn done(what: &str, since: Instant) {
    let seconds = format!("{:.1} s", since.elapsed().as_secs_f64());
    let dots = WIDTH.saturating_sub(what.chars().count() + seconds.len() + 2);
    println!("{what} {} {seconds}", ".".repeat(dots));
}
