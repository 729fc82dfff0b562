//! What the manifests say.

use super::*;

#[test]
fn unnamed_handlers_have_the_name_of_their_type_and_named_ones_that_of_their_block_too() {
    let converted = World::event("{notify: {message: m}, set-values: {'a b': {set: [{from: x, to: state.a}]}, a-b: {set: [{from: y, to: state.b}]}}}").is_quiet();
    let names: Vec<&str> =
        converted.handlers().as_array().unwrap().iter().map(|handler| handler["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["notify", "set-values-a-b", "set-values-a-b-2"]);
}

#[test]
fn handlers_keep_the_order_of_the_file_and_of_the_bases_first() {
    let order = World::event("{trigger-pipeline: {name: n}, notify: {b: {message: m}, a: {message: m}}}")
        .base(&in_event("{notify: {z: {message: m}}, respond: {message: m, url: 'https://slack.com/'}}"));
    let converted = order.converted();
    let of = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|handler| handler["name"].as_str().unwrap().to_owned()).collect()
    };
    let base =
        &converted.manifest("base-one.yaml")["spec"]["contexts"]["stage"]["pipelines"]["p"]["eventHandlers"]["e"];
    assert_eq!(of(base), ["notify-z", "respond"]);
    // The old order is that of the merged map: all of notify stands before respond.
    assert_eq!(of(converted.handlers()), ["notify-z", "notify-b", "notify-a", "respond", "trigger-pipeline"]);
    assert_eq!(converted.spec("base-app.yaml", "unset"), &json!(["contexts.stage.pipelines.p.eventHandlers.e"]));
}

#[test]
fn entries_of_set_become_changes_with_their_operation() {
    let set = json!([
        {"from": " plain ", "to": " state.a.b "},
        {"from": "{{ state.x }}", "to": "state.l[]"},
        {"from": "a,b", "to": "state.l{}"},
        {"from": "[]", "to": "state.l[]"},
        {"from": "[]", "to": "state.l{}"},
        {"from": "x", "to": "state.k.{{ state.n }}"},
        {"from": "x", "to": "state.it's me"},
    ]);
    let converted = World::event(&json!({"set-values": {"set": set}}).to_string()).is_quiet();
    assert_eq!(
        converted.handlers()[0],
        json!({"name": "set-values", "setValues": [
            {"path": "state.a.b", "value": "plain"},
            {"path": "state.l", "op": "Append", "template": "{{ state.x }}", "split": ","},
            {"path": "state.l", "op": "Add", "value": "a,b", "split": ","},
            {"path": "state.l", "op": "Clear"},
            {"path": "state.l", "op": "Clear"},
            {"path": "state.k.{{ state.n }}", "value": "x"},
            {"path": "state['it\\'s me']", "value": "x"},
        ]})
    );
}

#[test]
fn generators_write_blank_values_and_set_values_and_captures_do_not() {
    let app = "cicd-contexts: {stage: {pipelines: {p: {generators: {g: {i: {set: [{key: state.a, value: '{{ state.b }}'}, {key: state.c, value: ''}]}}}}}}}";
    let converted = World::app(app).is_quiet();
    assert_eq!(
        converted.stage()["pipelines"]["p"]["generators"]["g"],
        json!([{"name": "i", "set": [
            {"path": "state.a", "template": "{{ state.b }}", "writeBlank": true},
            {"path": "state.c", "value": ""},
        ]}])
    );
    let blank = World::event("{set-values: {set: [{from: '', to: state.a}]}}").is_quiet();
    assert_eq!(blank.handlers()[0]["setValues"], json!([{"path": "state.a", "template": ""}]));
    let captured = World::event(
        "{notify: {message: 'm', capture-response-data: [{from: '{{ body.ts }}', to: 'state.ts[]'}, {from: 5, to: state.n}]}}",
    );
    assert_eq!(
        captured.is_quiet().handlers()[0]["notify"]["capture"],
        json!([
            {"path": "state.ts", "op": "Append", "template": "{{ body.ts }}", "split": ","},
            {"path": "state.n", "value": "5"},
        ])
    );
}

