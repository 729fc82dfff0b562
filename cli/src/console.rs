//! Where output goes: data to one writer, everything for people to the other. Nothing else in
//! this crate prints, but for the lines about requests that `-v 6` asks for.

use std::io::{self, Write};

use crate::{failure::Failure, output::color::Palette};

/// Characters of a line that is rewritten in place: one that wraps could not be taken back.
const PROGRESS: usize = 79;

/// Goes to the start of a terminal's line and clears it.
const CLEAR_LINE: &str = "\r\u{1b}[K";

/// Standard output and standard error, or what a test puts in their place.
pub struct Console {
    data: Box<dyn Write>,
    notes: Box<dyn Write>,
    palette: Palette,
    notes_are_on_terminal: bool,
    /// The terminal's last line tells a progress, and gives way to whatever comes next.
    has_progress: bool,
}

impl Console {
    /// `data` is what a script reads, `notes` what a person reads. Neither is a terminal.
    pub fn new(data: impl Write + 'static, notes: impl Write + 'static) -> Self {
        Self {
            data: Box::new(data),
            notes: Box::new(notes),
            palette: Palette::Plain,
            notes_are_on_terminal: false,
            has_progress: false,
        }
    }

    /// Says which of the two is a terminal: data has colors on one, and progress is shown in place on one.
    #[must_use]
    pub fn on_terminals(self, data: bool, notes: bool) -> Self {
        let palette = if data { Palette::Colored } else { Palette::Plain };
        Self { palette, notes_are_on_terminal: notes, ..self }
    }

    /// Leaves colors out from now on.
    pub fn without_colors(&mut self) {
        self.palette = Palette::Plain;
    }

    /// The colors of data.
    pub fn palette(&self) -> Palette {
        self.palette
    }

    /// Whether [`Console::progress`] shows anything.
    pub fn shows_progress(&self) -> bool {
        self.notes_are_on_terminal
    }

    /// Writes data as it is.
    pub fn data(&mut self, text: &str) -> Result<(), Failure> {
        self.end_progress();
        let written = self.data.write_all(text.as_bytes()).and_then(|()| self.data.flush());
        written.map_err(|source| Failure::Output { source })
    }

    /// Writes one line for a person. That nobody can read it is no reason to fail.
    pub fn note(&mut self, text: &str) {
        self.end_progress();
        writeln!(self.notes, "{}", one_line(text)).ok();
    }

    /// Shows on a terminal where things stand, in place of what it showed before. A log has lines instead: see
    /// [`Console::note`].
    pub fn progress(&mut self, text: &str) {
        if self.notes_are_on_terminal {
            let shown: String = one_line(text).chars().take(PROGRESS).collect();
            write!(self.notes, "{CLEAR_LINE}{shown}").and_then(|()| self.notes.flush()).ok();
            self.has_progress = true;
        }
    }

    /// Takes the progress off the terminal.
    pub fn end_progress(&mut self) {
        if std::mem::take(&mut self.has_progress) {
            write!(self.notes, "{CLEAR_LINE}").and_then(|()| self.notes.flush()).ok();
        }
    }

    /// Writes text for a person as it is.
    pub fn help(&mut self, text: &str) -> io::Result<()> {
        self.notes.write_all(text.as_bytes())
    }
}

/// A text on one line: whatever could move a terminal's cursor becomes a blank.
pub fn one_line(text: &str) -> String {
    let words = text.split(|character: char| {
        character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    words.map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A text with the lines that it has: whatever else could move a terminal's cursor becomes a blank.
pub fn plain_lines(text: &str) -> String {
    let moves = |character: char| character.is_control() && character != '\n';
    text.replace("\r\n", "\n").replace(moves, " ")
}

/// A writer that tests read.
#[cfg(test)]
#[derive(Clone, Default)]
pub(crate) struct Recorded(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

#[cfg(test)]
impl Recorded {
    /// All that was written.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

#[cfg(test)]
impl Write for Recorded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_several_lines_or_with_escapes_becomes_one_plain_line() {
        assert_eq!(one_line("a\n  b\r\n\u{1b}[31mc\t"), "a b [31mc");
        assert_eq!(one_line("two  blanks stay"), "two  blanks stay");
        assert_eq!(plain_lines("a\r\n b\n\u{1b}[2J\u{9b}c\r"), "a\n b\n [2J c ");
    }

    #[test]
    fn progress_is_rewritten_in_place_on_a_terminal_and_leaves_nothing_behind() {
        let notes = Recorded::default();
        let mut console = Console::new(io::sink(), notes.clone()).on_terminals(false, true);
        console.progress("first\u{1b}[2J");
        console.progress(&"x".repeat(100));
        console.note("done");
        console.data("data").unwrap();
        assert_eq!(notes.text(), format!("\r\u{1b}[Kfirst [2J\r\u{1b}[K{}\r\u{1b}[Kdone\n", "x".repeat(79)));
    }

    #[test]
    fn a_log_gets_no_progress_and_data_has_colors_on_a_terminal_only() {
        let notes = Recorded::default();
        let mut console = Console::new(io::sink(), notes.clone());
        console.progress("first");
        console.end_progress();
        assert_eq!(notes.text(), "");
        assert_eq!(console.palette(), Palette::Plain);
        let mut console = console.on_terminals(true, false);
        assert_eq!((console.palette(), console.shows_progress()), (Palette::Colored, false));
        console.without_colors();
        assert_eq!(console.palette(), Palette::Plain);
    }
}
