//! What the report says.

use super::*;
use Severity::{Changed, Hint, NotCarried};

#[test]
fn an_if_that_can_print_false_none_or_0_is_reported_in_every_kind_of_handler_and_in_generators() {
    for handler in [
        "notify: {message: m, if: X}",
        "respond: {message: m, url: 'https://slack.com/x', if: X}",
        "manual-choice: {title: t, choices: {}, if: X}",
        "trigger-pipeline: {name: n, if: X}",
        "set-values: {set: [{from: x, to: state.a}], if: X}",
        "notify: {one: {message: m, if: X}}",
    ] {
        let handler = handler.replace('X', "'{{ state.a == 1 }}'");
        World::event(&format!("{{{handler}}}")).says(Changed, "if", "prints True or False");
    }
    let generator = "cicd-contexts: {stage: {pipelines: {p: {generators: {g: {i: {if: '{{ state.a }}', set: []}}}}}}}";
    World::app(generator).says(Changed, "generators.g.i.if", "may print False, None or 0");
    World::event("{notify: {message: m, if: true}}").says(Changed, "notify.if", "was an error; it runs now");
    World::event("{notify: {message: m, if: [1]}}").says(NotCarried, "notify.if", "it is no template");
    World::event("{notify: {message: m, if: \"{{ '1' if state.a }}\"}}").is_quiet();
}

#[test]
fn secrets_are_seen_by_no_template() {
    World::message("{{ secretData.slack.token }}").says(NotCarried, "notify.message", "it reads secretData");
    for value in
        ["{{ secretData.a.b|upper }}", "{{ secretData.a.b }}{{ secretData.c }}", "{{ secretData.a.b }}{{ state.x }}"]
    {
        let headers = format!("headers: [{{name: X, value: {}}}]", json!(value));
        let world = World::message("m").core(&CORE.replace("headers: []", &headers));
        world.says(NotCarried, "trigger.headers[0].value", "it is more than one secret");
    }
}

#[test]
fn a_header_whose_secret_is_missing_is_blank_as_it_was() {
    let core = CORE.replace("headers: []", "headers: [{name: X, value: '{{ secretData.none }}'}]");
    World::message("m").core(&core).says(Changed, "trigger.headers[0].value", "which the secrets have not");
}

#[test]
fn templates_that_read_the_raw_app_file_or_macros_are_reported() {
    World::message("{{ appPipelinesConfig.bases }}").says(NotCarried, "notify.message", "appPipelinesConfig.bases");
    World::message("{{ jinja2Macros['all'] }}").says(NotCarried, "notify.message", "jinja2Macros.all");
    World::message("m").core(&CORE.replace("notify: 'n'", "notify: '{{ appPipelinesConfig }}'")).says(
        NotCarried,
        "config.yaml: templates.notify",
        "appPipelinesConfig",
    );
}

#[test]
fn escapes_for_a_second_rendering_of_choices_are_reported() {
    for template in ["k: {header: \"{{ '{{' }} state.x }}\"}", "k: {% raw %}{{ x }}{% endraw %}"] {
        let handler = json!({"manual-choice": {"title": "t", "choices": {}, "choice-generators": {
            "g": {"foreach": "state.t", "iterator": "i", "template": template},
        }}});
        World::event(&handler.to_string()).says(NotCarried, "choice-generators.g.template", "rendered a second time");
    }
}

#[test]
fn bare_words_that_yaml_1_1_took_for_booleans_are_reported_in_choice_templates() {
    let handler = json!({"manual-choice": {"title": "t", "choices": {}, "choice-generators": {
        "g": {"foreach": "state.t", "iterator": "i", "template": "k: {header: h, options: [{text: yes, value: v}]}"},
    }}});
    World::event(&handler.to_string()).says(Changed, "choice-generators.g.template", "a bare yes was a boolean");
}

#[test]
fn a_notify_that_may_be_blank_is_told() {
    World::message("{% if state.a %}x{% endif %}").says(Hint, "notify.message", "sent all the same");
    World::message("").says(Hint, "notify.message", "sent all the same");
    let sure = World::message("built {{ state.a }}").is_quiet();
    assert!(!sure.report.lines().contains("sent all the same"));
}

