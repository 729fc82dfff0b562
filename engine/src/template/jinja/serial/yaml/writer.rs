//! The lines of a YAML document: columns, folding, escapes. Everything that is written is ASCII, so that bytes are
//! columns.
//!
//! Where lines are folded is part of the format to imitate: a line may break at a single space once it is longer than
//! [`WIDTH`].

use super::super::super::super::error::Fault;
use super::super::super::growing::GrowingText;
use super::super::super::machine::Machine;

/// Lines that are longer are folded.
const WIDTH: usize = 80;

#[derive(Default)]
pub(super) struct Writer {
    text: GrowingText,
    column: usize,
    /// No space is needed before what comes next.
    spaced: bool,
    /// Nothing but `-`, `?` and `:` stands in the line so far.
    fresh: bool,
}

impl Writer {
    pub(super) fn new() -> Self {
        Writer { spaced: true, fresh: true, ..Writer::default() }
    }

    pub(super) fn finish(self) -> String {
        self.text.finish()
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// A mark after which the line counts as begun.
    pub(super) fn mark(&mut self, machine: &mut Machine<'_, '_>, mark: &str) -> Result<(), Fault> {
        self.separated(machine, mark)?;
        self.fresh = false;
        Ok(())
    }

    /// `-`, `?` or `:` that may be followed by a nested block in the same line.
    pub(super) fn block_mark(&mut self, machine: &mut Machine<'_, '_>, mark: &str) -> Result<(), Fault> {
        self.separated(machine, mark)
    }

    /// A mark directly after what stands before it.
    pub(super) fn attached(&mut self, machine: &mut Machine<'_, '_>, mark: &str) -> Result<(), Fault> {
        self.put(machine, mark)?;
        self.spaced = false;
        self.fresh = false;
        Ok(())
    }

    fn separated(&mut self, machine: &mut Machine<'_, '_>, mark: &str) -> Result<(), Fault> {
        if !self.spaced {
            self.put(machine, " ")?;
        }
        self.spaced = false;
        self.put(machine, mark)
    }

    /// Goes on at column `indent`, in a new line unless this one has nothing in it up to there.
    pub(super) fn indent(&mut self, machine: &mut Machine<'_, '_>, indent: usize) -> Result<(), Fault> {
        if !self.fresh || self.column > indent || (self.column == indent && !self.spaced) {
            self.line_end(machine)?;
        }
        if self.column < indent {
            self.text.repeat(machine, ' ', indent - self.column)?;
            self.column = indent;
            self.spaced = true;
        }
        Ok(())
    }

    fn line_end(&mut self, machine: &mut Machine<'_, '_>) -> Result<(), Fault> {
        self.text.push(machine, "\n")?;
        self.column = 0;
        self.spaced = true;
        self.fresh = true;
        Ok(())
    }

    fn put(&mut self, machine: &mut Machine<'_, '_>, text: &str) -> Result<(), Fault> {
        self.text.push(machine, text)?;
        self.column += text.len();
        Ok(())
    }

    /// A text without quotes; `fold` allows to break it into lines that go on at column `indent`.
    pub(super) fn plain(
        &mut self,
        machine: &mut Machine<'_, '_>,
        text: &str,
        indent: usize,
        fold: bool,
    ) -> Result<(), Fault> {
        if !self.spaced {
            self.put(machine, " ")?;
        }
        self.spaced = false;
        self.fresh = false;
        self.words(machine, text, indent, fold)
    }

    /// A text in single quotes. A line end in it is written as an empty line.
    pub(super) fn single(
        &mut self,
        machine: &mut Machine<'_, '_>,
        text: &str,
        indent: usize,
        fold: bool,
    ) -> Result<(), Fault> {
        self.mark(machine, "'")?;
        let doubled = text.replace('\'', "''");
        let mut rest = doubled.as_str();
        let mut at_start = true;
        while !rest.is_empty() {
            let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
            rest = &rest[line.len()..];
            // A space at either end of the text stays where it is.
            let leading = if at_start { line.len() - line.trim_start_matches(' ').len() } else { 0 };
            let body = &line[leading..];
            let trailing = if rest.is_empty() { body.len() - body.trim_end_matches(' ').len() } else { 0 };
            self.put(machine, &line[..leading])?;
            self.words(machine, &body[..body.len() - trailing], indent, fold)?;
            self.put(machine, &body[body.len() - trailing..])?;
            let ends = rest.len() - rest.trim_start_matches('\n').len();
            if ends > 0 {
                for _ in 0..=ends {
                    self.line_end(machine)?;
                }
                self.indent(machine, indent)?;
            }
            rest = &rest[ends..];
            at_start = false;
        }
        self.attached(machine, "'")
    }

    /// Words; a single space between two of them becomes a line end where the line is too long.
    fn words(&mut self, machine: &mut Machine<'_, '_>, text: &str, indent: usize, fold: bool) -> Result<(), Fault> {
        let mut rest = text;
        while !rest.is_empty() {
            let word = &rest[..rest.find(' ').unwrap_or(rest.len())];
            self.put(machine, word)?;
            rest = &rest[word.len()..];
            let spaces = rest.len() - rest.trim_start_matches(' ').len();
            if fold && spaces == 1 && self.column > WIDTH {
                self.fresh = false;
                self.indent(machine, indent)?;
                self.spaced = false;
                self.fresh = false;
            } else {
                self.put(machine, &rest[..spaces])?;
            }
            rest = &rest[spaces..];
        }
        Ok(())
    }

    /// A text in double quotes: whatever is not printable ASCII is escaped, also line ends.
    pub(super) fn double(
        &mut self,
        machine: &mut Machine<'_, '_>,
        text: &str,
        indent: usize,
        fold: bool,
    ) -> Result<(), Fault> {
        self.mark(machine, "\"")?;
        let last = text.chars().count().saturating_sub(1);
        let mut waiting = String::new();
        let mut characters = text.chars().enumerate().peekable();
        while let Some((index, character)) = characters.next() {
            let escape = escape(character);
            if let Some(escape) = &escape {
                self.put(machine, &waiting)?;
                waiting.clear();
                self.put(machine, escape)?;
            }
            // An escaped character counts as one column less here: it was already written, and PyYAML looks back.
            let width = if escape.is_some() { (self.column).saturating_sub(1) } else { self.column + waiting.len() };
            let may_break = escape.is_some() || character == ' ' || waiting.is_empty();
            if fold && index > 0 && index < last && may_break && width > WIDTH {
                self.put(machine, &waiting)?;
                waiting.clear();
                self.put(machine, "\\")?;
                self.indent(machine, indent)?;
                self.spaced = false;
                self.fresh = false;
                let next_is_space = if escape.is_some() {
                    characters.peek().is_some_and(|(_, next)| *next == ' ')
                } else {
                    character == ' '
                };
                if next_is_space {
                    self.put(machine, "\\")?;
                }
            }
            if escape.is_none() {
                waiting.push(character);
            }
        }
        self.put(machine, &waiting)?;
        self.attached(machine, "\"")
    }
}

fn escape(character: char) -> Option<String> {
    let short = match character {
        '"' | '\\' => character,
        ' '..='~' => return None,
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        '\0'..='\u{ff}' => return Some(format!("\\x{:02X}", u32::from(character))),
        '\u{100}'..='\u{ffff}' => return Some(format!("\\u{:04X}", u32::from(character))),
        other => return Some(format!("\\U{:08X}", u32::from(other))),
    };
    Some(format!("\\{short}"))
}
