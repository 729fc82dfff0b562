//! Jinja templates as far as a conversion has to understand them: text, tags, and the names that tags read.
//!
//! Knows nothing of what a name means. What it cannot take apart it takes for text, and the engine says what is wrong.

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Text that is printed, whitespace control done, raw blocks included.
    Text(String),
    /// What stands between `{{` and `}}`.
    Expression(String),
    /// What stands between `{%` and `%}`.
    Statement(String),
}

/// A word of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or keyword.
    Name(String),
    /// A text in quotes.
    Text(String),
    /// A number.
    Number(String),
    /// Anything else, as it stands: `==`, `|`, `(`.
    Sign(String),
}

impl Token {
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self, Self::Name(found) | Self::Sign(found) if found == text)
    }
}

/// Takes a template apart. As in Jinja, one final newline does not count.
pub(super) fn parts(template: &str) -> Vec<Part> {
    let template = template.strip_suffix('\n').unwrap_or(template);
    let (mut parts, mut rest, mut eats) = (Vec::new(), template, false);
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).chain(rest.find("{#")).min() {
        let (before, tag) = rest.split_at(start);
        let kind = tag.as_bytes().get(1).copied().unwrap_or_default();
        let closing = match kind {
            b'{' => "}}",
            b'%' => "%}",
            _ => "#}",
        };
        let inside = &tag[2..];
        let Some(end) = (if kind == b'#' { inside.find(closing) } else { unquoted(inside, closing) }) else { break };
        let (content, after) = (&inside[..end], &inside[end + 2..]);
        let trims = content.starts_with('-');
        push_text(&mut parts, before, eats, trims);
        eats = content.len() > 1 && content.ends_with('-');
        let content = content.trim_start_matches(['-', '+']).trim_end_matches('-').trim();
        rest = after;
        match kind {
            b'{' => parts.push(Part::Expression(content.to_owned())),
            b'%' if content == "raw" => {
                let (raw, behind) = raw_block(after);
                push_text(&mut parts, raw, eats, false);
                (rest, eats) = (behind, false);
            }
            b'%' => parts.push(Part::Statement(content.to_owned())),
            _ => {}
        }
    }
    push_text(&mut parts, rest, eats, false);
    parts
}

fn push_text(parts: &mut Vec<Part>, text: &str, trims_start: bool, trims_end: bool) {
    let text = if trims_start { text.trim_start() } else { text };
    let text = if trims_end { text.trim_end() } else { text };
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

/// The content of a raw block and what follows it.
fn raw_block(after: &str) -> (&str, &str) {
    let mut from = 0;
    while let Some(start) = after[from..].find("{%").map(|start| start + from) {
        let Some(end) = after[start..].find("%}").map(|end| end + start) else { break };
        if after[start + 2..end].trim_matches(['-', '+', ' ', '\n', '\t']) == "endraw" {
            return (&after[..start], &after[end + 2..]);
        }
        from = start + 2;
    }
    (after, "")
}

/// Where `closing` stands outside of quotes.
fn unquoted(text: &str, closing: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), found) if open == found => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, _) if text[index..].starts_with(closing) => return Some(index),
            _ => {}
        }
    }
    None
}

/// The words of an expression or statement.
pub(super) fn tokens(expression: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '\'' | '"' => quoted(rest, first),
            _ if first.is_alphabetic() || first == '_' => {
                let length = rest.find(|found: char| !found.is_alphanumeric() && found != '_').unwrap_or(rest.len());
                (Token::Name(rest[..length].to_owned()), length)
            }
            _ if first.is_ascii_digit() => {
                let length = rest.find(|found: char| !found.is_alphanumeric() && found != '.').unwrap_or(rest.len());
                (Token::Number(rest[..length].to_owned()), length)
            }
            _ => {
                let double = ["==", "!=", "<=", ">=", "//", "**"].into_iter().find(|sign| rest.starts_with(sign));
                let length = double.map_or(first.len_utf8(), str::len);
                (Token::Sign(rest[..length].to_owned()), length)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    tokens
}

fn quoted(rest: &str, quote: char) -> (Token, usize) {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
            _ if character == quote => return (Token::Text(text), index + 1),
            _ => text.push(character),
        }
    }
    (Token::Text(text), rest.len())
}

