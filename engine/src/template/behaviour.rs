//! What users see: variables, partials, JSON bodies, seeds, missing values, and the texts of all errors.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::testing::{library, render, render_in, render_with, rendering_error, seed, source, sources};
use super::{Escape, Library, Seed, TemplateError, truthy};

fn error_of(result: Result<String, TemplateError>) -> String {
    result.expect_err("an error").to_string()
}

fn compile_error(template: &str) -> String {
    let partials = [("status", "ok"), ("statusLink", "{{a}}"), ("broken", "{{#if a}}")];
    error_of(render_in(&library(&partials, &[]), template, &json!({})))
}

fn in_json(template: &str, data: &Value) -> String {
    let library = library(&[("quoted", "{{state}}")], &[("v", "say {{{state}}}")]);
    library.compile(&source("body", template)).unwrap().render(&library, data, &seed(), Escape::JsonString).unwrap()
}

#[test]
fn a_variable_is_rendered_at_its_use_and_in_any_context() {
    let variables = [("image", "{{state.app}}:{{variables.tag}}"), ("tag", "v{{state.build}}")];
    let library = library(&[("show", "<{{@root.variables.image}}>")], &variables);
    let data = json!({"state": {"app": "shop", "build": 7, "list": [1]}, "variables": {"image": "not seen"}});
    let show = |template: &str| render_in(&library, template, &data).unwrap();
    assert_eq!(show("{{variables.image}}"), "shop:v7");
    assert_eq!(show("{{#each state.list}}{{@root.variables.image}} {{../variables.tag}}{{/each}}"), "shop:v7 v7");
    assert_eq!(show("{{> show}}{{#with state}}{{> show}}{{/with}}"), "<shop:v7><shop:v7>");
    assert_eq!(show("{{upper variables.tag}} {{variables.missing}}{{variables.tag.deeper}}."), "V7 .");
    assert_eq!(
        show("{{lookup variables 'tag'}} {{#each variables}}{{@key}}={{this}};{{/each}}"),
        "v7 image=shop:v7;tag=v7;"
    );
}

#[test]
fn a_literal_value_wins_over_a_variable_and_is_never_rendered() {
    let values = BTreeMap::from([("tag".to_owned(), "{{state.app}}".to_owned()), ("more".to_owned(), "m".to_owned())]);
    let (library, errors) = Library::new(BTreeMap::new(), sources("variables", &[("tag", "{{#broken")]), values);
    assert_eq!(errors, [], "what is not used is not compiled");
    let text = render_in(&library, "{{variables.tag}} {{variables.more}}", &json!({"state": {"app": "x"}}));
    assert_eq!(text.unwrap(), "{{state.app}} m");
    assert_eq!(library.variable_names().collect::<Vec<_>>(), ["more", "tag"]);
}

#[test]
fn a_cycle_of_variables_names_the_chain() {
    let library = library(
        &[],
        &[("a", "{{variables.b}}"), ("b", "x\n {{variables.c}}"), ("c", "{{variables.b}}"), ("ok", "fine")],
    );
    let error = render_in(&library, "{{variables.a}}", &json!({}));
    assert_eq!(
        error_of(error),
        "render `variables.c` at line 1, column 1: the variables read each other without end: \
         variables.b -> variables.c -> variables.b"
    );
    assert_eq!(render_in(&library, "{{variables.ok}}", &json!({})).unwrap(), "fine");
    let all = super::testing::library(&[], &[("a", "{{#each variables}}{{/each}}")]);
    assert!(error_of(render_in(&all, "{{variables.a}}", &json!({}))).contains("variables.a -> variables.a"));
}

