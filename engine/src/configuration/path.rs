//! Paths into configuration: `settings.a.b`, `pipelines.build.eventHandlers.success.tell`, `settings['a.b']`.
//!
//! A path is a list of keys. Items of the schema's lists are named by their name, as `success.tell` or `success[tell]`.
//! It does not know which keys exist. Paths into state have a grammar and a parser of their own.

use std::fmt::{self, Write as _};

/// A list of keys, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConfigurationPath {
    /// The keys, from the root.
    pub(super) keys: Vec<String>,
}

/// Why a text is not a path; the place is counted in characters, the first is 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {place} {problem}; write keys as settings.a.b, and a key with dots as settings['a.b']")]
pub(super) struct PathProblem {
    place: usize,
    problem: &'static str,
}

impl ConfigurationPath {
    /// Reads a path.
    pub(super) fn parse(text: &str) -> Result<Self, PathProblem> {
        let mut reader = Reader { rest: text, place: 1 };
        let mut keys = vec![reader.bare()?];
        loop {
            match reader.next() {
                None => return Ok(Self { keys }),
                Some('.') => keys.push(reader.bare()?),
                Some('[') => keys.push(reader.bracketed()?),
                Some(_) => {
                    return Err(PathProblem { place: reader.place - 1, problem: "a dot or a bracket is missing" });
                }
            }
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
    place: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = self.rest.get(character.len_utf8()..).unwrap_or_default();
        self.place += 1;
        Some(character)
    }

    fn problem<T>(&self, problem: &'static str) -> Result<T, PathProblem> {
        Err(PathProblem { place: self.place, problem })
    }

    /// A key up to the next dot or bracket.
    fn bare(&mut self) -> Result<String, PathProblem> {
        let mut key = String::new();
        while let Some(character) = self.rest.chars().next() {
            match character {
                '.' | '[' => break,
                ']' | '\'' | '"' => return self.problem("a quote or bracket stands in a key without brackets"),
                _ => key.push(character),
            }
            self.next();
        }
        if key.is_empty() { self.problem("a key is missing") } else { Ok(key) }
    }

    /// What follows an opening bracket: a quoted key or a bare one, and the closing bracket.
    fn bracketed(&mut self) -> Result<String, PathProblem> {
        let quote = match self.rest.chars().next() {
            Some(quote @ ('\'' | '"')) => {
                self.next();
                Some(quote)
            }
            _ => None,
        };
        let mut key = String::new();
        loop {
            match (self.next(), quote) {
                (None, _) => return self.problem("the closing bracket is missing"),
                (Some(character), Some(quote)) if character == quote => {
                    return if self.next() == Some(']') {
                        Ok(key)
                    } else {
                        self.problem("the closing bracket is missing")
                    };
                }
                (Some('\\'), Some(_)) => match self.next() {
                    Some(escaped @ ('\'' | '"' | '\\')) => key.push(escaped),
                    _ => return self.problem("a backslash stands before something other than a quote or backslash"),
                },
                (Some(']'), None) if key.is_empty() => return self.problem("a key is missing"),
                (Some(']'), None) => return Ok(key),
                (Some('[' | '\'' | '"'), None) => {
                    return self.problem("a quote or bracket stands in a key without quotes");
                }
                (Some(character), _) => key.push(character),
            }
        }
    }
}

/// Appends `.key`, or `['key']` if the key could be misread.
pub(super) fn push_key(path: &mut String, key: &str) {
    if is_plain(key) {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    } else {
        push_quoted(path, key);
    }
}

/// Appends `[name]`, or `['name']` if the name could be misread.
pub(super) fn push_item(path: &mut String, name: &str) {
    if is_plain(name) {
        let _ = write!(path, "[{name}]");
    } else {
        push_quoted(path, name);
    }
}

fn push_quoted(path: &mut String, key: &str) {
    path.push_str("['");
    for character in key.chars() {
        if matches!(character, '\'' | '\\') {
            path.push('\\');
        }
        path.push(character);
    }
    path.push_str("']");
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

impl fmt::Display for ConfigurationPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.keys.iter().for_each(|key| push_key(&mut text, key));
        formatter.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(text: &str) -> Vec<String> {
        ConfigurationPath::parse(text).unwrap().keys
    }

    #[test]
    fn dots_brackets_and_quotes_separate_keys() {
        assert_eq!(keys("settings"), ["settings"]);
        assert_eq!(keys("settings.a.b"), ["settings", "a", "b"]);
        assert_eq!(keys("settings['a.b'].c"), ["settings", "a.b", "c"]);
        assert_eq!(keys(r#"settings["it's"]"#), ["settings", "it's"]);
        assert_eq!(keys(r"settings['it\'s \\']"), ["settings", r"it's \"]);
        assert_eq!(
            keys("pipelines.build.eventHandlers.success[tell]"),
            keys("pipelines.build.eventHandlers.success.tell")
        );
        assert_eq!(keys("settings['']"), ["settings", ""]);
    }

    #[test]
    fn a_broken_path_is_refused_with_the_place() {
        for (text, start) in [
            ("", "at character 1 a key is missing"),
            (".a", "at character 1 a key is missing"),
            ("settings.", "at character 10 a key is missing"),
            ("settings..a", "at character 10 a key is missing"),
            ("settings[", "at character 10 the closing bracket is missing"),
            ("settings['a", "at character 12 the closing bracket is missing"),
            ("settings['a'x", "at character 14 the closing bracket is missing"),
            ("settings[]", "at character 11 a key is missing"),
            ("settings['a']b", "at character 14 a dot or a bracket is missing"),
            ("settings.a]", "at character 11 a quote or bracket stands in a key without brackets"),
            (r"settings['\n']", "at character 13 a backslash stands before something other than a quote or backslash"),
        ] {
            let problem = ConfigurationPath::parse(text).unwrap_err().to_string();
            assert!(problem.starts_with(start), "{text}: {problem}");
        }
    }

    proptest! {
        #[test]
        fn a_written_path_reads_back_as_its_keys(first in "[a-z]{1,4}", rest in prop::collection::vec(".{0,6}", 0..5)) {
            let path = ConfigurationPath { keys: std::iter::once(first).chain(rest).collect() };
            prop_assert_eq!(ConfigurationPath::parse(&path.to_string()).unwrap(), path);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = ConfigurationPath::parse(&text);
        }
    }
}
