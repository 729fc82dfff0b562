//! Three layers, as a platform and an application would write them.

use serde_json::json;

use crate::{
    configuration::{
        Resolved,
        fixture::{World, reference},
        model::{Action, ChangeValue, WebhookTarget},
    },
    template::Engine,
};

const PLATFORM: &str = r##"
templateEngine: Jinja
settings: {channel: "#ci", limits: {cpu: 1, memory: 512}, regions: [eu, us]}
variables: {greeting: "Hello {{ state.appName }}", image: "{{ state.appName }}"}
partials: {link: "<{{ settings.dashboard }}>"}
pipelines:
  build:
    settings: {timeout: 10}
    eventHandlers:
      success:
        - name: tell
          if: "{{ state.appName }}"
          notify:
            endpoint: {name: slack, namespace: platform}
            message: "built {{ variables.image }}"
            fields: [{name: color, value: good}, {name: icon, value: rocket}]
            capture: [{path: state.build.ts, fromPath: $.body.ts}]
        - name: audit
          webhook: {endpoint: {name: audit}, method: PUT, path: "runs/{{ event.id }}"}
        - name: deploy
          onFailure: Stop
          triggerPipeline: {endpoint: {name: tekton}, name: deploy, args: [{name: b, value: "1"}, {name: a, value: "2"}]}
      failure:
        - {name: tell, notify: {endpoint: {name: slack}, message: failed}}
    generators:
      dockerfile:
        - {name: alpine, if: "{{ 'alpine' in state.tag }}", set: [{path: state.base, value: "alpine:latest"}]}
        - {name: debian, set: [{path: state.base, value: debian}]}
contexts:
  stage: {settings: {channel: "#stage"}}
  prod: {settings: {channel: "#prod"}}
"##;

const APPLICATION: &str = r#"
settings: {limits: {memory: 1024}, regions: [eu], dashboard: "https://dashboard.example"}
variables: {image: "{{state.appName}}:{{state.appVersion}}"}
pipelines:
  build:
    eventHandlers:
      success:
        - {name: record, setValues: [{path: "state.seen.{{event.id}}", op: Append, template: "{{event.name}}", split: ","}]}
        - name: tell
          notify: {message: "{{variables.image}} is built", fields: [{name: link, value: x}, {name: color, value: blue}]}
        - {name: audit, enabled: false}
      failure:
        - {name: tell, enabled: false}
    generators:
      dockerfile:
        - {name: debian, enabled: false}
        - {name: busybox, set: [{path: state.base, op: Unset}]}
contexts:
  stage:
    settings: {limits: {cpu: 2}}
    variables: {greeting: "{{state.appName}} on stage"}
    pipelines:
      build:
        eventHandlers: {success: [{name: deploy, triggerPipeline: {name: deploy-stage, args: [{name: a, value: "3"}]}}]}
  test: {}
"#;

const CONTEXT: &str = r##"
settings: {channel: "#shop", owner: null}
pipelines:
  build: {eventHandlers: {success: [{name: tell, if: "{{eq context.selected 'stage'}}"}]}}
"##;

fn world() -> World {
    World::context(&["base/shop"], CONTEXT).base("base/shop", &["cluster/platform"], APPLICATION).base(
        "cluster/platform",
        &[],
        PLATFORM,
    )
}

fn stage() -> Resolved {
    world().selecting("stage").resolve()
}

#[test]
fn settings_come_from_all_layers_and_the_selected_context_wins() {
    let resolved = stage();
    let expected = json!({
        "channel": "#stage", "dashboard": "https://dashboard.example", "limits": {"cpu": 2, "memory": 1024},
        "owner": null, "regions": ["eu"],
    });
    assert_eq!(serde_json::to_value(&resolved.settings).unwrap(), expected);
    assert_eq!(resolved.pipelines["build"].settings["timeout"], 10);
    assert_eq!(resolved.selected.as_deref(), Some("stage"));
    assert_eq!(resolved.selectable, ["prod", "stage", "test"]);
    assert_eq!(resolved.bases, ["cluster/platform", "base/shop"].map(reference));
}

#[test]
fn without_a_selection_the_common_parts_stand_alone() {
    let resolved = world().resolve();
    assert_eq!(resolved.settings["channel"], "#shop");
    assert_eq!(resolved.settings["limits"], json!({"cpu": 1, "memory": 1024}));
    assert_eq!(resolved.selected, None);
    assert_ne!(resolved.hash, stage().hash);
}

#[test]
fn handlers_are_merged_by_name_and_stand_in_the_order_in_which_they_were_first_seen() {
    let resolved = stage();
    let build = &resolved.pipelines["build"];
    let names: Vec<_> = build.handlers("success").iter().map(|handler| handler.name.as_str()).collect();
    assert_eq!(names, ["tell", "deploy", "record"]);
    assert!(build.is_disabled("success", "audit"));
    assert!(!build.is_disabled("success", "tell"));
    assert!(build.handlers("failure").is_empty());
    assert!(!build.events.contains_key("failure"));
    assert_eq!(build.disabled["failure"], ["tell"]);
    assert!(build.incomplete.is_empty());
}

