//! Figures as a table of text.

use std::fmt::Write;

use super::{
    Section,
    figure::{Figure, shown},
};

/// The section with its title, its method and a row for each figure.
pub(super) fn of(section: &Section) -> String {
    let mut text = format!("\n{}\n  {}\n\n", section.title, section.method);
    let width = |column: fn(&Figure) -> usize| section.figures.iter().map(column).max().unwrap_or_default();
    let (what, at) = (width(|figure| figure.what.chars().count()), width(|figure| figure.at.chars().count()));
    for figure in &section.figures {
        let target = match (figure.target, figure.is_met()) {
            (Some(target), Some(true)) => format!("{target}: met"),
            (Some(target), _) => format!("{target}: NOT MET"),
            _ => String::new(),
        };
        let line = format!(
            "  {:<what$}  {:<at$}  {:>8} {:<4} {target}",
            figure.what,
            figure.at,
            shown(figure.value),
            figure.unit.to_string()
        );
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figure::Unit;

    #[test]
    fn a_row_says_what_at_which_value_and_whether_that_is_what_it_should_be() {
        let mut section = Section::new("x", "Title", "Method.");
        section.push(Figure::of("creates", Unit::PerSecond, [700.0]).at("8 in flight", 8.0));
        section.push(Figure::of("share", Unit::Ratio, [0.5]).at_least(0.6));
        let lines: Vec<_> = of(&section).lines().map(str::to_owned).collect();
        assert_eq!(lines[4], "  creates  8 in flight       700 1/s");
        assert_eq!(lines[5], "  share                      0.5 x    at least 0.6: NOT MET");
    }
}
