//! Writes a scanned template anew for the library's parser.
//!
//! What reaches the parser has one token per line, so that its line numbers lead back to the exact place of each token.
//! Names, texts and literals are numbers into tables, since its lexer knows fewer of them than Python does. What jinja2
//! allows and the parser does not (`{{ a, b }}`, `+x`, `{% if x: %}`, `{% print x %}`) is written in another way. The
//! nesting of blocks is checked here too: the parser recurses for each.

use std::collections::{BTreeMap, BTreeSet};

use super::super::bounds::Bound;
use super::super::error::TemplateError;
use super::super::library::similar;
use super::super::tree::At;
use super::literal::{self, Literal};
use super::scan::{Errors, Kind, Piece, Tag, Token};

/// A template for the parser, and what its names, texts, literals and lines stand for.
#[derive(Debug, Default)]
pub(super) struct Rewritten<'s> {
    pub(super) source: String,
    /// Behind `n`.
    pub(super) names: Vec<&'s str>,
    /// Behind `t`.
    pub(super) texts: Vec<&'s str>,
    /// What integers stand for.
    pub(super) literals: Vec<Literal>,
    /// Blocks that see the scopes around them.
    pub(super) scoped: Vec<&'s str>,
    /// The place and the text of each line.
    pub(super) lines: Vec<(At, &'s str)>,
}

/// A block that is open.
struct Open<'s> {
    name: &'s str,
    at: At,
    branches: usize,
    has_else: bool,
}

struct Rewriter<'s> {
    errors: Errors<'s>,
    out: Rewritten<'s>,
    open: Vec<Open<'s>>,
    /// The number of each name.
    known: BTreeMap<&'s str, usize>,
    /// Names of `{% block %}`s.
    blocks: BTreeSet<&'s str>,
}

const STATEMENTS: &[&str] =
    &["for", "if", "set", "with", "macro", "call", "filter", "block", "raw", "break", "continue", "print"];

/// Names that mean something inside of an expression.
pub(super) const KEYWORDS: &[&str] =
    &["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];

pub(super) fn rewrite<'s>(pieces: &[Piece<'s>], errors: Errors<'s>) -> Result<Rewritten<'s>, TemplateError> {
    let mut rewriter = Rewriter {
        errors,
        out: Rewritten::default(),
        open: Vec::new(),
        known: BTreeMap::new(),
        blocks: BTreeSet::new(),
    };
    rewriter.out.lines.push((At { line: 1, column: 1 }, ""));
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                let name = format!("{{{{t{}}}}}", rewriter.out.texts.len());
                rewriter.out.source.push_str(&name);
                rewriter.out.texts.push(text);
            }
            Piece::Tag(tag) if tag.statement => rewriter.statement(tag)?,
            Piece::Tag(tag) => rewriter.print(tag, &tag.tokens)?,
        }
    }
    match rewriter.open.pop() {
        None => Ok(rewriter.out),
        Some(open) => {
            let problem = format!("`{{% {0} %}}` is never closed; write `{{% end{0} %}}` where it ends", open.name);
            Err(errors.syntax(open.at, problem))
        }
    }
}

fn is(token: Option<&Token<'_>>, text: &str) -> bool {
    token.is_some_and(|token| token.kind != Kind::Text && token.text == text)
}