#[test]
fn whitespace_that_a_macro_prints_is_stripped_from_stored_texts_as_it_was() {
    let app = format!(
        "jinja2-macros: {{link: '{{% macro link(t) %}} {{{{ t }}}} {{% endmacro %}}'}}\n{}",
        in_event("{set-values: {set: [{from: \"{{ link('x') }}\", to: state.a}]}}")
    );
    let converted = World::app(&app).is_quiet();
    assert_eq!(converted.handlers()[0]["setValues"][0]["template"], "{% filter trim %}{{ link('x') }}{% endfilter %}");
}

#[test]
fn enabled_false_switches_off_every_handler_of_its_type_also_inherited_ones() {
    let base =
        in_event("{respond: {message: m, url: 'https://slack.com/'}, notify: {a: {message: m}, b: {message: m}}}");
    let off = World::event("{respond: {enabled: false}, notify: {enabled: false, c: {message: m}}}").base(&base);
    assert_eq!(
        off.is_quiet().handlers(),
        &json!([
            {"name": "respond", "enabled": false},
            {"name": "notify-a", "enabled": false},
            {"name": "notify-b", "enabled": false},
            {"name": "notify-c", "enabled": false, "notify": {"endpoint": {"name": "slack"}, "message": "m"}},
        ])
    );
    // What a base switches off stays off for blocks that the app adds.
    let inherited =
        World::event("{notify: {b: {message: m}}}").base(&in_event("{notify: {enabled: false, a: {message: m}}}"));
    assert_eq!(inherited.is_quiet().handlers()[0]["enabled"], false);
    let unnamed = World::event("{notify: {enabled: true}}").base(&in_event("{notify: {enabled: false, message: m}}"));
    assert_eq!(unnamed.is_quiet().handlers(), &json!([{"name": "notify", "enabled": true}]));
}

#[test]
fn a_block_of_a_base_is_changed_key_by_key() {
    let base = in_event("{notify: {message: m, icon: old}, trigger-pipeline: {name: n, args: {a: '1', b: '2'}}}");
    let converted = World::event("{notify: {icon: new}, trigger-pipeline: {args: {b: '3'}}}").base(&base).is_quiet();
    assert_eq!(
        converted.handlers(),
        &json!([
            {"name": "notify", "notify": {"endpoint": {"name": "slack"}, "fields": [{"name": "icon", "value": "new"}]}},
            {"name": "trigger-pipeline", "triggerPipeline": {"endpoint": {"name": "trigger"}, "args": [{"name": "b", "value": "3"}]}},
        ])
    );
    assert_eq!(converted.spec("base-app.yaml", "unset"), &Value::Null);
}

#[test]
fn where_the_old_merge_gives_something_else_the_app_says_so() {
    // A falsy value gave way to any type.
    let world = World::app("cicd-contexts: {stage: {x: {k: 1}}}").base("cicd-contexts: {stage: {x: []}}");
    assert_eq!(world.is_quiet().spec("base-app.yaml", "unset"), &json!(["contexts.stage.settings.x"]));
    let between = World::app("cicd-contexts: {stage: {}}")
        .base("cicd-contexts: {stage: {x: 0}}")
        .base("cicd-contexts: {stage: {x: text}}");
    assert_eq!(between.is_quiet().spec("base-two.yaml", "unset"), &json!(["contexts.stage.settings.x"]));
    // A marker key of the app makes the base's named blocks keys of the one block.
    let marker = World::event("{notify: {message: m}}").base(&in_event("{notify: {icon: {message: other}}}"));
    let converted = marker.converted();
    assert!(!converted.report.is_complete(), "the block is a field that is a map now");
}

#[test]
fn files_that_disagree_or_lack_the_context_are_errors() {
    let clash = World::app("cicd-contexts: {stage: {x: text}}").base("cicd-contexts: {stage: {x: 1}}");
    assert!(matches!(clash.tried(), Err(ConvertError::Merge(_))));
    let missing = World::app("cicd-contexts: {prod: {}}").tried().unwrap_err().to_string();
    assert_eq!(
        missing,
        "convert app.yaml: neither it nor its bases have cicd-contexts.stage; name one of them with --cicd-context: prod"
    );
}

