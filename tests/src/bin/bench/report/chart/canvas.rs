//! Elements of SVG, as text. It knows nothing of charts.

use std::fmt::Write;

pub(super) const INK: &str = "#24292f";
pub(super) const GRID: &str = "#d8dee4";
/// Whatever the machine of the reader has: nothing is loaded.
const FONTS: &str = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif";

/// Pixels from the left and from the top.
pub(super) type Place = (f64, f64);

/// Which part of a text stands at its place.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How large a text is, and how strong.
#[derive(Clone, Copy)]
pub(super) enum Style {
    Title,
    Axis,
    Tick,
    /// A value in the picture, in this colour: with white around it, since it may stand on a line.
    Value(&'static str),
}

/// An SVG under way.
pub(super) struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

impl Canvas {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.body, "{element}");
    }

    pub(super) fn line(&mut self, from: Place, to: Place, colour: &str, width: f64) {
        self.add(format_args!(
            r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="{colour}" stroke-width="{width}"/>"#,
            from.0, from.1, to.0, to.1
        ));
    }

    /// A line through these places.
    pub(super) fn path(&mut self, places: &[Place], colour: &str, dashed: bool) {
        let points: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let (points, stroke) = (points.join(" "), if dashed { r#" stroke-dasharray="7 5""# } else { "" });
        self.add(format_args!(
            r#"<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{stroke}/>"#
        ));
    }

    /// A rectangle, from its upper left corner.
    pub(super) fn bar(&mut self, (x, y): Place, (width, height): Place, colour: &str) {
        self.add(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{colour}"/>"#
        ));
    }

    /// A point: circle, square, triangle or diamond in turn.
    pub(super) fn mark(&mut self, shape: usize, (x, y): Place, colour: &str) {
        let polygon = |corners: &[Place]| {
            let corners: Vec<_> = corners.iter().map(|(dx, dy)| format!("{:.1},{:.1}", x + dx, y + dy)).collect();
            format!(r#"<polygon points="{}" fill="{colour}"/>"#, corners.join(" "))
        };
        let element = match shape % 4 {
            0 => format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="4.5" fill="{colour}"/>"#),
            1 => polygon(&[(-4.0, -4.0), (4.0, -4.0), (4.0, 4.0), (-4.0, 4.0)]),
            2 => polygon(&[(0.0, -5.5), (5.5, 4.5), (-5.5, 4.5)]),
            _ => polygon(&[(0.0, -6.0), (6.0, 0.0), (0.0, 6.0), (-6.0, 0.0)]),
        };
        self.add(format_args!("{element}"));
    }

    /// Text whose baseline is at `y`.
    pub(super) fn text(&mut self, (x, y): Place, anchor: Anchor, style: Style, text: &str) {
        if text.is_empty() {
            return;
        }
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (size, weight) = match style {
            Style::Title => (17, "600"),
            Style::Axis => (13, "600"),
            Style::Tick | Style::Value(_) => (13, "400"),
        };
        let place =
            format!(r#"x="{x:.1}" y="{y:.1}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}""#);
        let text = escaped(text);
        let colour = if let Style::Value(colour) = style { colour } else { INK };
        if matches!(style, Style::Value(_)) {
            self.add(format_args!(
                r##"<text {place} fill="#ffffff" stroke="#ffffff" stroke-width="4" stroke-linejoin="round" aria-hidden="true">{text}</text>"##
            ));
        }
        self.add(format_args!(r#"<text {place} fill="{colour}">{text}</text>"#));
    }

    /// The file.
    pub(super) fn finish(self, title: &str) -> String {
        let Self { width, height, body } = self;
        let title = escaped(title);
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" font-family="{FONTS}">
<title>{title}</title>
<rect x="0.5" y="0.5" width="{}" height="{}" rx="6" fill="#ffffff" stroke="{GRID}"/>
{body}</svg>
"##,
            width - 1.0,
            height - 1.0,
        )
    }
}

/// How wide a text of 13 pixels is, about: fonts differ, and it may rather be less.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(|character| if ".,:;|il1' ".contains(character) { 5.0 } else { 7.6 }).sum()
}

/// Text as XML takes it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no way to write these at all.
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_would_read_as_its_own_is_escaped() {
        assert_eq!(escaped("a < b & \"c\" >\u{7}"), "a &lt; b &amp; &quot;c&quot; &gt; ");
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.text((1.0, 1.0), Anchor::Start, Style::Tick, "<&>");
        let svg = canvas.finish("a & b");
        assert!(svg.contains(">&lt;&amp;&gt;</text>") && svg.contains("<title>a &amp; b</title>"), "{svg}");
    }

    #[test]
    fn a_value_has_white_behind_it_and_is_not_read_out_twice() {
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.text((1.0, 1.0), Anchor::Middle, Style::Value(INK), "7");
        let svg = canvas.finish("");
        assert_eq!(svg.matches(">7</text>").count(), 2, "{svg}");
        assert_eq!(svg.matches("aria-hidden").count(), 1, "{svg}");
    }
}