#[test]
fn fields_and_arguments_are_merged_by_name_and_captures_are_kept() {
    let resolved = stage();
    let [tell, deploy, _] = resolved.pipelines["build"].handlers("success") else { panic!("{resolved:#?}") };
    let Action::Notify(notify) = &tell.action else { panic!("{tell:#?}") };
    assert_eq!(notify.endpoint.namespace.as_deref(), Some("platform"));
    let fields: Vec<_> = notify.fields.iter().map(|field| (field.name.as_str(), &*field.value.text)).collect();
    assert_eq!(fields, [("color", "blue"), ("icon", "rocket"), ("link", "x")]);
    assert_eq!(tell.action.capture()[0].value, ChangeValue::FromPath("$.body.ts".to_owned()));
    let Action::TriggerPipeline(trigger) = &deploy.action else { panic!("{deploy:#?}") };
    assert_eq!(trigger.name, "deploy-stage");
    let args: Vec<_> = trigger.args.iter().map(|arg| (arg.name.as_str(), &*arg.value.text)).collect();
    assert_eq!(args, [("b", "1"), ("a", "3")]);
    assert_eq!(deploy.on_failure, cicdcontext_crds::handler::OnFailure::Stop);
}

#[test]
fn a_template_keeps_the_engine_of_the_block_that_wrote_it() {
    let resolved = stage();
    assert_eq!(resolved.partials["link"].engine, Engine::Jinja);
    assert_eq!(resolved.variables["image"].engine, Engine::Handlebars);
    assert_eq!(resolved.variables["greeting"].engine, Engine::Handlebars);
    assert_eq!(world().resolve().variables["greeting"].engine, Engine::Jinja);
    let tell = &resolved.pipelines["build"].handlers("success")[0];
    assert_eq!(tell.condition.as_ref().unwrap().engine, Engine::Handlebars);
    let Action::Notify(notify) = &tell.action else { panic!("{tell:#?}") };
    assert_eq!(notify.message.engine, Engine::Handlebars);
    let engines: Vec<_> = notify.fields.iter().map(|field| field.value.engine).collect();
    assert_eq!(engines, [Engine::Handlebars, Engine::Jinja, Engine::Handlebars]);
    assert_eq!(notify.capture[0].path.engine, Engine::Jinja);
}

#[test]
fn every_template_is_listed_under_the_path_where_it_stands() {
    let resolved = stage();
    let mut names: Vec<_> = resolved.templates().map(|source| source.name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "partials.link",
        "pipelines.build.eventHandlers.success[deploy].triggerPipeline.args[a].value",
        "pipelines.build.eventHandlers.success[deploy].triggerPipeline.args[b].value",
        "pipelines.build.eventHandlers.success[record].setValues[0].path",
        "pipelines.build.eventHandlers.success[record].setValues[0].template",
        "pipelines.build.eventHandlers.success[tell].if",
        "pipelines.build.eventHandlers.success[tell].notify.capture[0].path",
        "pipelines.build.eventHandlers.success[tell].notify.fields[color].value",
        "pipelines.build.eventHandlers.success[tell].notify.fields[icon].value",
        "pipelines.build.eventHandlers.success[tell].notify.fields[link].value",
        "pipelines.build.eventHandlers.success[tell].notify.message",
        "pipelines.build.generators.dockerfile[alpine].if",
        "pipelines.build.generators.dockerfile[alpine].set[0].path",
        "pipelines.build.generators.dockerfile[busybox].set[0].path",
        "variables.greeting",
        "variables.image",
    ];
    assert_eq!(names, expected);
}

#[test]
fn generators_are_merged_by_name_without_what_is_switched_off() {
    let resolved = stage();
    let items = &resolved.pipelines["build"].generators["dockerfile"];
    let names: Vec<_> = items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["alpine", "busybox"]);
    assert_eq!(items[0].changes[0].value, ChangeValue::Literal(json!("alpine:latest")));
    assert_eq!(items[1].changes[0].value, ChangeValue::None);
}

