//! Variables as a `.env` file: `NAME=value`, each on one line of its own.
//!
//! There is no standard. This is the dialect of Docker Compose:
//!
//! * nothing around an empty value and one of ASCII letters, digits and `_ - . / : @ % + ,` only: every reader agrees;
//! * single quotes around any other value without a single quote, a backslash and a control character other than tab:
//!   it stands there as it is, and dollar signs mean nothing;
//! * double quotes around the rest, with `\\`, `\"`, `\$`, `\n` and `\r`.
//!
//! A line break never stands in a value, so that a reader that goes line by line takes no part of a value for another
//! variable. Where readers differ it is about the third form: Node's dotenv undoes `\n` and `\r` only and takes a
//! backslash before the last quote for a part of the value; python-dotenv keeps the backslash of `\$`, and replaces
//! `${NAME}` in the second form too; `docker run --env-file` knows the first form only. For shells there is
//! [`super::shell`].

use super::variables::Variable;

/// The file.
pub fn dotenv(variables: &[Variable<'_>]) -> String {
    let line = |variable: &Variable<'_>| format!("{}={}\n", variable.name, quoted(&variable.text));
    variables.iter().map(line).collect::<Vec<_>>().concat()
}

fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-./:@%+,".contains(character);
    let needs_escapes =
        |character: char| matches!(character, '\'' | '\\') || character.is_control() && character != '\t';
    if text.chars().all(plain) {
        text.to_owned()
    } else if text.contains(needs_escapes) {
        let mut quoted = String::with_capacity(text.len() + 8);
        quoted.push('"');
        for character in text.chars() {
            match character {
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                '\\' | '"' | '$' => quoted.extend(['\\', character]),
                other => quoted.push(other),
            }
        }
        quoted.push('"');
        quoted
    } else {
        format!("'{text}'")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::generated;

    fn variable(name: &str, text: &str) -> Variable<'static> {
        Variable { name: name.to_owned(), path: format!("state.{name}"), text: text.to_owned().into() }
    }

    /// Reads a file as Docker Compose does.
    fn read(file: &str) -> Vec<(String, String)> {
        let mut rest = file;
        let mut variables = Vec::new();
        while let Some((name, after)) = rest.split_once('=') {
            let (text, after) = match after.chars().next() {
                Some('\'') => after[1..].split_once('\'').map(|(text, after)| (text.to_owned(), after)).unwrap(),
                Some('"') => read_double(&after[1..]),
                _ => after.split_once('\n').map(|(text, _)| (text.to_owned(), &after[text.len()..])).unwrap(),
            };
            variables.push((name.to_owned(), text));
            rest = after.strip_prefix('\n').unwrap();
        }
        assert_eq!(rest, "");
        variables
    }

    fn read_double(text: &str) -> (String, &str) {
        let mut value = String::new();
        let mut characters = text.char_indices();
        while let Some((position, character)) = characters.next() {
            match character {
                '"' => return (value, &text[position + 1..]),
                '$' => panic!("a variable is replaced at {position} of {text}"),
                '\\' => match characters.next().unwrap().1 {
                    'n' => value.push('\n'),
                    'r' => value.push('\r'),
                    escaped @ ('\\' | '"' | '$') => value.push(escaped),
                    other => panic!("unknown escape \\{other}"),
                },
                other => value.push(other),
            }
        }
        panic!("not closed: {text}")
    }

    #[test]
    fn a_value_has_the_plainest_form_that_keeps_it() {
        let line = |text: &str| dotenv(&[variable("A", text)]);
        assert_eq!(line(""), "A=\n");
        assert_eq!(line("registry.example/app:1.4.2@sha256"), "A=registry.example/app:1.4.2@sha256\n");
        assert_eq!(line("two words # $HOME \"x\""), "A='two words # $HOME \"x\"'\n");
        assert_eq!(line("größe"), "A='größe'\n");
        assert_eq!(line("it's $5"), "A=\"it's \\$5\"\n");
        assert_eq!(line("C:\\temp\\"), "A=\"C:\\\\temp\\\\\"\n");
        assert_eq!(line("a\r\nB=c"), "A=\"a\\r\\nB=c\"\n");
    }

    #[test]
    fn the_fixed_texts_are_read_back() {
        let variables: Vec<_> = generated::TEXTS.iter().map(|text| variable("A", text)).collect();
        let texts: Vec<_> = read(&dotenv(&variables)).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, generated::TEXTS);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_each_variable_has_one_line(
            texts in proptest::collection::vec(generated::text(), 0..8),
        ) {
            let variables: Vec<_> =
                texts.iter().enumerate().map(|(number, text)| variable(&format!("V{number}"), text)).collect();
            let file = dotenv(&variables);
            let read: Vec<_> = read(&file).into_iter().map(|(_, text)| text).collect();
            prop_assert_eq!(file.matches(['\n', '\r']).count(), texts.len());
            prop_assert_eq!(read, texts);
        }
    }
}
