//! The grammar of paths: a root name, then `.name`, `['key']`, `["key"]` or `[number]`, without spaces between.

use super::{MAX_BYTES, MAX_SEGMENTS, PathProblem, Segment, is_plain_character};

const AFTER_A_SEGMENT: &str = "put a dot or a bracket between segments, and quote other keys: ['a key']";
const IN_A_NAME: &str = "quote a key that is not only letters, digits, _ and -: ['a key']";
const AFTER_A_QUOTE: &str = "close the bracket with ]";
const ROOT: &str = "start with a plain name such as state";

/// Takes a path apart into its root and its segments.
pub(super) fn parse(text: &str) -> Result<(String, Vec<Segment>), PathProblem> {
    if text.is_empty() {
        return Err(PathProblem::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(PathProblem::TooLong { actual: text.len() });
    }
    let mut scanner = Scanner { rest: text, position: 1, segment: 0 };
    let root = scanner.name();
    if root.is_empty() {
        return Err(scanner.unexpected(ROOT));
    }
    let mut segments = Vec::new();
    while let Some(next) = scanner.peek() {
        scanner.segment += 1;
        if segments.len() == MAX_SEGMENTS {
            return Err(PathProblem::TooManySegments { position: scanner.position });
        }
        segments.push(match next {
            '.' => scanner.dotted()?,
            '[' => scanner.bracketed()?,
            _ => {
                // The character belongs to the name before it, as far as its writer is concerned.
                scanner.segment -= 1;
                return Err(scanner.unexpected(AFTER_A_SEGMENT));
            }
        });
    }
    Ok((root, segments))
}

struct Scanner<'a> {
    rest: &'a str,
    position: usize,
    segment: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next()?;
        self.rest = characters.as_str();
        self.position += 1;
        Some(next)
    }

    /// Takes characters while they may stand in a plain name.
    fn name(&mut self) -> String {
        let end = self.rest.find(|character| !is_plain_character(character)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.position += name.chars().count();
        self.rest = rest;
        name.to_owned()
    }

    fn dotted(&mut self) -> Result<Segment, PathProblem> {
        self.next();
        let position = self.position;
        let name = self.name();
        match (name.is_empty(), self.peek()) {
            (false, _) => Ok(Segment::Key(name)),
            (true, None | Some('.' | '[')) => Err(PathProblem::EmptyName { segment: self.segment, position }),
            (true, Some(_)) => Err(self.unexpected(IN_A_NAME)),
        }
    }

    fn bracketed(&mut self) -> Result<Segment, PathProblem> {
        let opened = self.position;
        self.next();
        match self.peek() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote, opened),
            _ => self.index(opened),
        }
    }

    fn quoted(&mut self, quote: char, opened: usize) -> Result<Segment, PathProblem> {
        let segment = self.segment;
        let not_closed =
            PathProblem::NotClosed { segment, position: opened, expected: "end the key with its quote and ]" };
        self.next();
        let mut key = String::new();
        loop {
            let position = self.position;
            match self.next() {
                None => return Err(not_closed),
                Some('\\') => match self.next() {
                    Some(escaped @ ('\'' | '"' | '\\')) => key.push(escaped),
                    _ => return Err(PathProblem::Escape { segment, position }),
                },
                Some(character) if character == quote => break,
                Some(character) => key.push(character),
            }
        }
        match self.peek() {
            Some(']') => {
                self.next();
                Ok(Segment::Key(key))
            }
            Some(_) => Err(self.unexpected(AFTER_A_QUOTE)),
            None => Err(not_closed),
        }
    }

    fn index(&mut self, opened: usize) -> Result<Segment, PathProblem> {
        let (segment, position) = (self.segment, self.position);
        let Some(end) = self.rest.find(']') else {
            return Err(PathProblem::NotClosed { segment, position: opened, expected: "end the number with ]" });
        };
        let found = self.rest.get(..end).unwrap_or_default();
        let plain = found.bytes().all(|byte| byte.is_ascii_digit()) && (found == "0" || !found.starts_with('0'));
        match found.parse() {
            Ok(index) if plain => {
                self.position += end + 1;
                self.rest = self.rest.get(end + 1..).unwrap_or_default();
                Ok(Segment::Index(index))
            }
            _ => Err(PathProblem::Index { segment, position, found: found.to_owned() }),
        }
    }

    fn unexpected(&self, expected: &'static str) -> PathProblem {
        let (segment, position) = (self.segment, self.position);
        self.peek().map_or(PathProblem::EmptyName { segment, position }, |found| PathProblem::Unexpected {
            segment,
            position,
            found,
            expected,
        })
    }
}
