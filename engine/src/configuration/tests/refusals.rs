//! What is refused, with the words that a user reads.

use crate::configuration::fixture::World;

#[test]
fn a_type_clash_names_path_and_both_sources() {
    let world = World::context(&["cluster/platform"], "settings: {limits: none}").base(
        "cluster/platform",
        &[],
        "settings: {limits: {cpu: 1}}",
    );
    let (reason, error) = world.error();
    assert_eq!(reason, "TypeClash");
    assert_eq!(
        error,
        "merge settings.limits: is a map in ClusterCicdBase/platform and a text in CicdContext/shop-1; give it one \
         type, or remove the inherited value with unset"
    );
}

#[test]
fn a_clash_with_the_selected_context_names_the_entry_and_others_do_not_matter() {
    let world = || {
        World::context(&["base/a"], "{settings: {a: 1}, contexts: {prod: {settings: {a: x}}}}").base(
            "base/a",
            &[],
            "contexts: {stage: {settings: {a: {b: 1}}}, prod: {settings: {a: {b: 1}}}}",
        )
    };
    let (_, error) = world().selecting("stage").error();
    assert!(
        error.starts_with(
            "merge settings.a: is a number in CicdContext/shop-1 and a map in contexts.stage of CicdBase/a;"
        ),
        "{error}"
    );
    let (_, error) = world().selecting("prod").error();
    assert!(error.starts_with("merge contexts.prod.settings.a: is a map in contexts.prod of CicdBase/a"), "{error}");
    assert_eq!(world().resolve().settings["a"], 1);
}

#[test]
fn a_handler_of_another_type_than_the_inherited_one_is_a_clash() {
    let handler = |handler: &str| format!("pipelines: {{build: {{eventHandlers: {{success: [{handler}]}}}}}}");
    let world = World::context(&["base/a"], &handler("{name: tell, webhook: {endpoint: {name: x}}}")).base(
        "base/a",
        &[],
        &handler("{name: tell, notify: {endpoint: {name: x}, message: m}}"),
    );
    let (reason, error) = world.error();
    assert_eq!(reason, "TypeClash");
    assert!(
        error.starts_with(
            "merge pipelines.build.eventHandlers.success[tell]: is a notify handler in CicdBase/a and a webhook handler \
             in CicdContext/shop-1;"
        ),
        "{error}"
    );
}

#[test]
fn an_unknown_selected_context_lists_the_known_names() {
    let world =
        World::context(&["base/a"], "contexts: {test: {}}").base("base/a", &[], "contexts: {stage: {}, prod: {}}");
    let (reason, error) = world.selecting("stag").error();
    assert_eq!(reason, "UnknownSelectedContext");
    assert!(
        error.starts_with("select context \"stag\" for CicdContext/shop-1: known are prod, stage, test;"),
        "{error}"
    );
    let (reason, error) = World::context(&[], "settings: {a: 1}").selecting("stage").error();
    assert_eq!(reason, "UnknownSelectedContext");
    assert!(error.contains("there are no contexts to select from"), "{error}");
}

#[test]
fn a_long_list_of_known_contexts_is_cut() {
    let contexts: Vec<_> = (10..40).map(|index| format!("c{index}: {{}}")).collect();
    let world = World::context(&[], &format!("contexts: {{{}}}", contexts.join(", "))).selecting("x");
    assert!(world.error().1.contains("c28, c29 and 10 more;"), "{}", world.error().1);
}

/// A context with one handler of event `success`.
fn handler(handler: &str) -> World {
    World::context(&[], &format!("pipelines: {{build: {{eventHandlers: {{success: [{handler}]}}}}}}"))
}