#[test]
fn variables_that_read_what_is_written_later_or_the_config_or_a_later_variable_are_reported() {
    let late = format!(
        "variables: {{v: '{{{{ state.out.x }}}}'}}\n{}",
        in_event("{set-values: {set: [{from: a, to: state.out}]}}")
    );
    World::app(&late).says(Changed, "variables.v", "state.out is written later");
    let captured = format!(
        "variables: {{v: '{{{{ state.ts }}}}'}}\n{}",
        in_event("{notify: {message: m, capture-response-data: [{from: '{{ body.ts }}', to: 'state.ts[]'}]}}")
    );
    World::app(&captured).says(Changed, "variables.v", "state.ts is written later");
    let config = format!("variables: {{v: '{{{{ configData.boardUrl }}}}'}}\n{}", in_event("{}"));
    World::app(&config).says(Changed, "variables.v", "variables did not see configData");
    let order = format!("variables: {{a: '{{{{ variables.b }}}}', b: x}}\n{}", in_event("{}"));
    World::app(&order).says(Changed, "variables.a", "it reads variables.b, which stood later");
    let fine = format!("variables: {{b: x, a: '{{{{ variables.b }}}} {{{{ state.rev }}}}'}}\n{}", in_event("{}"));
    World::app(&fine).is_quiet();
}

#[test]
fn unknown_keys_are_reported_wherever_they_stand() {
    for (app, place) in [
        ("macros: {}\ncicd-contexts: {stage: {}}", "app.yaml: macros"),
        (&in_event("{notfy: {message: m}}"), "event-handlers.e.notfy"),
        (&in_event("{set-values: {set: [{from: a, to: state.b, form: c}]}}"), "set-values.set[0].form"),
        (&in_event("{set-values: {set: [], more: 1}}"), "set-values.more"),
        (&in_event("{trigger-pipeline: {name: n, arg: {}}}"), "trigger-pipeline.arg"),
        (
            &in_event(
                "{manual-choice: {title: t, choices: {}, choice-generators: {g: {foreach: state.a, template: t, x: 1}}}}",
            ),
            "choice-generators.g.x",
        ),
        ("cicd-contexts: {stage: {pipelines: {p: {generators: {g: {i: {set: [], x: 1}}}}}}}", "generators.g.i.x"),
    ] {
        World::app(app).says(Hint, place, "no key that was known");
    }
    World::event("{respond: {message: m, url: 'https://slack.com/', capture-response-data: []}}").says(
        NotCarried,
        "respond.capture-response-data",
        "respond captured nothing",
    );
}

#[test]
fn names_at_the_root_that_templates_cannot_reach_are_reported() {
    World::app("cicd-contexts: {stage: {my-room: x}}").says(Hint, "stage.my-room", "cannot read this key at the root");
    World::app("cicd-contexts: {stage: {cicd: x}}").says(NotCarried, "stage.cicd", "the operator's own now");
}

#[test]
fn enabled_and_if_in_the_wrong_place_are_reported() {
    World::event("{enabled: false, notify: {message: m}}").says(
        Changed,
        "e.enabled",
        "enabled of an event was ignored",
    );
    World::event("{if: x, notify: {message: m}}").says(Changed, "e.if", "if of an event was ignored");
    let block = World::event("{notify: {one: {message: m, enabled: false}}}");
    block.says(Changed, "notify.one", "enabled of a named block was ignored");
    assert_eq!(block.converted().handlers()[0].get("enabled"), None, "it ran, and does");
    let text = World::event("{notify: {enabled: 'false', message: m}}");
    text.says(Changed, "notify.enabled", "the handler was switched on, and is");
    assert_eq!(text.converted().handlers()[0].get("enabled"), None);
    World::event("{notify: {enabled: true, one: {message: m}}}").says(Changed, "notify", "was an error");
    World::event("{notify: {if: x, one: {message: m}}}").says(NotCarried, "notify.if", "if beside named blocks");
    World::event("{trigger-pipeline: {if: x, one: {name: n}}}").says(
        NotCarried,
        "trigger-pipeline.if",
        "guarded nothing",
    );
    World::event("{trigger-pipeline: {args: {a: b}}}").says(
        NotCarried,
        "trigger-pipeline.args",
        "posted the auto-args alone",
    );
    World::app("cicd-contexts: {stage: {pipelines: {p: {generators: {g: {i: {enabled: false, set: []}}}}}}}").says(
        Changed,
        "generators.g.i.enabled",
        "enabled of a generator's item was ignored",
    );
}

