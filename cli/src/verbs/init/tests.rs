use cicdcontext_crds::ConfigurationBlock;
use serde_json::{Value, json};

use super::*;
use crate::{arguments::Object, console::Recorded, exit::Exit, source::fake::Fake};

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn read(name: &str, arguments: &InitArguments, run_uid: Option<&str>) -> Result<Request, Failure> {
    let object = Object { name: name.to_owned(), rest: Vec::new() };
    Request::read(arguments, object, Vec::new(), run_uid.map(str::to_owned))
}

async fn init(fake: &Fake, request: &Request) -> (Result<(), Failure>, String, String) {
    let (data, notes) = (Recorded::default(), Recorded::default());
    let mut console = Console::new(data.clone(), notes.clone());
    let occasion = Occasion { now: "2026-01-01T00:00:00Z".parse().unwrap(), random: [7; 10] };
    let done = run(fake, request, &occasion, &mut console).await;
    (done, data.text(), notes.text())
}

/// A context `shop` that is there, for this run or none.
fn there(run_uid: Option<&str>) -> Fake {
    let fake = Fake::new(json!({"old": 1}));
    let mut annotations = fake.annotations.borrow_mut();
    annotations.insert("event.cicdcontext.io/1".to_owned(), "build=success".to_owned());
    if let Some(uid) = run_uid {
        annotations.insert(RUN_UID.to_owned(), uid.to_owned());
    }
    drop(annotations);
    fake
}

fn if_exists(if_exists: IfExists) -> InitArguments {
    InitArguments { if_exists, set: owned(&["state.new:=1"]), ..InitArguments::default() }
}

#[tokio::test]
async fn a_context_is_created_from_its_arguments_and_its_name_printed() {
    let arguments = InitArguments {
        cicd_context: Some("stage".to_owned()),
        base: owned(&["ClusterCicdBase/platform", "CicdBase/shop"]),
        set: owned(&["state.app=shop", "state.n:=5", "state.list[]=a"]),
        ttl: Some(3600),
        ..InitArguments::default()
    };
    let fake = Fake::new(json!({}));
    let (done, data, notes) = init(&fake, &read("store", &arguments, Some("run-1")).unwrap()).await;
    done.unwrap();
    assert_eq!((data.as_str(), notes.as_str()), ("store\n", ""));
    let created = serde_json::to_value(&fake.created.borrow()[0]).unwrap();
    assert_eq!(
        created["spec"],
        json!({
            "context": "stage",
            "bases": [{"kind": "ClusterCicdBase", "name": "platform"}, {"kind": "CicdBase", "name": "shop"}],
            "state": {"app": "shop", "n": 5, "list": ["a"]},
            "ttlSecondsAfterLastActivity": 3600,
        })
    );
    assert_eq!(created["metadata"], json!({"name": "store", "annotations": {RUN_UID: "run-1"}}));
}

#[tokio::test]
async fn one_that_is_there_is_exit_4_and_says_how_to_go_on() {
    for (run_uid, made_for) in [(None, "made for no run in particular"), (Some("run-0"), "made for run run-0")] {
        let (done, data, _) =
            init(&there(run_uid), &read("shop", &if_exists(IfExists::Fail), Some("run-1")).unwrap()).await;
        let failure = done.unwrap_err();
        assert_eq!((failure.exit(), data.as_str()), (Exit::Refused, ""));
        assert_eq!(
            failure.to_string(),
            format!(
                "init CicdContext shop: it exists already, {made_for}; go on with it with --if-exists=keep, begin anew \
                 with --if-exists=reset, or choose another name"
            )
        );
    }
}

#[tokio::test]
async fn one_that_the_same_run_made_is_kept_in_any_case() {
    for what in [IfExists::Fail, IfExists::Keep, IfExists::Reset] {
        let fake = there(Some("run-1"));
        let (done, data, notes) = init(&fake, &read("shop", &if_exists(what), Some("run-1")).unwrap()).await;
        done.unwrap();
        assert_eq!(data, "shop\n");
        assert_eq!(notes, "CicdContext shop: kept: it exists already, made for this run ($CICD_RUN_UID)\n");
        assert_eq!(*fake.state.borrow(), json!({"old": 1}));
    }
}

#[tokio::test]
async fn keep_leaves_it_as_it_is() {
    let fake = there(Some("run-0"));
    let (done, data, notes) = init(&fake, &read("shop", &if_exists(IfExists::Keep), None).unwrap()).await;
    done.unwrap();
    assert_eq!((data.as_str(), notes.contains("kept")), ("shop\n", true));
    assert!(fake.patches.borrow().is_empty());
}

#[tokio::test]
async fn reset_replaces_the_spec_and_the_run_and_leaves_events_that_wait() {
    for old in [None, Some("run-0")] {
        for new in [None, Some("run-1")] {
            let fake = there(old);
            let (done, data, notes) = init(&fake, &read("shop", &if_exists(IfExists::Reset), new).unwrap()).await;
            done.unwrap();
            assert_eq!((data.as_str(), notes.as_str()), ("shop\n", ""));
            assert_eq!(*fake.state.borrow(), json!({"new": 1}));
            let annotations = fake.annotations.borrow();
            assert_eq!(annotations.get(RUN_UID).map(String::as_str), new);
            assert_eq!(annotations["event.cicdcontext.io/1"], "build=success");
            assert_eq!(fake.patches.borrow()[0][0], json!({"op": "test", "path": "/metadata/uid", "value": "u1"}));
        }
    }
    let fake = Fake { interference: 2.into(), ..Fake::new(json!({"old": 1})) };
    let (done, ..) = init(&fake, &read("shop", &if_exists(IfExists::Reset), Some("run-1")).unwrap()).await;
    done.unwrap();
    assert_eq!(*fake.state.borrow(), json!({"new": 1}));
    assert_eq!(fake.annotations.borrow()[RUN_UID], "run-1");
}

