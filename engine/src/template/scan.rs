//! A look at the tags of a Handlebars source before the library parses it.
//!
//! The library's parser recurses per nested block and aborts the process on some 1,500 of them, so nothing reaches it
//! unless this scan has found every tag and every bound kept. The scan is linear, has no recursion, and is strict: what
//! the library's grammar could read in another way (a quote in a `[key]`, a quoted partial name) is refused here. The
//! list of tags also gives the exact place of each node, and `parse` checks that the library saw the same ones.

use super::bounds::{Bound, Bounds};
use super::error::{Place, TemplateError};
use super::tree::At;

/// One `{{...}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) at: At,
    pub(super) kind: Kind,
    /// The name of the partial that is called or the block that is opened, else blank.
    pub(super) name: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Print,
    Comment,
    Partial,
    Open,
    OpenPartial,
    OpenRaw,
    /// `chained`: it is an `else if ...`.
    Else {
        chained: bool,
    },
    Close,
    CloseRaw,
}

/// The library looks along a run of backslashes from each of them.
const TOO_MANY_BACKSLASHES: &str = r"\\\\\\\\\\\\\\\\";

struct Open<'a> {
    name: &'a str,
    at: At,
    branches: usize,
    has_else: bool,
}

struct Scanner<'a> {
    template: &'a str,
    source: &'a str,
    bounds: &'a Bounds,
    position: usize,
    counted: usize,
    at: At,
    tags: Vec<Tag<'a>>,
    open: Vec<Open<'a>>,
}

/// All tags of `source` in order, or the first thing that is wrong with them.
pub(super) fn scan<'a>(template: &'a str, source: &'a str, bounds: &'a Bounds) -> Result<Vec<Tag<'a>>, TemplateError> {
    let at = At { line: 1, column: 1 };
    let mut scanner =
        Scanner { template, source, bounds, position: 0, counted: 0, at, tags: Vec::new(), open: Vec::new() };
    if source.len() > bounds.source_bytes {
        return Err(scanner.too_much(Bound::SourceSize, Some(source.len()), at));
    }
    if let Some(run) = source.find(TOO_MANY_BACKSLASHES) {
        let at = scanner.locate(run);
        return Err(scanner.not_allowed(at, "16 backslashes in a row are too many; write fewer"));
    }
    while let Some(start) = scanner.next_tag() {
        scanner.tag(start)?;
    }
    match scanner.open.pop() {
        None => Ok(scanner.tags),
        Some(open) => {
            let problem = format!("`{{{{#{0}}}}}` is never closed; write `{{{{/{0}}}}}` where it ends", open.name);
            Err(scanner.syntax(open.at, problem))
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '$' | ':') || !character.is_ascii()
}

fn is_partial_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '@' | '/' | '.') || !character.is_ascii()
}

