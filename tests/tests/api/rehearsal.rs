//! Dry runs: everything is rendered and shown, nothing is sent or written.

use serde_json::json;

use crate::{
    object::{Kind, event, expect_handler, expect_outcome, handler, notify, on_success, with},
    scene::Scene,
};

#[tokio::test]
async fn a_dry_run_shows_what_would_be_sent_and_sends_and_writes_nothing() {
    let scene = Scene::new().await;
    let token = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"}, "stringData": {"token": "canary-5172"},
    });
    scene.create_object(Kind::Secret, token).await;
    let auth = json!({"auth": {"bearer": {"secretKeyRef": {"name": "token", "key": "token"}}}});
    scene.endpoint("chat", "/chat", &auth).await;
    let mut tell = notify("tell", "chat", "built {{state.tag}} {{state.built}}");
    tell["notify"]["capture"] = json!([{"path": "state.ts", "fromPath": "$.body.ts"}]);
    let set = json!({"name": "set", "setValues": [{"path": "state.built", "value": "twice"}]});
    let spec = with(on_success(&json!([set, tell])), &json!({"state": {"tag": "1.4"}}));
    scene.create(Kind::Context, "shop", &spec).await;
    let mut rehearsal = event("shop", "build=success");
    rehearsal["dryRun"] = json!(true);
    let done = scene.run("e", &rehearsal).await;

    let message = "dry run, nothing was sent or written: 2 of 2 handlers ran";
    expect_outcome(&done, "Succeeded", "True", "DryRun", message);
    assert_eq!(handler(&done, "set")["paths"], json!(["state.built"]), "what would be written");
    let tell = handler(&done, "tell");
    expect_handler(&done, "tell", "Succeeded", "DryRun", "would capture state.ts");
    expect_handler(&done, "set", "Succeeded", "StateWritten", "would write state.built = \"twice\"");
    let request = tell["request"].as_str().unwrap();
    let head = format!("POST {}\nauthorization: ***\nwebhook-id: ", scene.receiver.url("/chat"));
    assert!(request.starts_with(&head), "{request}");
    assert!(request.ends_with("\n\n{\"text\": \"built 1.4 twice\"}"), "{request}");
    assert!(!done.to_string().contains("canary-5172"));
    scene.nothing_sent_to("/chat");
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"], json!({"tag": "1.4"}));
}

