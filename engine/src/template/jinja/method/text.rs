//! The methods of texts, by name.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::filter::entity;
use super::super::machine::Machine;
use super::super::value::{Str, Text, Value};
use super::super::{format, markup};
use super::{Body, OfText, bytes, case, classify, cut, given, pad, replace, search};

const TABLE: &[(&str, OfText)] = &[
    ("capitalize", case::capitalize),
    ("casefold", case::casefold),
    ("center", pad::center),
    ("count", search::count),
    ("encode", bytes::encode),
    ("endswith", search::endswith),
    ("expandtabs", pad::expandtabs),
    ("find", search::find),
    ("format", format_text),
    ("format_map", format_map),
    ("index", search::index),
    ("isalnum", |_, text, arguments| classify::all("isalnum", text, arguments, classify::is_alphanumeric)),
    ("isalpha", |_, text, arguments| classify::all("isalpha", text, arguments, classify::is_letter)),
    ("isascii", classify::isascii),
    ("isdecimal", |_, text, arguments| classify::all("isdecimal", text, arguments, classify::is_decimal)),
    ("isdigit", |_, text, arguments| classify::all("isdigit", text, arguments, classify::is_digit)),
    ("isidentifier", classify::isidentifier),
    ("islower", classify::islower),
    ("isnumeric", |_, text, arguments| classify::all("isnumeric", text, arguments, classify::is_numeric)),
    ("isprintable", classify::isprintable),
    ("isspace", |_, text, arguments| classify::all("isspace", text, arguments, given::is_blank)),
    ("istitle", classify::istitle),
    ("isupper", classify::isupper),
    ("join", replace::join),
    ("ljust", pad::ljust),
    ("lower", case::lower),
    ("lstrip", cut::lstrip),
    ("maketrans", replace::maketrans),
    ("partition", cut::partition),
    ("removeprefix", cut::removeprefix),
    ("removesuffix", cut::removesuffix),
    ("replace", replace::replace),
    ("rfind", search::rfind),
    ("rindex", search::rindex),
    ("rjust", pad::rjust),
    ("rpartition", cut::rpartition),
    ("rsplit", cut::rsplit),
    ("rstrip", cut::rstrip),
    ("split", cut::split),
    ("splitlines", cut::splitlines),
    ("startswith", search::startswith),
    ("strip", cut::strip),
    ("swapcase", case::swapcase),
    ("title", case::title),
    ("translate", replace::translate),
    ("upper", case::upper),
    ("zfill", pad::zfill),
];

/// What only safe texts have.
const OF_MARKUP: &[(&str, OfText)] = &[("striptags", striptags), ("unescape", unescape)];

/// The method of that name; safe texts have some more.
pub(super) fn row(text: &Text<'_>, name: &str) -> Option<(&'static str, Body)> {
    let own = if text.markup { super::row(OF_MARKUP, name) } else { None };
    own.or_else(|| super::row(TABLE, name)).map(|(name, body)| (name, Body::Text(body)))
}

fn striptags<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
    given::nothing("striptags", arguments)?;
    machine.filter("striptags", Value::Text(text.clone()), Arguments::default())
}

fn unescape<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
    given::nothing("unescape", arguments)?;
    entity::unescape(machine, text).map(Value::text)
}

fn format_text<'a>(
    machine: &mut Machine<'a, '_>,
    text: &Text<'a>,
    arguments: Arguments<'a>,
) -> Result<Value<'a>, Fault> {
    format::format(machine, text, arguments)
}

fn format_map<'a>(
    machine: &mut Machine<'a, '_>,
    text: &Text<'a>,
    arguments: Arguments<'a>,
) -> Result<Value<'a>, Fault> {
    let mapping = given::only("format_map", arguments, "mapping")?;
    if !matches!(mapping, Value::Map(_)) {
        return Err(given::wrong("format_map", "a map", &mapping));
    }
    format::format_map(machine, text, mapping)
}

/// What a method of `receiver` makes of a value that it is given to put into a text. A safe text takes every value, and
/// escapes it; others take texts alone, so that for the rest there is None.
pub(super) fn taken<'a>(
    machine: &mut Machine<'a, '_>,
    receiver: &Text<'a>,
    given: &Value<'a>,
) -> Result<Option<Text<'a>>, Fault> {
    match given {
        Value::Text(text) if receiver.markup => machine.escaped(text).map(Some),
        Value::Text(text) => Ok(Some(text.clone())),
        _ if receiver.markup => {
            let text = machine.to_text(given)?;
            machine.afford(text.len().saturating_mul(5))?;
            Ok(Some(Text { text: Str::Shared(markup::escape(&text).into()), markup: true }))
        }
        _ => Ok(None),
    }
}
