//! Cuts a Jinja source into text, tags and tokens as jinja2 does, before the library parses it.
//!
//! The library's parser recurses without a guard in places, so nothing reaches it unless this scan has found every bound
//! kept: size, number of tags, brackets within each other, operators that build on each other. The scan is linear and
//! has no recursion. White space control is done here, with Python's idea of white space.

use super::super::bounds::{Bound, Bounds};
use super::super::error::{Place, TemplateError};
use super::super::tree::At;
use super::rewrite::ends_operand;
use super::token::{float, integer, text_length};

/// What a source consists of, in order. Comments are gone, raw blocks are text.
#[derive(Debug)]
pub(super) enum Piece<'s> {
    Text(&'s str),
    Tag(Tag<'s>),
}

/// One `{{...}}` or `{%...%}`.
#[derive(Debug)]
pub(super) struct Tag<'s> {
    pub(super) at: At,
    /// Where its `}}` or `%}` is.
    pub(super) end: At,
    pub(super) statement: bool,
    pub(super) tokens: Vec<Token<'s>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind,
    pub(super) text: &'s str,
    pub(super) at: At,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    /// With its quotes.
    Text,
    Integer,
    Float,
    Operator,
}

/// A scanned source.
#[derive(Debug, Default)]
pub(super) struct Scanned<'s> {
    pub(super) pieces: Vec<Piece<'s>>,
    /// Whether it ends with a tag that eats the white space behind it.
    pub(super) eats: bool,
}

/// Makes errors of one template.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errors<'s> {
    pub(super) template: &'s str,
    pub(super) bounds: &'s Bounds,
}

impl Errors<'_> {
    pub(super) fn place(&self, at: At) -> Place {
        Place { template: self.template.into(), line: at.line, column: at.column }
    }

    pub(super) fn syntax(&self, at: At, problem: impl Into<String>) -> TemplateError {
        TemplateError::Syntax { place: self.place(at), problem: problem.into() }
    }

    pub(super) fn not_allowed(&self, at: At, problem: impl Into<String>) -> TemplateError {
        TemplateError::NotAllowed { place: self.place(at), problem: problem.into() }
    }

    pub(super) fn too_much(&self, bound: Bound, actual: Option<usize>, at: At) -> TemplateError {
        TemplateError::TooMuch {
            place: self.place(at),
            bound,
            actual: actual.map(|actual| actual as u64),
            allowed: bound.allowed(self.bounds),
            rendering: false,
        }
    }
}

/// Python's `str.isspace` of one character, and `\s` of its regular expressions.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\x1c'..='\x1f')
}

/// The source as jinja2 reads it: every line break is a line feed, and one at the very end is dropped.
pub(super) fn normalize(source: &str) -> String {
    let mut text = source.replace("\r\n", "\n").replace('\r', "\n");
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

/// Scans a normalized source. `eaten`: what stands in front of it ends with a tag that eats white space.
pub(super) fn scan<'s>(source: &'s str, errors: Errors<'s>, eaten: bool) -> Result<Scanned<'s>, TemplateError> {
    let at = At { line: 1, column: 1 };
    let mut scanner = Scanner { source, errors, position: 0, counted: 0, at, tags: 0, scanned: Scanned::default() };
    if eaten {
        scanner.skip_space();
    }
    scanner.scanned.eats = eaten && scanner.position == source.len();
    while scanner.piece()? {}
    Ok(scanner.scanned)
}

struct Scanner<'s> {
    source: &'s str,
    errors: Errors<'s>,
    position: usize,
    counted: usize,
    at: At,
    tags: usize,
    scanned: Scanned<'s>,
}

