//! An example that uses everything, of which the predecessor's requests are recorded: bodies are the same byte for byte.

use serde_json::{Value, json};

use super::*;
use crate::{generator::generate, get::get, write::write};

fn core() -> Core {
    core_of(json!({
        "boardUrl": "https://board.test",
        "slack": {"url": "http://127.0.0.1:18098/chat"},
        "trigger": {
            "url": "http://127.0.0.1:18098/start",
            "headers": [{"name": "X-Start-Key", "value": "{{ secretData.trigger.token }}"},
                        {"name": "X-Wave", "value": "{{ state.wave }}"}],
            "auto-args": {"pipeline": "{{ triggerPipeline.name }}", "ctx": "{{ state.cicdContextDataId }}", "attempts": 1},
        },
        "notify": {"auto-capture-response-data": [{"from": "{{ body.ts }}", "to": "state.chat.seen[]"}]},
        "manual-choice": {"auto-capture-response-data": [{"from": "{{ body.ts }}", "to": "state.chat.choiceTs"}]},
        "templates": {
            "notify": r#"{"room": "{{ room }}", "text": {{ notify.message|json_dumps }}, "icon": "{{ notify.icon }}", "board": "{{ configData.boardUrl }}"}"#,
            "respond": r#"{"text": {{ respond.message|json_dumps }}, "plan": {{ respond.plan|json_dumps }}, "mood": "{{ respond.mood }}"}"#,
            "manual-choice": r#"{"title": {{ manualChoice.title|json_dumps }}, "groups": [
{%- for key, group in manualChoice.choices.items() -%}
  {%- if not group.options %}{% continue %}{% endif %}{{ '' if loop.first else ',' }}
  {"id": "{{ key }}", "header": {{ group.header|json_dumps }}, "options": {{ group.options|json_dumps }}}
{%- endfor %}]}
"#,
        },
    }))
}

fn base() -> Value {
    json!({
        "jinja2-macros": {"link": "{%- macro link(text) -%} <{{ variables.page }}|{{ text }}> {%- endmacro -%}"},
        "variables": {"page": "https://board.test/{{ state.cicdContextDataId }}"},
        "cicd-contexts": {"pilot": {
            "room": "#pilot", "limits": {"cpu": 1, "tags": ["a", "b"]},
            "pipelines": {"ship": {"event-handlers": {"broken": {"notify": {"message": "{{ link('ship broke') }}"}}}}},
        }},
    })
}

fn shipped(with_too_early: bool) -> Value {
    let mut stamp = vec![
        json!({"from": "{{ variables.image|to_base64 }}", "to": "state.out.image64"}),
        json!({"from": "eu,us,eu", "to": "state.out.zones{}"}),
        json!({"from": "{{ state.labels|kv_comma_pairs_to_json }}", "to": "state.out.labels"}),
    ];
    if with_too_early {
        stamp.push(json!({"from": "{{ state.out.image64 }}", "to": "state.out.tooEarly"}));
    }
    json!({
        "set-values": {
            "stamp": {"set": stamp},
            "never": {"if": "{{ state.nothing }}", "set": [{"from": "x", "to": "state.never"}]},
        },
        "notify": {
            "team": {
                "if": "{{ state.out.image64 }}",
                "message": "{{ link(variables.title) }} for {{ ctx.who }}\nzones: {% for z in state.out.zones %}{{ z }}\
                            {% if not loop.last %}, {% endif %}{% endfor %}\n",
                "icon": "{{ not rendered }}",
                "capture-response-data": [{"from": "{{ body|json_dumps }}", "to": "state.chat.raw"},
                                          {"from": "{{ body.ok }}", "to": "state.chat.{{ 'ok' }}"}],
            },
            "quiet": {"if": "", "message": "never sent"},
        },
        "manual-choice": {
            "title": "Next for {{ state.svc }}?",
            "choices": {
                "stop": {"header": "Stop {{ loud('now') }}",
                         "options": [{"text": "Abort", "value": "abort:{{ state.rev }}", "style": "danger"}]},
                "none": {"header": "dropped by the body template", "options": []},
            },
            "choice-generators": {"perTarget": {"foreach": "state.targets", "iterator": "target", "template":
                "go-{{ target.id }}: {header: To {{ target.id }}, options: [{text: Go, value: '{{ target.ring }}', style: primary}]}"}},
        },
        "trigger-pipeline": {"name": "smoke", "args": {
            "image": "{{ variables.image }}", "attempts": 2, "first": "{{ (state.chat.raw|from_json).ts }}",
        }},
        "respond": {
            "url": "http://127.0.0.1:18098{{ state.replyPath }}",
            "message": "  tier {{ (state.out.labels|from_json).tier }}, seen {{ state.chat.seen }}  ",
            "mood": "{{ 'calm' if state.chat.ok == 'True' else 'odd' }}",
            "plan": "{{ limits|to_nice_yaml }}",
        },
    })
}