/// A name that a tag reads, with the literal steps behind it: `state.out['x']` is `state`, `out`, `x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) path: Vec<String>,
    /// The name itself is called, as a macro is.
    pub(super) called: bool,
}

impl Reference {
    pub(super) fn root(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }
}

/// What a template reads, and which names it defines itself (loops, `set`, macros and their parameters).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) read: Vec<Reference>,
    pub(super) defined: Vec<String>,
    pub(super) macros: Vec<String>,
}

const KEYWORDS: [&str; 38] = [
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "elif",
    "endif",
    "for",
    "endfor",
    "recursive",
    "set",
    "endset",
    "macro",
    "endmacro",
    "call",
    "endcall",
    "filter",
    "endfilter",
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
    "break",
    "continue",
    "with",
    "endwith",
    "block",
    "endblock",
    "raw",
    "endraw",
    "autoescape",
    "endautoescape",
    "scoped",
    "do",
];

/// The names of a template.
pub(super) fn names(template: &str) -> Names {
    let mut names = Names::default();
    for part in parts(template) {
        match part {
            Part::Text(_) => {}
            Part::Expression(expression) => read(&tokens(&expression), &mut names),
            Part::Statement(statement) => {
                let tokens = tokens(&statement);
                let skip = define(&tokens, &mut names);
                read(&tokens[skip.min(tokens.len())..], &mut names);
            }
        }
    }
    names
}

/// Notes what a statement defines; how many words are no expression.
fn define(tokens: &[Token], names: &mut Names) -> usize {
    let word = |index: usize| match tokens.get(index) {
        Some(Token::Name(name)) => Some(name.as_str()),
        _ => None,
    };
    match word(0) {
        Some("for") => {
            let end = tokens.iter().position(|token| token.is("in")).unwrap_or(tokens.len());
            names.defined.extend((1..end).filter_map(word).map(str::to_owned));
            end + 1
        }
        Some("set" | "with") => {
            let end = tokens.iter().position(|token| token.is("=")).unwrap_or(tokens.len());
            names.defined.extend(word(1).map(str::to_owned));
            end
        }
        Some("macro") => {
            if let Some(name) = word(1) {
                names.defined.push(name.to_owned());
                names.macros.push(name.to_owned());
            }
            names.defined.extend(["caller", "varargs", "kwargs"].map(str::to_owned));
            let mut depth = 0;
            for (index, token) in tokens.iter().enumerate().skip(2) {
                match token {
                    Token::Sign(sign) if matches!(sign.as_str(), "(" | "[" | "{") => depth += 1,
                    Token::Sign(sign) if matches!(sign.as_str(), ")" | "]" | "}") => depth -= 1,
                    Token::Name(name)
                        if depth == 1
                            && index > 0
                            && tokens.get(index - 1).is_some_and(|before| before.is("(") || before.is(",")) =>
                    {
                        names.defined.push(name.clone());
                    }
                    _ => {}
                }
            }
            2
        }
        Some("filter") => 2,
        _ => 1,
    }
}

/// Notes what the words read.
fn read(tokens: &[Token], names: &mut Names) {
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let Token::Name(name) = token else {
            index += 1;
            continue;
        };
        let before = index.checked_sub(1).and_then(|before| tokens.get(before));
        let is_test = before.is_some_and(|before| before.is("is"))
            || (before.is_some_and(|before| before.is("not"))
                && index.checked_sub(2).and_then(|at| tokens.get(at)).is_some_and(|at| at.is("is")));
        let follows = before.is_some_and(|before| before.is(".") || before.is("|"));
        let is_argument = tokens.get(index + 1).is_some_and(|next| next.is("="))
            && before.is_some_and(|before| before.is("(") || before.is(","));
        index += 1;
        if follows || is_test || is_argument || KEYWORDS.contains(&name.as_str()) {
            continue;
        }
        let mut path = vec![name.clone()];
        let called = tokens.get(index).is_some_and(|next| next.is("("));
        let mut at = index;
        loop {
            match tokens.get(at..).unwrap_or_default() {
                [dot, Token::Name(step), ..] if dot.is(".") => {
                    path.push(step.clone());
                    at += 2;
                }
                [open, Token::Text(step), close, ..] if open.is("[") && close.is("]") => {
                    path.push(step.clone());
                    at += 3;
                }
                [dot, Token::Number(step), ..] if dot.is(".") => {
                    path.push(step.clone());
                    at += 2;
                }
                _ => break,
            }
        }
        names.read.push(Reference { path, called });
    }
}