/// Where the first token `text` stands that is in no brackets.
fn find(tokens: &[Token<'_>], text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        if depth == 0 && is(Some(token), text) {
            return Some(index);
        }
        match (token.kind, token.text) {
            (Kind::Operator, "(" | "[" | "{") => depth += 1,
            (Kind::Operator, ")" | "]" | "}") => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Whether an operand ends with this token, so that what follows is no operand.
pub(super) fn ends_operand(token: Option<&Token<'_>>) -> bool {
    token.is_some_and(|token| match token.kind {
        Kind::Operator => matches!(token.text, ")" | "]" | "}"),
        Kind::Name => !matches!(token.text, "and" | "or" | "not" | "in" | "is" | "if" | "else"),
        Kind::Text | Kind::Integer | Kind::Float => true,
    })
}

impl<'s> Rewriter<'s> {
    fn emit(&mut self, at: At, original: &'s str, text: &str) {
        self.out.source.push('\n');
        self.out.lines.push((at, original));
        self.out.source.push_str(text);
    }

    fn name(&mut self, token: &Token<'s>) {
        let next = self.out.names.len();
        let number = *self.known.entry(token.text).or_insert(next);
        if number == next {
            self.out.names.push(token.text);
        }
        self.emit(token.at, token.text, &format!("n{number}"));
    }

    fn print(&mut self, tag: &Tag<'s>, tokens: &[Token<'s>]) -> Result<(), TemplateError> {
        if tokens.is_empty() {
            return Err(self.errors.syntax(tag.at, "there is nothing to print; write a value between `{{` and `}}`"));
        }
        self.out.source.push_str("{{");
        self.wrapped(tokens)?;
        self.emit(tag.end, "}}", "}}");
        Ok(())
    }

    /// `{% print a, b %}`
    fn print_all(&mut self, tag: &Tag<'s>, tokens: &[Token<'s>]) -> Result<(), TemplateError> {
        let mut rest = tokens;
        while let Some(comma) = find(rest, ",") {
            self.print(tag, &rest[..comma])?;
            rest = &rest[comma + 1..];
        }
        if rest.is_empty() { Ok(()) } else { self.print(tag, rest) }
    }

    /// An expression that may be a tuple without parentheses.
    fn wrapped(&mut self, tokens: &[Token<'s>]) -> Result<(), TemplateError> {
        match find(tokens, ",") {
            Some(comma) => {
                self.emit(tokens[0].at, tokens[0].text, "(");
                self.tokens(tokens)?;
                self.emit(tokens[comma].at, ",", ")");
                Ok(())
            }
            None => self.tokens(tokens),
        }
    }

    fn statement(&mut self, tag: &Tag<'s>) -> Result<(), TemplateError> {
        let Some((first, rest)) = tag.tokens.split_first().filter(|(first, _)| first.kind == Kind::Name) else {
            let problem = format!("`{{%` is followed by a statement: {}", STATEMENTS.join(", "));
            return Err(self.errors.syntax(tag.at, problem));
        };
        // Python's colon at the end is allowed.
        let takes_body = !matches!(first.text, "set" | "print") && !first.text.starts_with("end");
        let rest = match rest.split_last() {
            Some((last, before)) if takes_body && is(Some(last), ":") => before,
            _ => rest,
        };
        self.structure(first, rest)?;
        if first.text == "print" {
            return self.print_all(tag, rest);
        }
        self.out.source.push_str("{%");
        self.emit(first.at, first.text, first.text);
        match first.text {
            "if" | "elif" => self.wrapped(rest)?,
            "for" => self.head_of_for(rest)?,
            "block" => self.head_of_block(rest)?,
            _ => self.tokens(rest)?,
        }
        self.emit(tag.end, "%}", "%}");
        Ok(())
    }

    fn head_of_for(&mut self, tokens: &[Token<'s>]) -> Result<(), TemplateError> {
        let Some(start) = find(tokens, "in") else {
            return self.tokens(tokens);
        };
        let recursive = tokens.len() > start + 1 && is(tokens.last(), "recursive");
        let (tokens, last) = tokens.split_at(tokens.len() - usize::from(recursive));
        let (target, rest) = tokens.split_at(start + 1);
        let (iterated, filter) = rest.split_at(find(rest, "if").unwrap_or(rest.len()));
        if let [.., comma, _] = target
            && is(Some(comma), ",")
        {
            return Err(self.errors.syntax(comma.at, "a name is expected between `,` and `in`"));
        }
        self.tokens(target)?;
        self.wrapped(iterated)?;
        self.tokens(filter)?;
        if let Some(last) = last.first() {
            self.emit(last.at, last.text, last.text);
        }
        Ok(())
    }

    fn head_of_block(&mut self, tokens: &[Token<'s>]) -> Result<(), TemplateError> {
        let names = tokens.len().min(1);
        if let Some(name) = tokens.first()
            && !self.blocks.insert(name.text)
        {
            return Err(self.errors.syntax(name.at, format!("there is a block `{}` already", name.text)));
        }
        self.tokens(&tokens[..names])?;
        for token in &tokens[names..] {
            if token.text == "required" {
                return Err(self
                    .errors
                    .syntax(token.at, "a `required` block is filled by another template; there is none"));
            }
            if token.text == "scoped" {
                self.out.scoped.push(tokens[0].text);
                self.emit(token.at, token.text, token.text);
            } else {
                self.tokens(&[*token])?;
            }
        }
        Ok(())
    }

    /// Keeps account of the open blocks.
    fn structure(&mut self, first: &Token<'s>, rest: &[Token<'s>]) -> Result<(), TemplateError> {
        let (name, at) = (first.text, first.at);
        match name {
            "set" if find(rest, "=").is_some() => Ok(()),
            "for" | "if" | "set" | "with" | "macro" | "call" | "filter" | "block" => {
                self.open.push(Open { name, at, branches: 0, has_else: false });
                if self.open.len() > self.errors.bounds.block_nesting {
                    return Err(self.errors.too_much(Bound::BlockNesting, None, at));
                }
                Ok(())
            }
            "elif" | "else" => self.branch(name, at),
            "endfor" | "endif" | "endset" | "endwith" | "endmacro" | "endcall" | "endfilter" | "endblock" => {
                self.block_end(name, at)
            }
            "break" | "continue" | "print" => Ok(()),
            "include" | "import" | "from" | "extends" => {
                let problem = format!(
                    "`{{% {name} %}}` is refused, since there are no other templates to load; write a macro into a \
                     partial: all templates see it"
                );
                Err(self.errors.not_allowed(at, problem))
            }
            "do" => Err(self.errors.not_allowed(at, "`{% do ... %}` is refused; write `{% set _ = ... %}`")),
            "autoescape" | "endautoescape" => Err(self
                .errors
                .not_allowed(at, "`{% autoescape %}` is refused; write the filter `escape` where needed")),
            _ => {
                let hint = similar(name, STATEMENTS.iter().copied(), "the statements are");
                Err(self.errors.syntax(at, format!("there is no statement `{name}`; {hint}")))
            }
        }
    }

    fn branch(&mut self, name: &str, at: At) -> Result<(), TemplateError> {
        let Some(open) = self.open.last_mut() else {
            return Err(self.errors.syntax(at, format!("`{{% {name} %}}` stands outside of a block")));
        };
        let fits = open.name == "if" || (open.name == "for" && name == "else");
        if !fits || open.has_else {
            let problem = format!("`{{% {name} %}}` does not belong into `{{% {} %}}` here", open.name);
            return Err(self.errors.syntax(at, problem));
        }
        open.has_else = name == "else";
        open.branches += usize::from(name == "elif");
        let branches: usize = self.open.iter().map(|open| open.branches).sum();
        if branches > self.errors.bounds.else_branches {
            return Err(self.errors.too_much(Bound::ElseBranches, None, at));
        }
        Ok(())
    }

    fn block_end(&mut self, name: &str, at: At) -> Result<(), TemplateError> {
        match self.open.pop() {
            None => Err(self.errors.syntax(at, format!("`{{% {name} %}}` closes a block that was never opened"))),
            Some(open) if name[3..] != *open.name => {
                let problem = format!(
                    "`{{% {name} %}}` closes `{{% {0} %}}` of line {1}, column {2}; write `{{% end{0} %}}`",
                    open.name, open.at.line, open.at.column
                );
                Err(self.errors.syntax(at, problem))
            }
            Some(_) => Ok(()),
        }
    }

    /// Tokens as they are, but for what the parser does not know.
    fn tokens(&mut self, tokens: &[Token<'s>]) -> Result<(), TemplateError> {
        // Where subscripts end that are tuples without parentheses.
        let mut tuples: Vec<usize> = Vec::new();
        let mut skip = 0;
        for (index, token) in tokens.iter().enumerate() {
            if index < skip {
                continue;
            }
            let before = index.checked_sub(1).and_then(|before| tokens.get(before));
            match token.kind {
                Kind::Name if KEYWORDS.contains(&token.text) => self.emit(token.at, token.text, token.text),
                Kind::Name => {
                    self.name(token);
                    let tests = ends_test(&tokens[..=index]);
                    if tests && is(tokens.get(index + 1), "is") {
                        let problem = "tests cannot be chained; write parentheses around the first";
                        return Err(self.errors.syntax(token.at, problem));
                    }
                    // The parser would take a sign behind a test as the start of its argument.
                    if tests && (is(tokens.get(index + 1), "+") || is(tokens.get(index + 1), "-")) {
                        self.emit(token.at, token.text, "()");
                    }
                }
                Kind::Text => {
                    let count = tokens[index..].iter().take_while(|token| token.kind == Kind::Text).count();
                    skip = index + count;
                    let mut joined = String::new();
                    for part in &tokens[index..skip] {
                        let text = literal::text(part.text).map_err(|problem| self.errors.syntax(part.at, problem))?;
                        joined.push_str(&text);
                    }
                    self.literal(token, Literal::Text(joined.into()));
                }
                Kind::Integer => {
                    let value = literal::integer(token.text);
                    let value = value.map_err(|problem| self.errors.syntax(token.at, problem))?;
                    self.literal(token, value);
                }
                Kind::Float => {
                    let value = literal::float(token.text);
                    let value = value.map_err(|problem| self.errors.syntax(token.at, problem))?;
                    self.literal(token, value);
                }
                Kind::Operator => match token.text {
                    "+" if !ends_operand(before) => self.emit(token.at, token.text, "- -"),
                    // Behind the name of a test stands the list that is its argument.
                    "[" if ends_operand(before) && !ends_test(&tokens[..index]) => {
                        self.emit(token.at, token.text, "[");
                        let inside = &tokens[index + 1..];
                        if let Some(end) = find(inside, "]")
                            && find(&inside[..end], ",").is_some()
                            && !is(inside[..end].last(), ",")
                        {
                            self.emit(token.at, token.text, "(");
                            tuples.push(index + 1 + end);
                        }
                    }
                    "]" if tuples.last() == Some(&index) => {
                        tuples.pop();
                        self.emit(token.at, token.text, ")]");
                    }
                    text => self.emit(token.at, token.text, text),
                },
            }
        }
        Ok(())
    }

    fn literal(&mut self, token: &Token<'s>, value: Literal) {
        let number = self.out.literals.len().to_string();
        self.out.literals.push(value);
        self.emit(token.at, token.text, &number);
    }
}

/// Whether `tokens` end with `is name` or `is not name`.
fn ends_test(tokens: &[Token<'_>]) -> bool {
    let mut before = tokens.iter().rev().skip(1);
    let token = before.next();
    is(token, "is") || (is(token, "not") && is(before.next(), "is"))
}