impl<'s> Scanner<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.position..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start_matches(is_space).len();
    }

    /// Line and column of `offset`, which never lies before the one asked for last.
    fn locate(&mut self, offset: usize) -> At {
        self.at = self.at.after(&self.source[self.counted..offset]);
        self.counted = offset;
        self.at
    }

    fn text(&mut self, text: &'s str) {
        if !text.is_empty() {
            self.scanned.pieces.push(Piece::Text(text));
            self.scanned.eats = false;
        }
    }

    /// The next text and the tag behind it; false at the end.
    fn piece(&mut self) -> Result<bool, TemplateError> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let start = bytes.windows(2).position(|pair| pair[0] == b'{' && matches!(pair[1], b'{' | b'%' | b'#'));
        let Some(start) = start else {
            self.text(rest);
            return Ok(false);
        };
        let text = &rest[..start];
        let control = bytes.get(start + 2).copied();
        self.text(if control == Some(b'-') { text.trim_end_matches(is_space) } else { text });
        let at = self.locate(self.position + start);
        self.tags += 1;
        if self.tags > self.errors.bounds.tags {
            return Err(self.errors.too_much(Bound::Tags, None, at));
        }
        self.position += start + 2 + usize::from(matches!(control, Some(b'-' | b'+')));
        self.scanned.eats = false;
        match bytes[start + 1] {
            b'#' => self.comment(at)?,
            b'%' if self.raw_start().is_some() => self.raw(at)?,
            sign => {
                let tag = self.tag(at, sign == b'%')?;
                self.scanned.pieces.push(Piece::Tag(tag));
            }
        }
        Ok(true)
    }

    /// Goes behind the end of a tag, which is `end`; `-` in front of it eats white space.
    fn close(&mut self, length: usize, eats: bool) {
        self.position += length;
        self.scanned.eats = eats;
        if eats {
            self.skip_space();
        }
    }

    fn comment(&mut self, at: At) -> Result<(), TemplateError> {
        let Some(length) = self.rest().find("#}") else {
            // jinja2 does not mind an end of the source right behind the start.
            if self.rest().is_empty() {
                return Ok(());
            }
            return Err(self.errors.syntax(at, "the comment is never closed; write `#}` where it ends"));
        };
        let eats = self.rest()[..length].ends_with('-');
        self.close(length + 2, eats);
        Ok(())
    }

    /// How long `raw %}` is that may stand here, and whether it eats white space.
    fn raw_start(&self) -> Option<(usize, bool)> {
        basic_tag(self.rest(), "raw", false)
    }

    fn raw(&mut self, at: At) -> Result<(), TemplateError> {
        if let Some((length, eats)) = self.raw_start() {
            self.close(length, eats);
        }
        let rest = self.rest();
        let mut from = 0;
        while let Some(found) = rest[from..].find("{%") {
            let start = from + found;
            from = start + 2;
            let inside = &rest[from..];
            let control = inside.starts_with(['-', '+']);
            if let Some((length, eats)) = basic_tag(&inside[usize::from(control)..], "endraw", true) {
                let text = &rest[..start];
                self.text(if inside.starts_with('-') { text.trim_end_matches(is_space) } else { text });
                self.close(from + usize::from(control) + length, eats);
                return Ok(());
            }
        }
        if rest.is_empty() {
            return Ok(());
        }
        Err(self.errors.syntax(at, "`{% raw %}` is never closed; write `{% endraw %}` where it ends"))
    }

    /// The tokens of a tag, up to and including its end.
    fn tag(&mut self, at: At, statement: bool) -> Result<Tag<'s>, TemplateError> {
        let end = if statement { "%}" } else { "}}" };
        let mut tokens: Vec<Token<'s>> = Vec::new();
        let mut brackets: Vec<u8> = Vec::new();
        // How many operators build on each other, at each level of brackets.
        let mut chains = vec![0_usize];
        loop {
            self.skip_space();
            let rest = self.rest();
            if brackets.is_empty() {
                let control = usize::from(rest.starts_with('-') || (statement && rest.starts_with('+')));
                if rest.as_bytes().get(control..).is_some_and(|rest| rest.starts_with(end.as_bytes())) {
                    let here = self.locate(self.position);
                    self.close(control + 2, rest.starts_with('-'));
                    return Ok(Tag { at, end: here, statement, tokens });
                }
            }
            if rest.is_empty() {
                let open = if statement { "{%" } else { "{{" };
                return Err(self.errors.syntax(at, format!("`{open}` is never closed; write `{end}` where it ends")));
            }
            let here = self.locate(self.position);
            let (kind, length) = self.token(here, self.position > 0 && self.source[..self.position].ends_with('.'))?;
            let token = Token { kind, text: &rest[..length], at: here };
            self.position += length;
            if kind == Kind::Operator {
                self.balance(&mut brackets, &token)?;
            }
            count(&mut chains, &token, ends_operand(tokens.last()));
            if brackets.len() > self.errors.bounds.bracket_nesting {
                return Err(self.errors.too_much(Bound::BracketNesting, None, here));
            }
            if chains.iter().sum::<usize>() > self.errors.bounds.operators {
                return Err(self.errors.too_much(Bound::Operators, None, at));
            }
            tokens.push(token);
        }
    }

    fn balance(&self, brackets: &mut Vec<u8>, token: &Token<'s>) -> Result<(), TemplateError> {
        match token.text {
            "(" => brackets.push(b')'),
            "[" => brackets.push(b']'),
            "{" => brackets.push(b'}'),
            ")" | "]" | "}" => match brackets.pop() {
                None => {
                    let problem = format!("`{}` closes a bracket that was never opened", token.text);
                    return Err(self.errors.syntax(token.at, problem));
                }
                Some(expected) if token.text.as_bytes() != [expected] => {
                    let problem = format!("found `{}` where `{}` is expected", token.text, char::from(expected));
                    return Err(self.errors.syntax(token.at, problem));
                }
                Some(_) => {}
            },
            _ => {}
        }
        Ok(())
    }

    /// The kind and length of the token at the position.
    fn token(&self, at: At, after_dot: bool) -> Result<(Kind, usize), TemplateError> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        if !after_dot && let Some(length) = float(bytes) {
            return Ok((Kind::Float, length));
        }
        if let Some(length) = integer(bytes) {
            return Ok((Kind::Integer, length));
        }
        let name =
            rest.find(|character: char| !(character.is_alphanumeric() || character == '_')).unwrap_or(rest.len());
        if name > 0 {
            if rest.starts_with(char::is_numeric) {
                return Err(self.errors.syntax(at, format!("a name cannot start with a digit: `{}`", &rest[..name])));
            }
            return Ok((Kind::Name, name));
        }
        if matches!(bytes[0], b'\'' | b'"') {
            return match text_length(bytes) {
                Some(length) => Ok((Kind::Text, length)),
                None => Err(self.errors.syntax(at, format!("the text that starts with `{}` never ends", &rest[..1]))),
            };
        }
        if ["//", "**", "==", "!=", ">=", "<="].iter().any(|operator| rest.starts_with(operator)) {
            return Ok((Kind::Operator, 2));
        }
        if b"+-/*%~[](){}><=.:|,".contains(&bytes[0]) {
            return Ok((Kind::Operator, 1));
        }
        let character = rest.chars().next().unwrap_or_default();
        Err(self.errors.syntax(at, format!("`{character}` has no meaning in a tag")))
    }
}

