//! Lines over what was varied.

use super::{
    Chart, Key, Line, Mark, Plot, Point,
    axis::{Axis, shown},
    canvas::{Anchor, Canvas, GRID, Place, Style, width},
    colour,
    labels::Crowd,
};

/// Room between the ends of the axis and the outermost points, so that their values fit.
const INSET: f64 = 34.0;

/// Draws the whole chart.
pub(super) fn draw(canvas: &mut Canvas, chart: &Chart, lines: &[Line]) {
    let keys: Vec<_> = (0..).zip(lines).map(|(number, line)| key(number, line)).collect();
    let values: Vec<_> = points(lines).map(|point| point.y).collect();
    let plot = chart.frame(canvas, &keys, &values);
    let across = across(lines, &plot);
    ticks(canvas, lines, &plot, &across);
    let mut crowd = Crowd::default();
    let mut drawn = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let places: Vec<Place> =
            line.points.iter().map(|point| (across.place(point.x), plot.upward.place(point.y))).collect();
        let path = match places[..] {
            [(_, y)] if line.dashed => vec![(plot.left, y), (plot.right, y)],
            _ => places.clone(),
        };
        canvas.path(&path, colour(number), line.dashed);
        crowd.line(&path);
        drawn.push(places);
    }
    for (number, (line, places)) in lines.iter().zip(&drawn).enumerate() {
        for (point, place) in line.points.iter().zip(places) {
            let text = shown(point.y);
            let alone = line.dashed && places.len() == 1;
            if !line.dashed {
                canvas.mark(number, *place, colour(number));
            }
            // At the end of a line that goes across, where the fewest others are.
            let at = if alone { (plot.right - width(&text) / 2.0 - 2.0, place.1) } else { *place };
            let at = crowd.place(&text, at, (plot.top - 16.0, plot.bottom));
            canvas.text(at, Anchor::Middle, Style::Value, &text);
        }
    }
}

fn key(number: usize, line: &Line) -> Key<'_> {
    let mark = if line.dashed { Mark::Dashes } else { Mark::Line(number) };
    Key { label: &line.label, colour: colour(number), mark }
}

fn points(lines: &[Line]) -> impl Iterator<Item = &Point> {
    lines.iter().flat_map(|line| &line.points)
}

/// From the smallest to the largest value that was measured.
fn across(lines: &[Line], plot: &Plot) -> Axis {
    let positive = || points(lines).map(|point| point.x).filter(|x| *x > 0.0);
    let (least, most) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
    let (least, most) = if least < most { (least, most) } else { (0.5, 2.0) };
    Axis::between(least, most, plot.left + INSET, plot.right - INSET)
}

/// A tick at each value that was measured; of two that would touch only the first has its text.
fn ticks(canvas: &mut Canvas, lines: &[Line], plot: &Plot, across: &Axis) {
    let mut all: Vec<_> = points(lines).map(|point| (point.x, point.tick.as_str())).collect();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    all.dedup_by(|one, other| one.0.total_cmp(&other.0).is_eq());
    let mut free = f64::NEG_INFINITY;
    for (value, text) in all {
        let (x, half) = (across.place(value), width(text) / 2.0);
        canvas.line((x, plot.top), (x, plot.bottom + 5.0), GRID, 1.0);
        if x - half > free {
            canvas.text((x, plot.bottom + 22.0), Anchor::Middle, Style::Tick, text);
            free = x + half + 6.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Form, Scale};
    use super::*;

    fn chart(lines: Vec<Line>) -> Chart {
        Chart {
            title: "Writers".to_owned(),
            across: "writers".to_owned(),
            upward: "writes/s".to_owned(),
            scale: Scale::Linear,
            form: Form::Lines(lines),
        }
    }

    fn line(label: &str, dashed: bool, points: &[(f64, f64)]) -> Line {
        let point = |(x, y): &(f64, f64)| Point { x: *x, y: *y, tick: format!("{x}") };
        Line { label: label.to_owned(), dashed, points: points.iter().map(point).collect() }
    }

    #[test]
    fn points_are_spread_by_their_logarithm_and_have_their_value_beside_them() {
        let svg = chart(vec![line("plain", false, &[(1.0, 0.0), (10.0, 50.0), (100.0, 92.0)])]).svg();
        // From 74 + 34 to 812 - 34; zero lies on the axis.
        assert!(svg.contains(r#"<polyline points="108.0,374.0 443.0,"#), "{svg}");
        assert!(svg.contains(r#"<circle cx="778.0""#), "{svg}");
        assert!(svg.contains(">92</text>") && svg.contains(">writes/s</text>"), "{svg}");
    }

    #[test]
    fn one_dashed_point_goes_across_and_has_no_mark() {
        let svg =
            chart(vec![line("events", false, &[(1.0, 10.0), (100.0, 20.0)]), line("floor", true, &[(100.0, 40.0)])])
                .svg();
        let dashed = svg.lines().find(|line| line.contains("stroke-dasharray") && line.contains("74.0,")).unwrap();
        assert!(dashed.contains(" 812.0,"), "{dashed}");
        // Two points, and that of the legend.
        assert_eq!(svg.matches("<circle").count(), 3, "{svg}");
        assert_eq!(svg.matches("<polygon").count(), 0, "{svg}");
    }

    #[test]
    fn texts_of_ticks_do_not_touch() {
        let svg = chart(vec![line("plain", false, &[(1.0, 1.0), (1000.0, 1.0), (1010.0, 1.0), (1e6, 1.0)])]).svg();
        let texts: Vec<_> =
            ["1", "1000", "1010", "1000000"].map(|text| svg.contains(&format!(">{text}</text>"))).into();
        assert_eq!(texts, [true, true, false, true], "{svg}");
    }
}
