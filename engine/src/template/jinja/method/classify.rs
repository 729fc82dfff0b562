//! Methods that tell what characters a text has, by the classes of Unicode as Python uses them.

use unicode_general_category::{GeneralCategory as Category, get_general_category};

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::representation::is_printable;
use super::super::value::{Text, Value};
use super::case::is_title;
use super::{Made, given};

/// Whether there are characters, and all of them are such.
pub(super) fn all<'a>(
    method: &str,
    text: &Text<'a>,
    arguments: Arguments<'a>,
    is_such: fn(char) -> bool,
) -> Result<Value<'a>, Fault> {
    given::nothing(method, arguments)?;
    Ok(Value::Bool(!text.is_empty() && text.chars().all(is_such)))
}

pub(super) fn is_letter(character: char) -> bool {
    character.is_ascii_alphabetic()
        || matches!(
            get_general_category(character),
            Category::UppercaseLetter
                | Category::LowercaseLetter
                | Category::TitlecaseLetter
                | Category::ModifierLetter
                | Category::OtherLetter
        )
}

pub(super) fn is_decimal(character: char) -> bool {
    character.is_ascii_digit() || (!character.is_ascii() && get_general_category(character) == Category::DecimalNumber)
}

/// Decimal digits, and those that are raised, lowered or in circles.
pub(super) fn is_digit(character: char) -> bool {
    is_decimal(character)
        || matches!(
            character,
            '\u{b2}'..='\u{b3}' | '\u{b9}' | '\u{1369}'..='\u{1371}' | '\u{19da}' | '\u{2070}' | '\u{2074}'..='\u{2079}'
                | '\u{2080}'..='\u{2089}' | '\u{2460}'..='\u{2468}' | '\u{2474}'..='\u{247c}' | '\u{2488}'..='\u{2490}'
                | '\u{24ea}' | '\u{24f5}'..='\u{24fd}' | '\u{24ff}' | '\u{2776}'..='\u{277e}' | '\u{2780}'..='\u{2788}'
                | '\u{278a}'..='\u{2792}' | '\u{10a40}'..='\u{10a43}' | '\u{10e60}'..='\u{10e68}'
                | '\u{11052}'..='\u{1105a}' | '\u{1f100}'..='\u{1f10a}'
        )
}

/// Everything that stands for a number, also letters of Chinese and Japanese that do.
pub(super) fn is_numeric(character: char) -> bool {
    use Category::{DecimalNumber, LetterNumber, OtherNumber};
    character.is_ascii_digit()
        || matches!(get_general_category(character), DecimalNumber | LetterNumber | OtherNumber)
        || matches!(
            character,
            '\u{3405}' | '\u{3483}' | '\u{382a}' | '\u{3b4d}' | '\u{4e00}' | '\u{4e03}' | '\u{4e07}' | '\u{4e09}'
                | '\u{4e5d}' | '\u{4e8c}' | '\u{4e94}' | '\u{4e96}' | '\u{4ebf}'..='\u{4ec0}' | '\u{4edf}'
                | '\u{4ee8}' | '\u{4f0d}' | '\u{4f70}' | '\u{5104}' | '\u{5146}' | '\u{5169}' | '\u{516b}'
                | '\u{516d}' | '\u{5341}' | '\u{5343}'..='\u{5345}' | '\u{534c}' | '\u{53c1}'..='\u{53c4}'
                | '\u{56db}' | '\u{58f1}' | '\u{58f9}' | '\u{5e7a}' | '\u{5efe}'..='\u{5eff}'
                | '\u{5f0c}'..='\u{5f0e}' | '\u{5f10}' | '\u{62fe}' | '\u{634c}' | '\u{67d2}' | '\u{6f06}'
                | '\u{7396}' | '\u{767e}' | '\u{8086}' | '\u{842c}' | '\u{8cae}' | '\u{8cb3}' | '\u{8d30}'
                | '\u{9621}' | '\u{9646}' | '\u{964c}' | '\u{9678}' | '\u{96f6}' | '\u{f96b}' | '\u{f973}'
                | '\u{f978}' | '\u{f9b2}' | '\u{f9d1}' | '\u{f9d3}' | '\u{f9fd}' | '\u{20001}' | '\u{20064}'
                | '\u{200e2}' | '\u{20121}' | '\u{2092a}' | '\u{20983}' | '\u{2098c}' | '\u{2099c}' | '\u{20aea}'
                | '\u{20afd}' | '\u{20b19}' | '\u{22390}' | '\u{22998}' | '\u{23b1b}' | '\u{2626d}' | '\u{2f890}'
        )
}

pub(super) fn is_alphanumeric(character: char) -> bool {
    is_letter(character) || is_numeric(character)
}

pub(super) fn isascii<'a>(_: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("isascii", arguments)?;
    Ok(Value::Bool(text.is_ascii()))
}

pub(super) fn isprintable<'a>(_: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("isprintable", arguments)?;
    Ok(Value::Bool(text.chars().all(is_printable)))
}

pub(super) fn isidentifier<'a>(_: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("isidentifier", arguments)?;
    let mut characters = text.chars();
    let starts = characters.next().is_some_and(starts_name);
    Ok(Value::Bool(starts && characters.all(|character| starts_name(character) || continues_name(character))))
}

fn starts_name(character: char) -> bool {
    character == '_' || is_letter(character) || get_general_category(character) == Category::LetterNumber
}

fn continues_name(character: char) -> bool {
    use Category::{ConnectorPunctuation, DecimalNumber, NonspacingMark, SpacingMark};
    matches!(get_general_category(character), ConnectorPunctuation | DecimalNumber | NonspacingMark | SpacingMark)
        || matches!(character, '\u{b7}' | '\u{387}' | '\u{1369}'..='\u{1371}' | '\u{19da}')
}

pub(super) fn isupper<'a>(_: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("isupper", arguments)?;
    let other = text.chars().any(|character| character.is_lowercase() || is_title(character));
    Ok(Value::Bool(!other && text.chars().any(char::is_uppercase)))
}

pub(super) fn islower<'a>(_: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("islower", arguments)?;
    let other = text.chars().any(|character| character.is_uppercase() || is_title(character));
    Ok(Value::Bool(!other && text.chars().any(char::is_lowercase)))
}

pub(super) fn istitle<'a>(_: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("istitle", arguments)?;
    let (mut in_word, mut any) = (false, false);
    for character in text.chars() {
        let capital = character.is_uppercase() || is_title(character);
        let small = !capital && character.is_lowercase();
        if (capital && in_word) || (small && !in_word) {
            return Ok(Value::Bool(false));
        }
        in_word = capital || small;
        any |= in_word;
    }
    Ok(Value::Bool(any))
}
