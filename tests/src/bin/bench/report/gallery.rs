//! Which charts there are, and of which figures each is drawn: the one place that knows the names of figures. A name must be
//! exactly that of the figure; what a run did not measure is not in its charts.

use super::{
    Report, Section,
    chart::{Bars, Chart, Form, Line, Point, Scale},
    figure::{Figure, Target},
};

/// Percentiles of reaction, as the names of figures end.
const PERCENTILES: [&str; 3] = ["p50", "p90", "p99"];

/// All charts, in the order of their sections.
pub(super) const GALLERY: [Drawing; 8] = [
    Drawing {
        file: "reaction.svg",
        section: "reaction",
        title: "Reaction: from the acknowledgement to the request's arrival",
        across: "",
        upward: "ms",
        scale: Scale::Logarithmic,
        of: Selection::Groups(&[
            group("a create,\nat rest", "a create", "at rest"),
            group("by object,\nat rest", "by object", "at rest"),
            group("by annotation,\nat rest", "by annotation", "at rest"),
            group("by object,\nat half load", "by object", "at half load"),
            group("cicdctl event,\nfrom its start", "cicdctl event, from its start", "at rest"),
            group("predecessor,\nfrom its start", "predecessor, from its start", "at rest"),
        ]),
    },
    Drawing {
        file: "throughput.svg",
        section: "throughput",
        title: "Throughput: finished events in a second",
        across: "contexts",
        upward: "events/s",
        scale: Scale::Linear,
        of: Selection::Over(
            "contexts",
            &[
                value("by object", "events by object"),
                value("by annotation", "events by annotation"),
                beside("the same writes without us, by object", "the same writes without us, by object"),
                beside("the same writes without us, by annotation", "the same writes without us, by annotation"),
            ],
        ),
    },
    Drawing {
        file: "writers.svg",
        section: "state",
        title: "Writers of one context",
        across: "writers at once",
        upward: "writes/s",
        scale: Scale::Logarithmic,
        of: Selection::Over(
            "writers",
            &[
                value("CicdStateWrite", "CicdStateWrites"),
                value("plain merge patch", "plain patches"),
                value("cicdctl", "cicdctl processes"),
                beside("creates without us", "creates without us"),
            ],
        ),
    },
    Drawing {
        file: "state.svg",
        section: "state",
        title: "Eight writers of one context of any size",
        across: "kB of state",
        upward: "writes/s",
        scale: Scale::Logarithmic,
        of: Selection::Over(
            "kB of state",
            &[
                value("CicdStateWrite", "CicdStateWrites of 8 writers"),
                value("plain merge patch", "plain patches of 8 writers"),
            ],
        ),
    },
    Drawing {
        file: "cli.svg",
        section: "cli",
        title: "Setting one value, as a whole process",
        across: "kB of state",
        upward: "ms",
        scale: Scale::Logarithmic,
        of: Selection::Over(
            "kB of state",
            &[
                value("cicdctl, on a cluster", "cicdctl set, cluster"),
                value("cicdctl, on files", "cicdctl set, files"),
                value("predecessor", "predecessor, set"),
            ],
        ),
    },
    Drawing {
        file: "memory.svg",
        section: "scale",
        title: "Resident memory of the operator",
        across: "contexts of 10 kB",
        upward: "MiB",
        scale: Scale::Logarithmic,
        of: Selection::Over(
            "contexts",
            &[value("operator", "memory of the operator"), target("at most, by the target", "memory of the operator")],
        ),
    },
    Drawing {
        file: "growth-contexts.svg",
        section: "growth",
        title: "Growth with the number of contexts",
        across: "contexts",
        upward: "ms of processor time for an event",
        scale: Scale::Linear,
        of: Selection::Over("contexts", &[value("operator", "processor time for an event")]),
    },
    Drawing {
        file: "growth-configuration.svg",
        section: "growth",
        title: "Growth with the size of the configuration",
        across: "configuration of each context",
        upward: "ms of processor time for an event",
        scale: Scale::Linear,
        of: Selection::Over("of configuration", &[value("operator", "processor time for an event")]),
    },
];

/// A chart that can be drawn if its figures are there.
pub(super) struct Drawing {
    /// The name of its file.
    pub(super) file: &'static str,
    /// The section in which it stands, and whose figures it shows.
    pub(super) section: &'static str,
    pub(super) title: &'static str,
    across: &'static str,
    upward: &'static str,
    scale: Scale,
    of: Selection,
}

