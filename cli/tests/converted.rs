//! Files of the predecessor, converted and used with `cicdctl -f`: the requests are those that the predecessor sent, byte
//! for byte as they were recorded.

// The exemption in clippy.toml covers test functions, not what they share.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
};

use serde_json::{Value, json};
use tempfile::TempDir;

const CONFIG: &str = r#"
cicdstatemgr:
  datasources: {redis: {host: 127.0.0.1, port: 16379, db: 3, isPrimary: true}, yamlfile: {path: cache/run.yaml}}
  boardUrl: "https://board.test"
  slack: {url: "http://RECEIVER/chat"}
  trigger:
    url: "http://RECEIVER/start"
    headers: [{name: X-Start-Key, value: "{{ secretData.trigger.token }}"}, {name: X-Wave, value: "{{ state.wave }}"}]
    auto-args: {pipeline: "{{ triggerPipeline.name }}", ctx: "{{ state.cicdContextDataId }}", attempts: 1}
  notify: {auto-capture-response-data: [{from: "{{ body.ts }}", to: "state.chat.seen[]"}]}
  manual-choice: {auto-capture-response-data: [{from: "{{ body.ts }}", to: state.chat.choiceTs}]}
  templates:
    notify: '{"room": "{{ room }}", "text": {{ notify.message|json_dumps }}, "icon": "{{ notify.icon }}", "board": "{{ configData.boardUrl }}"}'
    respond: '{"text": {{ respond.message|json_dumps }}, "plan": {{ respond.plan|json_dumps }}, "mood": "{{ respond.mood }}"}'
    manual-choice: |
      {"title": {{ manualChoice.title|json_dumps }}, "groups": [
      {%- for key, group in manualChoice.choices.items() -%}
        {%- if not group.options %}{% continue %}{% endif %}{{ '' if loop.first else ',' }}
        {"id": "{{ key }}", "header": {{ group.header|json_dumps }}, "options": {{ group.options|json_dumps }}}
      {%- endfor %}]}
"#;

const SECRETS: &str = "cicdstatemgr: {datasources: {redis: {username: default, password: pw-1}}, slack: {token: chat-tok}, trigger: {token: start-tok}}";

const DOCK: &str = r##"
jinja2-macros: {link: "{%- macro link(text) -%} <{{ variables.page }}|{{ text }}> {%- endmacro -%}"}
variables: {page: "https://board.test/{{ state.cicdContextDataId }}"}
cicd-contexts:
  pilot: {room: "#pilot", limits: {cpu: 1, tags: [a, b]}, pipelines: {ship: {event-handlers: {broken: {notify: {message: "{{ link('ship broke') }}"}}}}}}
"##;

const FERRY: &str = r#"
bases: [dock.yaml]
jinja2-macros: {loud: "{%- macro loud(t) -%}{{ t|upper }}!{%- endmacro -%}"}
variables: {image: "img/{{ state.svc }}:{{ state.rev }}", title: "{{ loud(state.svc) }} {{ variables.image }}"}
cicd-contexts:
  pilot:
    limits: {cpu: 2, tags: [c]}
    pipelines:
      ship:
        generators:
          manifest:
            arm: {if: "{{ '1' if 'arm' in state.rev }}", set: [{key: state.build.platform, value: linux/arm64}]}
            x86: {if: "{{ '1' if 'arm' not in state.rev }}", set: [{key: state.build.platform, value: linux/amd64},
              {key: "state.build.{{ state.svc }}", value: "{{ ctx.flag }}:2"}]}
        event-handlers:
          broken: {notify: {enabled: false}}
          shipped:
            set-values:
              stamp: {set: [{from: "{{ variables.image|to_base64 }}", to: state.out.image64}, {from: "eu,us,eu", to: "state.out.zones{}"},
                {from: "{{ state.labels|kv_comma_pairs_to_json }}", to: state.out.labels}]}
              never: {if: "{{ state.nothing }}", set: [{from: x, to: state.never}]}
            notify:
              team:
                if: "{{ state.out.image64 }}"
                message: |
                  {{ link(variables.title) }} for {{ ctx.who }}
                  zones: {% for z in state.out.zones %}{{ z }}{% if not loop.last %}, {% endif %}{% endfor %}
                icon: "{{ not rendered }}"
                capture-response-data: [{from: "{{ body|json_dumps }}", to: state.chat.raw}, {from: "{{ body.ok }}", to: "state.chat.{{ 'ok' }}"}]
              quiet: {if: "", message: never sent}
            manual-choice:
              title: "Next for {{ state.svc }}?"
              choices:
                stop: {header: "Stop {{ loud('now') }}", options: [{text: Abort, value: "abort:{{ state.rev }}", style: danger}]}
                none: {header: dropped by the body template, options: []}
              choice-generators:
                perTarget: {foreach: state.targets, iterator: target, template:
                  "go-{{ target.id }}: {header: To {{ target.id }}, options: [{text: Go, value: '{{ target.ring }}', style: primary}]}"}
            trigger-pipeline: {name: smoke, args: {image: "{{ variables.image }}", attempts: 2, first: "{{ (state.chat.raw|from_json).ts }}"}}
            respond:
              url: "http://RECEIVER{{ state.replyPath }}"
              message: "  tier {{ (state.out.labels|from_json).tier }}, seen {{ state.chat.seen }}  "
              mood: "{{ 'calm' if state.chat.ok == 'True' else 'odd' }}"
              plan: "{{ limits|to_nice_yaml }}"
