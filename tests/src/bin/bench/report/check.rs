//! Runs compared with an earlier one: which figures are worse than noise explains. Machines and what else they do differ, so
//! rates and durations are judged beside the floor of their own run; the floor itself is the measure and not judged.

mod table;

use std::{collections::BTreeSet, path::Path};

use cicdcontext_tests::figures::median;

use super::{
    Report,
    figure::{Better, Figure, Unit},
};
use crate::error::BenchError;

/// How much worse a figure may be, as a share of what it was.
const ALLOWED: f64 = 0.30;
/// What the API server does without us, by which others are divided.
const FLOOR: &str = "floor";
const FLOOR_OF_RATES: (&str, &str) = ("creates", "8 in flight");
const FLOOR_OF_DURATIONS: (&str, &str) = ("creates, p50", "1 in flight");

/// Figures of some runs beside those of an earlier one.
#[derive(Debug)]
pub(crate) struct Comparison {
    rows: Vec<Row>,
    /// What both have and nobody judges: it has no better or worse, or is of the floor.
    described: usize,
    /// Only the baseline has them.
    gone: usize,
    /// The baseline has not got them.
    new: usize,
    /// The floors, by which rates and durations are divided.
    floors: Vec<Row>,
    /// What makes the comparison doubtful.
    notes: Vec<String>,
}

/// One figure: what it was and what it is.
#[derive(Debug)]
struct Row {
    section: String,
    what: String,
    at: String,
    unit: Unit,
    before: f64,
    now: f64,
    /// As a share of what it was: 0.1 is 10 % more. Infinite if it was zero.
    change: f64,
    /// The same of what it is beside the floor of its run.
    beside_floor: Option<f64>,
    worse: bool,
}

impl Comparison {
    /// Compares the median over runs with a baseline. All must be of one length: windows and sizes differ otherwise.
    pub(crate) fn of(baseline: &Report, runs: &[Report]) -> Result<Self, BenchError> {
        if let Some(other) = runs.iter().find(|run| run.length != baseline.length) {
            return Err(BenchError::Lengths { baseline: baseline.length, run: other.length });
        }
        let mut comparison =
            Self { rows: Vec::new(), described: 0, gone: 0, new: 0, floors: Vec::new(), notes: notes(baseline, runs) };
        for (section, figure) in figures(baseline) {
            let found: Vec<_> = runs.iter().filter_map(|run| Some((run, find(run, section, figure)?))).collect();
            if found.is_empty() {
                comparison.gone += 1;
                continue;
            }
            let row = row(section, (baseline, figure), &found);
            let name = (figure.what.as_str(), figure.at.as_str());
            if section == FLOOR || figure.better == Better::Neither {
                comparison.described += 1;
                if section == FLOOR && [FLOOR_OF_RATES, FLOOR_OF_DURATIONS].contains(&name) {
                    comparison.floors.push(row);
                }
            } else {
                comparison.rows.push(row);
            }
        }
        let unknown =
            runs.iter().flat_map(figures).filter(|(section, figure)| find(baseline, section, figure).is_none());
        let unknown: BTreeSet<_> = unknown.map(|(section, figure)| (section, &figure.what, &figure.at)).collect();
        comparison.new = unknown.len();
        Ok(comparison)
    }

    /// Prints all of it, what is worse at the end, and fails if anything is.
    pub(crate) fn conclude(&self, baseline: &Path) -> Result<(), BenchError> {
        print!("{}", table::of(self));
        match self.worse().count() {
            0 => Ok(()),
            worse => Err(BenchError::Worse { worse, compared: self.rows.len(), baseline: baseline.to_owned() }),
        }
    }

    fn worse(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.worse)
    }
}

fn figures(report: &Report) -> impl Iterator<Item = (&str, &Figure)> {
    report.sections.iter().flat_map(|section| section.figures.iter().map(|figure| (section.name.as_str(), figure)))
}

fn find<'a>(report: &'a Report, section: &str, figure: &Figure) -> Option<&'a Figure> {
    report.section(section)?.find(&figure.what, &figure.at)
}

