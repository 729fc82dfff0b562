//! Bars in groups.

use super::{
    Bars, Chart, Key, Mark,
    axis::shown,
    canvas::{Anchor, Canvas, INK, Style},
    colour,
};

/// Of a group's room, how much its bars take.
const SHARE: f64 = 0.82;
/// No bar is wider, however few there are.
const WIDEST: f64 = 56.0;

/// Draws the whole chart.
pub(super) fn draw(canvas: &mut Canvas, chart: &Chart, groups: &[String], series: &[Bars]) {
    let keys: Vec<_> = (0..)
        .zip(series)
        .map(|(number, bars)| Key { label: &bars.label, colour: colour(number), mark: Mark::Bar })
        .collect();
    let values: Vec<_> = series.iter().flat_map(|bars| bars.values.iter().flatten().copied()).collect();
    let plot = chart.frame(canvas, &keys, &values);
    let count = |of: usize| u32::try_from(of).map_or(1.0, f64::from).max(1.0);
    let room = (plot.right - plot.left) / count(groups.len());
    for ((number, name), group) in (0_u32..).zip(groups).zip(0..) {
        let middle = plot.left + room * (f64::from(number) + 0.5);
        for (row, text) in (0_u32..).zip(name.lines()) {
            let y = plot.bottom + 20.0 + 17.0 * f64::from(row);
            canvas.text((middle, y), Anchor::Middle, Style::Tick, text);
        }
        // A series that has nothing here leaves no gap.
        let bars: Vec<_> = series.iter().map(|bars| bars.values.get(group).copied().flatten()).collect();
        let bars: Vec<_> = bars.into_iter().enumerate().filter_map(|(series, value)| Some((series, value?))).collect();
        let wide = (room * SHARE / count(series.len())).min(WIDEST);
        let left = middle - wide * count(bars.len()) / 2.0;
        for (place, (series, value)) in (0_u32..).zip(bars) {
            let (x, y) = (left + wide * f64::from(place), plot.upward.place(value));
            canvas.bar((x + 1.0, y), (wide - 2.0, plot.bottom - y), colour(series));
            canvas.text((x + wide / 2.0, y - 6.0), Anchor::Middle, Style::Value(INK), &shown(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Form, Scale};
    use super::*;

    #[test]
    fn bars_stand_on_the_axis_as_high_as_their_value_and_a_missing_one_leaves_no_gap() {
        let bars = |label: &str, values: [Option<f64>; 2]| Bars { label: label.to_owned(), values: values.to_vec() };
        let chart = Chart {
            title: "Reaction".to_owned(),
            across: String::new(),
            upward: "ms".to_owned(),
            scale: Scale::Linear,
            form: Form::Bars {
                groups: vec!["a create".to_owned(), "by object,\nat rest".to_owned()],
                series: vec![bars("p50", [Some(2.5), Some(5.0)]), bars("p99", [None, Some(9.0)])],
            },
        };
        let svg = chart.svg();
        let rectangle = |x: &str| {
            let line = svg.lines().find(|line| line.starts_with(&format!(r#"<rect x="{x}""#))).unwrap();
            let number = |name: &str| -> f64 {
                let (_, rest) = line.split_once(&format!(r#"{name}=""#)).unwrap();
                rest.split_once('"').unwrap().0.parse().unwrap()
            };
            (number(" y"), number("height"))
        };
        // Two groups of 369 pixels; a bar alone stands in the middle of its own.
        let (alone, half) = (rectangle("231.5"), rectangle("572.5"));
        for (y, height) in [alone, half] {
            assert!((y + height - 374.0).abs() < 0.11, "{y} {height}");
        }
        assert!((half.1 - 2.0 * alone.1).abs() < 0.11, "{alone:?} {half:?}");
        for text in [">by object,</text>", ">at rest</text>", ">9</text>", ">p99</text>"] {
            assert!(svg.contains(text), "{text} is not in {svg}");
        }
    }
}
