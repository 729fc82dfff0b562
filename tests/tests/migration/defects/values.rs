//! Values on the command line, in files, and in what shells read.

use serde_json::json;
use tokio::process::Command;

use super::desk::Desk;

const PLAIN: &str = "cicd-contexts: {stage: {}}";

#[tokio::test]
async fn defect_06_rendered_and_captured_text_names_no_file() {
    let desk = Desk::with_handlers(json!({
        "set-values": {"set": [{"from": "file://secrets.yaml", "to": "state.set"}]},
        "notify": {"message": "m", "capture-response-data": [{"from": "file://secrets.yaml", "to": "state.captured"}]},
    }))
    .await;
    desk.init().await;
    let fired = desk.fire().await;
    assert!(fired.errors.contains("docs/migration.md#file-values"), "{fired:?}");
    let state = desk.state();
    assert_eq!((&state["set"], &state["captured"]), (&json!("file://secrets.yaml"), &json!("file://secrets.yaml")));
}

#[tokio::test]
async fn defect_07_what_values_hold_is_text_for_a_shell() {
    let desk = Desk::with_app(PLAIN).await;
    let value = r#"it's "$HOME" `touch pwned` $(touch pwned) \ end"#;
    desk.run(&["--init-new", "r", "--set", &format!("state.x={value}")]).await.good();
    let script = ". ./cache/run.sh; printf %s \"$CICD_state__x\"";
    let ran = Command::new("sh").args(["-c", script]).current_dir(desk.path()).output().await.unwrap();
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), value);
    assert!(!desk.path().join("pwned").exists());
}

#[tokio::test]
async fn defect_14_a_path_through_a_text_is_an_error_and_nothing_is_changed() {
    let desk = Desk::with_app(PLAIN).await;
    desk.run(&["--init-new", "r", "--set", "state.a=text", "--set", "state.l[]=x"]).await.good();
    for (set, named) in
        [("state.a.b=1", "state.a is a text"), ("state.l.b=1", "state.l is a list"), ("state.l[0]=1", "state.l[0]")]
    {
        let refused = desk.run(&["--set", "state.other=1", "--set", set]).await;
        assert!(refused.failed().contains(named), "{refused:?}");
    }
    let state = desk.state();
    assert_eq!((&state["a"], &state["l"], state.get("other")), (&json!("text"), &json!(["x"]), None));
}

#[tokio::test]
async fn defect_15_a_bar_can_belong_to_the_value() {
    let mut desk = Desk::with_app(PLAIN).await;
    desk.init().await;
    desk.run(&["--set", "state.a=1|state.b=2"]).await.good();
    desk.set("CICDSTATEMGR_SET_SEPARATOR", "");
    desk.run(&["--set", "state.c=x | y"]).await.good();
    let state = desk.state();
    assert_eq!((&state["a"], &state["b"], &state["c"]), (&json!("1"), &json!("2"), &json!("x | y")));
}