#[test]
fn incomplete_and_contradictory_handlers_are_refused() {
    let change = |change: &str| format!("{{name: h, setValues: [{change}]}}");
    let webhook = |webhook: &str| format!("{{name: h, webhook: {{{webhook}}}}}");
    for (yaml, place, problem) in [
        ("{name: h}", "", "the handler does nothing; write one of notify, respond,"),
        (
            "{name: h, notify: {endpoint: {name: x}, message: m}, generate: {generator: g}}",
            "",
            "the handler has notify and generate; keep exactly one of",
        ),
        ("{name: h, notify: {message: m}}", ".notify", "endpoint is missing; write endpoint: {name: ...}"),
        ("{name: h, notify: {endpoint: {name: x}}}", ".notify", "message is missing; write the template"),
        ("{name: h, respond: {endpoint: {name: x}}}", ".respond", "message is missing"),
        ("{name: h, manualChoice: {endpoint: {name: x}}}", ".manualChoice", "title is missing"),
        (
            "{name: h, manualChoice: {endpoint: {name: x}, title: t, choiceGenerators: [{name: g, template: t}]}}",
            ".manualChoice.choiceGenerators[g]",
            "foreach is missing; write a JSONPath",
        ),
        (
            "{name: h, manualChoice: {endpoint: {name: x}, title: t, choiceGenerators: [{name: g, foreach: state.x, template: t}]}}",
            ".manualChoice.choiceGenerators[g].foreach",
            "read JSONPath \"state.x\": ",
        ),
        ("{name: h, triggerPipeline: {endpoint: {name: x}}}", ".triggerPipeline", "name is missing"),
        ("{name: h, generate: {}}", ".generate", "generator is missing"),
        (&webhook(""), ".webhook", "endpoint is missing; write endpoint: {name: ...}, or url"),
        (&webhook("endpoint: {name: x}, url: u"), ".webhook", "it has both endpoint and url; keep one"),
        (&webhook("url: u, path: p"), ".webhook.path", "path goes with an endpoint only"),
        (
            &webhook("url: u, headers: [{name: X-A, value: a}, {name: x-a, value: b}]"),
            ".webhook.headers[x-a]",
            "it is the header X-A in another spelling",
        ),
        ("{name: h, setValues: []}", ".setValues", "the list is empty; write at least one change"),
        (&change("{path: state.a}"), ".setValues[0]", "Set needs a value; write one of value, template and fromPath"),
        (&change("{path: state.a, op: Append}"), ".setValues[0]", "Append needs a value"),
        (&change("{path: state.a, op: Unset, value: 1}"), ".setValues[0]", "Unset takes no value"),
        (&change("{path: state.a, value: 1, template: x}"), ".setValues[0]", "it has more than one of value,"),
        (
            &change("{path: build.a, value: 1}"),
            ".setValues[0].path",
            "\"build.a\" is no path of state: it starts with 'build'; write state.build",
        ),
        (&change("{path: state.a, fromPath: a}"), ".setValues[0].fromPath", "read JSONPath \"a\": "),
        (&change("{path: state.a, value: 1, split: ','}"), ".setValues[0]", "split does not go with Set"),
        (&change("{path: state.a, op: Add, value: 1, split: ''}"), ".setValues[0]", "split is empty"),
    ] {
        let (reason, error) = handler(yaml).error();
        assert_eq!(reason, "InvalidConfiguration", "{yaml}");
        let start =
            format!("use pipelines.build.eventHandlers.success[h]{place} (written in CicdContext/shop-1): {problem}");
        assert!(error.starts_with(&start), "{yaml}\n  {error}\n  {start}");
    }
}

#[test]
fn a_path_with_tags_is_a_template_and_is_not_looked_into() {
    let change = |path: &str| handler(&format!("{{name: h, setValues: [{{path: '{path}', value: 1}}]}}"));
    assert!(change("{{settings.root}}.a").try_resolve().is_ok());
    assert!(change("{% if x %}state.a{% endif %}").try_resolve().is_err(), "Handlebars has no such tags");
}

#[test]
fn a_base_may_leave_handlers_incomplete_and_its_templates_are_still_listed() {
    let yaml = "
pipelines:
  build:
    eventHandlers: {success: [{name: tell, if: c, notify: {message: m}}, {name: bare, if: d}]}
    generators: {g: [{name: i, if: e}]}
";
    let resolved = World::default().base("base/a", &[], yaml).seen_from("base/a").resolve();
    let build = &resolved.pipelines["build"];
    assert_eq!(build.incomplete["success"], ["tell", "bare"]);
    assert!(build.handlers("success").is_empty());
    assert_eq!(resolved.templates().map(|source| &*source.text).collect::<Vec<_>>(), ["c", "m", "d", "e"]);

    let context = World::context(&["base/a"], "").base("base/a", &[], yaml);
    let (reason, error) = context.error();
    assert_eq!(reason, "InvalidConfiguration");
    assert!(error.contains("success[tell].notify (written in CicdBase/a): endpoint is missing"), "{error}");
}

#[test]
fn what_is_wrong_in_a_base_is_wrong_even_if_it_is_incomplete() {
    let yaml = "pipelines: {b: {eventHandlers: {e: [{name: h, notify: {capture: [{path: a, value: 1}]}}]}}}";
    let (reason, error) = World::default().base("base/a", &[], yaml).seen_from("base/a").error();
    assert_eq!(reason, "InvalidConfiguration");
    assert!(error.contains("[h].notify.capture[0].path (written in CicdBase/a): \"a\" is no path of state"), "{error}");
}

#[test]
fn an_incomplete_handler_that_is_switched_off_is_no_error() {
    let resolved = handler("{name: h, enabled: false, notify: {}}").resolve();
    assert_eq!(resolved.pipelines["build"].disabled["success"], ["h"]);
}