fn app(with_too_early: bool) -> Value {
    json!({
        "bases": ["dock.yaml"],
        "jinja2-macros": {"loud": "{%- macro loud(t) -%}{{ t|upper }}!{%- endmacro -%}"},
        "variables": {"image": "img/{{ state.svc }}:{{ state.rev }}", "title": "{{ loud(state.svc) }} {{ variables.image }}"},
        "cicd-contexts": {"pilot": {
            "limits": {"cpu": 2, "tags": ["c"]},
            "pipelines": {"ship": {
                "generators": {"manifest": {
                    "arm": {"if": "{{ '1' if 'arm' in state.rev }}",
                            "set": [{"key": "state.build.platform", "value": "linux/arm64"}]},
                    "x86": {"if": "{{ '1' if 'arm' not in state.rev }}",
                            "set": [{"key": "state.build.platform", "value": "linux/amd64"},
                                    {"key": "state.build.{{ state.svc }}", "value": "{{ ctx.flag }}:{{ generator.set|length }}"}]},
                }},
                "event-handlers": {"broken": {"notify": {"enabled": false}}, "shipped": shipped(with_too_early)},
            }},
        }},
    })
}

/// The document after `--init-new` and the `--set` of the targets.
fn initialised(with_too_early: bool) -> Document {
    let file = |name: &str, content: Value| File { name: name.to_owned(), content: map(content), findings: Vec::new() };
    let bases = [file("dock.yaml", base())];
    let mut begun = Document::begin("ferry-7", "pilot", &bases, &file("ferry.yaml", app(with_too_early))).unwrap();
    for (path, text) in [
        ("state.svc", "ferry"),
        ("state.rev", "r41"),
        ("state.labels", "tier=gold,owner=ops"),
        ("state.replyPath", "/reply"),
        ("state.owner", "Ada \"A\" Lee"),
        ("state.wave", "3"),
    ] {
        write(&mut begun.document.0, path, text).unwrap();
    }
    let mut document = begun.render_variables("ferry-7", &settings(&[])).unwrap();
    document.0["state"]["targets"] = json!({"t1": {"id": "north", "ring": "r1"}, "t2": {"id": "south", "ring": "r2"}});
    document
}

fn settings(variables: &[(&str, &str)]) -> Settings {
    let variables = variables.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    Settings { config: core().config_data().clone(), variables, ..Settings::default() }
}

/// Answers as the recorded server did.
fn run_example(document: Document) -> Ran {
    let mut count = 0;
    run_with(document, &core(), &settings(&[("ctx.who", "state.owner")]), |request| {
        let path = request.url.rsplit('/').next().unwrap();
        Answered::Delivered(match path {
            "chat" => {
                count += 1;
                format!(r#"{{"ok": true, "ts": "1700.{count}"}}"#)
            }
            "start" => r#"{"started": true}"#.to_owned(),
            _ => "ok".to_owned(),
        })
    })
}

const NOTIFY: &str = r##"{"room": "#pilot", "text": "<https://board.test/ferry-7|FERRY! img/ferry:r41> for Ada \"A\" Lee\nzones: eu, us", "icon": "{{ not rendered }}", "board": "https://board.test"}"##;
const CHOICE: &str = r#"{"title": "Next for ferry?", "groups": [
  {"id": "stop", "header": "Stop NOW!", "options": [{"text": "Abort", "value": "abort:r41", "style": "danger"}]},
  {"id": "go-north", "header": "To north", "options": [{"text": "Go", "value": "r1", "style": "primary"}]},
  {"id": "go-south", "header": "To south", "options": [{"text": "Go", "value": "r2", "style": "primary"}]}]}"#;