#[tokio::test]
async fn defect_16_a_file_is_what_its_name_says_and_has_to_be_there() {
    let desk = Desk::with_app(PLAIN).await;
    desk.init().await;
    desk.write("version.txt", "1.10");
    desk.write("version.json", r#"{"v": 1.5}"#);
    desk.run(&["--set", "state.text=file://version.txt", "--set", "state.json=file://version.json"]).await.good();
    let state = desk.state();
    assert_eq!((&state["text"], &state["json"]), (&json!("1.10"), &json!({"v": 1.5})));
    let missing = desk.run(&["--set", "state.gone=file://gone.txt"]).await;
    assert!(missing.failed().contains("gone.txt"), "{missing:?}");
    assert_eq!(desk.get("state.gone").await, "");
}

#[tokio::test]
async fn defect_17_natively_a_map_is_json_each_value_is_printed_and_a_missing_one_is_told() {
    let desk = Desk::with_app(PLAIN).await;
    desk.write(
        "manifests/context.yaml",
        "apiVersion: cicdcontext.io/v1alpha1\nkind: CicdContext\nmetadata: {name: r}\n\
        spec: {state: {map: {a: true}, zero: 0, no: false, blank: \"\"}}\n",
    );
    for (path, printed) in [("map", "{\"a\":true}\n"), ("zero", "0\n"), ("no", "false\n"), ("blank", "\n")] {
        assert_eq!(desk.cicdctl("get", &["r", &format!("state.{path}")]).await.good(), printed);
    }
    assert_eq!(desk.cicdctl("get", &["r", "state.gone"]).await.code, 3);
}

#[tokio::test]
async fn defect_21_what_is_misspelt_is_told() {
    let desk = Desk::with_handlers(json!({"notfiy": {"message": "x"}})).await;
    let mut config = desk.config();
    config["datasources"]["yamlfiel"] = json!({"path": "x"});
    desk.configure(&config);
    let begun = desk.run(&["--init-new", "r", "--set", "state.a"]).await;
    assert!(
        begun.errors.contains("datasources.yamlfiel") && begun.errors.contains("--set: 7 characters hold no '='"),
        "{begun:?}"
    );
    let fired = desk.fire().await;
    assert!(fired.errors.contains("notfiy") && fired.errors.contains("docs/migration.md#handlers"), "{fired:?}");
}

#[tokio::test]
async fn defect_27_a_failure_is_one_line_on_standard_error() {
    let desk = Desk::with_app(PLAIN).await;
    let failed = desk.run(&["--id", "unknown", "--set", "state.a=1"]).await;
    assert!(failed.failed().contains("unknown"));
    assert_eq!(failed.errors.lines().filter(|line| !line.starts_with("notice: ")).count(), 1, "{failed:?}");
}

#[tokio::test]
async fn defect_28_init_needs_no_set_and_what_is_unknown_is_named() {
    let desk = Desk::with_handlers(json!({})).await;
    assert_eq!(desk.run(&["--init-new", "r"]).await.good(), "r\n");
    let unknown = desk.run(&["--handle-event", "biuld=go"]).await;
    assert!(unknown.failed().contains("biuld") && unknown.failed().contains("build"), "{unknown:?}");
    desk.run(&["--set", "state.text=x"]).await.good();
    let appended = desk.run(&["--set", "state.text[]=y"]).await;
    assert!(appended.failed().contains("append to state.text[]: it is a text"), "{appended:?}");
    assert_eq!(desk.fire_unknown().await, "");
}

#[tokio::test]
async fn defect_29_dates_and_keys_that_are_no_text_are_kept_as_text() {
    let desk = Desk::with_app("cicd-contexts: {stage: {day: 2026-01-02, 5: five, when: {yes: 1}}}").await;
    desk.init().await;
    desk.run(&["--set", "state.a=1"]).await.good();
    desk.run(&["--set", "state.b=2"]).await.good();
    assert_eq!((desk.get("day").await.as_str(), desk.get("when").await.as_str()), ("2026-01-02", "{'True': 1}"));
}

#[tokio::test]
async fn defect_31_each_value_is_a_variable_and_two_of_one_name_are_told() {
    let desk = Desk::with_app("cicd-contexts: {stage: {off-again: false, zero: 0, list: [[a, b], [c]]}}").await;
    desk.run(&["--init-new", "r", "--set", "state.x=1"]).await.good();
    let shell = desk.read("cache/run.sh");
    for name in ["CICD_off_again=", "CICD_zero='0'", "CICD_list__0__1='b'", "CICD_list__1__0='c'"] {
        assert!(shell.lines().any(|line| line.starts_with(name)), "{name} in\n{shell}");
    }
    let collides = desk.run(&["--set", "state.a-b=1", "--set", "state.a_b=2"]).await;
    assert!(collides.errors.contains("a-b") && collides.errors.contains("a_b"), "{collides:?}");
    assert!(collides.errors.contains("docs/migration.md#shell-file"), "{collides:?}");
}

#[tokio::test]
async fn defect_37_a_path_that_finds_too_much_shows_no_value() {
    let desk = Desk::with_app("cicd-contexts: {stage: {a: {g: {secret: s3cret}}, b: {g: {other: s3cret}}}}").await;
    desk.init().await;
    let failed = desk.run(&["--generate", "*.g"]).await;
    assert!(failed.failed().contains("*.g") && !failed.errors.contains("s3cret"), "{failed:?}");
}

#[tokio::test]
async fn a_base_outside_of_the_folder_of_the_bases_is_not_read() {
    let desk = Desk::with_app("{bases: [../secrets.yaml], cicd-contexts: {stage: {}}}").await;
    let refused = desk.run(&["--init-new", "r"]).await;
    assert!(refused.failed().contains("base ../secrets.yaml leads out of the folder"), "{refused:?}");
}

impl Desk {
    /// What an event says that nobody listens to.
    async fn fire_unknown(&self) -> String {
        self.run(&["--handle-event", "build=unheard"]).await.good()
    }
}
