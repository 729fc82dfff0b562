//! Filters that make a text from a text: case, width, replacing, cutting.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::format::percent;
use super::super::machine::Machine;
use super::super::value::{Str, Text, Value};
use super::character::{is_space, is_word, length, lines, offset};
use super::{Outcome, count, flag, given, made, method, only_text, text, unfit, whole};

/// A filter that is a method of texts without arguments.
fn plain_method<'a>(
    machine: &mut Machine<'a, '_>,
    name: &str,
    value: &Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    arguments.bind(name, [], 0)?;
    let text = text(machine, value)?;
    method(machine, text, name, Vec::new())
}

pub(super) fn capitalize<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    plain_method(machine, "capitalize", &value, arguments)
}

pub(super) fn lower<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    plain_method(machine, "lower", &value, arguments)
}

pub(super) fn upper<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    plain_method(machine, "upper", &value, arguments)
}

pub(super) fn center<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [width] = arguments.bind("center", ["width"], 0)?;
    let text = text(machine, &value)?;
    method(machine, text, "center", vec![width.unwrap_or_else(|| Value::integer(80))])
}

pub(super) fn trim<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [characters] = arguments.bind("trim", ["chars"], 0)?;
    let text = text(machine, &value)?;
    method(machine, text, "strip", given(characters).into_iter().collect())
}

pub(super) fn string<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("string", [], 0)?;
    Ok(Value::Text(text(machine, &value)?))
}

/// Without automatic escaping, which the predecessor does not turn on, all becomes plain text.
pub(super) fn replace<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [old, new, count] = arguments.bind("replace", ["old", "new", "count"], 2)?;
    let mut plain = |value: Value<'a>| text(machine, &value).map(|text| Text { markup: false, ..text });
    let value = plain(value)?;
    let mut to = vec![Value::Text(plain(old.unwrap_or(Value::None))?), Value::Text(plain(new.unwrap_or(Value::None))?)];
    to.extend(given(count));
    method(machine, value, "replace", to)
}

pub(super) fn title<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("title", [], 0)?;
    let text = text(machine, &value)?;
    machine.afford(text.len())?;
    let between = |character: char| is_space(character) || matches!(character, '-' | '(' | '{' | '[' | '<');
    let mut title = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(first) = rest.chars().next() {
        let same = |other: char| between(other) == between(first);
        let end = rest.find(|other| !same(other)).unwrap_or(rest.len());
        title.extend(first.to_uppercase());
        title.push_str(&rest[first.len_utf8()..end].to_lowercase());
        rest = &rest[end..];
    }
    // Capitals of some characters are longer.
    machine.afford(title.len())?;
    Ok(Value::text(title))
}

pub(super) fn wordcount<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("wordcount", [], 0)?;
    let text = text(machine, &value)?;
    machine.burn(text.len() / 8)?;
    let mut words = 0;
    let mut inside = false;
    for character in text.chars() {
        let word = is_word(character);
        words += i64::from(word && !inside);
        inside = word;
    }
    Ok(Value::integer(words))
}

/// `left + right` of two texts: if one is markup, the other is escaped.
pub(super) fn concatenate<'a>(
    machine: &mut Machine<'a, '_>,
    left: &Text<'a>,
    right: &Text<'a>,
) -> Result<Text<'a>, Fault> {
    let (left, right) = match (left.markup, right.markup) {
        (true, false) => (left.clone(), machine.escaped(right)?),
        (false, true) => (machine.escaped(left)?, right.clone()),
        _ => (left.clone(), right.clone()),
    };
    machine.afford(left.len() + right.len())?;
    Ok(Text { text: Str::Shared(format!("{}{}", &*left, &*right).into()), markup: left.markup })
}

pub(super) fn indent<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [width, first, blank] = arguments.bind("indent", ["width", "first", "blank"], 0)?;
    let text = only_text("indent", value)?;
    let (first, blank) = (flag(machine, first.as_ref(), false), flag(machine, blank.as_ref(), false));
    let indention = match width {
        None => "    ".into(),
        Some(Value::Text(indention)) if indention.markup && !text.markup => {
            return Err(Fault::problem("filter `indent`: a safe text indents safe text only; put `|string` after it"));
        }
        Some(Value::Text(indention)) => indention.shared(),
        Some(width) => {
            let width = count(whole("indent", "width", &width)?);
            machine.afford(width)?;
            " ".repeat(width).into()
        }
    };
    machine.burn(text.len() / 8)?;
    let mut lines = lines(&text);
    // A line break is put behind the text before it is cut into lines, so that an ending one leaves an empty line.
    if text.is_empty() || ends_line(&text) {
        lines.push("");
    }
    let bytes = text.len().saturating_add(lines.len().saturating_mul(indention.len().saturating_add(1)));
    machine.afford(bytes)?;
    let mut indented = String::new();
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            indented.push('\n');
        }
        if if number == 0 { first } else { blank || !line.is_empty() } {
            indented.push_str(&indention);
        }
        indented.push_str(line);
    }
    Ok(made(indented, text.markup))
}

/// Whether a line break behind this text would start another line. Behind `\r` it would not: both are one.
fn ends_line(text: &str) -> bool {
    let last = text.len() - text.chars().next_back().map_or(0, char::len_utf8);
    !text.ends_with('\r') && lines(&text[last..]) == [""]
}

pub(super) fn truncate<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [most, kill_words, end, leeway] = arguments.bind("truncate", ["length", "killwords", "end", "leeway"], 0)?;
    let most = most.map_or(Ok(255), |most| whole("truncate", "length", &most))?;
    let leeway = given(leeway).map_or(Ok(5), |leeway| whole("truncate", "leeway", &leeway))?;
    let end = match end {
        None => Text { text: Str::Borrowed("..."), markup: false },
        Some(Value::Text(end)) => end,
        Some(end) => return Err(unfit("truncate", "end", &end, "a text")),
    };
    machine.burn(end.len() / 8)?;
    let end_length = length(&end);
    if usize::try_from(most).map_or(true, |most| most < end_length) || leeway < 0 {
        return Err(Fault::problem(format!(
            "filter `truncate`: a length of {most} with a leeway of {leeway} is not possible; the length must be at least \
             {end_length}, that of its end, the leeway at least 0"
        )));
    }
    if machine.length(&value)? <= count(most.saturating_add(leeway)) {
        return Ok(value);
    }
    let text = only_text("truncate", value)?;
    machine.afford(text.len())?;
    let mut kept = &text[..offset(&text, count(most) - end_length)];
    if !flag(machine, kill_words.as_ref(), false)
        && let Some((words, _)) = kept.rsplit_once(' ')
    {
        kept = words;
    }
    let kept = Text { text: Str::Shared(kept.into()), markup: text.markup };
    Ok(Value::Text(concatenate(machine, &kept, &end)?))
}

pub(super) fn format<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let Arguments { positional, named } = arguments;
    if !(positional.is_empty() || named.is_empty()) {
        return Err(Fault::problem("filter `format`: give it values either by position or by name, not both"));
    }
    let template = text(machine, &value)?;
    let values = if named.is_empty() {
        Value::tuple(positional)
    } else {
        Value::map(named.into_iter().map(|(name, value)| (Value::text(name), value)))?
    };
    percent(machine, &template, &values)
}