const TRIGGER: &str =
    r#"{"pipeline": "smoke", "ctx": "ferry-7", "attempts": "2", "image": "img/ferry:r41", "first": "1700.1"}"#;
const RESPOND: &str = r#"{"text": "tier gold, seen ['1700.1']", "plan": "cpu: 2\ntags:\n- c\n", "mood": "calm"}"#;

#[test]
fn the_example_gives_the_recorded_requests_and_state() {
    let ran = run_example(initialised(false));
    let sent: Vec<_> = ran.requests.iter().map(|request| (request.url.as_str(), request.body.as_str())).collect();
    let host = "http://127.0.0.1:18098";
    let urls = ["/chat", "/chat", "/start", "/reply"].map(|path| format!("{host}{path}"));
    let bodies = [NOTIFY, CHOICE, TRIGGER, RESPOND];
    assert_eq!(sent, urls.iter().map(String::as_str).zip(bodies).collect::<Vec<_>>());
    assert_eq!(bodies.map(str::len), [173, 371, 101, 86], "the recorded Content-Length");
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(ran.requests[2].headers, [header("X-Start-Key", "start-tok"), header("X-Wave", "3")]);
    assert_eq!(ran.anchors(), [""; 0]);

    let mut document = ran.document;
    let path = "pipelines.ship.generators.manifest";
    let generated = generate(&mut document, path, &settings(&[("ctx.flag", "on")])).unwrap();
    assert_eq!(generated.written, ["state.build.platform", "state.build.ferry"]);
    let expected = json!({
        "out": {"image64": "aW1nL2ZlcnJ5OnI0MQ==", "zones": ["eu", "us"], "labels": r#"{"tier": "gold", "owner": "ops"}"#},
        "chat": {"seen": ["1700.1"], "raw": r#"{"ok": true, "ts": "1700.1"}"#, "ok": "True", "choiceTs": "1700.2"},
        "build": {"platform": "linux/amd64", "ferry": "on:2"},
    });
    for (name, value) in map(expected) {
        assert_eq!(document.state()[&name].to_string(), value.to_string(), "{name}, with the order of its keys");
    }
    assert_eq!(document.state().get("never"), None);
    for (path, text) in [
        ("variables.title", "FERRY! img/ferry:r41"),
        ("state.out.zones", r#"["eu", "us"]"#),
        ("state.build", "{'platform': 'linux/amd64', 'ferry': 'on:2'}"),
        ("state.targets.*.id", r#"["north", "south"]"#),
        ("limits", "{'cpu': 2, 'tags': ['c']}"),
        ("state.nothing", ""),
    ] {
        assert_eq!(get(&document, path, &settings(&[])).unwrap().text, text, "{path}");
    }
}

#[test]
fn an_event_whose_handler_is_switched_off_by_the_app_sends_nothing() {
    let document = initialised(false);
    let mut run = Run::new(&document, "ship", "broken").unwrap();
    let step = run.next(&mut document.clone(), &core(), &secrets(), &settings(&[]));
    assert!(matches!(step, Step::Ended(Ended { result: Outcome::Skipped(_), .. })), "{step:?}");
}

#[test]
fn what_reads_too_early_fails_its_block_and_is_no_data() {
    let ran = run_example(initialised(true));
    let (place, outcome) = ran.outcomes()[0];
    let Outcome::Failed(problem) = outcome else { panic!("{outcome:?}") };
    assert_eq!(place, "set-values.stamp");
    let expected =
        "render `pipelines.ship.event-handlers.shipped.set-values.stamp.set[3].from` at line 1, column 14: `out`";
    assert!(problem.starts_with(expected), "{problem}");
    assert_eq!(ran.document.state().get("out"), None, "nothing of the block is written");
    // The others run: notify is skipped by its `if`, respond needs what was not written.
    let requests: Vec<_> = ran.requests.iter().map(|request| request.handler).collect();
    assert_eq!(requests, [HandlerType::ManualChoice]);
    let failed: Vec<_> = ran
        .outcomes()
        .into_iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
        .map(|(place, _)| place)
        .collect();
    assert_eq!(failed, ["set-values.stamp", "notify.team", "trigger-pipeline", "respond"]);
}