#[test]
fn templates_that_are_no_text_are_reported() {
    World::event("{notify: {message: 5}}").says(Changed, "notify.message", "it is no text, which was an error");
    World::event("{notify: {message: [a]}}").says(NotCarried, "notify.message", "it is no template");
    World::event("{respond: {message: m, url: 'https://slack.com/', plan: {a: 1}}}").says(
        NotCarried,
        "respond.plan",
        "it is no template",
    );
    World::event("{set-values: {set: [{from: 5, to: state.a}]}}").says(Changed, "set[0]", "its value is no text");
    World::event("{set-values: {set: [{from: {a: 1}, to: state.a}]}}").says(NotCarried, "set[0]", "a list or map");
    World::event("{set-values: {set: [{from: a}]}}").says(NotCarried, "set[0]", "it is no map of from and to");
    World::event("{set-values: {set: x}}").says(NotCarried, "set-values.set", "it is no list");
    World::event("{notify: x}").says(NotCarried, "e.notify", "it is no map");
    World::app("variables: {v: 1}\ncicd-contexts: {stage: {}}").says(Changed, "variables.v", "it is no text");
    let options =
        json!({"manual-choice": {"title": "t", "choices": {"c": {"header": "h", "options": [{"text": "t"}]}}}});
    World::event(&options.to_string()).says(NotCarried, "options[0].value", "an option has a text and a value");
}

#[test]
fn values_that_are_files_are_reported() {
    World::event("{set-values: {set: [{from: 'file:///tmp/x', to: state.a}]}}").says(
        NotCarried,
        "set[0]",
        "it read a file",
    );
    World::event("{set-values: {set: [{from: '{{ x }}file://{{ y }}', to: state.a}]}}").says(
        Changed,
        "set[0]",
        "read a file",
    );
    World::app(
        "cicd-contexts: {stage: {pipelines: {p: {generators: {g: {i: {set: [{key: state.a, value: 'file://x'}]}}}}}}}",
    )
    .says(NotCarried, "set[0]", "it read a file");
}

#[test]
fn keys_that_methods_of_maps_hide_are_reported() {
    for key in ["items", "keys", "values", "get", "copy", "pop", "update"] {
        let app = format!("cicd-contexts: {{stage: {{limits: {{{key}: 1}}}}}}");
        World::app(&app).says(Hint, &format!("stage.limits.{key}"), "finds the method of maps");
    }
}

#[test]
fn vars_below_the_config_and_data_sources_are_reported() {
    World::message("{{ configData.fromTheStep }}").says(NotCarried, "notify.message", "vars cannot");
    World::message("{{ configData.boardUrl }}").is_quiet();
    let core = CORE.replace("  boardUrl", "  datasources: {redis: {host: h, port: 1}}\n  boardUrl");
    World::message("{{ configData.datasources.redis.host }}").core(&core).says(
        NotCarried,
        "notify.message",
        "no data sources",
    );
}

#[test]
fn names_that_no_file_defines_are_told_as_vars() {
    World::message("for {{ ctx.who }}").says(Hint, "notify.message", "it reads ctx");
    let known = World::app(
        &in_event("{notify: {message: 'x {{ room }}{% set a = 1 %}{{ a }}{{ range(2) }}'}}")
            .replace("{stage: {", "{stage: {room: r, "),
    );
    assert!(!known.is_quiet().report.lines().contains("no file defines"), "{}", known.converted().report.lines());
}

#[test]
fn what_yaml_1_1_makes_of_a_file_is_told_with_its_line() {
    World::app("cicd-contexts:\n  stage: {pipelines: {p: {event-handlers: {on: {notify: {message: m}}}}}}").says(
        Changed,
        "True",
        "the key on is no text in YAML 1.1",
    );
    World::app("cicd-contexts: {stage: {day: 2021-01-01}}").says(Changed, "day", "a bare date");
    let aliased = World::app("cicd-contexts: {stage: {a: &x {k: 1}, b: *x}}");
    aliased.says(Hint, "b", "the alias x is written out");
    let expected = json!({"a": {"k": 1}, "b": {"k": 1}});
    assert_eq!(aliased.converted().stage()["settings"], expected);
}

