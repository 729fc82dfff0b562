//! `wordwrap`: lines of at most so many characters, cut where Python's `textwrap` cuts them.

use std::collections::VecDeque;
use std::ops::Range;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::growing::GrowingText;
use super::super::machine::Machine;
use super::super::value::Value;
use super::character::{is_letter, is_space, is_word, lines};
use super::{Outcome, count, flag, given, only_text, unfit, whole};

pub(super) fn wordwrap<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [width, break_long_words, wrap, break_on_hyphens] =
        arguments.bind("wordwrap", ["width", "break_long_words", "wrapstring", "break_on_hyphens"], 0)?;
    let text = only_text("wordwrap", value)?;
    let width = width.map_or(Ok(79), |width| whole("wordwrap", "width", &width))?;
    let wrap = match given(wrap) {
        None => "\n".into(),
        Some(Value::Text(wrap)) if !wrap.markup => wrap.shared(),
        Some(other) => return Err(unfit("wordwrap", "wrapstring", &other, "a text that is not marked as safe")),
    };
    if width < 1 && !text.is_empty() {
        return Err(Fault::problem(format!("filter `wordwrap`: its width is {width}, but must be at least 1")));
    }
    let rules = Rules {
        width: count(width),
        break_long_words: flag(machine, break_long_words.as_ref(), true),
        // Python cuts words into parts only for a true `True`, but looks for hyphens in long ones for all that is true.
        parts: break_on_hyphens.as_ref().is_none_or(|given| matches!(given, Value::Bool(true))),
        hyphens: flag(machine, break_on_hyphens.as_ref(), true),
    };
    // Looking at each character a few times, once for being a word's.
    machine.burn(text.len() / 4)?;
    let mut wrapped = GrowingText::default();
    for (number, line) in lines(&text).into_iter().enumerate() {
        if number > 0 {
            wrapped.push(machine, &wrap)?;
        }
        rules.wrap(machine, line, &wrap, &mut wrapped)?;
    }
    Ok(Value::text(wrapped.finish()))
}

struct Rules {
    width: usize,
    break_long_words: bool,
    parts: bool,
    hyphens: bool,
}

/// What `textwrap` takes for white space between chunks.
fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

fn is_punctuated(character: char) -> bool {
    is_word(character) || matches!(character, '!' | '"' | '\'' | '&' | '.' | ',' | '?')
}

impl Rules {
    fn wrap(
        &self,
        machine: &mut Machine<'_, '_>,
        line: &str,
        wrap: &str,
        wrapped: &mut GrowingText,
    ) -> Result<(), Fault> {
        machine.afford(line.len())?;
        let characters: Vec<char> = line.chars().collect();
        let chunks = self.chunks(&characters);
        machine.burn(chunks.len())?;
        for (number, line) in self.fill(&characters, chunks).into_iter().enumerate() {
            if number > 0 {
                wrapped.push(machine, wrap)?;
            }
            machine.burn(line.len())?;
            for chunk in line {
                wrapped.push(machine, &characters[chunk].iter().collect::<String>())?;
            }
        }
        Ok(())
    }

    /// The indivisible parts of a line: white space, words, and parts of words with hyphens.
    fn chunks(&self, characters: &[char]) -> VecDeque<Range<usize>> {
        let mut chunks = VecDeque::new();
        let mut start = 0;
        while start < characters.len() {
            let blank = is_blank(characters[start]);
            let end = if blank || !self.parts {
                start + characters[start..].iter().take_while(|other| is_blank(**other) == blank).count()
            } else {
                word_end(characters, start)
            };
            chunks.push_back(start..end);
            start = end;
        }
        chunks
    }

    /// Puts the chunks on lines, each of which is a list of chunks.
    fn fill(&self, characters: &[char], mut chunks: VecDeque<Range<usize>>) -> Vec<Vec<Range<usize>>> {
        let blank = |chunk: &Range<usize>| characters[chunk.clone()].iter().all(|character| is_space(*character));
        let mut lines: Vec<Vec<Range<usize>>> = Vec::new();
        while let Some(first) = chunks.front() {
            if !lines.is_empty() && blank(first) {
                chunks.pop_front();
            }
            let mut line = Vec::new();
            let mut length = 0;
            while let Some(chunk) = chunks.pop_front_if(|chunk| length + chunk.len() <= self.width) {
                length += chunk.len();
                line.push(chunk);
            }
            if let Some(chunk) = chunks.front_mut().filter(|chunk| chunk.len() > self.width) {
                if self.break_long_words {
                    let end = chunk.start + self.part_of_long(&characters[chunk.clone()], self.width - length);
                    // May be empty, which keeps the white space before it on the line.
                    line.push(chunk.start..end);
                    chunk.start = end;
                } else if line.is_empty() {
                    line.extend(chunks.pop_front());
                }
            }
            if line.last().is_some_and(blank) {
                line.pop();
            }
            if !line.is_empty() {
                lines.push(line);
            }
        }
        lines
    }

    /// How much of a word that fits on no line goes on one with `left` characters.
    fn part_of_long(&self, word: &[char], left: usize) -> usize {
        let hyphen =
            word[..left.min(word.len())].iter().rposition(|character| *character == '-').filter(|_| self.hyphens);
        match hyphen {
            Some(hyphen) if word[..hyphen].iter().any(|character| *character != '-') => hyphen + 1,
            _ => left,
        }
    }
}

/// Where the word or part of a word that begins at `start` ends.
fn word_end(characters: &[char], start: usize) -> usize {
    let at = |index: usize| characters.get(index).copied();
    let letter = |index: Option<usize>| index.and_then(at).is_some_and(is_letter);
    let dashes = |index: usize| characters[index..].iter().take_while(|character| **character == '-').count();
    // A dash of several hyphens between words.
    let dash = |index: usize| {
        let after_word = index > 0 && is_punctuated(characters[index - 1]);
        let length = if after_word && at(index) == Some('-') { dashes(index) } else { 0 };
        (length >= 2 && at(index + length).is_some_and(is_word)).then_some(length)
    };
    if let Some(length) = dash(start) {
        return start + length;
    }
    let mut end = start + 1;
    loop {
        let Some(next) = at(end) else { return end };
        if next == '-' {
            let two = letter(end.checked_sub(2)) && letter(end.checked_sub(1));
            let one = letter(end.checked_sub(3))
                && end.checked_sub(2).and_then(at) == Some('-')
                && letter(end.checked_sub(1));
            let second = if at(end + 2) == Some('-') { end + 3 } else { end + 2 };
            if (two || one) && letter(Some(end + 1)) && letter(Some(second)) {
                return end + 1;
            }
        }
        if is_blank(next) || dash(end).is_some() {
            return end;
        }
        end += 1;
    }
}