#[test]
fn a_broken_variable_or_partial_breaks_only_what_uses_it() {
    let partials = sources("partials", &[("bad", "{{#if a}}"), ("good", "fine"), ("uses", "{{> bad}}")]);
    let variables =
        sources("variables", &[("bad", "{{nott a}}"), ("late", "x {{fromJson '{'}}"), ("uses", "{{variables.late}}")]);
    let (library, errors) = Library::new(partials, variables, BTreeMap::new());
    let mut labels: Vec<_> = errors.iter().map(TemplateError::label).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["BrokenPartial", "Syntax", "UnknownHelper"]);
    let show = |template: &str| render_in(&library, template, &json!({}));
    assert_eq!(show("{{> good}} {{#if variables.none}}{{variables.bad}}{{/if}}").unwrap(), "fine ");
    assert_eq!(
        error_of(show("a {{> uses}}")),
        "compile `test` at line 1, column 3: partial `uses` cannot be used: compile `partials.bad` at line 1, column 1: \
         `{{#if}}` is never closed; write `{{/if}}` where it ends"
    );
    assert_eq!(
        error_of(show("\n {{variables.bad}}")),
        "render `test` at line 2, column 2: `variables.bad` cannot be rendered: compile `variables.bad` at line 1, \
         column 1: there is no helper `nott`; did you mean `not`?"
    );
    let late = error_of(show("{{variables.uses}}"));
    assert!(late.starts_with("render `test` at line 1, column 1: `variables.late` cannot be rendered: render `variables.late` at line 1, column 3: helper `fromJson`"), "{late}");
}

#[test]
fn an_endpoint_sees_its_own_partials_and_the_contexts_variables() {
    let tenant = library(&[("status", "tenant")], &[("image", "{{> status}} {{state}}")]);
    let endpoint = library(&[("status", "endpoint")], &[]);
    let body = endpoint.compile(&source("body", "{{> status}}: {{variables.image}}")).unwrap();
    assert_eq!(body.render(&tenant, &json!({"state": "s"}), &seed(), Escape::None).unwrap(), "endpoint: tenant s");
}

#[test]
fn a_json_body_stays_json_whatever_the_value_holds() {
    let nasty = "a \"quote\" \\ line\nend\u{1}</x>&'";
    let data = json!({"state": nasty, "object": {"a": [1]}, "number": 1.5, "off": false});
    let template = r#"{"text": "x {{state}}", "upper": "{{upper state}}", "partial": "{{> quoted}}", "variable": "{{variables.v}}",
        "object": {{json object}}, "raw": {{{json state}}}, "shown": "{{this.object}}", "number": {{number}}, "off": {{off}}, "none": "{{none}}"}"#;
    let body: Value = serde_json::from_str(&in_json(template, &data)).unwrap();
    assert_eq!(body["text"], format!("x {nasty}"));
    assert_eq!(body["upper"], nasty.to_uppercase());
    assert_eq!(body["partial"], nasty);
    assert_eq!(body["variable"], format!("say {nasty}"));
    assert_eq!(body["object"], json!({"a": [1]}));
    assert_eq!(body["raw"], nasty);
    assert_eq!(body["shown"], r#"{"a":[1]}"#);
    assert_eq!((&body["number"], &body["off"], &body["none"]), (&json!(1.5), &json!(false), &json!("")));
    assert_eq!(
        in_json("{{{state}}}|{{#if state}}\"{{/if}}", &json!({"state": "\""})),
        "\"|\"",
        "raw and own text are not escaped"
    );
}

#[test]
fn nothing_is_escaped_outside_of_json_bodies() {
    assert_eq!(render_with("{{a}}{{upper a}}", &json!({"a": "<b>&\"'\n"})), "<b>&\"'\n<B>&\"'\n");
}

#[test]
fn the_same_seed_gives_the_same_random_values_and_another_gives_others() {
    let library = library(&[], &[("id", "{{random 10}}{{uuid}}")]);
    let show = |name: &str, template: &str, seed: &Seed| {
        library.compile(&source(name, template)).unwrap().render(&library, &json!({}), seed, Escape::None).unwrap()
    };
    let (one, two) = (seed(), Seed::new("another event", seed().now));
    let template = "{{random}} {{random}} {{uuid}} {{now}}";
    let first = show("a", template, &one);
    assert_eq!(first, show("a", template, &one));
    assert_ne!(first, show("a", template, &two));
    assert_ne!(first, show("b", template, &one), "templates do not share what they draw");
    let drawn: Vec<_> = first.split(' ').collect();
    assert_ne!(drawn[0], drawn[1]);
    assert_eq!((drawn[0].len(), drawn[3]), (8, "2026-01-02T03:04:05Z"));
    let variable = "{{variables.id}}";
    assert_eq!(
        show("a", variable, &one),
        show("b", &format!("{variable}{{{{#if (random)}}}}{{{{/if}}}}"), &one),
        "but a variable is one value"
    );
}