#[test]
fn writes_outside_of_the_state_are_not_carried_over() {
    for (to, text) in [
        ("room", "outside of the state"),
        ("configData.slack.url", "outside"),
        ("state", "outside"),
        ("x.{{ a }}", "outside"),
    ] {
        let handler = json!({"set-values": {"set": [{"from": "a", "to": to}, {"from": "b", "to": "state.ok"}]}});
        let world = World::event(&handler.to_string());
        world.says(NotCarried, "set[0]", text);
        assert_eq!(world.converted().handlers()[0]["setValues"], json!([{"path": "state.ok", "value": "b"}]), "{to}");
    }
    World::event("{set-values: {set: [{from: a, to: '{{ state.where }}'}]}}").says(
        Changed,
        "set[0]",
        "known only when it is rendered",
    );
    World::event("{set-values: {set: [{from: a, to: 'state.x[0]'}]}}").says(
        Changed,
        "set[0]",
        "brackets were part of the key's name",
    );
}

#[test]
fn foreach_that_is_no_literal_path_is_not_carried_over() {
    for foreach in ["state.{{ x }}", "state.*", "pipelines.p"] {
        let handler = json!({"manual-choice": {"title": "t", "choices": {}, "choice-generators": {
            "g": {"foreach": foreach, "iterator": "i", "template": "k: {}"},
        }}});
        World::event(&handler.to_string()).says(NotCarried, "choice-generators.g.foreach", "left out");
    }
    let iterator = json!({"manual-choice": {"title": "{{ item.x }}", "choices": {}, "choice-generators": {
        "g": {"foreach": "state.t", "iterator": "state", "template": "k: {}"},
        "h": {"foreach": "state.t", "iterator": "item", "template": "k: {}"},
    }}});
    let world = World::event(&iterator.to_string());
    world.says(NotCarried, "choice-generators.g.iterator", "a name that the data has already");
    world.says(NotCarried, "manual-choice.title", "the last item of a choice generator");
}

#[test]
fn names_that_are_too_long_or_of_other_characters_are_not_carried_over() {
    World::app("cicd-contexts: {stage: {pipelines: {'a b': {event-handlers: {}}}}}").says(
        NotCarried,
        "pipelines.a b",
        "1 to 63",
    );
    World::event("{}").app_with("'x.y': {notify: {message: m}}").says(NotCarried, "event-handlers.x.y", "1 to 63");
    let generator = "cicd-contexts: {stage: {pipelines: {p: {generators: {'a.b': {i: {set: []}}}}}}}";
    World::app(generator).says(NotCarried, "generators.a.b", "1 to 63");
}

impl World {
    /// The same app with one more event.
    fn app_with(mut self, event: &str) -> Self {
        self.app = self.app.replace("{e: {}}", &format!("{{{event}}}"));
        self
    }
}

#[test]
fn a_handlers_own_block_is_seen_by_bodies_alone() {
    World::event("{notify: {message: 'm {{ notify.icon }}', icon: x}}").says(
        NotCarried,
        "notify.message",
        "notify.icon",
    );
    World::event("{trigger-pipeline: {name: n, args: {a: x, b: '{{ triggerPipeline.args.a }}'}}}").says(
        NotCarried,
        "args.b",
        "triggerPipeline.args.a",
    );
    World::event("{trigger-pipeline: {name: n, args: {b: '{{ triggerPipeline.name }}'}}}").is_quiet();
    World::app("cicd-contexts: {stage: {pipelines: {p: {generators: {g: {i: {set: [{key: state.a, value: '{{ generator.set }}'}]}}}}}}}")
        .says(NotCarried, "set[0]", "generator.set");
}

#[test]
fn templates_that_read_handlers_as_data_are_reported() {
    World::message("{{ pipelines.p['event-handlers'] }}").says(
        NotCarried,
        "notify.message",
        "handlers and generators are no data",
    );
    World::message("{{ pipelines }}").says(NotCarried, "notify.message", "handlers and generators are no data");
}

