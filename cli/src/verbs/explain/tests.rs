use std::io;

use serde_json::{Value, json};

use super::*;
use crate::{
    console::Recorded,
    exit::Exit,
    manifests::fixture::{Shop, shop, shop_with},
};

async fn explained(shop: &Shop, happened: &str, format: ValueFormat) -> (Result<(), Failure>, String) {
    let object = Object { name: "shop".to_owned(), rest: vec![happened.to_owned()] };
    let request = Request::read(&ExplainArguments { output: format, ..ExplainArguments::default() }, object).unwrap();
    let data = Recorded::default();
    let mut console = Console::new(data.clone(), io::sink());
    let occasion = Occasion { now: "2026-01-02T03:04:05Z".parse().unwrap(), random: [7; 10] };
    let result = run(&shop.seen(), "team", &request, &occasion, &mut console).await;
    (result, data.text())
}

#[tokio::test]
async fn each_handler_is_told_with_its_request_and_where_it_comes_from() {
    let (result, text) = explained(&shop(), "build=success", ValueFormat::Text).await;
    result.unwrap();
    let text = text.lines().filter(|line| !line.contains("webhook-id: msg_")).collect::<Vec<_>>().join("\n");
    assert_eq!(text, include_str!("tests/explained.txt").trim_end());
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
}

#[tokio::test]
async fn the_machine_form_holds_the_same() {
    for format in [ValueFormat::Json, ValueFormat::Yaml] {
        let (result, text) = explained(&shop(), "build=success", format).await;
        result.unwrap();
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        let tell = &value["handlers"][0];
        assert_eq!(tell["request"]["headers"][1], json!({"name": "authorization", "value": "***"}));
        assert_eq!(tell["egress"]["verdict"], "CheckedWhenSent");
        assert_eq!(tell["missing"], json!(["event.data.tag"]));
        assert_eq!(
            tell["settings"],
            json!([{"path": "settings.channel", "origin": "contexts.stage of CicdBase/base"}])
        );
        assert_eq!(value["handlers"][4]["if"], "");
        assert!(!text.contains("never-shown"), "{text}");
    }
}

#[tokio::test]
async fn an_event_that_would_fail_is_told_and_exit_5() {
    let (result, text) = explained(&shop(), "deploy=success", ValueFormat::Text).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.exit(), Exit::EventFailed);
    assert!(failure.to_string().starts_with("event deploy=success: Failed: UnknownPipeline: "), "{failure}");
    assert!(text.starts_with("deploy=success of CicdContext/shop: Failed: pipeline \"deploy\" is not"), "{text}");
    let missing = shop_with("CicdEndpoint/ci", |endpoint| endpoint["metadata"]["name"] = json!("other"));
    let (result, text) = explained(&missing, "build=success", ValueFormat::Text).await;
    assert_eq!(result.unwrap_err().exit(), Exit::EventFailed);
    assert!(text.contains("deploy (webhook): Failed, EndpointNotFound"), "{text}");
}

#[tokio::test]
async fn a_request_that_is_never_let_out_fails_its_handler() {
    let shop = shop_with("CicdContext/shop", |context| context["spec"]["state"]["app"] = json!("a/../b"));
    let (result, text) = explained(&shop, "build=success", ValueFormat::Text).await;
    assert_eq!(result.unwrap_err().exit(), Exit::EventFailed);
    assert!(text.contains("\n3. deploy (webhook): Failed, InvalidRequest\n   build the request: join path"), "{text}");
    assert!(text.contains("\n   egress: Refused: build the request: join path"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_explained_is_exit_1_and_a_missing_context_exit_6() {
    let broken = shop_with("CicdBase/base", |base| base["spec"]["bases"][0]["name"] = json!("nothing"));
    let (result, text) = explained(&broken, "build=success", ValueFormat::Text).await;
    assert_eq!((result.unwrap_err().exit(), text.as_str()), (Exit::Failed, ""));
    let gone = shop_with("CicdContext/shop", |context| context["metadata"]["name"] = json!("other"));
    let (result, _) = explained(&gone, "build=success", ValueFormat::Text).await;
    assert_eq!(result.unwrap_err().exit(), Exit::NotFound);
}

#[tokio::test]
async fn what_would_make_it_wait_is_noted() {
    let suspended = shop_with("CicdContext/shop", |context| context["spec"]["suspend"] = json!(true));
    let (_, text) = explained(&suspended, "build=success", ValueFormat::Text).await;
    assert!(text.contains("\nnote: the context is suspended: the event would wait\n"), "{text}");
    let suspended = shop_with("CicdEndpoint/ci", |endpoint| endpoint["spec"]["suspend"] = json!(true));
    let (_, text) = explained(&suspended, "build=success", ValueFormat::Text).await;
    assert!(text.contains("note: the endpoint is suspended: the request would wait"), "{text}");
}

#[test]
fn more_than_one_event_is_refused() {
    let object = Object { name: "shop".to_owned(), rest: vec!["a=b".to_owned(), "c=d".to_owned()] };
    let error = Request::read(&ExplainArguments::default(), object).unwrap_err();
    assert!(error.to_string().starts_with("explain: there is no place for 'c=d'"), "{error}");
}
