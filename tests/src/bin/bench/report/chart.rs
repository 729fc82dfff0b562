//! Charts as SVG: lines over what was varied, and bars in groups. White under everything, so that they can be read on a dark
//! page as well; colours that people with a colour vision deficiency tell apart, and marks of different shape. It knows nothing
//! of figures, only of numbers and words.

mod axis;
mod bars;
mod canvas;
mod labels;
mod lines;

use self::{
    axis::Axis,
    canvas::{Anchor, Canvas, GRID, INK, Style},
};

/// The whole picture, in pixels.
const WIDTH: f64 = 840.0;
const HEIGHT: f64 = 440.0;
/// What is left of the picture, right of it and below it, for ticks and titles of axes.
const LEFT: f64 = 74.0;
const RIGHT: f64 = 28.0;
const BELOW: f64 = 66.0;
const LEGEND_ROW: f64 = 22.0;
/// As many colours as series are drawn; after that they begin again.
const COLOURS: [&str; 6] = ["#0072b2", "#b84e00", "#00805a", "#a6478a", "#8a6d00", "#555555"];

/// How a value becomes a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// From zero on.
    Linear,
    Logarithmic,
}

/// A chart that can be drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chart {
    pub(super) title: String,
    /// What is varied; blank where the groups say it themselves.
    pub(super) across: String,
    /// What is measured, with its unit.
    pub(super) upward: String,
    pub(super) scale: Scale,
    pub(super) form: Form,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    /// Over a logarithmic axis with a tick at each value that was measured.
    Lines(Vec<Line>),
    /// Groups, by name (a line break in it is one), and in each of them a bar of each series.
    Bars { groups: Vec<String>, series: Vec<Bars> },
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) label: String,
    /// To compare with: a line of one point goes across the whole chart then.
    pub(super) dashed: bool,
    pub(super) points: Vec<Point>,
}

/// One point of a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    /// How `x` is called.
    pub(super) tick: String,
}

/// The bars of one series, one for each group.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bars {
    pub(super) label: String,
    pub(super) values: Vec<Option<f64>>,
}

/// Where the picture is, with its axis drawn.
struct Plot {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    upward: Axis,
}

/// What stands in the legend for a series.
struct Key<'a> {
    label: &'a str,
    colour: &'static str,
    mark: Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Bar,
    /// A line with marks of that number's shape.
    Line(usize),
    Dashes,
}

impl Chart {
    /// The chart as a file.
    pub(super) fn svg(&self) -> String {
        let mut canvas = Canvas::new(WIDTH, HEIGHT);
        match &self.form {
            Form::Lines(lines) => lines::draw(&mut canvas, self, lines),
            Form::Bars { groups, series } => bars::draw(&mut canvas, self, groups, series),
        }
        canvas.finish(&self.title)
    }

    /// Draws title, legend and the vertical axis, which takes all of these values.
    fn frame(&self, canvas: &mut Canvas, keys: &[Key<'_>], values: &[f64]) -> Plot {
        canvas.text((LEFT, 28.0), Anchor::Start, Style::Title, &self.title);
        let top = legend(canvas, keys) + 40.0;
        let (left, right, bottom) = (LEFT, WIDTH - RIGHT, HEIGHT - BELOW);
        let upward = Axis::of(self.scale, values, bottom, top);
        for tick in upward.ticks() {
            let y = upward.place(tick);
            canvas.line((left, y), (right, y), GRID, 1.0);
            canvas.text((left - 8.0, y + 4.0), Anchor::End, Style::Tick, &axis::shown(tick));
        }
        canvas.line((left, bottom), (right, bottom), INK, 1.0);
        let logarithmic = if self.scale == Scale::Logarithmic { " (logarithmic)" } else { "" };
        canvas.text((14.0, top - 14.0), Anchor::Start, Style::Axis, &format!("{}{logarithmic}", self.upward));
        let middle = f64::midpoint(left, right);
        canvas.text((middle, HEIGHT - 14.0), Anchor::Middle, Style::Axis, &self.across);
        Plot { left, right, top, bottom, upward }
    }
}

/// The colour of a series.
fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

/// Draws the legend below the title and says where it ends.
fn legend(canvas: &mut Canvas, keys: &[Key<'_>]) -> f64 {
    let (mut x, mut y) = (LEFT, 52.0);
    for key in keys {
        let width = 32.0 + canvas::width(key.label) + 22.0;
        if x > LEFT && x + width > WIDTH - RIGHT {
            (x, y) = (LEFT, y + LEGEND_ROW);
        }
        match key.mark {
            Mark::Bar => canvas.bar((x + 8.0, y - 11.0), (14.0, 14.0), key.colour),
            Mark::Line(shape) => {
                canvas.path(&[(x, y - 4.0), (x + 26.0, y - 4.0)], key.colour, false);
                canvas.mark(shape, (x + 13.0, y - 4.0), key.colour);
            }
            Mark::Dashes => canvas.path(&[(x, y - 4.0), (x + 26.0, y - 4.0)], key.colour, true),
        }
        canvas.text((x + 32.0, y), Anchor::Start, Style::Tick, key.label);
        x += width;
    }
    y
}
