//! What can be seen of a JSONPath without parsing it: how much work it may be, and where it surely leads.

use std::{iter::Peekable, str::CharIndices};

/// How many descendant segments (`..`) a JSONPath may have: each multiplies what is visited by the size of the data.
const MAX_DESCENDANTS: usize = 1;
/// How many commas may stand in a JSONPath's brackets: each selector more multiplies what is visited.
const MAX_COMMAS: u32 = 4;

/// What of a JSONPath decides how much work it can be: all outside of quotes.
// Each is one finding of its own about the text; none excludes another.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// The deepest nesting of brackets and parentheses.
    pub(super) nesting: usize,
    pub(super) commas: u32,
    /// Signs: no segment, selector or operator comes without one.
    pub(super) signs: usize,
    /// Where each `$` stands; the first is the path's own, others are in filters.
    pub(super) roots: Vec<usize>,
    descendants: usize,
    /// `$` within brackets: a filter that reads from the root for each item.
    reads_root_in_filter: bool,
    /// `*`, `:` or `..` within brackets that hold a filter.
    many_in_filter: bool,
    /// `match` or `search`.
    pattern: bool,
    pub(super) ends_in_quotes: bool,
}

impl Shape {
    pub(super) fn of(text: &str) -> Self {
        let mut shape = Self::default();
        let (mut depth, mut filter_from, mut last) = (0_usize, None, ' ');
        let mut quote = None;
        let mut characters = text.char_indices();
        while let Some((at, character)) = characters.next() {
            if quote.is_none() && character.is_ascii_punctuation() {
                shape.signs += 1;
            }
            match (quote, character) {
                (Some(_), '\\') => {
                    characters.next();
                }
                (Some(open), _) if open == character => quote = None,
                (None, '\'' | '"') => quote = Some(character),
                (None, '[' | '(') => {
                    depth += 1;
                    shape.nesting = shape.nesting.max(depth);
                    let before = &text[..at];
                    shape.pattern |= character == '(' && (before.ends_with("match") || before.ends_with("search"));
                }
                (None, ']' | ')') => {
                    depth = depth.saturating_sub(1);
                    filter_from = filter_from.filter(|from| depth >= *from);
                }
                (None, '?') if depth > 0 => filter_from = filter_from.or(Some(depth)),
                (None, ',') => shape.commas += 1,
                (None, '.') if last == '.' => {
                    shape.descendants += 1;
                    shape.many_in_filter |= filter_from.is_some();
                }
                (None, '*' | ':') => shape.many_in_filter |= filter_from.is_some(),
                (None, '$') => {
                    shape.roots.push(at);
                    shape.reads_root_in_filter |= filter_from.is_some();
                }
                (Some(_) | None, _) => {}
            }
            last = character;
        }
        shape.ends_in_quotes = quote.is_some();
        shape
    }

    pub(super) fn too_wide(&self) -> Option<&'static str> {
        if self.descendants > MAX_DESCENDANTS {
            Some("at most one .. is allowed")
        } else if self.commas > MAX_COMMAS {
            Some("at most 4 commas are allowed")
        } else if self.reads_root_in_filter && self.many_in_filter {
            Some("a filter that reads from $ must not select many values with *, : or ..")
        } else if self.pattern {
            Some("match and search are not available, since they compile a pattern for each value; compare with ==")
        } else {
            None
        }
    }
}

/// Where a path surely leads: the names and positions in front of whatever may select more than one value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) segments: Vec<String>,
    /// Where in the text what comes behind it begins.
    pub(super) rest: usize,
}

impl Prefix {
    /// Reads on behind the `$` at `root`. What it does not understand ends it, so that it may be shorter than it could
    /// be, and is never longer.
    pub(super) fn after(text: &str, root: usize) -> Self {
        let mut characters = text[root + 1..].char_indices().peekable();
        let mut segments = Vec::new();
        let mut rest = root + 1;
        while let Some(segment) = segment(&mut characters) {
            segments.push(segment);
            rest = characters.peek().map_or(text.len(), |(at, _)| root + 1 + at);
        }
        Self { segments, rest }
    }
}

type Characters<'t> = Peekable<CharIndices<'t>>;

fn segment(characters: &mut Characters<'_>) -> Option<String> {
    match characters.next()?.1 {
        '.' => {
            Some(take(characters, |character| character.is_alphanumeric() || character == '_' || !character.is_ascii()))
                .filter(|name| !name.is_empty())
        }
        '[' => {
            take(characters, char::is_whitespace);
            let name = match characters.peek()?.1 {
                quote @ ('\'' | '"') => {
                    characters.next();
                    quoted(characters, quote)?
                }
                _ => take(characters, |character| character.is_ascii_digit()),
            };
            take(characters, char::is_whitespace);
            (characters.next()?.1 == ']' && !name.is_empty()).then_some(name)
        }
        _ => None,
    }
}

fn take(characters: &mut Characters<'_>, wanted: impl Fn(char) -> bool) -> String {
    let mut taken = String::new();
    while let Some((_, character)) = characters.next_if(|(_, character)| wanted(*character)) {
        taken.push(character);
    }
    taken
}

fn quoted(characters: &mut Characters<'_>, quote: char) -> Option<String> {
    let mut name = String::new();
    loop {
        match characters.next()?.1 {
            '\\' => match characters.next()?.1 {
                escaped @ ('\'' | '"' | '\\' | '/') => name.push(escaped),
                _ => return None,
            },
            end if end == quote => return Some(name),
            other => name.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_surely_leads_to_what_stands_before_the_first_of_many() {
        for (text, expected, rest) in [
            ("$.state.a['b.c'][0]", vec!["state", "a", "b.c", "0"], ""),
            ("$.state.list[*].x", vec!["state", "list"], "[*].x"),
            ("$.state.list[?@.a == $.b].x", vec!["state", "list"], "[?@.a == $.b].x"),
            ("$['it\\'s' ][ \"x\" ]", vec!["it's", "x"], ""),
            ("$['\\u0041'].x", vec![], "['\\u0041'].x"),
            ("$..x", vec![], "..x"),
            ("$.a['b','c']", vec!["a"], "['b','c']"),
            ("$.a[-1]", vec!["a"], "[-1]"),
            ("$", vec![], ""),
        ] {
            let prefix = Prefix::after(text, 0);
            assert_eq!(
                (prefix.segments, &text[prefix.rest..]),
                (expected.iter().map(ToString::to_string).collect(), rest)
            );
        }
    }

    #[test]
    fn each_root_outside_of_quotes_is_found() {
        let text = "$.a['$x'][?@.id == $.state.b]";
        let roots = Shape::of(text).roots;
        assert_eq!(roots, [0, text.rfind('$').unwrap()]);
        assert_eq!(Prefix::after(text, roots[1]).segments, ["state", "b"]);
    }
}
