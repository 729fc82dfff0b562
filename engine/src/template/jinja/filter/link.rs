//! `urlize`: links for the addresses in a text.

use std::sync::LazyLock;

use regex::Regex;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::growing::GrowingText;
use super::super::machine::Machine;
use super::super::value::{Str, Text, Value};
use super::character::{is_digit, is_space, is_word, length, offset};
use super::{Outcome, flag, given, text, unfit, whole};

/// Groups of up to four digits with colons between them, as jinja2 takes them for an address of version 6.
static VERSION_6: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?i:(?:[\p{Nd}a-f]{0,4}:){2}(?:[\p{Nd}a-f]{0,4}:?){1,6})$").ok());

fn is_host(character: char) -> bool {
    is_word(character) || matches!(character, '%' | '-')
}

fn without_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    text.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix)).map(|_| &text[prefix.len()..])
}

fn has_length(text: &str, allowed: std::ops::RangeInclusive<usize>) -> bool {
    allowed.contains(&length(text))
}

/// Whether a port and a path, or one of them, or nothing follows an address.
fn is_end(text: &str) -> bool {
    let behind = text.strip_prefix(':').map_or(Some(text), |port| {
        let digits = port.find(|character| !is_digit(character)).unwrap_or(port.len());
        has_length(&port[..digits], 1..=5).then(|| &port[digits..])
    });
    behind.is_some_and(|path| path.is_empty() || path.starts_with(['/', '?', '#']))
}

/// Whether it is an address on the web: with a scheme or `www.`, with a well-known top level domain, or a number.
fn is_web(text: &str) -> bool {
    let schemed = without_prefix(text, "https://").or_else(|| without_prefix(text, "http://"));
    let hosts = [schemed, without_prefix(text, "www.")];
    hosts.into_iter().flatten().any(is_named) || is_known(text) || schemed.is_some_and(is_numbered)
}

/// The labels between the dots of a host, and whether it ends well.
fn labels(text: &str) -> Option<Vec<&str>> {
    let end = text.find(|character| !is_host(character) && character != '.').unwrap_or(text.len());
    is_end(&text[end..]).then(|| text[..end].split('.').collect())
}

fn is_named(text: &str) -> bool {
    let Some(labels) = labels(text) else { return false };
    let Some((top, others)) = labels.split_last() else { return false };
    // These four are letters from a to z to a pattern of Python that ignores case.
    let letter = |character: char| character.is_ascii_alphabetic() || "İıſK".contains(character);
    let international = without_prefix(top, "xn--").is_some_and(|name| {
        has_length(name, 2..=59) && name.chars().all(|character| is_host(character) && character != '-')
    });
    others.iter().all(|label| !label.is_empty())
        && ((has_length(top, 2..=63) && top.chars().all(letter)) || international)
}

fn is_known(text: &str) -> bool {
    let Some(labels) = labels(text) else { return false };
    let Some((top, others)) = labels.split_last() else { return false };
    let known = ["com", "net", "int", "edu", "gov", "org", "info", "mil"];
    !others.is_empty()
        && others.iter().all(|label| has_length(label, 2..=63))
        && known.iter().any(|known| top.eq_ignore_ascii_case(known))
}

fn is_numbered(text: &str) -> bool {
    if let Some((address, end)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return is_end(end) && VERSION_6.as_ref().is_some_and(|pattern| pattern.is_match(address));
    }
    let number = |label: &&str| has_length(label, 1..=3) && label.chars().all(is_digit);
    labels(text).is_some_and(|labels| labels.len() == 4 && labels.iter().all(number))
}

fn is_mail(text: &str) -> bool {
    let Some((user, host)) = text.rsplit_once('@') else { return false };
    let Some((host, top)) = host.rsplit_once('.') else { return false };
    !user.is_empty()
        && host.starts_with(is_word)
        && host.chars().all(|character| is_word(character) || matches!(character, '.' | '-'))
        && !top.is_empty()
        && top.chars().all(is_word)
}

fn is_scheme(text: &str) -> bool {
    let name = text.strip_suffix("//").or_else(|| text.strip_suffix('/')).unwrap_or(text).strip_suffix(':');
    let allowed = |character: char| is_word(character) || matches!(character, '.' | '+' | '-');
    name.is_some_and(|name| has_length(name, 2..=usize::MAX) && name.chars().all(allowed))
}

/// What all links of a text have in common.
struct Links {
    limit: Option<i64>,
    attributes: String,
    schemes: Vec<String>,
}