#[test]
fn hosts_of_answers_are_checked() {
    let respond = |url: &str| World::event(&json!({"respond": {"message": "m", "url": url}}).to_string());
    respond("{{ state.url }}").says(Changed, "respond.url", "known only when it is rendered");
    respond("https://{{ state.host }}/x").says(Changed, "respond.url", "known only when it is rendered");
    respond("https://other.example/x").says(NotCarried, "respond.url", "it answers to other.example");
    respond("http://hooks.slack.com/x").says(NotCarried, "respond.url", "plain http");
    respond("https://hooks.slack.com/{{ state.x }}").is_quiet();
}

#[test]
fn what_fields_cannot_hold_is_reported() {
    World::event("{notify: {message: m, tags: [a, b]}}").says(NotCarried, "notify.tags", "fields are texts");
    World::event("{notify: {message: m, count: 3}}").says(Changed, "notify.count", "no text");
    let extra = json!({"manual-choice": {"title": "t", "choices": {"c": {"header": "h", "icon": "x", "options": []}}}});
    World::event(&extra.to_string()).says(NotCarried, "choices.c.icon", "is left out");
}

#[test]
fn a_macro_that_only_the_app_defines_and_an_endpoint_uses_is_reported() {
    let macros = "jinja2-macros: {shout: '{%- macro shout(t) -%}{{ t|upper }}{%- endmacro -%}'}";
    let core = CORE.replace("notify: 'n'", "notify: '{{ shout(notify.message) }}'");
    World::app(&format!("{macros}\n{}", in_event("{notify: {message: m}}"))).core(&core).says(
        Changed,
        "app.yaml: jinja2-macros.shout",
        "endpoint slack uses this macro of the app",
    );
    let in_base = World::message("m").core(&core).base(macros);
    assert_eq!(
        in_base.is_quiet().spec("endpoint-slack.yaml", "partials")["shout"],
        "{%- macro shout(t) -%}{{ t|upper }}{%- endmacro -%}"
    );
}

#[test]
fn what_the_engine_refuses_is_reported() {
    World::message("{{ state. }}").says(NotCarried, "context-app.yaml", "a template cannot be used");
    World::message("m").core(&CORE.replace("notify: 'n'", "notify: '{% if %}'")).says(
        NotCarried,
        "endpoint-slack.yaml",
        "the endpoint cannot be used",
    );
}

#[test]
fn what_every_run_lacks_is_reported_once_for_all() {
    World::message("{{ state.cicdContextDataId }} {{ state.cicdContextName }}").says(
        Hint,
        "templates",
        "state.cicdContextName was there",
    );
    World::message("m")
        .core(&CORE.replace("slack: {url: 'https://slack.com/api/chat.postMessage'}", "slack: {}"))
        .says(NotCarried, "files", "slack.url is missing");
    World::message("m").core(&CORE.replace("notify: 'n', ", "")).says(
        NotCarried,
        "templates.notify",
        "the body of a preset now",
    );
    let mut secretless = World::message("m");
    secretless.secrets = "cicdstatemgr: {more: {token: x}}".to_owned();
    secretless.says(NotCarried, "files", "slack.token is missing");
    secretless.says(Hint, "secrets.yaml: more.token", "nothing that was converted uses it");
}

#[test]
fn settings_whose_order_shows_are_reported() {
    let app = in_event("{notify: {message: 'x {% for k in sizes %}{{ k }}{% endfor %}'}}")
        .replace("{stage: {", "{stage: {sizes: {b: 1, a: 2}, ");
    World::app(&app).says(Changed, "notify.message", "is not in alphabetical order");
}

#[test]
fn no_remark_holds_a_secret() {
    let mut world = World::message("{{ secretData.slack.token }}");
    world.secrets =
        "cicdstatemgr: {slack: {token: chat-tok}, trigger: {token: start-tok}, other: {key: other-tok}}".to_owned();
    let converted = world.converted();
    for text in [converted.report.lines(), converted.page("out")] {
        assert!(!text.contains("-tok"), "{text}");
    }
}