#[tokio::test]
async fn a_dry_run_of_all_types_marks_what_rests_on_answers_that_are_not_known() {
    let scene = Scene::new().await;
    let bodies = json!({
        "notify": r#"{"text": "{{handler.message}}"}"#, "respond": r#"{"reply": "{{handler.message}}"}"#,
        "manualChoice": r#"{"choices": {{json handler.choices}}}"#,
    });
    let more = json!({
        "bodies": bodies, "allowedHosts": ["*.chat.example"], "args": [{"name": "by", "value": "{{context.name}}"}],
        "allow": {"methods": ["PUT"], "pathPrefixes": ["/runs"], "headers": ["X-Run"]},
    });
    scene.endpoint("chat", "/chat", &more).await;
    let to = json!({"name": "chat"});
    let mut ask = notify("ask", "chat", "{{state.big}}");
    ask["notify"]["capture"] =
        json!([{"path": "state.ticket", "fromPath": "$.body.id"}, {"path": "state.asked", "value": true}]);
    let handlers = json!([
        ask,
        {"name": "reply", "respond": {"endpoint": to, "url": "https://a.chat.example/r", "message": "see {{state.ticket}}"}},
        {"name": "choose", "manualChoice": {"endpoint": to, "title": "?", "choiceGenerators": [
            {"name": "each", "foreach": "$.state.targets", "template": "- {name: {{item}}, options: []}"},
        ]}},
        {"name": "start", "triggerPipeline": {"endpoint": to, "name": "smoke", "args": [{"name": "tag", "value": "{{state.tag}}"}]}},
        {"name": "hook", "webhook": {
            "endpoint": to, "method": "PUT", "path": "/runs/{{state.tag}}", "headers": [{"name": "X-Run", "value": "7"}],
            "body": "{\"asked\": {{json state.asked}}}",
        }},
        {"name": "set", "if": "{{state.ticket}}", "setValues": [{"path": "state.done", "value": true}]},
        {"name": "make", "generate": {"generator": "notes"}},
        {"name": "refused", "setValues": [{"path": "state.tag.x", "value": 1}]},
        {"name": "reads", "setValues": [{"path": "state.copy", "fromPath": "$.state.done"}]},
    ]);
    let generators = json!({"pipelines": {"build": {"generators": {
        "notes": [{"name": "one", "set": [{"path": "state.notes", "op": "Append", "template": "{{state.tag}}"}]}],
    }}}});
    let before = json!({"tag": "1.4", "targets": ["eu"], "big": "x".repeat(20_000)});
    let spec = with(with(on_success(&handlers), &generators), &json!({"state": before}));
    scene.create(Kind::Context, "shop", &spec).await;
    let mut rehearsal = event("shop", "build=success");
    rehearsal["dryRun"] = json!(true);
    rehearsal["set"] = json!([{"path": "state.by-set", "value": 1}]);
    let done = scene.run("e", &rehearsal).await;

    expect_handler(&done, "ask", "Succeeded", "DryRun", "would capture state.ticket, state.asked");
    let request = |name: &str| handler(&done, name)["request"].as_str().unwrap_or_default().to_owned();
    assert_eq!(request("ask").len(), 16 * 1024, "it is cut");
    let assumed = "which handler ask would capture: the request is an assumption";
    expect_handler(&done, "reply", "Succeeded", "DryRun", &format!("reads state.ticket, {assumed}"));
    assert!(request("reply").starts_with("POST https://a.chat.example/r\nwebhook-id: "), "{}", request("reply"));
    assert!(request("reply").ends_with("\n\n{\"reply\": \"see \"}"), "{}", request("reply"));
    expect_handler(&done, "choose", "Succeeded", "DryRun", "");
    let choices = r#"{"choices": [{"name":"eu","header":null,"options":[]}]}"#;
    assert!(request("choose").ends_with(choices), "{}", request("choose"));
    expect_handler(&done, "start", "Succeeded", "DryRun", "");
    assert!(request("start").ends_with(r#"{"by": "shop", "tag": "1.4"}"#), "{}", request("start"));
    expect_handler(&done, "hook", "Succeeded", "DryRun", &format!("reads state.asked, {assumed}"));
    let head = format!("PUT {}\nX-Run: 7\nwebhook-id: ", scene.receiver.url("/chat/runs/1.4"));
    assert!(
        request("hook").starts_with(&head) && request("hook").ends_with(r#"{"asked": true}"#),
        "{}",
        request("hook")
    );
    let skipped =
        r#"its if gave ""; reads state.ticket, which handler ask would capture: that it is skipped is an assumption"#;
    expect_handler(&done, "set", "Skipped", "ConditionNotMet", skipped);
    expect_handler(&done, "make", "Succeeded", "StateWritten", r#"would write state.notes += "1.4""#);
    assert_eq!(handler(&done, "refused")["reason"], "ChangeRefused");
    let reads = "nothing was to be written; reads state.done, which handler set would write on an assumption: what it \
                 writes is an assumption";
    expect_handler(&done, "reads", "Succeeded", "StateWritten", reads);
    assert_eq!(done["status"]["paths"], json!(["state.by-set"]));
    assert_eq!(done["status"]["phase"], "Failed", "a change would be refused: {done:#}");
    let (_, _, message) = crate::object::condition(&done, "Finished");
    assert!(
        message.starts_with("dry run, nothing was sent or written: 1 of 9 handlers failed: refused: "),
        "{message}"
    );
    assert!(message.ends_with("; 4 of them on answers that are not known"), "{message}");

    assert_eq!(scene.receiver.requests().len(), 0, "nothing is sent");
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"], before, "nothing is written");
}
