//! `if`: what ran before although its text says no.
//!
//! The predecessor ran whatever printed a text, `False`, `None` and `0` included. Now a blank text, `false`, `none`,
//! `null` and `0` skip, in any case.

use serde_json::Value;

use super::scan::{Part, Token, has_tags, parts, tokens};

/// What becomes of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// The template that is written; none runs always.
    pub(super) template: Option<String>,
    /// What to say of it: what it meant, and what it means now.
    pub(super) remark: Option<String>,
    /// It cannot be written.
    pub(super) is_lost: bool,
}

/// Reads an `if`. `strips` says whether this handler's text was stripped before.
pub(super) fn condition(value: Option<&Value>, strips: bool) -> Condition {
    let written = |template: &str, remark: Option<String>| Condition {
        template: Some(template.to_owned()),
        remark,
        is_lost: false,
    };
    match value {
        None => Condition { template: None, remark: None, is_lost: false },
        Some(Value::String(text)) => written(text, problem(text, strips)),
        Some(Value::Null) => written("", None),
        Some(Value::Bool(false)) => written("false", None),
        Some(Value::Bool(true)) => {
            written("true", Some("it is the boolean true, which was an error; it runs now".to_owned()))
        }
        Some(Value::Number(number)) if number.as_f64() == Some(0.0) => written("0", None),
        Some(Value::Array(items)) if items.is_empty() => written("", None),
        Some(Value::Object(map)) if map.is_empty() => written("", None),
        Some(Value::Number(number)) => {
            let text = number.to_string();
            written(&text, Some("it is a number, which was an error; it runs now".to_owned()))
        }
        Some(_) => Condition {
            template: Some(String::new()),
            remark: Some("it is no template, which was an error; the handler is skipped now".to_owned()),
            is_lost: true,
        },
    }
}

const SKIPPING: [&str; 4] = ["false", "none", "null", "0"];

fn skips(text: &str) -> bool {
    let text = text.trim();
    SKIPPING.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn problem(template: &str, strips: bool) -> Option<String> {
    if !has_tags(template) {
        let ran = "its text ran before and is skipped now";
        return if skips(template) {
            Some(format!("it says {:?}: {ran}", template.trim()))
        } else if !strips && template.trim().is_empty() && !template.trim_end_matches('\n').is_empty() {
            Some(format!("it is whitespace: {ran}"))
        } else {
            None
        };
    }
    let parts = parts(template);
    let always_prints = !parts.iter().any(|part| matches!(part, Part::Statement(_)))
        && parts.iter().any(|part| matches!(part, Part::Text(text) if !text.trim().is_empty()));
    if may_spell(&parts, always_prints) {
        return Some("its parts may come to false, none, null or 0, which ran before and is skipped now".to_owned());
    }
    if !always_prints {
        for part in &parts {
            match part {
                Part::Expression(expression) => {
                    if let Some(what) = may_print(&tokens(expression)) {
                        return Some(format!(
                            "{{{{ {expression} }}}} {what}, which ran before; False, None, null and 0 skip now"
                        ));
                    }
                }
                Part::Text(text) if skips(text) => {
                    return Some(format!("it may print {:?}, which ran before and is skipped now", text.trim()));
                }
                Part::Text(_) | Part::Statement(_) => {}
            }
        }
    }
    let blank = |part: &Part| matches!(part, Part::Text(text) if text.trim().is_empty());
    (!strips && !always_prints && parts.iter().any(blank))
        .then(|| "it may print whitespace alone, which ran before; a blank text skips now".to_owned())
}

/// Whether pieces of text that are in the template can be parts of a word that skips, with what is printed around them.
fn may_spell(parts: &[Part], always_prints: bool) -> bool {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.trim().to_ascii_lowercase()).filter(|text| !text.is_empty()),
        _ => None,
    });
    let texts: Vec<String> = texts.collect();
    let within = |word: &str, text: &String| text != word && word.contains(text.as_str());
    if always_prints {
        return SKIPPING.iter().any(|word| texts.iter().all(|text| word.contains(text.as_str())));
    }
    let printing = texts.len() + parts.iter().filter(|part| matches!(part, Part::Expression(_))).count();
    printing > 1 && texts.iter().any(|text| SKIPPING.iter().any(|word| within(word, text)))
}

/// What an expression can print that skips now. None: texts that never do.
fn may_print(tokens: &[Token]) -> Option<&'static str> {
    let tokens = inside_parentheses(tokens);
    if let Some(at) = top_level(tokens, &["if"]) {
        let (value, rest) = tokens.split_at(at);
        let otherwise = top_level(rest, &["else"]).and_then(|at| rest.get(at + 1..)).unwrap_or_default();
        return may_print(value).or_else(|| may_print(otherwise));
    }
    if let Some(at) = top_level(tokens, &["or"]) {
        return may_print(&tokens[..at]).or_else(|| may_print(&tokens[at + 1..]));
    }
    if let Some(at) = top_level(tokens, &["and"]) {
        return may_print(&tokens[..at]).or_else(|| may_print(&tokens[at + 1..]));
    }
    if top_level(tokens, &["not", "in", "is", "==", "!=", "<", ">", "<=", ">="]).is_some() {
        return Some("prints True or False");
    }
    match tokens {
        [] => None,
        [Token::Text(text)] => skips(text).then_some("prints such a text"),
        [Token::Number(number)] => skips(number).then_some("prints 0"),
        [Token::Name(name)] if matches!(name.as_str(), "true" | "True") => Some("prints True"),
        [Token::Name(name)] if matches!(name.as_str(), "false" | "False" | "none" | "None") => {
            Some("prints False or None")
        }
        _ => Some("may print False, None or 0"),
    }
}

