//! The table at the end: one row for each scenario, as text and as JSON.

use std::{fmt::Write as _, fs, path::Path};

use serde::Serialize;
use serde_json::json;

use crate::error::ChaosError;

/// How many problems of each kind are named.
const NAMED: usize = 10;

/// What became of one scenario.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) scenario: &'static str,
    /// What the operator had to do.
    pub(crate) played: String,
    /// Which faults, and how often.
    pub(crate) injected: String,
    /// What must hold.
    pub(crate) expected: &'static str,
    /// What was asked for and did not happen.
    pub(crate) lost: Vec<String>,
    /// What happened more often than its guarantee allows.
    pub(crate) doubled: Vec<String>,
    /// What is not at its end, or was held up by what should not hold it up.
    pub(crate) stuck: Vec<String>,
    /// Requests that arrived again with the same webhook-id: allowed by AtLeastOnce.
    pub(crate) repeated: usize,
    /// How long it took.
    pub(crate) seconds: u64,
    /// Why it could not be played to its end.
    pub(crate) error: Option<String>,
}

impl Row {
    /// A scenario that could not be played to its end.
    pub(crate) fn failed(scenario: &'static str, error: &ChaosError) -> Self {
        Self { scenario, error: Some(error.to_string()), ..Self::default() }
    }

    /// Whether all that was promised held.
    pub(crate) fn is_good(&self) -> bool {
        self.error.is_none() && self.lost.is_empty() && self.doubled.is_empty() && self.stuck.is_empty()
    }

    /// What came of it in one line, and the first problems, each in one more.
    pub(crate) fn summary(&self) -> String {
        let mut text = format!(
            "{}: {} lost, {} doubled, {} stuck, {} requests repeated, after {} s",
            self.scenario,
            self.lost.len(),
            self.doubled.len(),
            self.stuck.len(),
            self.repeated,
            self.seconds
        );
        for (kind, problems) in [("lost", &self.lost), ("doubled", &self.doubled), ("stuck", &self.stuck)] {
            for problem in problems.iter().take(NAMED) {
                // Writing into a text does not fail.
                write!(text, "\n  {kind}: {problem}").ok();
            }
        }
        if let Some(error) = &self.error {
            write!(text, "\n  not played to its end: {error}").ok();
        }
        text
    }
}

/// The table as text.
pub(crate) fn text(rows: &[Row]) -> String {
    let head = ["scenario", "played", "injected", "lost", "doubled", "stuck", "repeated", "s", "expected"];
    let mut cells: Vec<[String; 9]> = vec![head.map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        [
            row.scenario.to_owned(),
            row.played.clone(),
            row.injected.clone(),
            row.lost.len().to_string(),
            row.doubled.len().to_string(),
            row.stuck.len().to_string(),
            row.repeated.to_string(),
            row.seconds.to_string(),
            row.error.as_ref().map_or_else(|| row.expected.to_owned(), |error| format!("FAILED: {error}")),
        ]
    }));
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in &cells {
        let padded: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Writes the table as JSON.
pub(crate) fn write(path: &Path, seed: u64, short: bool, rows: &[Row]) -> Result<(), ChaosError> {
    let results = format!("{:#}\n", json!({"seed": seed, "short": short, "scenarios": rows}));
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory).map_err(ChaosError::io("create", directory.display()))?;
    fs::write(path, results).map_err(ChaosError::io("write", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_good_only_if_nothing_is_lost_doubled_or_stuck_and_it_was_played_to_its_end() {
        let one = || vec!["c-0 e-0".to_owned()];
        assert!(Row { repeated: 7, ..Row::default() }.is_good());
        assert!(!Row { lost: one(), ..Row::default() }.is_good());
        assert!(!Row { doubled: one(), ..Row::default() }.is_good());
        assert!(!Row { stuck: one(), ..Row::default() }.is_good());
        assert!(!Row::failed("storm", &ChaosError::Interrupted).is_good());
    }

    #[test]
    fn the_table_has_a_line_for_each_scenario_with_aligned_columns() {
        let storm = Row { scenario: "storm", played: "2 events".to_owned(), repeated: 3, ..Row::default() };
        let outage = Row { scenario: "outage", lost: vec!["e-0".to_owned()], ..Row::default() };
        let text = text(&[storm, outage]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        let column = lines[0].find("lost").unwrap();
        assert_eq!((&lines[1][column..=column], &lines[2][column..=column]), ("0", "1"));
    }

    #[test]
    fn a_summary_names_what_is_wrong() {
        let row = Row { scenario: "storm", lost: vec!["c-0 e-0: gone".to_owned()], ..Row::default() };
        assert_eq!(
            row.summary(),
            "storm: 1 lost, 0 doubled, 0 stuck, 0 requests repeated, after 0 s\n  lost: c-0 e-0: gone"
        );
    }
}
