//! `lipsum`: paragraphs without meaning, the same again for the same seed.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::filter::draw;
use super::super::growing::GrowingText;
use super::super::machine::Machine;
use super::super::value::{Integer, Value};

const WORDS: [&str; 48] = [
    "alba", "arbor", "aqua", "aurum", "avis", "bonus", "caelum", "campus", "canto", "civis", "clarus", "corpus",
    "dies", "domus", "dulcis", "ferrum", "flumen", "folium", "fortis", "gladius", "hortus", "ignis", "insula", "iter",
    "lapis", "liber", "longus", "luna", "magnus", "mare", "mons", "navis", "nox", "nubes", "oculus", "pons", "porta",
    "ratio", "rosa", "sol", "stella", "tempus", "terra", "turris", "urbs", "ventus", "via", "vita",
];

fn whole(name: &str, value: Option<Value<'_>>, otherwise: i64) -> Result<i64, Fault> {
    match value {
        None => Ok(otherwise),
        Some(Value::Bool(bool)) => Ok(i64::from(bool)),
        Some(Value::Integer(Integer::Small(integer))) => Ok(integer),
        Some(other) => Err(Fault::problem(format!(
            "`lipsum`: `{name}` is of type {}, but must be a small whole number",
            other.type_name()
        ))),
    }
}

pub(super) fn lipsum<'a>(machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
    let [paragraphs, html, least, most] = arguments.bind("lipsum", ["n", "html", "min", "max"], 0)?;
    let paragraphs = whole("n", paragraphs, 5)?;
    let html = html.is_none_or(|html| machine.is_true(&html));
    let (least, most) = (whole("min", least, 20)?, whole("max", most, 100)?);
    let span = most.checked_sub(least).and_then(|span| usize::try_from(span).ok()).filter(|span| *span > 0);
    let Some(span) = span.or((paragraphs < 1).then_some(1)) else {
        return Err(Fault::problem(format!(
            "`lipsum`: `max` is {most}, but must be more than `min`, which is {least}"
        )));
    };
    let mut text = GrowingText::default();
    for number in 0..paragraphs {
        if number > 0 {
            text.push(machine, if html { "\n" } else { "\n\n" })?;
        }
        text.push(machine, if html { "<p>" } else { "" })?;
        let drawn = draw(machine, "jinja lipsum", span)?;
        paragraph(machine, &mut text, least.saturating_add(i64::try_from(drawn).unwrap_or(i64::MAX)))?;
        text.push(machine, if html { "</p>" } else { "" })?;
    }
    let text = text.finish();
    Ok(if html { Value::markup(text) } else { Value::text(text) })
}

/// Sentences with commas, of so many words altogether.
fn paragraph(machine: &mut Machine<'_, '_>, text: &mut GrowingText, words: i64) -> Result<(), Fault> {
    let mut last = "";
    let mut starts = true;
    let mut until_stop = 6 + draw(machine, "jinja lipsum", 9)?;
    for number in 0..words {
        if number > 0 {
            text.push(machine, " ")?;
        }
        let mut index = draw(machine, "jinja lipsum", WORDS.len())?;
        if WORDS[index] == last {
            index = (index + 1) % WORDS.len();
        }
        last = WORDS[index];
        if starts {
            text.push(machine, &last[..1].to_ascii_uppercase())?;
        }
        text.push(machine, &last[usize::from(starts)..])?;
        until_stop -= 1;
        starts = until_stop == 0;
        if starts && number + 1 < words {
            text.push(machine, ".")?;
            until_stop = 6 + draw(machine, "jinja lipsum", 9)?;
        } else if until_stop == 4 && number + 1 < words {
            text.push(machine, ",")?;
        }
    }
    text.push(machine, ".")
}
