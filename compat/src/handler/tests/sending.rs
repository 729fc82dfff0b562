//! What notify, respond and trigger-pipeline send, and what is not sent.

use serde_json::{Value, json};

use super::*;

#[test]
fn notify_sees_its_rendered_message_and_its_other_keys_as_written() {
    let ran = run(json!({"notify": {"message": "{{ notify.icon }} {{ state.svc }}\n", "icon": "{{ raw }}"}}));
    let request = ran.request();
    assert_eq!(request.body, r#"{"text": "{{ raw }} ferry", "icon": "{{ raw }}"}"#);
    assert_eq!((request.handler, request.url.as_str()), (HandlerType::Notify, "https://chat.test/post"));
    assert_eq!(request.headers, []);
}

#[test]
fn a_blank_notify_is_sent_and_a_blank_respond_is_not() {
    let respond = |message: &str, url: &str| json!({"respond": {"message": message, "url": url, "mood": ""}});
    assert_eq!(run(json!({"notify": {"message": " "}})).request().body, r#"{"text": " ", "icon": ""}"#);
    let blank = run(respond(" {{ state.none }} ", "https://hook.test"));
    assert_eq!(blank.outcomes(), [("respond", &skipped("`message` is blank"))]);
    assert_eq!(run(respond("x", "\n")).outcomes(), [("respond", &skipped("`url` is blank"))]);
}

#[test]
fn keys_of_respond_see_the_message_as_rendered_and_each_other_as_written() {
    let ran = run(json!({"respond": {
        "message": " {{ state.svc }} ", "url": " https://hook.test/{{ state.svc }}\n",
        "tone": "{{ state.none }}", "mood": "{{ respond.message }}/{{ respond.tone|replace('{', '') }}",
    }}));
    assert_eq!(ran.request().body, r#"{"text": "ferry", "mood": "ferry/ state.none }}"}"#);
    assert_eq!(ran.request().url, "https://hook.test/ferry");
    let number = run(json!({"respond": {"message": "x", "url": "https://hook.test", "count": 5}}));
    assert_eq!(number.failure(), "`count` is a number; each key of respond is a template, in quotes");
}

#[test]
fn what_is_no_url_is_not_sent_to_and_not_shown() {
    for (url, problem) in [
        ("/hook?key=s3cret", "relative URL without a base"),
        ("ftp://s3cret.example", "its scheme is ftp"),
        ("https://", "empty host"),
        ("file:///s3cret", "its scheme is file"),
    ] {
        let ran = run(json!({"respond": {"message": "x", "url": url, "mood": ""}}));
        let expected = format!(
            "pipelines.ship.event-handlers.shipped.respond.url gives no URL to POST to: {problem}; it begins with \
             https:// or http://"
        );
        assert_eq!((ran.failure(), ran.requests.len()), (expected.as_str(), 0));
    }
}

#[test]
fn a_body_that_is_no_json_is_not_sent_and_the_place_in_it_is_told() {
    let mut core = core();
    core.0.content.insert("templates".to_owned(), json!({"notify": "{\"text\": \"{{ notify.message }}\"}"}));
    let handlers = json!({"notify": {"message": "say \"yes\""}});
    let ran = run_with(document(handlers), &core, &Settings::default(), |_| panic!("nothing is sent"));
    assert!(
        ran.failure()
            .starts_with("templates.notify gives no JSON: expected `,` or `}` at line 1 column 16; write values as"),
        "{}",
        ran.failure()
    );
    assert_eq!(ran.anchors(), ["json-body"]);
}

#[test]
fn trigger_pipeline_sends_texts_in_order_and_its_own_arguments_take_the_places_of_the_same_name() {
    let ran = run(json!({"trigger-pipeline": {"name": "smoke {{ raw }}", "args": {
        "zeta": "{{ state.svc }} é😀", "attempts": 2, "none": null, "list": [true, "a"], "own": "{{ triggerPipeline.args.zeta }}",
    }}}));
    let request = ran.request();
    let expected = r#"{"pipeline": "smoke {{ raw }}", "attempts": "2", "zeta": "ferry \u00e9\ud83d\ude00", "none": "None", "list": "[True, 'a']", "own": "{{ state.svc }} \u00e9\ud83d\ude00"}"#;
    assert_eq!(request.body, expected);
    assert_eq!(request.headers, [("X-Key".to_owned(), "start-tok".to_owned())]);
    assert!(!format!("{request:?}").contains("start-tok"), "{request:?}");
}

#[test]
fn only_headers_of_triggers_see_secrets_and_their_errors_show_none() {
    let args = run(json!({"trigger-pipeline": {"name": "x", "args": {"a": "{{ secretData is defined }}"}}}));
    assert!(args.request().body.ends_with(r#""a": "False"}"#));
    let mut core = core();
    let headers = json!([{"name": "X", "value": "{{ 1 + secretData.trigger.token }}"}]);
    core.0.content["trigger"]["headers"] = headers;
    let ran = run_with(document(json!({"trigger-pipeline": {"name": "x"}})), &core, &Settings::default(), |_| panic!());
    let expected = "render `trigger.headers[0].value` at line 1, column 4: Evaluation error; more is not shown, since \
                    the template sees secrets";
    assert_eq!(ran.failure(), expected);
}

#[test]
fn variables_of_the_command_are_seen_by_handlers() {
    let variables = vec![("ctx.who".to_owned(), "state.svc".to_owned())];
    let settings = Settings { variables, ..Settings::default() };
    let handlers = json!({"notify": {"message": "{{ ctx.who }}"}});
    let ran = run_with(document(handlers.clone()), &core(), &settings, |_| Answered::Delivered(String::new()));
    assert_eq!(ran.request().body, r#"{"text": "ferry", "icon": ""}"#);
    let variables = vec![("configData.slack.url".to_owned(), "https://elsewhere.example".to_owned())];
    let settings = Settings { variables, ..Settings::default() };
    let ran = run_with(document(handlers), &core(), &settings, |_| panic!("nothing is sent"));
    assert!(ran.failure().starts_with("set template variable configData.slack.url: "), "{ran:?}");
}

#[test]
fn what_the_files_lack_is_named_with_the_file() {
    let handlers = json!({"notify": {"message": "x"}, "trigger-pipeline": {"name": "x"}});
    let mut document = document(handlers);
    let missing = |core: &Core, secrets: Value, document: &mut Document| {
        let mut run = Run::new(document, "ship", "shipped").unwrap();
        let settings = Settings::default();
        let secrets = Secrets::of(map(secrets));
        [(); 2].map(|()| match run.next(document, core, &secrets, &settings) {
            Step::Ended(Ended { result: Outcome::Failed(problem), .. }) => problem,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(
        missing(&core(), json!({}), &mut document),
        [
            "read secrets.yaml: slack.token is missing; notify, manual-choice and respond are sent with it: write a text",
            "read secrets.yaml: trigger.token is missing; trigger-pipeline needs it, even if no header uses it: write a text"
        ]
    );
    assert_eq!(
        missing(&core_of(json!({"templates": {"notify": "{}"}})), json!({}), &mut document),
        [
            "read config.yaml: slack.url is missing; notify and manual-choice POST to it: write a URL",
            "read config.yaml: trigger.url is missing; trigger-pipeline POSTs to it: write a URL"
        ]
    );
}

#[test]
fn a_delivery_that_failed_fails_its_block_and_the_later_ones_are_sent() {
    let handlers = json!({"notify": {"a": {"message": "1"}, "b": {"message": "2"}}});
    let ran = run_with(document(handlers), &core(), &Settings::default(), |request| {
        if request.body.contains('1') { Answered::Failed("503".to_owned()) } else { Answered::Delivered(String::new()) }
    });
    assert_eq!(ran.outcomes(), [("notify.a", &failed("503")), ("notify.b", &Outcome::Done)]);
    assert_eq!(ran.requests.len(), 2);
}

#[test]
fn a_request_that_nobody_answers_fails_its_block() {
    let mut document = document(json!({"notify": {"message": "1"}}));
    let mut run = Run::new(&document, "ship", "shipped").unwrap();
    let mut next = || run.next(&mut document, &core(), &secrets(), &Settings::default());
    assert!(matches!(next(), Step::Send(_)));
    assert!(matches!(next(), Step::Ended(Ended { result: Outcome::Failed(_), .. })));
    assert_eq!(next(), Step::Done);
}