/// Counts the operators that make an expression deeper. Those in front of their operand, and `else`, need the parser's
/// stack: they weigh more. `behind`: whether the token stands behind an operand.
fn count(chains: &mut Vec<usize>, token: &Token<'_>, behind: bool) {
    const HEAVY: usize = 4;
    match (token.kind, token.text) {
        (Kind::Operator, "(" | "[" | "{") => {
            if let Some(chain) = chains.last_mut() {
                *chain += 1;
            }
            chains.push(0);
        }
        (Kind::Operator, ")" | "]" | "}") => {
            chains.pop();
        }
        (Kind::Operator, "," | ":") => {
            if let Some(chain) = chains.last_mut() {
                *chain = 0;
            }
        }
        (Kind::Operator, "=") => {}
        (Kind::Operator, _) | (Kind::Name, "not" | "and" | "or" | "if" | "else" | "is" | "in") => {
            let heavy = matches!(token.text, "not" | "else") || (!behind && matches!(token.text, "-" | "+"));
            if let Some(chain) = chains.last_mut() {
                *chain += if heavy { HEAVY } else { 1 };
            }
        }
        _ => {}
    }
}

/// `name %}` behind a tag's start: how long it is, and whether it eats white space.
fn basic_tag(text: &str, name: &str, plus: bool) -> Option<(usize, bool)> {
    let rest = text.trim_start_matches(is_space).strip_prefix(name)?.trim_start_matches(is_space);
    let (rest, eats) = match rest.as_bytes().first() {
        Some(b'-') => (&rest[1..], true),
        Some(b'+') if plus => (&rest[1..], false),
        _ => (rest, false),
    };
    let rest = rest.strip_prefix("%}")?;
    Some((text.len() - rest.len(), eats))
}
