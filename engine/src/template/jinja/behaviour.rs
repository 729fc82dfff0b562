//! What Jinja templates see and how their errors read; how they give the same text as the predecessor is tested by the
//! corpus of `engine/tests/jinja`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::testing::seed;
use super::super::{Engine, Escape, Library, Source, TemplateError};
use super::testing::{failure, library, render_in, rendered, source};

fn compile_error(library: &Library, template: &str) -> TemplateError {
    library.compile(&source("test", template)).expect_err(template)
}

#[test]
fn settings_state_and_vars_stand_at_the_root_and_ours_below_cicd() {
    let root = json!({
        "state": {"svc": "ferry"},
        "settings": {"room": "#pilot", "state": "hidden", "event": "own", "configData": {"url": "u"}},
        "context": {"name": "run", "selected": "pilot"},
        "pipeline": {"name": "ship"},
        "event": {"name": "shipped", "data": {"n": 1}},
        "ctx": {"who": "Ada"},
    });
    let template = "{{ state.svc }} {{ room }} {{ event }} {{ configData.url }} {{ ctx.who }} {{ cicd.event.data.n }} \
                    {{ cicd.context.name }} {{ cicd.settings.room }} {{ pipeline is defined }} {{ context is defined }}";
    assert_eq!(rendered(template, &root), "ferry #pilot own u Ada 1 run #pilot False False");
}