fn leading(text: &str, belongs: fn(char) -> bool) -> &str {
    &text[..text.find(|character| !belongs(character)).unwrap_or(text.len())]
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.position..]
    }

    fn byte(&self) -> Option<u8> {
        self.source.as_bytes().get(self.position).copied()
    }

    fn skip_space(&mut self) {
        while self.byte().is_some_and(is_space) {
            self.position += 1;
        }
    }

    fn skip_space_and_tilde(&mut self) {
        self.skip_space();
        if self.byte() == Some(b'~') {
            self.position += 1;
            self.skip_space();
        }
    }

    /// Line and column of `offset`, which never lies before the one asked for last.
    fn locate(&mut self, offset: usize) -> At {
        self.at = self.at.after(&self.source[self.counted..offset]);
        self.counted = offset;
        self.at
    }

    fn place(&self, at: At) -> Place {
        Place { template: self.template.into(), line: at.line, column: at.column }
    }

    fn syntax(&self, at: At, problem: impl Into<String>) -> TemplateError {
        TemplateError::Syntax { place: self.place(at), problem: problem.into() }
    }

    fn not_allowed(&self, at: At, problem: &str) -> TemplateError {
        TemplateError::NotAllowed { place: self.place(at), problem: problem.to_owned() }
    }

    fn too_much(&self, bound: Bound, actual: Option<usize>, at: At) -> TemplateError {
        TemplateError::TooMuch {
            place: self.place(at),
            bound,
            actual: actual.map(|actual| actual as u64),
            allowed: bound.allowed(self.bounds),
            rendering: false,
        }
    }

    /// Where the next `marker` of a text stands that starts at the position. One backslash before `{{` makes it text;
    /// two or more are themselves text and the tag is one.
    fn unescaped(&mut self, marker: &str) -> Option<usize> {
        let bytes = self.source.as_bytes();
        loop {
            let start = self.position + self.rest().find("{{")?;
            let run = bytes[self.position..start].iter().rev().take_while(|byte| **byte == b'\\').count();
            if run == 1 {
                self.position = start + 2;
                if self.rest().starts_with("{{") {
                    self.position += 2;
                }
            } else if self.source[start..].starts_with(marker) {
                return Some(start);
            } else {
                self.position = start + 1;
            }
        }
    }

    fn next_tag(&mut self) -> Option<usize> {
        self.unescaped("{{")
    }

    fn push(&mut self, start: usize, at: At, kind: Kind, name: &'a str) -> Result<(), TemplateError> {
        if self.tags.len() == self.bounds.tags {
            return Err(self.too_much(Bound::Tags, None, at));
        }
        self.tags.push(Tag { start, end: self.position, at, kind, name });
        Ok(())
    }

    fn tag(&mut self, start: usize) -> Result<(), TemplateError> {
        let at = self.locate(start);
        self.position = start + 2;
        if self.rest().starts_with("{{") {
            return self.raw_block(start, at);
        }
        if self.byte() == Some(b'!') {
            self.comment(at)?;
            return self.push(start, at, Kind::Comment, "");
        }
        self.skip_space_and_tilde();
        let mut name = "";
        let kind = match self.byte() {
            Some(b'#') => {
                let (block, kind) = self.block_start(at)?;
                name = block;
                kind
            }
            Some(b'/') => {
                self.position += 1;
                self.skip_space();
                self.block_end(at)?;
                Kind::Close
            }
            Some(b'>') => {
                self.position += 1;
                name = self.partial_name(at)?;
                Kind::Partial
            }
            Some(b'*') => {
                return Err(
                    self.not_allowed(at, "decorators (`{{*...}}`) are refused; use a partial of the configuration")
                );
            }
            Some(b'!') => return Err(self.syntax(at, "a comment starts with `{{!` and nothing in between")),
            Some(b'^') => {
                self.position += 1;
                self.branch(at)?
            }
            Some(b'{') => {
                self.position += 1;
                self.inside(at, End::Triple)?;
                return self.push(start, at, Kind::Print, "");
            }
            Some(b'&') => {
                self.position += 1;
                Kind::Print
            }
            _ if self.rest().starts_with("else") => {
                self.position += 4;
                let name = leading(self.rest(), is_name);
                if !name.is_empty() {
                    let right = if name == "if" { "else if".to_owned() } else { format!("this.else{name}") };
                    let problem = format!("a name that begins with `else` is read as `{{{{else}}}}`; write `{right}`");
                    return Err(self.syntax(at, problem));
                }
                self.branch(at)?
            }
            _ => Kind::Print,
        };
        self.inside(at, End::Double)?;
        self.push(start, at, kind, name)
    }

    fn comment(&mut self, at: At) -> Result<(), TemplateError> {
        self.position += 1;
        let compact = self.position;
        self.skip_space();
        if self.rest().starts_with("--") {
            self.position += 2;
            let Some(length) = self.rest().find("--}}") else {
                // The library would look for it to the end of the source, and then again for the next comment.
                return Err(self.syntax(at, "a comment that starts with `{{!--` is closed with `--}}`"));
            };
            self.position += length + 4;
            return Ok(());
        }
        self.position = compact;
        match self.rest().find("}}") {
            Some(length) => {
                self.position += length + 2;
                Ok(())
            }
            None => Err(self.syntax(at, "the comment is never closed; write `}}` where it ends")),
        }
    }

    fn block_start(&mut self, at: At) -> Result<(&'a str, Kind), TemplateError> {
        self.position += 1;
        self.skip_space();
        let (name, kind) = match self.byte() {
            Some(b'*') => {
                let problem =
                    "inline partials and decorators (`{{#*...}}`) are refused; use a partial of the configuration";
                return Err(self.not_allowed(at, problem));
            }
            Some(b'>') => {
                self.position += 1;
                (self.partial_name(at)?, Kind::OpenPartial)
            }
            _ => (leading(self.rest(), is_name), Kind::Open),
        };
        if name.is_empty() {
            return Err(self.syntax(at, "a block starts with the name of a block helper, such as `{{#if ...}}`"));
        }
        self.open.push(Open { name, at, branches: 0, has_else: false });
        if self.open.len() > self.bounds.block_nesting {
            return Err(self.too_much(Bound::BlockNesting, None, at));
        }
        Ok((name, kind))
    }

    fn partial_name(&mut self, at: At) -> Result<&'a str, TemplateError> {
        self.skip_space();
        match self.byte() {
            Some(b'(') => {
                Err(self.not_allowed(at, "a partial's name is written out, not computed; use `{{#if}}` to choose"))
            }
            Some(b'"' | b'\'' | b'[') => {
                Err(self
                    .not_allowed(at, "a partial's name is written without quotes or brackets, such as `{{> name}}`"))
            }
            _ => {
                let name = leading(self.rest(), is_partial_name);
                if name.is_empty() {
                    return Err(self.syntax(at, "a partial's name is missing, such as `{{> name}}`"));
                }
                self.position += name.len();
                Ok(name)
            }
        }
    }

    fn branch(&mut self, at: At) -> Result<Kind, TemplateError> {
        self.skip_space();
        let chained = !(self.rest().starts_with("}}") || self.rest().starts_with('~'));
        let Some(open) = self.open.last_mut() else {
            return Err(self.syntax(at, "`{{else}}` stands outside of a block"));
        };
        if open.has_else {
            let problem = format!("`{{{{else}}}}` comes last in a block, but `{{{{#{}}}}}` has one already", open.name);
            return Err(self.syntax(at, problem));
        }
        open.branches += usize::from(chained);
        open.has_else = !chained;
        let branches: usize = self.open.iter().map(|open| open.branches).sum();
        if branches > self.bounds.else_branches {
            return Err(self.too_much(Bound::ElseBranches, None, at));
        }
        Ok(Kind::Else { chained })
    }

    fn block_end(&mut self, at: At) -> Result<(), TemplateError> {
        let name = leading(self.rest(), is_partial_name);
        let name = if name.is_empty() { leading(self.rest(), is_name) } else { name };
        match self.open.pop() {
            None => Err(self.syntax(at, format!("`{{{{/{name}}}}}` closes a block that was never opened"))),
            Some(open) if open.name != name => {
                let problem = format!(
                    "`{{{{/{name}}}}}` closes `{{{{#{0}}}}}` of line {1}, column {2}; write `{{{{/{0}}}}}`",
                    open.name, open.at.line, open.at.column
                );
                Err(self.syntax(at, problem))
            }
            Some(_) => Ok(()),
        }
    }

    /// `{{{{raw}}}} text {{{{/raw}}}}`.
    fn raw_block(&mut self, start: usize, at: At) -> Result<(), TemplateError> {
        self.position += 2;
        let wrong = "a raw block is written `{{{{raw}}}} text {{{{/raw}}}}`";
        if !self.raw_name("raw") {
            return Err(self.syntax(at, wrong));
        }
        self.push(start, at, Kind::OpenRaw, "")?;
        let Some(end) = self.unescaped("{{{{") else {
            return Err(self.syntax(at, wrong));
        };
        let end_at = self.locate(end);
        self.position = end + 4;
        self.skip_space_and_tilde();
        if self.byte() != Some(b'/') {
            return Err(self.syntax(end_at, wrong));
        }
        self.position += 1;
        if !self.raw_name("raw") {
            return Err(self.syntax(end_at, wrong));
        }
        self.push(end, end_at, Kind::CloseRaw, "")
    }

    fn raw_name(&mut self, name: &str) -> bool {
        self.skip_space_and_tilde();
        if leading(self.rest(), is_name) != name {
            return false;
        }
        self.position += name.len();
        self.skip_space_and_tilde();
        let closed = self.rest().starts_with("}}}}");
        self.position += if closed { 4 } else { 0 };
        closed
    }

    /// What stands in a tag after its sigil, up to and including its end.
    fn inside(&mut self, at: At, end: End) -> Result<(), TemplateError> {
        let mut depth = 0_usize;
        while let Some(byte) = self.byte() {
            match byte {
                b'"' | b'\'' => self.text(at, byte)?,
                b'[' => self.key(at)?,
                b'(' => {
                    depth += 1;
                    if depth > self.bounds.subexpression_nesting {
                        return Err(self.too_much(Bound::SubexpressionNesting, None, at));
                    }
                    self.position += 1;
                }
                b')' if depth == 0 => {
                    return Err(self.syntax(at, "`)` closes a helper call that was never opened with `(`"));
                }
                b')' => {
                    depth -= 1;
                    self.position += 1;
                }
                b'{' => {
                    let problem =
                        "`{` stands in a tag; write an object as `(object name=value)` and close the tag before it";
                    return Err(self.syntax(at, problem));
                }
                b'}' if depth > 0 => return Err(self.syntax(at, "a helper call is not closed with `)`")),
                b'}' => return self.tag_end(at, end),
                _ => self.position += 1,
            }
        }
        Err(self.syntax(at, "the tag is never closed; write `}}` where it ends"))
    }

    fn tag_end(&mut self, at: At, end: End) -> Result<(), TemplateError> {
        match end {
            End::Double if self.rest().starts_with("}}") => self.position += 2,
            End::Triple if self.rest().starts_with("}}}") => self.position += 3,
            End::Triple => {
                self.position += 1;
                self.skip_space_and_tilde();
                if !self.rest().starts_with("}}") {
                    return Err(self.syntax(at, "`{{{` is closed with `}}}`"));
                }
                self.position += 2;
            }
            End::Double => return Err(self.syntax(at, "the tag is closed with `}}`, but there is a single `}`")),
        }
        Ok(())
    }

    fn text(&mut self, at: At, quote: u8) -> Result<(), TemplateError> {
        self.position += 1;
        while let Some(byte) = self.byte() {
            self.position += 1;
            if byte == quote {
                return Ok(());
            }
            if byte == b'\\' {
                // The byte after it may begin a longer character: none of its bytes is a quote or a backslash.
                self.position += 1;
            }
        }
        self.position = self.source.len();
        Err(self.syntax(at, format!("the text in {0} is never closed; write {0} where it ends", char::from(quote))))
    }

    fn key(&mut self, at: At) -> Result<(), TemplateError> {
        self.position += 1;
        let length = self.rest().find(']').unwrap_or(0);
        if length == 0 || self.rest()[..length].contains(['"', '\'', '{', '}', '[', '(', ')']) {
            let problem = "`[...]` holds the plain text of one key, such as `state.[a.b]`; use `(lookup state \"key\")` for other keys and `(array 1 2)` for a list";
            return Err(self.syntax(at, problem));
        }
        self.position += length + 1;
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
enum End {
    Double,
    Triple,
}
