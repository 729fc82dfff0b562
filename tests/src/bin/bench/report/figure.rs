//! One figure: the median of what was measured, in which unit, and what it should be.

use std::{fmt, time::Duration};

use cicdcontext_tests::figures::{median, milliseconds, percentile};
use serde::{Deserialize, Serialize};

/// One figure.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figure {
    /// What was measured, for example `events by object`.
    pub(crate) what: String,
    /// The value of what was varied, for example `100 contexts`; blank if nothing was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) at: String,
    /// The same as a number, for the axis of a chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) x: Option<f64>,
    /// The median of the runs.
    pub(crate) value: f64,
    pub(crate) unit: Unit,
    /// What each run gave.
    pub(crate) runs: Vec<f64>,
    pub(crate) better: Better,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Target>,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) enum Unit {
    #[serde(rename = "1/s")]
    PerSecond,
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "MiB")]
    Mebibytes,
    #[serde(rename = "%")]
    Percent,
    /// One figure divided by another.
    #[serde(rename = "x")]
    Ratio,
    /// A number of things.
    #[serde(rename = "")]
    Count,
}

/// Which way a figure should go.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) enum Better {
    Higher,
    Lower,
    /// It describes the machine, or what was measured.
    Neither,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    /// The median of what was measured in several runs.
    pub(crate) fn of(what: impl Into<String>, unit: Unit, runs: impl IntoIterator<Item = f64>) -> Self {
        let runs: Vec<f64> = runs.into_iter().map(rounded).collect();
        let better = match unit {
            Unit::PerSecond | Unit::Ratio => Better::Higher,
            Unit::Milliseconds | Unit::Seconds | Unit::Mebibytes => Better::Lower,
            Unit::Percent | Unit::Count => Better::Neither,
        };
        let value = rounded(median(runs.iter().copied()));
        Self { what: what.into(), at: String::new(), x: None, value, unit, runs, better, target: None }
    }

    /// A percentile of durations, all together, in milliseconds.
    pub(crate) fn percentile(what: impl Into<String>, durations: &[Duration], percent: usize) -> Self {
        Self::of(what, Unit::Milliseconds, [milliseconds(percentile(durations, percent))])
    }

    /// Measured while something that is varied had this value.
    pub(crate) fn at(mut self, at: impl Into<String>, x: f64) -> Self {
        (self.at, self.x) = (at.into(), Some(x));
        self
    }

    pub(crate) fn better(mut self, better: Better) -> Self {
        self.better = better;
        self
    }

    pub(crate) fn at_least(mut self, value: f64) -> Self {
        (self.better, self.target) = (Better::Higher, Some(Target::AtLeast(rounded(value))));
        self
    }

    pub(crate) fn at_most(mut self, value: f64) -> Self {
        (self.better, self.target) = (Better::Lower, Some(Target::AtMost(rounded(value))));
        self
    }

    /// Whether it is what it should be, if it should be anything.
    pub(crate) fn is_met(&self) -> Option<bool> {
        Some(match self.target? {
            Target::AtLeast(least) => self.value >= least,
            Target::AtMost(most) => self.value <= most,
        })
    }
}

/// As many digits as mean something: four.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let factor = 10_f64.powf(3.0 - value.abs().log10().floor());
    (value * factor).round() / factor
}

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PerSecond => "1/s",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Mebibytes => "MiB",
            Self::Percent => "%",
            Self::Ratio => "x",
            Self::Count => "",
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(value) => write!(formatter, "at least {}", shown(*value)),
            Self::AtMost(value) => write!(formatter, "at most {}", shown(*value)),
        }
    }
}

/// A number as people read it: three digits or more, from five on in groups, never a power of ten.
pub(crate) fn shown(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let (sign, digits) = text.split_at(usize::from(text.starts_with('-')));
    if digits.len() < 5 {
        return text;
    }
    // Groups of three, from the end.
    let (first, rest) = digits.split_at(digits.len() % 3);
    let rest = rest.as_bytes().chunks(3).map(String::from_utf8_lossy);
    let groups: Vec<_> = std::iter::once(first.into()).chain(rest).filter(|group| !group.is_empty()).collect();
    format!("{sign}{}", groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_median_of_its_runs_with_four_digits() {
        let figure = Figure::of("creates", Unit::PerSecond, [100.0, 123.456, 400.0]);
        assert!((figure.value - 123.5).abs() < f64::EPSILON, "{figure:?}");
        assert_eq!((figure.better, figure.is_met()), (Better::Higher, None));
    }

    #[test]
    fn a_target_says_which_way_is_better() {
        let figure = Figure::of("reaction", Unit::Count, [4.0]).at_most(5.0);
        assert_eq!((figure.better, figure.is_met()), (Better::Lower, Some(true)));
        assert_eq!(Figure::of("share", Unit::Ratio, [0.5]).at_least(0.6).is_met(), Some(false));
    }

    #[test]
    fn numbers_are_shown_with_the_digits_that_mean_something() {
        assert_eq!([1234.5, 12.34, 0.456, 3.0, 0.0].map(shown), ["1234", "12.3", "0.46", "3", "0"]);
        assert_eq!([10_000.0, -123_456.0, 1e7].map(shown), ["10,000", "-123,456", "10,000,000"]);
    }
}
