//! What jinja2 itself renders: each template of `facts/` gives the very text that the oracle gave, or fails as it did.
//!
//! `facts/ask.py` asks the oracle and writes the answers.

use serde_json::Value as Json;

use super::super::testing::seed;
use super::super::{Engine, Escape, Library, Source, TemplateError};
use super::{filter, global, test};

fn render(template: &str, data: &Json) -> Result<String, TemplateError> {
    let library = Library::default();
    library.compile(&Source::new("test", template, Engine::Jinja))?.render(&library, data, &seed(), Escape::None)
}

fn check(facts: &str) {
    let facts: Json = serde_json::from_str(facts).unwrap();
    let cases = facts["cases"].as_array().unwrap();
    assert!(!cases.is_empty(), "there are no cases");
    let mut wrong = Vec::new();
    for case in cases {
        let template = case[0].as_str().unwrap();
        let rendered = render(template, &facts["data"]);
        let right = match (&rendered, case[1].as_str()) {
            (Ok(text), Some(expected)) => text == expected,
            // A failure must be one of the value, not one of a bound.
            (Err(error), None) => error.bound().is_none(),
            _ => false,
        };
        if !right {
            let found = rendered.map_err(|error| error.to_string());
            wrong.push(format!("{template}\n  expected {:?}\n  found    {found:?}\n", case[1].as_str()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.concat());
}

#[test]
fn texts_are_changed_as_jinja2_does_it() {
    check(include_str!("facts/text.json"));
}

#[test]
fn items_are_chosen_and_sorted_as_jinja2_does_it() {
    check(include_str!("facts/sequence.json"));
}

#[test]
fn numbers_are_read_and_rounded_as_jinja2_does_it() {
    check(include_str!("facts/number.json"));
}

#[test]
fn tests_hold_as_in_jinja2() {
    check(include_str!("facts/test.json"));
}

#[test]
fn functions_give_what_they_give_in_jinja2() {
    check(include_str!("facts/global.json"));
}

#[test]
fn words_are_wrapped_as_jinja2_does_it() {
    check(include_str!("facts/wrap.json"));
}

#[test]
fn values_are_laid_out_as_by_pprint() {
    check(include_str!("facts/pretty.json"));
}

#[test]
fn addresses_become_links_as_in_jinja2() {
    check(include_str!("facts/link.json"));
}

#[test]
fn examples_of_the_documentation_render_to_what_they_say() {
    let filters = filter::TABLE.iter().map(|entry| (entry.name, entry.parameters, entry.description, entry.example));
    let tests = test::TABLE.iter().map(|entry| (entry.name, "", entry.description, entry.example));
    let globals = global::TABLE.iter().map(|entry| (entry.name, entry.parameters, entry.description, entry.example));
    for (name, parameters, description, (template, expected)) in filters.chain(tests).chain(globals) {
        assert!(!parameters.contains(['(', ')']), "{name}({parameters})");
        assert!(description.ends_with('.'), "{name} has no description");
        let rendered = render(template, &Json::Null).unwrap_or_else(|error| panic!("{template}: {error}"));
        assert_eq!(rendered, expected, "{name}: {template}");
    }
}

#[test]
fn what_python_prints_with_an_address_is_printed_without() {
    let cases = [
        ("{{ [1]|map('int') }}", "<generator object>"),
        ("{{ [1]|reverse }}", "<list_reverseiterator object>"),
        ("{{ cycler(1) }}{{ joiner() }}", "<jinja2.utils.Cycler object><jinja2.utils.Joiner object>"),
    ];
    for (template, expected) in cases {
        assert_eq!(render(template, &Json::Null).unwrap(), expected);
    }
}

#[test]
fn chance_follows_from_the_seed() {
    let template = "{{ range(1000000)|random }} {{ range(1000000)|random }} {{ lipsum(1, false) }}";
    let first = render(template, &Json::Null).unwrap();
    assert_eq!(first, render(template, &Json::Null).unwrap());
    let drawn: Vec<&str> = first.split(' ').collect();
    assert_ne!(drawn[0], drawn[1]);
}

/// Each would take gigabytes or hours.
#[test]
fn work_that_templates_ask_for_is_paid_for_before_it_is_done() {
    let templates = [
        "{{ range(10**12)|list }}",
        "{{ 'a'|center(10**12) }}",
        "{{ 'a\nb'|indent(10**12) }}",
        "{{ [1]|batch(10**12, 0)|list }}",
        "{{ [1]|slice(10**12)|list }}",
        "{{ lipsum(10**12) }}",
        "{{ lipsum(1, min=10**12, max=10**13) }}",
        "{{ ('a\n' * 200000)|indent('x' * 100000) }}",
        "{{ ('a b ' * 100000)|wordwrap(1, true, 'x' * 100000) }}",
        "{{ range(100000)|map('string')|join('x' * 100000) }}",
        "{{ range(400000)|sort|length }}",
        "{% set ns = namespace(l=['x' * 1000]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{{ ([['x' * 100000] * 5] * 400)|map('join')|list|length }}",
    ];
    for template in templates {
        let error = render(template, &Json::Null).expect_err(template);
        assert!(error.bound().is_some(), "{template}: {error}");
    }
}

#[test]
fn an_integer_beyond_what_can_be_calculated_with_is_refused() {
    let error = render("{{ ('f' * 100000)|int(0, 16) > 1 }}", &Json::Null).unwrap_err().to_string();
    assert!(error.ends_with("filter `int`: an integer of 400000 bits is too large, allowed are 65536"), "{error}");
}

#[test]
fn values_that_hold_themselves_or_nest_deep_do_no_harm() {
    let templates = [
        ("{% set l = [1] %}{% set _ = l.append(l) %}{{ l|pprint }}", "[1, <Recursion on list>]"),
        ("{% set l = [] %}{% set g = l|map('list') %}{% set _ = l.append(g) %}{{ g|list }}", ""),
        (
            "{% set n = namespace(g=[1]) %}{% for i in range(90) %}{% set n.g = n.g|map('int') %}{% endfor %}{{ n.g|list }}",
            "",
        ),
        (
            "{% set n = namespace(g=[1]) %}{% for i in range(20000) %}{% set n.g = [n.g|map('list')] %}{% endfor %}ok",
            "ok",
        ),
        ("{% set n = namespace(g=1) %}{% for i in range(20000) %}{% set n.g = cycler(n.g) %}{% endfor %}ok", "ok"),
        ("{% set n = namespace(g=1) %}{% for i in range(20000) %}{% set n.g = joiner(n.g) %}{% endfor %}ok", "ok"),
        ("{% set n = namespace(g=1) %}{% for i in range(20000) %}{% set n.g = namespace(g=n.g) %}{% endfor %}ok", "ok"),
        (
            "{% set n = namespace(g=[1]) %}{% for i in range(20000) %}{% set n.g = [n.g]|groupby(0) %}{% endfor %}ok",
            "ok",
        ),
        ("{% set n = namespace(g=[1]) %}{% for i in range(20000) %}{% set n.g = [n.g]|reverse %}{% endfor %}ok", "ok"),
    ];
    for (template, expected) in templates {
        match render(template, &Json::Null) {
            Ok(rendered) => assert_eq!(rendered, expected, "{template}"),
            Err(error) => assert!(expected.is_empty(), "{template}: {error}"),
        }
    }
}
