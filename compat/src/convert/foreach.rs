//! `foreach` of choice generators: a path of the predecessor as an RFC 9535 JSONPath.

use std::{collections::BTreeSet, fmt::Write as _};

use super::scan::has_tags;

/// Root names that a generator's item cannot have.
const RESERVED: [&str; 11] = [
    "state",
    "variables",
    "settings",
    "context",
    "pipeline",
    "event",
    "endpoint",
    "handler",
    "body",
    "status",
    "headers",
];

/// The JSONPath that finds the same map. `roots` are the context's own keys, which are settings now.
pub(super) fn json_path(text: &str, roots: &BTreeSet<String>) -> Result<String, String> {
    let text = text.trim();
    if has_tags(text) {
        return Err("foreach was a template; it is a fixed JSONPath now, and left out".to_owned());
    }
    let steps =
        steps(text).ok_or_else(|| format!("foreach {text:?} is no path of names and indexes; it is left out"))?;
    let (first, rest) = match steps.split_first() {
        Some((Step::Name(first), rest)) => (first.as_str(), rest),
        _ => return Err(format!("foreach {text:?} is no path of names and indexes; it is left out")),
    };
    let mut path = match first {
        "state" | "variables" => format!("$.{first}"),
        "pipelines" | "appPipelinesConfig" | "jinja2Macros" => {
            return Err(format!("foreach goes through {first}, which is no data any more; it is left out"));
        }
        name if roots.contains(name) => format!("$.settings{}", written(name)),
        name => return Err(format!("foreach goes through {name}, which no configuration has; it is left out")),
    };
    for step in rest {
        match step {
            Step::Name(name) => path.push_str(&written(name)),
            Step::Index(index) => {
                let _ = write!(path, "[{index}]");
            }
        }
    }
    Ok(path)
}

fn written(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { format!(".{name}") } else { format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")) }
}

enum Step {
    Name(String),
    Index(i64),
}

fn steps(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix("$.").unwrap_or(text);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(bracket) = rest.strip_prefix('[') {
            let (inside, behind) = bracket.split_once(']')?;
            steps.push(match inside.trim_matches(['\'', '"']) {
                name if name.len() + 2 == inside.len() => Step::Name(name.to_owned()),
                _ => Step::Index(inside.parse().ok()?),
            });
            rest = behind;
        } else if let Some(quote) = rest.chars().next().filter(|first| matches!(first, '\'' | '"')) {
            let (name, behind) = rest.get(1..)?.split_once(quote)?;
            steps.push(Step::Name(name.to_owned()));
            rest = behind;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let name = rest.get(..end)?;
            if name.is_empty() || !name.chars().all(|found| found.is_alphanumeric() || matches!(found, '_' | '-')) {
                return None;
            }
            steps.push(Step::Name(name.to_owned()));
            rest = rest.get(end..)?;
        }
        if let Some(behind) = rest.strip_prefix('.') {
            if behind.is_empty() {
                return None;
            }
            rest = behind;
        }
    }
    Some(steps)
}

/// What is wrong with the name of a generator's item.
pub(super) fn iterator_problem(name: &str, roots: &BTreeSet<String>) -> Option<String> {
    let plain = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= 63;
    if !plain {
        Some(format!("iterator {name:?} is no name of letters, digits and _"))
    } else if RESERVED.contains(&name) || roots.contains(name) {
        Some(format!("iterator {name:?} is a name that the data has already"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Result<String, String> {
        json_path(text, &BTreeSet::from(["limits".to_owned(), "my-map".to_owned()]))
    }

    #[test]
    fn literal_paths_find_the_same_in_the_new_language() {
        for (old, new) in [
            ("state.targets", "$.state.targets"),
            ("$.state.a-b.c", "$.state['a-b'].c"),
            ("state.'x.y'.list[0]", "$.state['x.y'].list[0]"),
            ("state['x y'].a[-1]", "$.state['x y'].a[-1]"),
            ("limits.cpu", "$.settings.limits.cpu"),
            ("my-map", "$.settings['my-map']"),
        ] {
            let path = found(old).unwrap();
            assert_eq!(path, new);
            cicdcontext_engine::configuration::json_path::parse(&path).unwrap();
        }
    }

    #[test]
    fn what_is_rendered_or_has_several_matches_is_not_carried_over() {
        for old in ["state.{{ x }}", "state.*", "state..x", "state[0:2]", "other.x", "pipelines.ship", "", "state."] {
            assert!(found(old).is_err(), "{old}");
        }
    }

    #[test]
    fn an_item_has_a_name_of_its_own() {
        let roots = BTreeSet::from(["room".to_owned()]);
        assert_eq!(iterator_problem("target", &roots), None);
        for name in ["state", "room", "a-b", "a.b", ""] {
            assert!(iterator_problem(name, &roots).is_some(), "{name}");
        }
    }
}