#[test]
fn the_handler_stands_under_the_predecessors_name_with_its_fields_and_what_has_a_name_as_maps() {
    let notify = json!({"handler": {"name": "team", "type": "notify", "message": "hi", "fields": {"icon": ":x:"}}});
    assert_eq!(rendered("{{ notify.message }} {{ notify.icon }}", &notify), "hi :x:");
    let choice = json!({"handler": {"type": "manualChoice", "title": "Go?", "choices": [
        {"name": "z", "header": "Z", "options": [{"text": "T", "value": "V", "style": null, "fields": {"confirm": "y"}}]},
        {"name": "a", "header": null, "options": []},
    ]}});
    let template = "{% for key, choice in manualChoice.choices.items() %}{{ key }}:{{ choice.header }}:\
                    {% for option in choice.options %}{{ option.value }}{{ option.confirm }}{% endfor %};{% endfor %}";
    assert_eq!(rendered(template, &choice), "z:Z:Vy;a:None:;");
    let trigger = json!({"handler": {"name": "start", "type": "triggerPipeline", "pipeline": "smoke", "args": [
        {"name": "z", "value": "1"}, {"name": "a", "value": "2"},
    ]}});
    let template = "{{ triggerPipeline.name }} {{ triggerPipeline.args.z }} {{ triggerPipeline.args|json_dumps }}";
    assert_eq!(rendered(template, &trigger), r#"smoke 1 {"z": "1", "a": "2"}"#);
    let generator = json!({"handler": {"type": "generate", "name": "arm"}});
    assert_eq!(rendered("{{ generator.name }}{{ notify is defined }}", &generator), "armFalse");
}

#[test]
fn where_the_data_holds_all_names_no_other_name_is_known_and_none_is_special() {
    let macros = "{% macro both() %}{{ event }}{{ variables.n }}{% endmacro %}";
    let library = library(&[("m", macros)], &[("n", "the library's")]).with_names_from_data();
    let root = json!({
        "state": {"svc": "ferry"}, "variables": {"n": 2}, "event": "e", "settings": {"room": "#pilot"},
        "jinja2Macros": {"all": "x"}, "handler": {"type": "notify", "message": "hi"}, "range": null,
    });
    let template = "{{ state.svc }} {{ both() }} {{ variables }} {{ settings.room }} {{ jinja2Macros.all }} \
                    {{ handler.message }} {{ range }} {{ dict(a=1) }} {{ room is defined }} {{ cicd is defined }} \
                    {{ notify is defined }}";
    let expected = "ferry e2 {'n': 2} #pilot x hi None {'a': 1} False False False";
    assert_eq!(render_in(&library, template, &root).unwrap(), expected);
}

#[test]
fn macros_stand_in_front_of_every_template_in_the_order_of_their_names() {
    let partials =
        [("b", "{% macro two() %}2{{ one() }}{% endmacro %}"), ("a", "  {% macro one() %}1{% endmacro %}\n\n")];
    let library = library(&partials, &[]);
    assert_eq!(render_in(&library, " {{ two() }}", &Value::Null).unwrap(), " 21");
    let template = "{{ jinja2Macros.all }}|{{ jinja2Macros.byName.a }}";
    let texts =
        "{% macro one() %}1{% endmacro %}{% macro two() %}2{{ one() }}{% endmacro %}|{% macro one() %}1{% endmacro %}";
    assert_eq!(render_in(&library, template, &Value::Null).unwrap(), texts);
}

#[test]
fn a_macro_that_ends_with_a_minus_eats_the_white_space_of_each_template_and_lines_stay_right() {
    let library = library(&[("m", "{%- macro m() %}x{% endmacro -%}")], &[]);
    assert_eq!(render_in(&library, "\n\n a {{ m() }} ", &Value::Null).unwrap(), "a x ");
    assert_eq!(render_in(&library, " \n ", &Value::Null).unwrap(), "");
    let error = render_in(&library, "\n\n  {{ 1 + 'a' }}", &Value::Null).unwrap_err();
    assert!(error.to_string().starts_with("render `test` at line 3, column 6: `+` is not defined"), "{error}");
}

#[test]
fn text_and_settings_of_macros_hold_in_every_template() {
    let library = library(&[("m", "T{% set x = 1 %}{% macro m() %}{{ x }}{{ y }}{% endmacro %}")], &[]);
    assert_eq!(render_in(&library, "{{ x }}{% set x = 2 %}{% set y = 3 %}{{ m() }}", &Value::Null).unwrap(), "T123");
    assert_eq!(render_in(&library, "{{ m() }}", &json!({"y": 5})).unwrap(), "T15");
}

#[test]
fn a_broken_macro_breaks_all_jinja_templates_and_no_others() {
    let partials = BTreeMap::from([
        ("bad".to_owned(), source("partials.bad", "\n{% macro m() %}\n{{ 1 + }}{% endmacro %}")),
        ("good".to_owned(), Source::new("partials.good", "fine", Engine::Handlebars)),
    ]);
    let (library, errors) = Library::new(partials, BTreeMap::new(), BTreeMap::new());
    let cause = "compile `partials.bad` at line 2, column 8: `}}` cannot stand here";
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [cause]);
    let error = compile_error(&library, "x");
    assert_eq!(error.to_string(), format!("compile `test` at line 1, column 1: partial `bad` cannot be used: {cause}"));
    let template = library.compile(&Source::new("h", "{{> good}}", Engine::Handlebars)).unwrap();
    assert_eq!(template.render(&library, &Value::Null, &seed(), Escape::None).unwrap(), "fine");
}

#[test]
fn variables_are_read_across_the_engines() {
    let variables = BTreeMap::from([
        ("image".to_owned(), Source::new("variables.image", "img:{{state.tag}}", Engine::Handlebars)),
        ("title".to_owned(), source("variables.title", "{{ variables.image|upper }} {{ variables['image'] }}")),
        ("a".to_owned(), source("variables.a", "{{ variables.b }}")),
        ("b".to_owned(), Source::new("variables.b", "{{variables.a}}", Engine::Handlebars)),
    ]);
    let (library, errors) =
        Library::new(BTreeMap::new(), variables, BTreeMap::from([("n".to_owned(), "7".to_owned())]));
    assert_eq!(errors, []);
    let root = json!({"state": {"tag": "v1"}, "variables": "hidden"});
    let render = |text: &str, engine| {
        library.compile(&Source::new("test", text, engine))?.render(&library, &root, &seed(), Escape::None)
    };
    assert_eq!(render("{{variables.title}}", Engine::Handlebars).unwrap(), "IMG:V1 img:v1");
    assert_eq!(render("{{ variables.title }} {{ variables.get('n') }}", Engine::Jinja).unwrap(), "IMG:V1 img:v1 7");
    assert_eq!(render("{{ variables.get('x', 'y') }}{{ variables.x }}", Engine::Jinja).unwrap(), "y");
    let error = render("{{ variables.a }}", Engine::Jinja).unwrap_err();
    let cycle = "the variables read each other without end: variables.a -> variables.b -> variables.a";
    assert!(error.to_string().ends_with(cycle), "{error}");
}