/// Which figures.
enum Selection {
    /// Groups of percentiles.
    Groups(&'static [Group]),
    /// Lines over what was varied: figures whose `at` ends with this word, after the value (`8 writers`, and also `1 writer`).
    Over(&'static str, &'static [Curve]),
}

/// The figures `what, p50` and so on, at this value of what was varied.
struct Group {
    label: &'static str,
    what: &'static str,
    at: &'static str,
}

/// The figures of one name.
struct Curve {
    label: &'static str,
    what: &'static str,
    take: Take,
}

enum Take {
    Value,
    /// To compare with: dashed, and if it was measured only once, whatever was varied then, across the whole chart.
    Beside,
    /// Not what it is but what it should be: dashed as well.
    Target,
}

const fn group(label: &'static str, what: &'static str, at: &'static str) -> Group {
    Group { label, what, at }
}

const fn value(label: &'static str, what: &'static str) -> Curve {
    Curve { label, what, take: Take::Value }
}

const fn beside(label: &'static str, what: &'static str) -> Curve {
    Curve { label, what, take: Take::Beside }
}

const fn target(label: &'static str, what: &'static str) -> Curve {
    Curve { label, what, take: Take::Target }
}

impl Drawing {
    /// The chart of a run, or what the run lacks for it, in words.
    pub(super) fn of(&self, report: &Report) -> Result<Chart, String> {
        let section = report.section(self.section).ok_or_else(|| format!("no section `{}`", self.section))?;
        let form = match &self.of {
            Selection::Groups(groups) => bars(section, groups)?,
            Selection::Over(varied, curves) => lines(section, varied, curves)?,
        };
        let [title, across, upward] = [self.title, self.across, self.upward].map(str::to_owned);
        Ok(Chart { title, across, upward, scale: self.scale, form })
    }
}

fn bars(section: &Section, all: &[Group]) -> Result<Form, String> {
    let find = |group: &Group, percentile: &str| {
        section.find(&format!("{}, {percentile}", group.what), group.at).map(|figure| figure.value)
    };
    let measured = |group: &&Group| PERCENTILES.iter().any(|percentile| find(group, percentile).is_some());
    let groups: Vec<&Group> = all.iter().filter(measured).collect();
    if groups.is_empty() {
        let names: Vec<_> = all.iter().map(|group| format!("`{}, p50`", group.what)).collect();
        return Err(format!("none of the figures {} in section `{}`", names.join(", "), section.name));
    }
    let of_all = |percentile: &str| groups.iter().map(|group| find(group, percentile)).collect();
    let series = PERCENTILES.map(|percentile| Bars { label: percentile.to_owned(), values: of_all(percentile) });
    Ok(Form::Bars { groups: groups.iter().map(|group| group.label.to_owned()).collect(), series: series.into() })
}

fn lines(section: &Section, varied: &str, curves: &[Curve]) -> Result<Form, String> {
    let line = |curve: &Curve| Line {
        label: curve.label.to_owned(),
        dashed: !matches!(curve.take, Take::Value),
        points: points(section, varied, curve),
    };
    let lines: Vec<_> = curves.iter().map(line).filter(|line| !line.points.is_empty()).collect();
    // One point shows nothing that the table does not.
    if !lines.iter().any(|line| !line.dashed && line.points.len() > 1) {
        let wanted = curves.iter().filter(|curve| matches!(curve.take, Take::Value));
        let names = wanted.map(|curve| format!("`{}`", curve.what)).collect::<Vec<_>>().join(", ");
        return Err(format!("none of the figures {names} at two values of `{varied}` in section `{}`", section.name));
    }
    Ok(Form::Lines(lines))
}

fn points(section: &Section, varied: &str, curve: &Curve) -> Vec<Point> {
    let point = |figure: &Figure| {
        let tick = value_of(&figure.at, varied)?;
        let y = match (&curve.take, figure.target) {
            (Take::Value | Take::Beside, _) => figure.value,
            (Take::Target, Some(Target::AtLeast(value) | Target::AtMost(value))) => value,
            (Take::Target, None) => return None,
        };
        Some(Point { x: figure.x.filter(|x| *x > 0.0)?, y, tick })
    };
    let mut points: Vec<_> =
        section.figures.iter().filter(|figure| figure.what == curve.what).filter_map(point).collect();
    points.sort_by(|one, other| one.x.total_cmp(&other.x));
    if points.is_empty() && matches!(curve.take, Take::Beside) {
        let once = section.figures.iter().find(|figure| figure.what == curve.what);
        points.extend(once.map(|figure| Point { x: figure.x.unwrap_or(1.0), y: figure.value, tick: String::new() }));
    }
    points
}

/// The value of what was varied, as people read it: `10,000` of `10000 contexts`.
fn value_of(at: &str, varied: &str) -> Option<String> {
    let singular = varied.strip_suffix('s').unwrap_or(varied);
    let value = at.strip_suffix(varied).or_else(|| at.strip_suffix(singular))?.strip_suffix(' ')?;
    Some(value.parse().map_or_else(|_| value.to_owned(), super::figure::shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        figure::{Figure, Unit},
        tests::{report, section},
    };

    fn drawing(file: &str) -> &'static Drawing {
        GALLERY.iter().find(|drawing| drawing.file == file).unwrap()
    }

    fn at(what: &str, at: &str, x: f64, value: f64) -> Figure {
        Figure::of(what, Unit::PerSecond, [value]).at(at, x)
    }

    #[test]
    fn lines_take_what_was_varied_and_not_what_else_has_the_same_number() {
        let report = report([section(
            "throughput",
            [
                at("events by object", "1000 contexts", 1000.0, 300.0),
                at("events by object", "1 context", 1.0, 90.0),
                at("events by object", "5 handlers", 5.0, 1.0),
                at("the same writes without us, by object", "100 contexts", 100.0, 500.0),
            ],
        )]);
        let Form::Lines(lines) = drawing("throughput.svg").of(&report).unwrap().form else { panic!("no lines") };
        let ticks: Vec<_> = lines[0].points.iter().map(|point| (point.tick.as_str(), point.y)).collect();
        assert_eq!(ticks, [("1", 90.0), ("1000", 300.0)]);
        assert_eq!((lines.len(), lines[1].dashed), (2, true));
    }

    #[test]
    fn values_keep_their_unit_and_large_ones_are_grouped() {
        assert_eq!(value_of("10 kB of configuration", "of configuration").as_deref(), Some("10 kB"));
        assert_eq!(value_of("10000 contexts", "contexts").as_deref(), Some("10,000"));
        assert_eq!(value_of("5 handlers", "contexts"), None);
        assert_eq!(value_of("contexts", "contexts"), None);
    }

    #[test]
    fn the_line_of_the_target_has_only_the_points_that_have_one() {
        let memory = |contexts: f64, value| {
            Figure::of("memory of the operator", Unit::Mebibytes, [value]).at(format!("{contexts} contexts"), contexts)
        };
        let report = report([section("scale", [memory(100.0, 40.0), memory(10_000.0, 250.0).at_most(300.0)])]);
        let Form::Lines(lines) = drawing("memory.svg").of(&report).unwrap().form else { panic!("no lines") };
        assert_eq!((lines[0].points.len(), lines[0].dashed), (2, false));
        assert_eq!(lines[1].points, [Point { x: 10_000.0, y: 300.0, tick: "10,000".to_owned() }]);
    }

    #[test]
    fn what_was_measured_once_is_beside_whatever_was_varied_then() {
        let report = report([section(
            "state",
            [
                at("CicdStateWrites", "1 writers", 1.0, 90.0),
                at("CicdStateWrites", "8 writers", 8.0, 300.0),
                at("creates without us", "64 in flight", 64.0, 1000.0),
            ],
        )]);
        let Form::Lines(lines) = drawing("writers.svg").of(&report).unwrap().form else { panic!("no lines") };
        assert_eq!((lines.len(), lines[1].dashed), (2, true));
        assert_eq!(lines[1].points, [Point { x: 64.0, y: 1000.0, tick: String::new() }]);
    }

    #[test]
    fn groups_are_those_that_were_measured() {
        let report = report([section(
            "reaction",
            [at("by object, p50", "at rest", 0.0, 1.0), at("predecessor, from its start, p50", "at rest", 0.0, 496.0)],
        )]);
        let Form::Bars { groups, series } = drawing("reaction.svg").of(&report).unwrap().form else {
            panic!("no bars")
        };
        assert_eq!(groups, ["by object,\nat rest", "predecessor,\nfrom its start"]);
        assert_eq!((series[0].label.as_str(), &series[0].values), ("p50", &vec![Some(1.0), Some(496.0)]));
        assert_eq!(series[2].values, [None, None]);
    }

    #[test]
    fn a_chart_without_figures_says_what_is_missing() {
        let why = |file: &str, report: &Report| drawing(file).of(report).unwrap_err();
        assert_eq!(why("memory.svg", &report([])), "no section `scale`");
        assert_eq!(
            why("memory.svg", &report([section("scale", [at("memory of the operator", "100 contexts", 100.0, 40.0)])])),
            "none of the figures `memory of the operator` at two values of `contexts` in section `scale`"
        );
        let why = why("reaction.svg", &report([section("reaction", [])]));
        assert!(why.starts_with("none of the figures `a create, p50`, `by object, p50`"), "{why}");
    }

    #[test]
    fn no_two_charts_have_one_file() {
        let mut files = GALLERY.map(|drawing| drawing.file).to_vec();
        files.sort_unstable();
        files.dedup();
        assert_eq!(files.len(), GALLERY.len());
    }
}