#[test]
fn slack_and_its_secret() {
    let converted = World::message("m").is_quiet();
    assert_eq!(
        converted.manifest("endpoint-slack.yaml")["spec"],
        json!({
            "templateEngine": "Jinja",
            "url": "https://slack.com/api/chat.postMessage",
            "allowedHosts": ["slack.com", "hooks.slack.com"],
            "auth": {"bearer": {"secretKeyRef": {"name": "cicd-slack", "key": "token"}}},
            "headers": [
                {"name": "Content-Type", "value": "application/json; charset=UTF-8"},
                {"name": "Cache-Control", "value": "no-cache"},
            ],
            "bodies": {"notify": "n", "manualChoice": "m", "respond": "r"},
        })
    );
    assert_eq!(converted.manifest("cicd-slack.yaml")["stringData"], json!({"token": "chat-tok"}));
    assert_eq!(converted.secrets.len(), 1, "what nothing uses is no Secret");
    let http = World::message("m").core(&CORE.replace("https://slack.com/api", "http://chat.example:8080"));
    assert_eq!(http.is_quiet().spec("endpoint-slack.yaml", "allowHttp"), true);
    assert_eq!(http.converted().spec("endpoint-slack.yaml", "allowedHosts"), &json!(["chat.example"]));
}

#[test]
fn captures_of_all_answers_stand_at_endpoints_of_their_own_where_they_differ() {
    let auto = |notify: &str, choice: &str| {
        let captures = format!(
            "  notify: {{auto-capture-response-data: {notify}}}\n  manual-choice: {{auto-capture-response-data: {choice}}}\n"
        );
        World::event("{notify: {message: m}, manual-choice: {title: t, choices: {}}, respond: {message: m, url: 'https://slack.com/'}}")
            .core(&format!("{CORE}{captures}"))
            .is_quiet()
    };
    let endpoints = |converted: &Converted| -> Vec<String> {
        let handlers = converted.handlers().as_array().unwrap();
        let of = |kind: &str| {
            handlers.iter().find_map(|handler| handler.get(kind)?["endpoint"]["name"].as_str()).unwrap().to_owned()
        };
        ["notify", "manualChoice", "respond"].map(of).to_vec()
    };
    let ts = "[{from: '{{ body.ts }}', to: state.ts}]";
    assert_eq!(endpoints(&auto("[]", "[]")), ["slack", "slack", "slack"]);
    let same = auto(ts, ts);
    assert_eq!(endpoints(&same), ["slack", "slack", "slack-replies"]);
    assert_eq!(
        same.spec("endpoint-slack.yaml", "capture"),
        &json!([{"path": "state.ts", "template": "{{ body.ts }}"}])
    );
    assert_eq!(same.spec("endpoint-slack-replies.yaml", "capture"), &Value::Null);
    let other = auto(ts, "[]");
    assert_eq!(endpoints(&other), ["slack", "slack-choices", "slack-replies"]);
    assert_eq!(other.spec("endpoint-slack.yaml", "bodies"), &json!({"notify": "n"}));
    assert_eq!(other.spec("endpoint-slack-choices.yaml", "capture"), &Value::Null);
    assert_eq!(endpoints(&auto("[]", ts)), ["slack", "slack-choices", "slack"]);
}