#[test]
fn nothing_is_escaped_and_missing_values_are_told() {
    let template =
        Library::default().compile(&source("test", "{{ state.a }}{{ state.b.c }}{{ nope }}{{ state['d'] }}")).unwrap();
    let root = json!({"state": {"a": "\"<\n", "b": {}}});
    let rendered = template.render_explained(&Library::default(), &root, &seed(), Escape::JsonString).unwrap();
    assert_eq!(rendered.text, "\"<\n");
    assert_eq!(rendered.missing, ["nope", "state.b.c", "state.d"]);
}

#[test]
fn errors_say_where_and_what_would_be_right() {
    let library = Library::default();
    for (template, problem) in [
        ("a\n {{ 'x'|uper }}", "line 2, column 9: there is no filter `uper`; did you mean `upper`?"),
        ("{{ x is definde }}", "line 1, column 9: there is no test `definde`; did you mean `defined`?"),
        ("ä{% iff x %}{% endif %}", "line 1, column 5: there is no statement `iff`; did you mean `if`?"),
        ("{{ a b }}", "line 1, column 6: found `b` where the end of the tag (`}}`) is expected"),
        ("{% for x of y %}{% endfor %}", "line 1, column 10: found `of` where in is expected"),
        (
            "\n{% if a %}\n{% endfor %}",
            "line 3, column 4: `{% endfor %}` closes `{% if %}` of line 2, column 4; write `{% endif %}`",
        ),
        ("{% if a %}", "line 1, column 4: `{% if %}` is never closed; write `{% endif %}` where it ends"),
        ("{{ 'a }}", "line 1, column 4: the text that starts with `'` never ends"),
        ("{{ a", "line 1, column 1: `{{` is never closed; write `}}` where it ends"),
        ("{{ (a] }}", "line 1, column 6: found `]` where `)` is expected"),
        ("{% do x() %}", "line 1, column 4: `{% do ... %}` is refused; write `{% set _ = ... %}`"),
        ("{% break %}", "line 1, column 4: 'break' must be placed inside a loop, at `break`"),
    ] {
        assert_eq!(compile_error(&library, template).to_string(), format!("compile `test` at {problem}"), "{template}");
    }
    let partials = [("m", "{% macro m(x) %}\n {{ x.a.b }}{% endmacro %}")];
    let error = render_in(&super::testing::library(&partials, &[]), "{{ m({}) }}", &Value::Null).unwrap_err();
    assert_eq!(error.to_string(), "render `partials.m` at line 2, column 9: `a` is undefined");
    assert_eq!(
        failure("{{ 1 }}\n{{ nope() }}", &Value::Null),
        "render `test` at line 2, column 4: `nope` is undefined"
    );
}

#[test]
fn data_that_a_template_changes_is_changed_for_it_alone() {
    let root = json!({"state": {"list": [1]}});
    let template = "{% set _ = state.list.append(2) %}{% set _ = state.update({'x': 1}) %}{{ state }}";
    assert_eq!(rendered(template, &root), "{'list': [1, 2], 'x': 1}");
    assert_eq!(rendered("{{ state }}", &root), "{'list': [1]}");
}