#[test]
fn names_of_pipelines_events_generators_and_handlers_are_checked() {
    let change = "setValues: [{path: state.a, value: 1}]";
    let long = "x".repeat(64);
    for (yaml, start) in [
        (
            "{'a b': {}}".to_owned(),
            "use pipelines['a b'] (written in CicdContext/shop-1): the name of a pipeline must be",
        ),
        (format!("{{{long}: {{}}}}"), "use pipelines.xxxx"),
        ("{b: {eventHandlers: {'a=b': []}}}".to_owned(), "use pipelines.b.eventHandlers['a=b']"),
        ("{b: {generators: {'a.b': []}}}".to_owned(), "use pipelines.b.generators['a.b']"),
        ("{b: {generators: {g: [{name: ''}]}}}".to_owned(), "use pipelines.b.generators.g['']"),
        (format!("{{b: {{eventHandlers: {{e: [{{name: 'é', {change}}}]}}}}}}"), "use pipelines.b.eventHandlers.e['é']"),
    ] {
        let (reason, error) = World::context(&[], &format!("pipelines: {yaml}")).error();
        assert_eq!(reason, "InvalidConfiguration");
        assert!(error.starts_with(start) && error.contains("must be 1 to 63 letters, digits, - and _"), "{error}");
    }
    assert!(World::context(&[], &format!("pipelines: {{{}: {{}}}}", "x".repeat(63))).try_resolve().is_ok());
}

#[test]
fn an_event_may_have_64_handlers_of_all_layers_and_not_more() {
    let handlers = |range: std::ops::Range<usize>, rest: &str| {
        let items: Vec<_> = range.map(|index| format!("{{name: h{index}, {rest}}}")).collect();
        format!("pipelines: {{b: {{eventHandlers: {{e: [{}]}}}}}}", items.join(", "))
    };
    let change = "setValues: [{path: state.a, value: 1}]";
    let world = |own: &str| World::context(&["base/a"], own).base("base/a", &[], &handlers(0..40, change));
    assert_eq!(world(&handlers(30..64, change)).resolve().pipelines["b"].handlers("e").len(), 64);
    let (reason, error) = world(&handlers(30..65, change)).error();
    assert_eq!(reason, "InvalidConfiguration");
    assert!(error.ends_with("there are 65 handlers that are switched on; at most 64 are allowed"), "{error}");
    let switched_off = handlers(40..70, &format!("enabled: false, {change}"));
    assert_eq!(world(&switched_off).resolve().pipelines["b"].handlers("e").len(), 40);
}

#[test]
fn two_items_of_one_name_in_one_block_are_refused() {
    let (reason, error) = handler("{name: h, generate: {generator: a}}, {name: h, generate: {generator: b}}").error();
    assert_eq!(reason, "InvalidConfiguration");
    assert!(
        error.starts_with(
            "use pipelines.build.eventHandlers.success[h] (written in CicdContext/shop-1): the list has two items"
        ),
        "{error}"
    );
}

#[test]
fn settings_nested_deeper_than_64_are_refused() {
    let maps = |levels: usize| format!(r#"{{"settings": {}1{}}}"#, r#"{"a": "#.repeat(levels), "}".repeat(levels));
    let lists = |levels: usize| format!(r#"{{"settings": {{"a": {}1{}}}}}"#, "[".repeat(levels), "]".repeat(levels));
    for (deep, too_deep) in [(maps(64), maps(65)), (lists(63), lists(64))] {
        assert!(World::context(&[], &deep).try_resolve().is_ok());
        let (reason, error) = World::context(&[], &too_deep).error();
        assert_eq!(reason, "InvalidConfiguration");
        assert!(error.starts_with("use settings.a"), "{error}");
        assert!(error.ends_with("it is nested deeper than 64 maps and lists"), "{error}");
    }
}

#[test]
fn a_required_part_that_unset_took_away_is_missed() {
    let world = World::context(&["base/a"], "unset: [pipelines.b.eventHandlers.e.h.notify.endpoint.name]").base(
        "base/a",
        &[],
        "pipelines: {b: {eventHandlers: {e: [{name: h, notify: {endpoint: {name: x}, message: m}}]}}}",
    );
    let (reason, error) = world.error();
    assert_eq!(reason, "InvalidConfiguration");
    assert!(
        error.contains("eventHandlers.e[h] (written in CicdBase/a): it cannot be read: missing field `name`"),
        "{error}"
    );
}

#[test]
fn more_template_text_than_one_configuration_may_have_is_refused_with_its_size() {
    let long = "x".repeat(60_000);
    let variables: std::collections::BTreeMap<String, String> =
        (0..5).map(|index| (format!("v{index}"), long.clone())).collect();
    let block = cicdcontext_crds::ConfigurationBlock { variables: Some(variables), ..Default::default() };
    let input = crate::configuration::Input {
        owner: crate::configuration::Origin::context("shop-1"),
        selected: None,
        bases: &[],
        block: &block,
    };
    let error = crate::configuration::resolve(&input, &|_| crate::configuration::Lookup::NotFound).unwrap_err();
    assert_eq!(error.reason(), "InvalidConfiguration");
    assert_eq!(
        error.to_string(),
        "read the templates of CicdContext/shop-1: they have 300000 bytes in all, at most 262144 are allowed; remove \
         what this context does not need"
    );
}
