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

/// A line in the picture.
struct Drawn<'a> {
    line: &'a Line,
    /// Decides colour and marks. A dashed line has that of the one it is compared with: the second that of the second.
    number: usize,
    places: Vec<Place>,
}

/// Draws the whole chart.
pub(super) fn draw(canvas: &mut Canvas, chart: &Chart, lines: &[Line]) {
    let number = |at: usize| lines[..at].iter().filter(|line| line.dashed == lines[at].dashed).count();
    let keys: Vec<_> = lines.iter().enumerate().map(|(at, line)| key(number(at), line)).collect();
    let values: Vec<_> = points(lines).map(|point| point.y).collect();
    let plot = chart.frame(canvas, &keys, &values);
    let across = across(lines, &plot);
    ticks(canvas, lines, &plot, &across);
    let mut crowd = Crowd::default();
    let mut drawn = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let place = |point: &Point| (across.place(point.x), plot.upward.place(point.y));
        let places: Vec<Place> = line.points.iter().map(place).collect();
        let path = match places[..] {
            [(_, y)] if crosses(line) => vec![(plot.left, y), (plot.right, y)],
            _ => places.clone(),
        };
        canvas.path(&path, colour(number(at)), line.dashed);
        crowd.line(&path);
        drawn.push(Drawn { line, number: number(at), places });
    }
    for Drawn { number, places, .. } in drawn.iter().filter(|drawn| !drawn.line.dashed) {
        for place in places {
            canvas.mark(*number, *place, colour(*number));
        }
    }
    values_beside(canvas, &drawn, &plot, &mut crowd);
}

/// From top to bottom, so that of two points close by each other the upper one has its value above it.
fn values_beside(canvas: &mut Canvas, drawn: &[Drawn<'_>], plot: &Plot, crowd: &mut Crowd) {
    let mut texts = Vec::new();
    for Drawn { line, number, places } in drawn {
        for (point, (x, y)) in line.points.iter().zip(places) {
            let text = shown(point.y);
            // At the end of a line that goes across, where the fewest others are.
            let x = if crosses(line) { plot.right - width(&text) / 2.0 - 2.0 } else { *x };
            texts.push((text, (x, *y), colour(*number)));
        }
    }
    texts.sort_by(|(_, one, _), (_, other, _)| one.1.total_cmp(&other.1));
    for (text, place, colour) in texts {
        let place = crowd.place(&text, place, (plot.top - 16.0, plot.bottom));
        canvas.text(place, Anchor::Middle, Style::Value(colour), &text);
    }
}

fn key(number: usize, line: &Line) -> Key<'_> {
    let mark = if line.dashed { Mark::Dashes } else { Mark::Line(number) };
    Key { label: &line.label, colour: colour(number), mark }
}

/// A line of one point that is only there to compare with.
fn crosses(line: &Line) -> bool {
    line.dashed && line.points.len() == 1
}

/// What was varied; a line that goes across the whole chart has no place there.
fn varied(lines: &[Line]) -> impl Iterator<Item = &Point> {
    lines.iter().filter(|line| !crosses(line)).flat_map(|line| &line.points)
}

fn points(lines: &[Line]) -> impl Iterator<Item = &Point> {
    lines.iter().flat_map(|line| &line.points)
}

/// From the smallest to the largest value that was measured.
fn across(lines: &[Line], plot: &Plot) -> Axis {
    let positive = || varied(lines).map(|point| point.x).filter(|x| *x > 0.0);
    let (least, most) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
    let (least, most) = if least < most { (least, most) } else { (0.5, 2.0) };
    Axis::between(least, most, plot.left + INSET, plot.right - INSET)
}

/// A tick at each value that was measured; of two that would touch only the first has its text.
fn ticks(canvas: &mut Canvas, lines: &[Line], plot: &Plot, across: &Axis) {
    let mut all: Vec<_> = varied(lines).map(|point| (point.x, point.tick.as_str())).collect();
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
            chart(vec![line("events", false, &[(1.0, 10.0), (100.0, 20.0)]), line("floor", true, &[(5000.0, 40.0)])])
                .svg();
        let dashed = svg.lines().find(|line| line.contains("stroke-dasharray") && line.contains("74.0,")).unwrap();
        assert!(dashed.contains(" 812.0,"), "{dashed}");
        assert!(svg.contains(r#"<circle cx="778.0""#) && !svg.contains(">5000</text>"), "{svg}");
        // Two points, and that of the legend.
        assert_eq!(svg.matches("<circle").count(), 3, "{svg}");
        assert_eq!(svg.matches("<polygon").count(), 0, "{svg}");
    }

    #[test]
    fn what_is_compared_has_one_colour_and_of_two_close_points_the_upper_has_its_value_above() {
        let svg = chart(vec![
            line("one", false, &[(1.0, 133.0), (100.0, 500.0)]),
            line("other", false, &[(1.0, 141.0), (100.0, 300.0)]),
            line("floor of one", true, &[(1.0, 450.0), (100.0, 450.0)]),
        ])
        .svg();
        let attribute = |line: &str, name: &str| -> String {
            let (_, rest) = line.split_once(&format!(r#" {name}=""#)).unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        let dashed = svg.lines().find(|line| line.contains("stroke-dasharray")).unwrap();
        assert_eq!(attribute(dashed, "stroke"), colour(0));
        let height = |text: &str| -> f64 {
            let line = svg.lines().find(|line| line.ends_with(&format!(">{text}</text>"))).unwrap();
            attribute(line, "y").parse().unwrap()
        };
        assert!(height("141") < height("133"), "{svg}");
    }

    #[test]
    fn texts_of_ticks_do_not_touch() {
        let svg = chart(vec![line("plain", false, &[(1.0, 1.0), (1000.0, 1.0), (1010.0, 1.0), (1e6, 1.0)])]).svg();
        let texts: Vec<_> =
            ["1", "1000", "1010", "1000000"].map(|text| svg.contains(&format!(">{text}</text>"))).into();
        assert_eq!(texts, [true, true, false, true], "{svg}");
    }
}