#[test]
fn each_value_knows_who_wrote_it() {
    let resolved = stage();
    for (path, origin) in [
        ("settings.channel", "contexts.stage of ClusterCicdBase/platform"),
        ("settings.limits", "ClusterCicdBase/platform"),
        ("settings.limits.cpu", "contexts.stage of CicdBase/shop"),
        ("settings.limits.memory", "CicdBase/shop"),
        ("settings.regions[0]", "CicdBase/shop"),
        ("settings.owner", "CicdContext/shop-1"),
        ("variables.image", "CicdBase/shop"),
        ("variables.greeting", "contexts.stage of CicdBase/shop"),
        ("pipelines.build.eventHandlers.success[tell].if", "CicdContext/shop-1"),
        ("pipelines.build.eventHandlers.success.tell.notify.message", "CicdBase/shop"),
        ("pipelines.build.eventHandlers.success.tell.notify.capture[0].path", "ClusterCicdBase/platform"),
        ("pipelines.build.eventHandlers.success.audit.enabled", "CicdBase/shop"),
    ] {
        assert_eq!(resolved.origin_of(path).unwrap().to_string(), origin, "{path}");
    }
    assert_eq!(resolved.origin_of("settings.nothing"), None);
    assert_eq!(resolved.origin_of("contexts.stage"), None);
    assert_eq!(resolved.origin_of("settings..a"), None);
}

#[test]
fn each_field_of_a_handler_knows_who_wrote_it() {
    let resolved = stage();
    let fields = resolved.origins_below("pipelines.build.eventHandlers.success[tell]");
    let fields: Vec<_> = fields.into_iter().map(|(path, origin)| format!("{path}: {origin}")).collect();
    for line in [
        "if: CicdContext/shop-1",
        "notify.endpoint.name: ClusterCicdBase/platform",
        "notify.capture: ClusterCicdBase/platform",
        "notify.message: CicdBase/shop",
    ] {
        assert!(fields.iter().any(|field| field == line), "{line}: {fields:?}");
    }
    assert!(resolved.origins_below("pipelines.build.nothing").is_empty());
    assert!(resolved.origins_below("settings..a").is_empty());
}

#[test]
fn each_listed_template_knows_who_wrote_it() {
    let resolved = stage();
    for source in resolved.templates() {
        let origin = resolved.origin_of(&source.name).unwrap();
        let jinja = origin.name == "platform";
        assert_eq!(source.engine == Engine::Jinja, jinja, "{} of {origin}", source.name);
    }
}

#[test]
fn of_bases_named_one_after_the_other_the_later_wins() {
    let world = World::context(&["base/a", "base/b"], "")
        .base("base/a", &[], "{settings: {x: 1}, contexts: {stage: {settings: {y: 1}}}}")
        .base("base/b", &[], "{settings: {x: 2, y: 2}, contexts: {stage: {settings: {y: 3}}}}");
    assert_eq!(world.resolve().settings["x"], 2);
    assert_eq!(world.selecting("stage").resolve().settings["y"], 3);
}

#[test]
fn an_empty_context_has_an_empty_configuration() {
    let resolved = World::context(&[], "").resolve();
    assert!(resolved.settings.is_empty() && resolved.pipelines.is_empty() && resolved.templates().next().is_none());
}

#[test]
fn every_type_of_handler_is_read_with_its_defaults() {
    let resolved = World::context(
        &[],
        r"
pipelines:
  build:
    eventHandlers:
      all:
        - {name: respond, respond: {endpoint: {name: slack}, message: m, url: '{{event.data.url}}'}}
        - name: choose
          manualChoice:
            endpoint: {name: slack}
            title: t
            choices: [{name: c, header: h, options: [{text: x, value: z, style: primary, fields: [{name: f, value: v}]}]}]
            choiceGenerators: [{name: g, foreach: $.state.targets, template: '{{item}}'}]
        - {name: generate, generate: {generator: dockerfile}}
        - {name: plain, webhook: {url: 'https://receiver.example/{{event.id}}', body: '{}', headers: [{name: X-A, value: b}]}}
        - {name: blank, setValues: [{path: state.a, value: null}, {path: state.b, op: Clear}, {path: state.c, template: '', writeBlank: true}]}
",
    )
    .resolve();
    let [respond, choose, generate, plain, blank] = resolved.pipelines["build"].handlers("all") else {
        panic!("{resolved:#?}")
    };
    assert!(matches!(&respond.action, Action::Respond(respond) if respond.url.is_some()));
    let Action::ManualChoice(choice) = &choose.action else { panic!("{choose:#?}") };
    assert_eq!(choice.choice_generators[0].iterator, "item");
    let option = &choice.choices[0].options[0];
    assert_eq!((&*option.text.text, &*option.value.text, option.style.as_deref()), ("x", "z", Some("primary")));
    assert_eq!(
        option.fields[0].value.name,
        "pipelines.build.eventHandlers.all[choose].manualChoice.choices[c].options[0].fields[f].value"
    );
    assert!(matches!(&generate.action, Action::Generate(generate) if generate.pipeline == "build"));
    assert!(matches!(&plain.action, Action::Webhook(webhook) if matches!(webhook.target, WebhookTarget::Url(_))));
    assert_eq!(plain.action.endpoint(), None);
    let Action::SetValues(changes) = &blank.action else { panic!("{blank:#?}") };
    assert_eq!(changes[0].value, ChangeValue::Literal(json!(null)));
    assert!(changes[2].write_blank);
    assert_eq!(blank.path, "pipelines.build.eventHandlers.all[blank]");
}