#[test]
fn trigger_has_its_headers_arguments_and_secrets() {
    let core = CORE.replace(
        "headers: []",
        "headers: [{name: Authorization, value: 'Token {{ secretData.trigger.token }} x'}, {name: content-type, value: a/b}, {name: X, value: 5}, {name: Y, value: '{{ secretData.hook }}'}], auto-args: {n: 1, t: true, p: '{{ triggerPipeline.name }}'}",
    );
    let mut world = World::event("{trigger-pipeline: {name: smoke, args: {k: '{{ state.k }}', n: 2}}}").core(&core);
    world.secrets = "cicdstatemgr: {slack: {token: c}, trigger: {token: s}, hook: h}".to_owned();
    let converted = world.is_quiet();
    assert_eq!(
        converted.manifest("endpoint-trigger.yaml")["spec"],
        json!({
            "templateEngine": "Jinja",
            "url": "https://start.example/go",
            "headers": [
                {"name": "content-type", "value": "a/b"},
                {"name": "Cache-Control", "value": "no-cache"},
                {"name": "Authorization", "valueFrom": {"secretKeyRef": {"name": "cicd-trigger", "key": "token"}, "prefix": "Token ", "suffix": " x"}},
                {"name": "X", "value": "5"},
                {"name": "Y", "valueFrom": {"secretKeyRef": {"name": "cicd-secrets", "key": "hook"}}},
            ],
            "bodies": {"triggerPipeline": "{{ triggerPipeline.args|json_dumps }}"},
            "args": [{"name": "n", "value": "1"}, {"name": "t", "value": "True"}, {"name": "p", "value": "{{ triggerPipeline.name }}"}],
        })
    );
    assert_eq!(converted.manifest("cicd-trigger.yaml")["stringData"], json!({"token": "s"}));
    assert_eq!(converted.manifest("cicd-secrets.yaml")["stringData"], json!({"hook": "h"}));
    assert_eq!(
        converted.handlers()[0]["triggerPipeline"],
        json!({"endpoint": {"name": "trigger"}, "name": "smoke", "args": [{"name": "k", "value": "{{ state.k }}"}, {"name": "n", "value": "2"}]})
    );
}

#[test]
fn bodies_begin_as_they_did_whatever_macros_stand_in_front_of_them() {
    let macros = "jinja2-macros: {x: '{%- macro x() -%}{%- endmacro -%}'}";
    let core = CORE.replace("notify: 'n'", "notify: '  {{ notify.message }}'");
    let eaten = World::message("m").core(&core).base(macros).is_quiet();
    assert_eq!(eaten.spec("endpoint-slack.yaml", "bodies")["notify"], "{{ notify.message }}");
    let kept = World::message("m").core(&core).is_quiet();
    assert_eq!(kept.spec("endpoint-slack.yaml", "bodies")["notify"], "  {{ notify.message }}");
}

#[test]
fn macros_whose_order_shows_have_numbered_names() {
    let app = format!(
        "jinja2-macros: {{z: '{{% macro z() %}}{{% endmacro %}}', a: '{{%- macro a() -%}}{{%- endmacro -%}}'}}\n{}",
        in_event("{}")
    );
    let converted = World::app(&app).is_quiet();
    let names: Vec<&String> = converted.spec("base-app.yaml", "partials").as_object().unwrap().keys().collect();
    assert_eq!(names, ["01-z", "02-a"]);
    assert!(converted.report.lines().contains("their names are numbered"));
}

#[test]
fn what_was_never_rendered_prints_itself() {
    let converted = World::event("{notify: {message: m, icon: '{{ not rendered }}', tail: \"x\\n\"}}").is_quiet();
    assert_eq!(
        converted.handlers()[0]["notify"]["fields"],
        json!([
            {"name": "icon", "value": "{% raw %}{{ not rendered }}{% endraw %}"},
            {"name": "tail", "value": "{% raw %}x\n{% endraw %}"},
        ])
    );
}

#[test]
fn choices_and_generators_of_choices() {
    let handler = json!({"manual-choice": {
        "title": "t",
        "choices": {"b": {"header": "B", "options": [{"text": "T", "value": "V", "style": "danger", "url": "u"}]}, "a": {"header": "A", "options": []}},
        "choice-generators": {"g": {"foreach": "limits", "iterator": "one", "template": "k: {header: '{{ one }}'}"}},
    }});
    let app = in_event(&handler.to_string()).replace("{stage: {", "{stage: {limits: {cpu: 1}, ");
    assert_eq!(
        World::app(&app).is_quiet().handlers()[0]["manualChoice"],
        json!({
            "endpoint": {"name": "slack"},
            "title": "t",
            "choices": [
                {"name": "b", "header": "B", "options": [{"text": "T", "value": "V", "style": "danger", "fields": [{"name": "url", "value": "u"}]}]},
                {"name": "a", "header": "A", "options": []},
            ],
            "choiceGenerators": [{"name": "g", "foreach": "$.settings.limits", "iterator": "one", "template": "k: {header: '{{ one }}'}"}],
        })
    );
}