#[test]
fn values_that_were_missing_are_told() {
    let library = library(&[("p", "{{c}}")], &[("v", "{{d.e}}")]);
    let template = library.compile(&source(
        "t",
        "{{a}}{{b.x}}{{here}}{{nothing}}{{variables.v}}{{> p}}{{default z 1}}{{variables.no}}{{#if q}}{{/if}}",
    ));
    let data = json!({"here": 1, "nothing": null});
    let rendered = template.unwrap().render_explained(&library, &data, &seed(), Escape::None).unwrap();
    assert_eq!(rendered.text, "11");
    assert_eq!(rendered.missing, ["a", "b.x", "c", "d.e", "variables.no"]);
}

#[test]
fn patterns_know_case_and_words_of_all_languages() {
    let data = json!({"text": "Größe ÄNDERN 42"});
    let show = |pattern: &str| render_with(&format!("{{{{matches text '{pattern}'}}}}"), &data);
    assert_eq!(
        [show("(?i)ändern"), show("^.w+ .w+ .d+$".replace('.', r"\\").as_str()), show("ändern")],
        ["true", "true", "false"]
    );
}

#[test]
fn a_library_is_shared_between_threads() {
    let library = Arc::new(library(&[("p", "{{a}}")], &[("v", "{{a}}")]));
    let threads: Vec<_> = (0..4)
        .map(|at| {
            let library = Arc::clone(&library);
            std::thread::spawn(move || {
                render_in(&library, "{{> p}}{{variables.v}}{{matches 'x' 'x'}}", &json!({"a": at}))
            })
        })
        .collect();
    for (at, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join().unwrap().unwrap(), format!("{at}{at}true"));
    }
}

#[test]
fn only_some_texts_are_false() {
    for text in ["", " \n", "false", "False", " FALSE ", "0", "null", "NULL", "none", "None\n"] {
        assert!(!truthy(text), "{text:?}");
    }
    for text in ["true", "yes", "1", "00", "0.0", "no", "nothing", "[]", "{}", "off"] {
        assert!(truthy(text), "{text:?}");
    }
}