#[test]
fn what_is_wrong_with_an_argument_is_said_before_anything_is_asked() {
    let text = |arguments: InitArguments| {
        let failure = read("shop", &arguments, None).unwrap_err();
        (failure.exit(), failure.to_string())
    };
    let base = |base: &str| InitArguments { base: owned(&[base]), ..InitArguments::default() };
    for found in ["platform", "Base/platform", "CicdBase/", "cicdbase/a", "CicdBase/a/b", "CicdBase/A"] {
        let expected = format!("read --base '{found}': write CicdBase/NAME or ClusterCicdBase/NAME");
        assert_eq!(text(base(found)), (Exit::Usage, expected));
    }
    let twice = InitArguments { base: owned(&["CicdBase/a", "CicdBase/a"]), ..InitArguments::default() };
    assert_eq!(text(twice).1, "read --base 'CicdBase/a': it is given twice; give each once");
    let many = InitArguments { base: (0..33).map(|i| format!("CicdBase/a{i}")).collect(), ..InitArguments::default() };
    assert_eq!(text(many).1, "read --base: there are 33, a CicdContext has at most 32; build one base on others");
    let blank = InitArguments { cicd_context: Some(String::new()), ..InitArguments::default() };
    assert!(text(blank).1.starts_with("read --cicd-context '': name an entry of contexts"));
    let set = InitArguments { set: owned(&["app=shop"]), ..InitArguments::default() };
    assert_eq!(text(set).0, Exit::Usage);
    let large = InitArguments { set: vec![format!("state.a={}", "x".repeat(600 * 1024))], ..InitArguments::default() };
    let (exit, message) = text(large);
    assert_eq!(exit, Exit::Refused);
    assert!(message.contains("at most 524288 bytes are allowed"), "{message}");
}

/// A fake whose base `CicdBase/shop` has this block.
fn with_base(block: &Value) -> Fake {
    let block: ConfigurationBlock = serde_json::from_value(block.clone()).unwrap();
    Fake { bases: [("shop".to_owned(), (Vec::new(), block))].into(), ..Fake::new(json!({})) }
}

fn freezing() -> Request {
    let arguments = InitArguments {
        base: owned(&["CicdBase/shop"]),
        cicd_context: Some("stage".to_owned()),
        set: owned(&["state.app=shop"]),
        freeze_variables: true,
        ..InitArguments::default()
    };
    read("store", &arguments, None).unwrap()
}

#[tokio::test]
async fn frozen_variables_are_what_they_render_to_over_the_first_state() {
    let fake = with_base(&json!({
        "settings": {"registry": "r.example"},
        "variables": {
            "image": "{{settings.registry}}/{{state.app}}:{{variables.tag}}", "tag": "1",
            "where": "{{context.name}} in {{context.namespace}} on {{context.selected}}",
        },
        "contexts": {"stage": {"variables": {"tag": "2"}}},
    }));
    let (done, ..) = init(&fake, &freezing()).await;
    done.unwrap();
    let created = serde_json::to_value(&fake.created.borrow()[0]).unwrap();
    assert_eq!(
        created["spec"]["variableValues"],
        json!({"image": "r.example/shop:2", "tag": "2", "where": "store in default on stage"})
    );
}

#[tokio::test]
async fn a_variable_that_cannot_be_rendered_is_named_and_nothing_is_created() {
    let contexts = json!({"stage": {}});
    for (template, part) in [
        ("{{lookup 'text' 'x'}}", "freeze variable bad of CicdContext store: "),
        ("{{#if", "freeze variable bad of CicdContext store: "),
        ("{{event.data.tag}}", "bad of CicdContext store: it reads event.data.tag, which there is only while an event"),
    ] {
        let fake = with_base(&json!({"variables": {"fine": "x", "bad": template}, "contexts": contexts}));
        let (done, ..) = init(&fake, &freezing()).await;
        let failure = done.unwrap_err();
        assert_eq!(failure.exit(), Exit::Failed);
        assert!(failure.to_string().contains(part), "{failure}");
        assert!(fake.created.borrow().is_empty());
    }
}

#[tokio::test]
async fn a_jinja_variable_that_reads_an_event_is_named_too() {
    let freeze = async |template: &str| {
        let block = json!({"templateEngine": "Jinja", "variables": {"v": template}, "contexts": {"stage": {}}});
        let fake = with_base(&block);
        let done = init(&fake, &freezing()).await.0;
        done.map(|()| fake.created.borrow()[0].spec.variable_values.clone().unwrap()["v"].clone())
    };
    assert_eq!(freeze("{{cicd.state.app}}").await.unwrap(), "shop");
    let failure = freeze("{{cicd.event.data.tag}}").await.unwrap_err().to_string();
    assert!(failure.contains("variable v of CicdContext store: "), "{failure}");
}

#[tokio::test]
async fn a_configuration_that_cannot_be_resolved_is_named() {
    let fake = with_base(&json!({"contexts": {"prod": {}}}));
    let failure = init(&fake, &freezing()).await.0.unwrap_err();
    assert!(failure.to_string().contains("select context \"stage\" for CicdContext/store: "), "{failure}");
    let failure = init(&Fake::new(json!({})), &freezing()).await.0.unwrap_err();
    assert!(failure.to_string().contains("CicdBase/shop"), "{failure}");
}