#[test]
fn settings_variables_and_values_of_pipelines() {
    let app = "
variables: {v: 'x'}
cicd-contexts:
  stage:
    room: r
    state: {dropped: 1}
    variables: {v: replaced, own: '{{ raw }}'}
    pipelines: {p: {image: img, event-handlers: {e: {notify: {message: '{{ pipelines.p.image }}!'}}}}}
";
    let converted = World::app(app).is_quiet();
    let stage = converted.stage();
    assert_eq!(stage["settings"], json!({"room": "r", "pipelines": {"p": {"image": "img"}}}));
    assert_eq!(stage["variables"], json!({"own": "{% raw %}{{ raw }}{% endraw %}"}));
    assert_eq!(stage["pipelines"]["p"]["settings"], json!({"image": "img"}));
    let unread = World::app(&app.replace("{{ pipelines.p.image }}", "x")).is_quiet();
    assert_eq!(unread.stage()["settings"], json!({"room": "r"}));
}

#[test]
fn the_config_is_a_base_with_what_templates_may_read_and_no_data_sources() {
    let core = CORE.replace("  boardUrl", "  datasources: {redis: {password: secret}}\n  boardUrl");
    let config = |message: &str| {
        let converted = World::message(message).core(&core).is_quiet();
        converted.spec("base-platform.yaml", "settings")["configData"].clone()
    };
    assert_eq!(config("m"), json!({"boardUrl": "https://board.test"}));
    assert_eq!(
        config("x {{ configData.slack.url }}")["slack"],
        json!({"url": "https://slack.com/api/chat.postMessage"})
    );
    let all = config("x {{ configData }}");
    assert_eq!(all.as_object().unwrap().keys().collect::<Vec<_>>(), ["boardUrl", "slack", "trigger", "templates"]);
}

