//! A comparison as a table of text.

use std::fmt::Write;

use super::{Comparison, Row};
use crate::report::figure::shown;

/// All rows, those of the floor first.
pub(super) fn of(comparison: &Comparison) -> String {
    let rows = || comparison.floors.iter().chain(&comparison.rows);
    let width = |column: fn(&Row) -> &str| rows().map(|row| column(row).chars().count()).max().unwrap_or_default();
    let (section, what, at) = (width(|row| &row.section), width(|row| &row.what), width(|row| &row.at));
    let mut text = String::new();
    let mut add = |line: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    };
    add(&format!(
        "\n  {:<section$}  {:<what$}  {:<at$}  {:>8}  {:>8} {:<4} {:>9} {:>13}",
        "", "", "", "before", "now", "", "change", "beside floor"
    ));
    for row in rows() {
        add(&format!(
            "  {:<section$}  {:<what$}  {:<at$}  {:>8}  {:>8} {:<4} {:>9} {:>13}  {}",
            row.section,
            row.what,
            row.at,
            shown(row.before),
            shown(row.now),
            row.unit.to_string(),
            percent(row.change),
            row.beside_floor.filter(|_| row.section != super::FLOOR).map(percent).unwrap_or_default(),
            if row.worse { "WORSE" } else { "" }
        ));
    }
    let Comparison { described, gone, new, .. } = comparison;
    add(&format!(
        "\n  Not judged, since they only describe: {described}. Only in the baseline: {gone}. Not in it: {new}."
    ));
    for note in &comparison.notes {
        add(&format!("  Mind that {note}."));
    }
    text
}

fn percent(change: f64) -> String {
    match (change * 100.0).round() {
        infinite if infinite.is_infinite() => "from 0".to_owned(),
        // Without the sign that zero may have.
        zero if zero.abs() < 0.5 => "0 %".to_owned(),
        percent => format!("{percent:+} %"),
    }
}
