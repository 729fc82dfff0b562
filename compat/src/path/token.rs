//! What a path is made of, before it has a structure.

/// A token, and where it begins: the character's position, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) place: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, bare or in quotes.
    Name(String),
    /// An integer, without leading zeros: Python has them of any size.
    Number(String),
    DoubleDot,
    Where,
    WhereNot,
    /// One of `* . [ ] ( ) $ , : |`.
    Sign(char),
}

impl Kind {
    /// As a person would write it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Name(text) | Self::Number(text) => format!("{text:?}"),
            Self::DoubleDot => "\"..\"".to_owned(),
            Self::Where => "\"where\"".to_owned(),
            Self::WhereNot => "\"wherenot\"".to_owned(),
            Self::Sign(sign) => format!("\"{sign}\""),
        }
    }
}

fn begins_name(character: char) -> bool {
    matches!(character, 'a'..='z' | 'A'..='Z' | '_' | '@' | '\u{4e00}'..='\u{9fa5}' | '\u{1f600}'..='\u{1f64f}')
}

fn continues_name(character: char) -> bool {
    begins_name(character) || character.is_ascii_digit() || character == '-'
}

/// Splits a path.
pub(super) fn read(text: &str) -> Result<Vec<Token>, String> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut next = 0;
    while let Some(character) = characters.get(next).copied() {
        let place = next + 1;
        let rest = &characters[next..];
        let (kind, length) = match character {
            ' ' | '\t' | '\n' => {
                next += 1;
                continue;
            }
            _ if begins_name(character) => {
                let name: String = rest.iter().take_while(|character| continues_name(**character)).collect();
                let length = name.chars().count();
                let kind = match name.as_str() {
                    "where" => Kind::Where,
                    "wherenot" => Kind::WhereNot,
                    _ => Kind::Name(name),
                };
                (kind, length)
            }
            '0'..='9' | '-' => number(rest, place)?,
            '\'' | '"' => quoted(rest, place)?,
            '.' if rest.get(1) == Some(&'.') => (Kind::DoubleDot, 2),
            '*' | '.' | '[' | ']' | '(' | ')' | '$' | ',' | ':' | '|' => (Kind::Sign(character), 1),
            '`' => {
                return Err(format!(
                    "character {place}: names in backticks such as `parent` are not supported; write names"
                ));
            }
            '?' => {
                return Err(format!(
                    "character {place}: filters are not supported; name what you want, or use * and where"
                ));
            }
            '&' => return Err(format!("character {place}: & is not supported; use where")),
            _ => {
                return Err(format!(
                    "character {place}: {character:?} cannot stand here; put names with such characters in quotes"
                ));
            }
        };
        tokens.push(Token { kind, place });
        next += length;
    }
    Ok(tokens)
}

fn number(rest: &[char], place: usize) -> Result<(Kind, usize), String> {
    let sign = usize::from(rest.first() == Some(&'-'));
    let digits: String = rest[sign..].iter().take_while(|character| character.is_ascii_digit()).collect();
    if digits.is_empty() {
        return Err(format!("character {place}: a name cannot begin with \"-\"; put it in quotes"));
    }
    let length = sign + digits.len();
    let plain = match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits if sign == 1 => format!("-{digits}"),
        digits => digits.to_owned(),
    };
    Ok((Kind::Number(plain), length))
}

fn quoted(rest: &[char], place: usize) -> Result<(Kind, usize), String> {
    let quote = rest.first().copied().unwrap_or('\'');
    let mut name = String::new();
    let mut index = 1;
    while let Some(character) = rest.get(index).copied() {
        index += 1;
        if character == quote {
            return Ok((Kind::Name(name), index));
        }
        if character != '\\' {
            name.push(character);
            continue;
        }
        match rest.get(index) {
            Some(escaped) if *escaped != '\n' => name.push(*escaped),
            _ => {
                return Err(format!("character {}: nothing stands behind the backslash; write two", place + index - 1));
            }
        }
        index += 1;
    }
    Err(format!("character {place}: the quote {quote} that opens here is not closed"))
}