#[test]
fn what_cannot_be_compiled_says_where_and_what_would_be_right() {
    for (template, error) in [
        ("a\n {{uper a}}", "2, column 2: there is no helper `uper`; did you mean `upper`?"),
        (
            "{{#eech a}}{{/eech}}",
            "1, column 1: there is no helper `eech`; block helpers are `if`, `unless`, `each` and `with`",
        ),
        (
            "{{> statuslink}}",
            "1, column 1: there is no partial `statuslink` for this template engine; did you mean `statusLink`?",
        ),
        (
            "{{> other}}",
            "1, column 1: there is no partial `other` for this template engine; the partials are broken, status, statusLink",
        ),
        ("x {{#if a}} y", "1, column 3: `{{#if}}` is never closed; write `{{/if}}` where it ends"),
        (
            "{{#if a}}\n{{#each b}}{{/if}}",
            "2, column 12: `{{/if}}` closes `{{#each}}` of line 2, column 1; write `{{/each}}`",
        ),
        ("{{/if}}", "1, column 1: `{{/if}}` closes a block that was never opened"),
        ("{{else}}", "1, column 1: `{{else}}` stands outside of a block"),
        (
            "{{#if a}}{{else}}{{else}}{{/if}}",
            "1, column 18: `{{else}}` comes last in a block, but `{{#if}}` has one already",
        ),
        (
            "{{#if a}}{{elseif b}}{{/if}}",
            "1, column 10: a name that begins with `else` is read as `{{else}}`; write `else if`",
        ),
        ("{{elsewhere}}", "1, column 1: a name that begins with `else` is read as `{{else}}`; write `this.elsewhere`"),
        ("{{a", "1, column 1: the tag is never closed; write `}}` where it ends"),
        ("{{a}", "1, column 1: the tag is closed with `}}`, but there is a single `}`"),
        ("{{{a}}", "1, column 1: `{{{` is closed with `}}}`"),
        ("{{upper 'a}}", "1, column 1: the text in ' is never closed; write ' where it ends"),
        ("{{upper (lower a}}", "1, column 1: a helper call is not closed with `)`"),
        ("{{upper a)}}", "1, column 1: `)` closes a helper call that was never opened with `(`"),
        ("{{! a", "1, column 1: the comment is never closed; write `}}` where it ends"),
        ("{{~! a}}", "1, column 1: a comment starts with `{{!` and nothing in between"),
        ("{{#}}{{/}}", "1, column 1: a block starts with the name of a block helper, such as `{{#if ...}}`"),
        ("{{>}}", "1, column 1: a partial's name is missing, such as `{{> name}}`"),
        ("{{> 'status'}}", "1, column 1: a partial's name is written without quotes or brackets, such as `{{> name}}`"),
        ("{{> status a b}}", "1, column 1: partial `status` takes one context and `name=value`, but got 2 arguments"),
        ("{{{{other}}}}{{{{/other}}}}", "1, column 1: a raw block is written `{{{{raw}}}} text {{{{/raw}}}}`"),
        (
            "{{json {\"a\": 1}}}",
            "1, column 1: `{` stands in a tag; write an object as `(object name=value)` and close the tag before it",
        ),
        ("{{replace a 'b'}}", "1, column 1: helper `replace` got 2 arguments; write it as `replace text from to`"),
        ("{{upper a to='b'}}", "1, column 1: helper `upper` takes no `to=`; write it as `upper text`"),
        (
            "{{length}}",
            "1, column 1: `length` is a helper; write `length value` to call it, or `this.length` for a value of that name",
        ),
        (
            "{{object}}",
            "1, column 1: `object` is a helper; write `object name=value ...` to call it, or `this.object` for a value of that name",
        ),
        (
            "{{formatTime now '%Y'}}",
            "1, column 1: write `(now)` to call the helper, or `this.now` for a value of that name",
        ),
        (
            "{{#upper a}}{{/upper}}",
            "1, column 1: `upper` is no block helper; write `{{#if (upper ...)}}` or `{{upper ...}}`",
        ),
        ("{{if a}}", "1, column 1: `if` is a block; write `{{#if ...}}...{{/if}}`"),
        ("{{*a}}", "1, column 1: decorators (`{{*...}}`) are refused; use a partial of the configuration"),
        (
            "{{..}}",
            "1, column 1: the tag `{{..}}` cannot be read; write a path such as `state.a`, `state.[odd key]` or `@root.state.a`, a helper call such as `upper state.a`, or arguments such as 'text', 1, true, (helper ...) or name=value",
        ),
        (&"\\".repeat(16), "1, column 1: 16 backslashes in a row are too many; write fewer"),
    ] {
        assert_eq!(compile_error(template), format!("compile `test` at line {error}"), "{template}");
    }
    assert!(
        compile_error("ü{{a b}}\nü {{#if}}{{/if}}")
            .contains("line 1, column 2: there is no helper `a`; the helpers are if, unless, each,")
    );
    assert!(
        compile_error("a\r\nü {{#if}}{{/if}}").contains("line 2, column 3: "),
        "{}",
        compile_error("a\r\nü {{#if}}{{/if}}")
    );
}

#[test]
fn an_error_in_a_rendering_names_the_innermost_template_and_place() {
    let library = library(&[("p", "one\n  {{upper this}}")], &[]);
    let error = render_in(&library, "{{#each a}}{{> p}}{{/each}}", &json!({"a": [[1]]})).expect_err("a list");
    assert_eq!(
        error.to_string(),
        "render `partials.p` at line 2, column 3: helper `upper`: argument 1 must be a text, got a list"
    );
    assert_eq!((error.label(), error.place().line, &*error.place().template), ("Argument", 2, "partials.p"));
    let error = rendering_error("{{#if (matches 'a' '[')}}{{/if}}", &json!({}));
    assert_eq!(
        error.to_string(),
        "render `test` at line 1, column 1: helper `matches`: argument 2 is no regular expression (\"[\"): unclosed character class"
    );
    assert_eq!(
        error_of(render("{{formatTime 'x' '%Y'}}", &json!({}))),
        "render `test` at line 1, column 1: helper `formatTime`: argument 1 is no time (\"x\"); give RFC 3339 text or seconds since 1970"
    );
    assert_eq!(render_with("{{formatTime 0 '%F'}}{{formatTime none '%F'}}", &json!({})), "1970-01-01");
    assert!(error_of(render("{{formatTime 0 '%!'}}", &json!({}))).contains("argument 2 is no time format (\"%!\"): "));
    assert!(render_with("{{formatTime 0 '%200Y'}}", &json!({})).len() <= 256);
}