fn row(section: &str, (baseline, before): (&Report, &Figure), found: &[(&Report, &Figure)]) -> Row {
    let now = median(found.iter().map(|(_, figure)| figure.value));
    let change = change(before.value, now);
    // The median of ratios, each of one run: not the ratio of two medians.
    let ratios: Option<Vec<f64>> = found.iter().map(|(run, figure)| beside_floor(run, figure)).collect();
    let beside_floor = match (beside_floor(baseline, before), ratios) {
        (Some(before), Some(ratios)) => Some(self::change(before, median(ratios))),
        _ => None,
    };
    let judged = beside_floor.unwrap_or(change);
    let worse = match before.better {
        Better::Higher => judged < -ALLOWED,
        Better::Lower => judged > ALLOWED,
        Better::Neither => false,
    };
    // Of zero, anything is infinitely more: what it should be says whether that is too much.
    let fine = change.is_infinite() && found.iter().all(|(_, figure)| figure.is_met() == Some(true));
    let (section, what, at) = (section.to_owned(), before.what.clone(), before.at.clone());
    Row { section, what, at, unit: before.unit, before: before.value, now, change, beside_floor, worse: worse && !fine }
}

/// A rate or duration as a multiple of the floor's, in the same run.
fn beside_floor(report: &Report, figure: &Figure) -> Option<f64> {
    let (what, at) = match figure.unit {
        Unit::PerSecond => FLOOR_OF_RATES,
        Unit::Milliseconds => FLOOR_OF_DURATIONS,
        _ => return None,
    };
    let floor = report.section(FLOOR)?.find(what, at)?.value;
    (floor > 0.0).then_some(figure.value / floor)
}

fn change(before: f64, now: f64) -> f64 {
    match (before > 0.0, now > 0.0) {
        (true, _) => now / before - 1.0,
        (false, true) => f64::INFINITY,
        (false, false) => 0.0,
    }
}