"#;

/// The recorded bodies, by the path that they went to.
const RECORDED: [(&str, &str); 4] = [
    (
        "/chat",
        r##"{"room": "#pilot", "text": "<https://board.test/ferry-7|FERRY! img/ferry:r41> for Ada \"A\" Lee\nzones: eu, us", "icon": "{{ not rendered }}", "board": "https://board.test"}"##,
    ),
    (
        "/chat",
        r#"{"title": "Next for ferry?", "groups": [
  {"id": "stop", "header": "Stop NOW!", "options": [{"text": "Abort", "value": "abort:r41", "style": "danger"}]},
  {"id": "go-north", "header": "To north", "options": [{"text": "Go", "value": "r1", "style": "primary"}]},
  {"id": "go-south", "header": "To south", "options": [{"text": "Go", "value": "r2", "style": "primary"}]}]}"#,
    ),
    (
        "/start",
        r#"{"pipeline": "smoke", "ctx": "ferry-7", "attempts": "2", "image": "img/ferry:r41", "first": "1700.1"}"#,
    ),
    ("/reply", r#"{"text": "tier gold, seen ['1700.1']", "plan": "cpu: 2\ntags:\n- c\n", "mood": "calm"}"#),
];

/// A request that came: its head and its body.
type Arrived = (String, String);

/// A receiver that answers as the recorded one did, and its address.
fn receiver() -> (String, mpsc::Receiver<Arrived>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, arrived) = mpsc::channel();
    std::thread::spawn(move || {
        let mut chats = 0;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut read = Vec::new();
            let (head, body) = loop {
                let mut chunk = [0; 4096];
                let length = stream.read(&mut chunk).unwrap();
                read.extend_from_slice(&chunk[..length]);
                let text = String::from_utf8(read.clone()).unwrap();
                if let Some((head, body)) = text.split_once("\r\n\r\n") {
                    let length = head
                        .lines()
                        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                    if body.len() == length.map_or(0, |length| length.parse().unwrap()) {
                        break (head.to_owned(), body.to_owned());
                    }
                }
                assert!(length > 0, "{text}");
            };
            let answer = match head.split(' ').nth(1).unwrap() {
                "/chat" => {
                    chats += 1;
                    format!(r#"{{"ok": true, "ts": "1700.{chats}"}}"#)
                }
                "/start" => r#"{"started": true}"#.to_owned(),
                _ => "ok".to_owned(),
            };
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}", answer.len())
                .unwrap();
            sender.send((head, body)).unwrap();
        }
    });
    (address, arrived)
}

/// The predecessor's files in a folder.
fn files(address: &str, edit: impl Fn(&str) -> String) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("bases")).unwrap();
    for (name, text) in
        [("config.yaml", CONFIG), ("secrets.yaml", SECRETS), ("bases/dock.yaml", DOCK), ("ferry.yaml", FERRY)]
    {
        fs::write(folder.path().join(name), edit(text).replace("RECEIVER", address)).unwrap();
    }
    fs::write(
        folder.path().join("targets.json"),
        r#"{"t1": {"id": "north", "ring": "r1"}, "t2": {"id": "south", "ring": "r2"}}"#,
    )
    .unwrap();
    folder
}

/// Exit code, standard output, standard error.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cicdctl"));
    let output = command.env_clear().current_dir(folder).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn convert(folder: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let line = "convert --config config.yaml --secrets secrets.yaml --bases bases --app ferry.yaml --cicd-context pilot -o out";
    run(folder, &[line.split(' ').collect::<Vec<_>>(), more.to_vec()].concat())
}

/// Runs a command on the manifests, which has to succeed.
fn native(folder: &Path, arguments: &[&str]) -> String {
    let (code, output, notes) = run(folder, &[&["-f", "out", "-f", "out/secrets"], arguments].concat());
    assert_eq!(code, Some(0), "{arguments:?}: {output}{notes}");
    output
}