pub(super) fn urlize<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [limit, nofollow, target, rel, schemes] =
        arguments.bind("urlize", ["trim_url_limit", "nofollow", "target", "rel", "extra_schemes"], 0)?;
    let limit = given(limit).map(|limit| whole("urlize", "trim_url_limit", &limit)).transpose()?;
    let nofollow = flag(machine, nofollow.as_ref(), false);
    let rel = match rel {
        None | Some(Value::None | Value::Undefined(_)) => Text { text: Str::Borrowed(""), markup: false },
        Some(Value::Text(rel)) => rel,
        Some(rel) => return Err(unfit("urlize", "rel", &rel, "a text")),
    };
    machine.afford(rel.len())?;
    let mut words: Vec<&str> = rel.split(is_space).filter(|word| !word.is_empty()).collect();
    machine.burn(words.len())?;
    words.push("noopener");
    words.extend(nofollow.then_some("nofollow"));
    words.sort_unstable();
    words.dedup();
    let mut attributes = GrowingText::default();
    let rel = Value::text(words.join(" "));
    for (name, value) in [("rel", Some(rel)), ("target", given(target).filter(|target| machine.is_true(target)))] {
        if let Some(value) = value {
            let value = text(machine, &value)?;
            let value = machine.escaped(&value)?;
            attributes.push(machine, &format!(" {name}=\"{}\"", &*value))?;
        }
    }
    let schemes = schemes_of(machine, given(schemes))?;
    let links = Links { limit, attributes: attributes.finish(), schemes };

    let text = text(machine, &value)?;
    let text = machine.escaped(&text)?;
    let mut linked = GrowingText::default();
    let mut rest = &*text;
    while let Some(first) = rest.chars().next() {
        let space = is_space(first);
        let (word, behind) = rest.split_at(rest.find(|other| is_space(other) != space).unwrap_or(rest.len()));
        if space {
            linked.push(machine, word)?;
        } else {
            // The patterns look at each character a few times.
            machine.burn(2 + links.schemes.len() + word.len() / 8)?;
            links.word(machine, word, &mut linked)?;
        }
        rest = behind;
    }
    Ok(Value::text(linked.finish()))
}

fn schemes_of<'a>(machine: &mut Machine<'a, '_>, schemes: Option<Value<'a>>) -> Result<Vec<String>, Fault> {
    let mut known = Vec::new();
    for scheme in schemes.map_or_else(|| Ok(Vec::new()), |schemes| machine.iterate(&schemes))? {
        let Value::Text(scheme) = &scheme else {
            return Err(unfit("urlize", "extra_schemes", &scheme, "a list of texts such as 'tel:'"));
        };
        machine.afford(scheme.len())?;
        if !is_scheme(scheme) {
            return Err(Fault::problem(format!(
                "filter `urlize`: {:?} is no scheme, but must be like 'tel:'",
                &**scheme
            )));
        }
        known.push(scheme.to_string());
    }
    Ok(known)
}

/// How many bytes of signs that may stand before an address there are.
fn head(word: &str) -> usize {
    let mut rest = word;
    while let Some(behind) = ["(", "<", "&lt;"].iter().find_map(|sign| rest.strip_prefix(sign)) {
        rest = behind;
    }
    word.len() - rest.len()
}

/// Where the signs begin that may stand behind an address.
fn tail(word: &str) -> usize {
    let mut rest = word;
    while let Some(before) = [")", ">", ".", ",", "\n", "&gt;"].iter().find_map(|sign| rest.strip_suffix(sign)) {
        rest = before;
    }
    rest.len()
}

impl Links {
    fn word(&self, machine: &mut Machine<'_, '_>, word: &str, linked: &mut GrowingText) -> Result<(), Fault> {
        let (head, rest) = word.split_at(head(word));
        let mut end = tail(rest);
        // Brackets that were opened in the address are closed in it.
        for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
            let opened = rest[..end].matches(open).count();
            if opened > rest[..end].matches(close).count()
                && let Some((at, close)) = rest[end..].match_indices(close).take(opened).last()
            {
                end += at + close.len();
            }
        }
        let (middle, tail) = rest.split_at(end);
        linked.push(machine, head)?;
        self.link(machine, middle, linked)?;
        linked.push(machine, tail)
    }

    fn link(&self, machine: &mut Machine<'_, '_>, address: &str, linked: &mut GrowingText) -> Result<(), Fault> {
        let mail = address.strip_prefix("mailto:").filter(|mail| is_mail(mail));
        if is_web(address) {
            let schemed = address.starts_with("https://") || address.starts_with("http://");
            let scheme = if schemed { "" } else { "https://" };
            let shown = self.shown(address);
            let dots = if shown.len() < address.len() { "..." } else { "" };
            let attributes = &self.attributes;
            for part in ["<a href=\"", scheme, address, "\"", attributes, ">", shown, dots, "</a>"] {
                linked.push(machine, part)?;
            }
            return Ok(());
        }
        let bare = address.contains('@')
            && !address.starts_with("www.")
            && !address.starts_with('@')
            && !address.contains(':');
        let parts = if let Some(mail) = mail {
            ["<a href=\"", "", address, "\"", ">", mail, "</a>"]
        } else if bare && is_mail(address) {
            ["<a href=\"", "mailto:", address, "\"", ">", address, "</a>"]
        } else if self.schemes.iter().any(|scheme| address != scheme && address.starts_with(&**scheme)) {
            for part in ["<a href=\"", address, "\"", &self.attributes, ">", address, "</a>"] {
                linked.push(machine, part)?;
            }
            return Ok(());
        } else {
            ["", "", address, "", "", "", ""]
        };
        for part in parts {
            linked.push(machine, part)?;
        }
        Ok(())
    }

    /// As much of an address as is to be seen.
    fn shown<'t>(&self, address: &'t str) -> &'t str {
        let Some(limit) = self.limit else { return address };
        // A negative one counts from the end, as Python's slices do.
        let kept =
            if limit < 0 { i64::try_from(length(address)).unwrap_or(i64::MAX).saturating_add(limit) } else { limit };
        &address[..offset(address, usize::try_from(kept).unwrap_or_default())]
    }
}