/// What differs beside the figures.
fn notes(baseline: &Report, runs: &[Report]) -> Vec<String> {
    let differs = |name: &str, value: fn(&Report) -> String| {
        let other = runs.iter().map(value).find(|other| *other != value(baseline))?;
        Some(format!("{name} is `{other}` and was `{}`", value(baseline)))
    };
    let all = [
        differs("the processor", |report| format!("{}, {} cores", report.machine.processor, report.machine.cores)),
        differs("Kubernetes", |report| report.machine.kubernetes.clone()),
        differs("the build of the operator", |report| report.machine.build.clone()),
    ];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::Length,
        report::tests::{report, section},
    };

    /// A run with a floor of so many creates in a second and milliseconds for one, and these figures.
    fn run(creates: f64, milliseconds: f64, figures: impl IntoIterator<Item = Figure>) -> Report {
        let rate = Figure::of("creates", Unit::PerSecond, [creates]).at("8 in flight", 8.0);
        let one = Figure::of("creates, p50", Unit::Milliseconds, [milliseconds]).at("1 in flight", 1.0);
        report([section("floor", [rate, one]), section("throughput", figures)])
    }

    fn events(value: f64) -> Figure {
        Figure::of("events", Unit::PerSecond, [value])
    }

    fn worse(baseline: &Report, runs: &[Report]) -> Vec<String> {
        let comparison = Comparison::of(baseline, runs).unwrap();
        comparison.worse().map(|row| row.what.clone()).collect()
    }

    #[test]
    fn a_figure_is_worse_when_the_median_of_the_runs_is_beyond_30_percent() {
        let lower = |value| Figure::of("memory", Unit::Mebibytes, [value]);
        let baseline = run(100.0, 1.0, [events(100.0), lower(100.0)]);
        let runs =
            |values: [(f64, f64); 3]| values.map(|(rate, memory)| run(100.0, 1.0, [events(rate), lower(memory)]));
        assert_eq!(worse(&baseline, &runs([(71.0, 129.0), (20.0, 900.0), (90.0, 100.0)])), [""; 0]);
        assert_eq!(worse(&baseline, &runs([(69.0, 131.0), (20.0, 900.0), (90.0, 100.0)])), ["events", "memory"]);
        // Better by far is not worse.
        assert_eq!(worse(&baseline, &runs([(500.0, 1.0); 3])), [""; 0]);
    }

    #[test]
    fn a_slower_machine_is_no_regression_and_a_quicker_one_hides_none() {
        let reaction = |value| Figure::of("reaction, p50", Unit::Milliseconds, [value]);
        let baseline = run(1000.0, 2.0, [events(400.0), reaction(1.0)]);
        let slower = run(500.0, 4.0, [events(200.0), reaction(2.0)]);
        assert_eq!(worse(&baseline, &[slower]), [""; 0]);
        let quicker = run(2000.0, 1.0, [events(400.0), reaction(1.0)]);
        assert_eq!(worse(&baseline, std::slice::from_ref(&quicker)), ["events", "reaction, p50"]);
        let text = table::of(&Comparison::of(&baseline, &[quicker]).unwrap());
        let line = text.lines().find(|line| line.contains("events")).unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words.join(" "), "throughput events 400 400 1/s 0 % -50 % WORSE");
    }

    #[test]
    fn without_a_floor_the_figure_itself_is_judged() {
        let plain = |value| report([section("throughput", [events(value)])]);
        assert_eq!(worse(&plain(100.0), &[plain(60.0)]), ["events"]);
        assert_eq!(worse(&plain(100.0), &[plain(80.0)]), [""; 0]);
    }

    #[test]
    fn the_floor_is_not_judged_nor_is_what_only_describes() {
        let described = |value| events(value).better(Better::Neither);
        let comparison =
            Comparison::of(&run(1000.0, 1.0, [described(100.0)]), &[run(100.0, 10.0, [described(1.0)])]).unwrap();
        assert_eq!((comparison.rows.len(), comparison.described, comparison.floors.len()), (0, 3, 2));
        assert!(comparison.conclude(Path::new("quick.json")).is_ok());
    }

    #[test]
    fn what_only_one_side_has_is_counted_once() {
        let (gone, new) = (Figure::of("gone", Unit::Count, [1.0]), Figure::of("new", Unit::Count, [1.0]));
        let runs = [run(1.0, 1.0, [events(1.0), new.clone()]), run(1.0, 1.0, [events(1.0), new])];
        let comparison = Comparison::of(&run(1.0, 1.0, [events(1.0), gone]), &runs).unwrap();
        assert_eq!((comparison.gone, comparison.new, comparison.rows.len()), (1, 1, 1));
    }

    #[test]
    fn of_zero_anything_is_worse_unless_it_is_what_it_should_be() {
        let writes = |value| Figure::of("writes", Unit::Count, [value]).at_most(0.1);
        assert_eq!(worse(&run(1.0, 1.0, [writes(0.0)]), &[run(1.0, 1.0, [writes(0.05)])]), [""; 0]);
        assert_eq!(worse(&run(1.0, 1.0, [writes(0.0)]), &[run(1.0, 1.0, [writes(0.5)])]), ["writes"]);
        assert_eq!(worse(&run(1.0, 1.0, [writes(0.0)]), &[run(1.0, 1.0, [writes(0.0)])]), [""; 0]);
    }

    #[test]
    fn runs_of_another_length_are_refused_and_worse_ones_are_an_error() {
        let baseline = run(1.0, 1.0, [events(100.0)]);
        let mut full = baseline.clone();
        full.length = Length::Full;
        let error = Comparison::of(&baseline, &[full]).unwrap_err().to_string();
        assert_eq!(error, "compare a full run with a quick one: only runs of one length can be compared");
        let comparison = Comparison::of(&baseline, &[run(1.0, 1.0, [events(10.0)])]).unwrap();
        let error = comparison.conclude(Path::new("quick.json")).unwrap_err().to_string();
        assert_eq!(error, "compare with quick.json: 1 of 1 figures is more than 30 % worse");
    }

    #[test]
    fn another_machine_is_noted() {
        let baseline = run(1.0, 1.0, []);
        let mut other = baseline.clone();
        other.machine.cores = 16;
        let text = table::of(&Comparison::of(&baseline, &[other]).unwrap());
        assert!(text.contains("the processor is `Some CPU, 16 cores` and was `Some CPU, 2 cores`"), "{text}");
    }
}