#[test]
fn the_recorded_example_converted_sends_the_recorded_bodies_and_comes_to_the_recorded_state() {
    let (address, arrived) = receiver();
    let folder = files(&address, str::to_owned);
    let folder = folder.path();
    let (code, output, notes) = convert(folder, &[]);
    assert_eq!(code, Some(0), "{output}{notes}");
    native(folder, &["validate"]);

    let init = "init ferry-7 --base CicdBase/ferry --cicd-context pilot --set state.cicdContextDataId=ferry-7 --set state.svc=ferry \
                --set state.rev=r41 --set state.replyPath=/reply --set state.wave=3 --set-json-file state.targets=targets.json";
    let more = ["--set", "state.labels=tier=gold,owner=ops", "--set", r#"state.owner=Ada "A" Lee"#];
    native(folder, &[init.split_whitespace().collect::<Vec<_>>(), more.to_vec()].concat());
    native(folder, &["event", "ferry-7", "ship=broken"]);
    assert!(arrived.try_recv().is_err(), "a handler that is switched off sent something");
    native(folder, &["event", "ferry-7", "ship=shipped", "--var-from", "ctx.who=state.owner"]);
    native(folder, &["generate", "ferry-7", "ship.manifest", "--var", "ctx.flag=on"]);

    let came: Vec<Arrived> = arrived.try_iter().collect();
    assert_eq!(came.len(), RECORDED.len(), "{came:#?}");
    for ((path, expected), (head, body)) in RECORDED.iter().zip(&came) {
        assert!(head.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{head}");
        assert_eq!(body, expected);
    }
    let has = |index: usize, line: &str| {
        let head = &came[index].0;
        assert!(head.lines().any(|found| found.eq_ignore_ascii_case(line)), "{line}\n{head}");
    };
    for index in [0, 1] {
        has(index, "Authorization: Bearer chat-tok");
        has(index, "Content-Type: application/json; charset=UTF-8");
        has(index, "Cache-Control: no-cache");
    }
    for line in ["Content-Type: application/json", "Cache-Control: no-cache", "X-Start-Key: start-tok", "X-Wave: 3"] {
        has(2, line);
    }
    has(3, "Content-Type: application/json; charset=UTF-8");

    let state: Value = serde_json::from_str(&native(folder, &["get", "ferry-7", "state", "-o", "json"])).unwrap();
    assert_eq!(
        state["out"],
        json!({"image64": "aW1nL2ZlcnJ5OnI0MQ==", "zones": ["eu", "us"], "labels": r#"{"tier": "gold", "owner": "ops"}"#})
    );
    assert_eq!(
        state["chat"],
        json!({"seen": ["1700.1"], "raw": r#"{"ok": true, "ts": "1700.1"}"#, "ok": "True", "choiceTs": "1700.2"})
    );
    assert_eq!(state["build"], json!({"platform": "linux/amd64", "ferry": "on:2"}));
    assert_eq!(state.get("never"), None);
}

#[test]
fn what_the_report_says_of_the_example_is_what_changes_in_it() {
    let folder = files("127.0.0.1:9", str::to_owned);
    let (code, output, notes) = convert(folder.path(), &[]);
    assert_eq!(code, Some(0), "{output}{notes}");
    for said in [
        "changed: ferry.yaml: cicd-contexts.pilot.pipelines.ship.event-handlers.shipped.notify.team.if: ",
        "changed: ferry.yaml: cicd-contexts.pilot.pipelines.ship.event-handlers.shipped.set-values.never.if: ",
        "it reads ctx, which no file defines: it came with --tmpl-ctx-var",
        "hint: templates: state.cicdContextDataId was there in every run",
        "hint: secrets.yaml: datasources: nothing that was converted uses it",
    ] {
        assert!(output.contains(said), "{said}\n{output}");
    }
    assert!(!output.contains("chat-tok") && !output.contains("start-tok") && !output.contains("pw-1"), "{output}");
    // With what cannot be carried over, everything else is written, and the exit code says so.
    let lossy = files("127.0.0.1:9", |text| text.replace("{{ ctx.flag }}:2", "{{ generator.set|length }}"));
    let (code, output, notes) = convert(lossy.path(), &[]);
    assert_eq!(code, Some(1), "{output}{notes}");
    assert!(
        output.starts_with("not carried over: ferry.yaml: cicd-contexts.pilot.pipelines.ship.generators.manifest.x86"),
        "{output}"
    );
    assert!(lossy.path().join("out/base-ferry.yaml").is_file());
}

#[test]
fn a_stored_document_becomes_a_context_that_goes_on() {
    let (address, arrived) = receiver();
    let folder = files(&address, str::to_owned);
    let folder = folder.path();
    let document = "
room: '#pilot'
state: {cicdContextDataId: Ferry_7, cicdContextName: pilot, svc: ferry, rev: arm-1, chat: {seen: ['1']}}
variables: {image: frozen:1, title: t, page: https://board.test/Ferry_7}
";
    fs::write(folder.join("stored.yaml"), document).unwrap();
    let (code, output, notes) = convert(folder, &["--document", "stored.yaml", "--cluster-bases"]);
    assert_eq!(code, Some(0), "{output}{notes}");
    assert!(
        output.contains("its ID \"Ferry_7\" is no name of an object; the CicdContext is called ferry-7"),
        "{output}"
    );
    let base = fs::read_to_string(folder.join("out/base-dock.yaml")).unwrap();
    assert!(base.contains("kind: ClusterCicdBase\n"), "{base}");
    native(folder, &["generate", "ferry-7", "ship.manifest"]);
    assert_eq!(native(folder, &["get", "ferry-7", "state.build.platform"]), "linux/arm64\n");
    assert_eq!(native(folder, &["render", "ferry-7", "{{ variables.image }}", "--engine", "jinja"]), "frozen:1");
    assert!(arrived.try_recv().is_err());
}
