//! Tables that fit a terminal: too wide columns are wrapped, so that nothing is lost.

use std::fmt::Write;

use super::color::Palette;
use crate::console::one_line;

/// Characters that a line may have.
pub const WIDTH: usize = 80;
/// Characters between two columns.
const GAP: usize = 2;

/// Sets rows below headings, with the phases in column `phase`, counted from 0, in their colors. The first column has names
/// that are copied and cut out by scripts: it stays whole. But for that, each line has at most [`WIDTH`] characters as long
/// as the headings themselves do.
pub fn painted<const COLUMNS: usize>(
    headings: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
    phase: usize,
    palette: Palette,
) -> String {
    let rows: Vec<[String; COLUMNS]> =
        [headings.map(str::to_owned)].iter().chain(rows).map(|row| row.each_ref().map(|cell| one_line(cell))).collect();
    let mut least = headings.map(|heading| heading.chars().count());
    if let Some(first) = least.first_mut() {
        *first = rows.iter().filter_map(|row| row.first()).map(|name| name.chars().count()).max().unwrap_or(*first);
    }
    let widths = widths(least, &rows);
    let mut text = String::new();
    for row in &rows {
        let mut cells = row.iter().zip(widths).map(|(cell, width)| wrap(cell, width).into_iter()).collect::<Vec<_>>();
        let height = cells.iter().map(ExactSizeIterator::len).max().unwrap_or_default();
        for _ in 0..height {
            let mut line = String::new();
            for (column, (cell, width)) in cells.iter_mut().zip(widths).enumerate() {
                let part = cell.next().unwrap_or_default();
                let color = row.get(column).filter(|_| column == phase && !part.is_empty());
                let (before, after) = color.map_or(("", ""), |phase| palette.around(phase));
                let padding = (width + GAP).saturating_sub(part.chars().count());
                // Writing into a String cannot fail.
                write!(line, "{before}{part}{after}{:padding$}", "").ok();
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// Labels with a text each, one below the other; `indent` stands before each line, and texts that are blank are left out.
pub fn pairs(indent: &str, rows: &[(&str, String)]) -> String {
    let rows: Vec<(&str, String)> = rows.iter().map(|(label, text)| (*label, one_line(text))).collect();
    let told = || rows.iter().filter(|(_, text)| !text.is_empty());
    let label_width = told().map(|(label, _)| label.chars().count() + 1 + GAP).max().unwrap_or_default();
    let width = WIDTH.saturating_sub(label_width + indent.len()).max(1);
    let mut output = String::new();
    for (label, text) in told() {
        let mut label = format!("{label}:");
        for line in wrap(text, width) {
            // Writing into a String cannot fail.
            writeln!(output, "{indent}{label:<label_width$}{line}").ok();
            label.clear();
        }
    }
    output
}

/// Natural widths, of which the widest give way until a line fits; no column becomes narrower than its heading.
fn widths<const COLUMNS: usize>(least: [usize; COLUMNS], rows: &[[String; COLUMNS]]) -> [usize; COLUMNS] {
    let mut widths = least;
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let available = WIDTH.saturating_sub(GAP * COLUMNS.saturating_sub(1));
    while widths.iter().sum::<usize>() > available {
        let widest =
            widths.iter_mut().zip(least).filter(|(width, least)| **width > *least).max_by_key(|(width, _)| **width);
        let Some((width, _)) = widest else { break };
        *width -= 1;
    }
    widths
}

/// Breaks a text at blanks, and words that are too long anywhere.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(' ') {
        let word: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + word.len() <= width {
            line.push(' ');
            length += 1;
        } else if length > 0 {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        for character in word {
            if length == width {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            line.push(character);
            length += 1;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(headings: [&str; 3], rows: &[[String; 3]]) -> String {
        painted(headings, rows, headings.len(), Palette::Plain)
    }

    fn row(cells: [&str; 3]) -> [String; 3] {
        cells.map(str::to_owned)
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let text =
            table(["NAME", "PHASE", "WHY"], &[row(["tell-everyone", "Failed", ""]), row(["x", "Succeeded", "ok"])]);
        assert_eq!(
            text,
            "NAME           PHASE      WHY\n\
             tell-everyone  Failed\n\
             x              Succeeded  ok\n"
        );
    }

    #[test]
    fn a_phase_is_painted_without_moving_the_columns() {
        let rows = [row(["a", "Failed", "Failed"]), row(["b", "Skipped", ""])];
        let plain = table(["NAME", "PHASE", "WHY"], &rows);
        let colored = painted(["NAME", "PHASE", "WHY"], &rows, 1, Palette::Colored);
        assert_eq!(colored.matches("\u{1b}[31mFailed\u{1b}[0m").count(), 1, "{colored:?}");
        assert_eq!(colored.replace("\u{1b}[31m", "").replace("\u{1b}[0m", ""), plain);
    }

    #[test]
    fn pairs_are_aligned_and_wrapped_and_blank_ones_left_out() {
        let message = "word ".repeat(20);
        let text = pairs("  ", &[("Id", "a\u{1b}b".to_owned()), ("None", String::new()), ("Message", message)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "  Id:       a b");
        assert!(lines[1].starts_with("  Message:  word word"), "{text}");
        assert!(lines[2].starts_with("            word"), "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn what_is_too_wide_is_wrapped_and_nothing_is_lost() {
        let message = "POST https://hooks.example/a: the connection was refused ".repeat(4);
        let name = "n".repeat(40);
        let text = table(["NAME", "PHASE", "WHY"], &[row([&name, "Failed", message.trim_end()])]);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.lines().any(|line| line.starts_with(&name)), "names stay whole: {text}");
        let words = text.split_whitespace().collect::<Vec<_>>();
        assert_eq!(words.iter().filter(|word| **word == "refused").count(), 4, "{text}");
    }

    #[test]
    fn a_cell_cannot_move_the_cursor() {
        let text = table(["NAME", "PHASE", "WHY"], &[row(["a", "b", "one\u{1b}[2J\ntwo"])]);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