#[test]
fn objects_and_their_order() {
    let mut world = World::message("m").base("variables: {a: b}").base("variables: {c: d}");
    world.is_cluster_wide = true;
    let converted = world.is_quiet();
    let files: Vec<(&str, &str)> = converted
        .manifests
        .iter()
        .map(|manifest| (manifest.file.as_str(), manifest.value["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(
        files,
        [
            ("base-platform.yaml", "ClusterCicdBase"),
            ("base-one.yaml", "ClusterCicdBase"),
            ("base-two.yaml", "ClusterCicdBase"),
            ("base-app.yaml", "CicdBase"),
            ("endpoint-slack.yaml", "CicdEndpoint"),
            ("endpoint-trigger.yaml", "CicdEndpoint"),
            ("context-app.yaml", "CicdContext"),
        ]
    );
    let bases = ["platform", "one", "two"].map(|name| json!({"kind": "ClusterCicdBase", "name": name}));
    assert_eq!(converted.spec("base-app.yaml", "bases"), &json!(bases));
    assert_eq!(
        converted.manifest("context-app.yaml")["spec"],
        json!({
            "context": "stage",
            "bases": [{"kind": "CicdBase", "name": "app"}],
            "state": {"cicdContextDataId": "app", "cicdContextName": "stage"},
        })
    );
    let text = converted.manifests[3].text();
    let order = ["apiVersion:", "kind:", "metadata:", "spec:", "  bases:", "  templateEngine: Jinja", "  contexts:"];
    let places: Vec<usize> =
        order.iter().map(|key| text.find(&format!("\n{key}")).unwrap_or_else(|| panic!("{key} in\n{text}"))).collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn a_stored_document_gives_name_state_variables_and_context() {
    let mut world = World::app("cicd-contexts: {stage: {}, prod: {}}");
    world.document = Some(
        "state: {cicdContextDataId: Run 7, cicdContextName: prod, n: {a: '1'}}\nvariables: {v: text}\n".to_owned(),
    );
    let converted = world.converted();
    assert_eq!((converted.name.as_str(), converted.context.as_str()), ("run-7", "prod"));
    let manifest = converted.manifest("context-run-7.yaml");
    assert_eq!(manifest["spec"]["variableValues"], json!({"v": "text"}));
    assert_eq!(manifest["spec"]["state"]["n"], json!({"a": "1"}));
    world.document = Some("room: r".to_owned());
    assert_eq!(
        world.tried().unwrap_err().to_string(),
        "convert stored.yaml: its state is missing; give the whole document as it was stored"
    );
}

/// What the engine makes of the manifests: settings, and for each event the handlers that are switched on, in their order.
fn resolved(converted: &Converted) -> cicdcontext_engine::configuration::Resolved {
    use cicdcontext_crds::{CicdBaseSpec, CicdContextSpec};
    use cicdcontext_engine::configuration::{Input, Lookup, Origin, resolve};

    let read = |manifest: &Manifest| {
        let name = manifest.value["metadata"]["name"].as_str().unwrap().to_owned();
        (name, serde_json::from_value::<CicdBaseSpec>(manifest.value["spec"].clone()).unwrap())
    };
    let is_base = |manifest: &&Manifest| manifest.value["kind"] == "CicdBase";
    let bases: BTreeMap<String, CicdBaseSpec> = converted.manifests.iter().filter(is_base).map(read).collect();
    let context: CicdContextSpec =
        serde_json::from_value(converted.manifest(&format!("context-{}.yaml", converted.name))["spec"].clone())
            .unwrap();
    let input = Input {
        owner: Origin::context("c"),
        selected: context.context.as_deref(),
        bases: context.bases.as_deref().unwrap(),
        block: &context.configuration,
    };
    let found = resolve(&input, &|reference| {
        let spec = &bases[&reference.name];
        Lookup::Found(spec.bases.as_deref().unwrap_or_default(), &spec.configuration)
    });
    found.unwrap()
}

#[test]
fn the_engine_merges_the_manifests_to_what_the_old_rules_gave() {
    let context = |body: &str| format!("cicd-contexts: {{stage: {{{body}}}}}");
    let world = World::app(&context(
        "a: {k: 1}, b: '', c: [3], d: {e: {g: 2}}, pipelines: {p: {event-handlers: {e: {\
           respond: {enabled: false}, notify: {three: {message: '3'}, one: {icon: x}}}}, \
           generators: {g: {y: {set: [{key: state.y, value: '2'}]}}}}}",
    ))
    .base(&context(
        "a: [], b: null, c: [1, 2], d: {e: {f: 1}}, pipelines: {p: {event-handlers: {e: {\
           notify: {one: {message: '1'}, two: {message: '2'}}, respond: {message: r, url: 'https://slack.com/'}}}, \
           generators: {g: {x: {if: a, set: [{key: state.x, value: '1'}]}, y: {set: [{key: state.y, value: '1'}]}}}}}",
    ))
    .base(&context("pipelines: {p: {event-handlers: {e: {trigger-pipeline: {name: n, args: {a: '1'}}}}}}"));
    let resolved = resolved(&world.is_quiet());
    let settings: Map<String, Value> = resolved.settings.into_iter().filter(|(key, _)| key != "configData").collect();
    assert_eq!(Value::Object(settings), json!({"a": {"k": 1}, "b": "", "c": [3], "d": {"e": {"f": 1, "g": 2}}}));
    let pipeline = &resolved.pipelines["p"];
    let names: Vec<&str> = pipeline.handlers("e").iter().map(|handler| handler.name.as_str()).collect();
    assert_eq!(names, ["notify-one", "notify-two", "notify-three", "trigger-pipeline"]);
    assert_eq!(pipeline.disabled["e"], ["respond"]);
    let items: Vec<(&str, usize)> =
        pipeline.generators["g"].iter().map(|item| (item.name.as_str(), item.changes.len())).collect();
    assert_eq!(items, [("x", 1), ("y", 1)]);
}