/// Whether a template prints something whatever it reads: text that is in no condition, loop or macro.
pub(super) fn always_prints(template: &str) -> bool {
    let mut inside = 0_usize;
    parts(template).iter().any(|part| match part {
        Part::Text(text) => inside == 0 && !text.trim().is_empty(),
        Part::Expression(_) => false,
        Part::Statement(statement) => {
            match statement.split_whitespace().next().unwrap_or_default() {
                "if" | "for" | "macro" => inside += 1,
                "endif" | "endfor" | "endmacro" => inside = inside.saturating_sub(1),
                _ => {}
            }
            false
        }
    })
}

/// Whether a text holds any tag.
pub(super) fn has_tags(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// A template that prints a text as it stands, in front of whatever macros.
pub(super) fn raw(text: &str) -> String {
    let plain = !has_tags(text) && !text.ends_with('\n') && !text.starts_with(char::is_whitespace);
    if plain {
        text.to_owned()
    } else if text.contains("endraw") {
        let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
        format!("{{{{ '{escaped}' }}}}")
    } else {
        format!("{{% raw %}}{text}{{% endraw %}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(template: &str) -> Vec<String> {
        names(template).read.iter().map(|reference| reference.path.join(".")).collect()
    }

    #[test]
    fn text_and_tags_are_told_apart_with_their_whitespace_control() {
        let text = |text: &str| Part::Text(text.to_owned());
        let expression = |text: &str| Part::Expression(text.to_owned());
        let statement = |text: &str| Part::Statement(text.to_owned());
        assert_eq!(parts(" a {{- '}}' -}} b\n"), [text(" a"), expression("'}}'"), text("b")]);
        assert_eq!(parts("{% if x %}1{% endif %}\n\n"), [statement("if x"), text("1"), statement("endif"), text("\n")]);
        assert_eq!(parts("a{# {{ no }} #}{% raw %}{{ x }}{% endraw %}"), [text("a"), text("{{ x }}")]);
        assert_eq!(parts("{{ open"), [text("{{ open")]);
    }

    #[test]
    fn what_a_template_reads_is_known_by_its_path() {
        assert_eq!(
            paths("{{ state.out['x'].y|default(other, boolean=true) }} {{ link(a.b) }} {{ 'state.no' }}"),
            ["state.out.x.y", "other", "link", "a.b"]
        );
        assert_eq!(
            paths("{% for k, v in limits.items() if v is not none %}{{ k }}{% endfor %}"),
            ["limits.items", "v", "k"]
        );
        assert_eq!(names("{% for k, v in x %}").defined, ["k", "v"]);
        assert_eq!(
            paths("{% set a = b.c %}{% if a is defined %}{% filter upper %}{% endfilter %}{% endif %}"),
            ["b.c", "a"]
        );
        let of_macro = names("{%- macro loud(t, u=state.x) -%}{{ t|upper }}{%- endmacro -%}");
        assert_eq!(of_macro.macros, ["loud"]);
        assert!(of_macro.defined.contains(&"t".to_owned()) && of_macro.defined.contains(&"u".to_owned()));
        assert!(names("{{ link(1) }}").read[0].called);
    }

    #[test]
    fn a_raw_text_prints_itself_whatever_it_holds() {
        for text in ["plain", "{{ x }}", "ends\n", "  begins"] {
            assert_eq!(parts(&raw(text)), [Part::Text(text.to_owned())], "{}", raw(text));
        }
        assert_eq!(raw("{% endraw %} it's\n"), "{{ '{% endraw %} it\\'s\\n' }}");
    }
}