fn inside_parentheses(mut tokens: &[Token]) -> &[Token] {
    while let [open, inside @ .., close] = tokens {
        let mut depth = 0_i32;
        let closes_early = inside.iter().any(|token| {
            depth += i32::from(token.is("(")) - i32::from(token.is(")"));
            depth < 0
        });
        if !open.is("(") || !close.is(")") || closes_early {
            break;
        }
        tokens = inside;
    }
    tokens
}

/// Where one of these words stands outside of brackets.
fn top_level(tokens: &[Token], words: &[&str]) -> Option<usize> {
    let mut depth = 0_i32;
    tokens.iter().position(|token| {
        let opens = ["(", "[", "{"].iter().any(|sign| token.is(sign));
        let closes = [")", "]", "}"].iter().any(|sign| token.is(sign));
        depth += i32::from(opens) - i32::from(closes);
        depth == 0 && words.iter().any(|word| token.is(word))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn remark(template: &str) -> Option<String> {
        condition(Some(&json!(template)), true).remark
    }

    #[test]
    fn a_comparison_not_in_and_is_print_true_or_false() {
        for expression in [
            "a == b",
            "a != 1",
            "a < b",
            "a >= b",
            "not a",
            "a in b",
            "a not in b",
            "a is defined",
            "(a == b)",
            "a and b == c",
        ] {
            let said = remark(&format!("{{{{ {expression} }}}}")).unwrap_or_else(|| panic!("{expression}"));
            assert!(said.contains("prints True or False") || said.contains("may print"), "{expression}: {said}");
        }
        assert!(remark("{{ 'x' == a }}").unwrap().contains("prints True or False"));
    }

    #[test]
    fn a_bare_value_may_print_false_none_or_0() {
        for expression in
            ["state.ok", "state.n|int", "flag()", "a or b", "none", "0", "x if y", "'1' if y else z", "a ~ b"]
        {
            assert!(remark(&format!("{{{{ {expression} }}}}")).is_some(), "{expression}");
        }
        assert!(remark("{% if a %}{{ b }}{% endif %}").is_some());
        assert!(remark("{% if a %}false{% endif %}").is_some());
    }

    #[test]
    fn what_prints_a_safe_text_or_nothing_stays_as_it_is() {
        for template in [
            "",
            "yes",
            "{{ '1' if 'arm' in state.rev }}",
            "{{ '1' if a == b else '' }}",
            "{% if a == b %}1{% endif %}",
            "x{{ a }}",
            "{{ 'x' if a else ('y' if b is defined) }}",
            "{{ 5 }}",
        ] {
            assert_eq!(remark(template), None, "{template}");
        }
    }

    #[test]
    fn pieces_that_may_make_up_such_a_word_are_told() {
        for template in
            ["0{{ a }}", "false{{ a }}", "{{ 'fal' }}se", "{% if a %}fal{% endif %}se", "n{{ a }}", " nul{{ a }}l"]
        {
            let said = remark(template).unwrap_or_else(|| panic!("{template}"));
            assert!(said.contains("skipped now") || said.contains("skip now"), "{template}: {said}");
        }
        for template in ["v{{ a }}", "not {{ a }}", "{% if a %}on{% endif %}", "fail{{ a }}"] {
            assert_eq!(remark(template), None, "{template}");
        }
    }

    #[test]
    fn a_literal_text_that_says_no_ran_before() {
        for text in ["False", " none ", "0", "NULL"] {
            assert!(remark(text).unwrap().contains("is skipped now"), "{text}");
        }
        assert!(remark("{{ 'False' }}").is_some());
    }

    #[test]
    fn whitespace_alone_ran_in_handlers_that_did_not_strip() {
        let blank = |template: &str, strips| condition(Some(&json!(template)), strips).remark;
        assert!(blank(" ", false).is_some());
        assert!(blank("{% if a %}1{% endif %} \n", false).is_some());
        assert_eq!(blank("{% if a %}1{% endif %}\n", false), None, "one final newline never counted");
        assert_eq!(blank(" ", true), None);
    }

    #[test]
    fn values_that_are_no_text_are_written_as_one() {
        for (value, template, has_remark) in [
            (json!(false), "false", false),
            (json!(null), "", false),
            (json!(0), "0", false),
            (json!([]), "", false),
            (json!(true), "true", true),
            (json!(1), "1", true),
        ] {
            let found = condition(Some(&value), false);
            assert_eq!(
                (found.template.as_deref(), found.remark.is_some(), found.is_lost),
                (Some(template), has_remark, false)
            );
        }
        assert!(condition(Some(&json!([1])), false).is_lost);
        assert_eq!(condition(None, false).template, None);
    }
}
