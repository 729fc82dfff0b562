//! Where output goes: data to one writer, everything for people to the other. Nothing else in this crate prints.

use std::io::{self, Write};

use crate::failure::Failure;

/// Standard output and standard error, or what a test puts in their place.
pub struct Console {
    data: Box<dyn Write>,
    notes: Box<dyn Write>,
}

impl Console {
    /// `data` is what a script reads, `notes` what a person reads.
    pub fn new(data: impl Write + 'static, notes: impl Write + 'static) -> Self {
        Self { data: Box::new(data), notes: Box::new(notes) }
    }

    /// Writes data as it is.
    pub fn data(&mut self, text: &str) -> Result<(), Failure> {
        let written = self.data.write_all(text.as_bytes()).and_then(|()| self.data.flush());
        written.map_err(|source| Failure::Output { source })
    }

    /// Writes one line for a person. That nobody can read it is no reason to fail.
    pub fn note(&mut self, text: &str) {
        writeln!(self.notes, "{}", one_line(text)).ok();
    }

    /// Writes text for a person as it is.
    pub fn help(&mut self, text: &str) -> io::Result<()> {
        self.notes.write_all(text.as_bytes())
    }
}

/// A text on one line: whatever could move a terminal's cursor becomes a blank.
pub fn one_line(text: &str) -> String {
    let words = text.split(|character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}'));
    words.map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_several_lines_or_with_escapes_becomes_one_plain_line() {
        assert_eq!(one_line("a\n  b\r\n\u{1b}[31mc\t"), "a b [31mc");
        assert_eq!(one_line("two  blanks stay"), "two  blanks stay");
    }
}
