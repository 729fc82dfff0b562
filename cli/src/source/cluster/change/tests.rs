use serde_json::{Value, json};

use super::*;
use crate::{
    arguments::{Object, SetArguments},
    exit::Exit,
    source::fake::Fake,
    verbs::set::Request,
};

/// The change that a command line says.
fn read(assignments: &[&str], unset: &[&str], conditions: &[&str]) -> Change {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    let mut arguments = SetArguments { unset: owned(unset), ..SetArguments::default() };
    arguments.change.conditions = owned(conditions);
    let object = Object { name: "shop".to_owned(), rest: owned(assignments) };
    Request::read(&arguments, object, Vec::new()).unwrap().change().clone()
}

fn at_once(attempts: usize) -> impl Iterator<Item = Duration> {
    std::iter::repeat_n(Duration::ZERO, attempts)
}

async fn run(fake: &Fake, change: &Change, delays: impl Iterator<Item = Duration>) -> Result<Changed, Failure> {
    by_patch(fake, "shop", change, delays).await
}

async fn set(state: Value, change: &Change) -> (Result<Changed, Failure>, Value) {
    let fake = Fake::new(state);
    let changed = run(&fake, change, at_once(0)).await;
    (changed, fake.state.into_inner())
}

#[tokio::test]
async fn all_changes_go_into_one_patch() {
    let request = read(&["state.build.image=web:5", "state.build.count:=5"], &["state.old"], &[]);
    let fake = Fake::new(json!({"old": 1}));
    let written = run(&fake, &request, at_once(0)).await.unwrap();
    assert_eq!(written.paths, ["state.old", "state.build.image", "state.build.count"]);
    assert_eq!(*fake.state.borrow(), json!({"build": {"image": "web:5", "count": 5}}));
    assert_eq!(fake.patches.borrow().len(), 1);
}

#[tokio::test]
async fn the_first_value_creates_the_state() {
    let (written, state) = set(Value::Null, &read(&["state.a=1"], &[], &[])).await;
    assert_eq!(written.unwrap().attempts, 1);
    assert_eq!(state, json!({"a": "1"}));
}

#[tokio::test]
async fn unset_comes_first_so_that_a_map_can_be_replaced() {
    let request = read(&["state.a.new=1"], &["state.a"], &[]);
    let (_, state) = set(json!({"a": {"old": 1}}), &request).await;
    assert_eq!(state, json!({"a": {"new": "1"}}));
}

#[tokio::test]
async fn removing_what_is_not_there_writes_nothing() {
    let fake = Fake::new(json!({}));
    let written = run(&fake, &read(&[], &["state.a.b"], &[]), at_once(0)).await.unwrap();
    assert_eq!(written.paths, [""; 0]);
    assert!(fake.patches.borrow().is_empty());
}

#[tokio::test]
async fn after_a_conflict_the_patch_is_made_from_what_stands_there_now() {
    let fake = Fake::new(json!({}));
    fake.interference.set(3);
    let written = run(&fake, &read(&["state.a=1"], &[], &[]), at_once(10)).await.unwrap();
    assert_eq!((written.paths, written.attempts), (vec!["state.a".to_owned()], 4));
    assert_eq!(*fake.state.borrow(), json!({"a": "1", "other": 0}));
}

#[tokio::test]
async fn a_conflict_that_does_not_end_is_exit_4_and_says_that_nothing_changed() {
    let fake = Fake::new(json!({}));
    fake.interference.set(100);
    let failure = run(&fake, &read(&["state.a=1"], &[], &[]), at_once(10)).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Refused);
    assert_eq!(
        failure.to_string(),
        "change CicdContext shop: others changed the same place during each of 11 attempts; nothing was changed; \
         run it again, or let fewer steps write there at once"
    );
}

#[tokio::test]
async fn a_condition_that_does_not_hold_is_exit_4_and_changes_nothing() {
    let request = read(&["state.a=new"], &[], &["state.phase=ready", "state.count:=1"]);
    let (failure, state) = set(json!({"phase": "busy", "count": 1}), &request).await;
    let failure = failure.unwrap_err();
    assert_eq!(failure.exit(), Exit::Refused);
    assert_eq!(failure.to_string(), "change CicdContext shop: check state.phase: expected \"ready\", found \"busy\"");
    assert_eq!(state, json!({"phase": "busy", "count": 1}));
}

#[tokio::test]
async fn a_condition_that_holds_is_tested_by_the_patch() {
    let request = read(&["state.a=new"], &[], &["state.phase=ready"]);
    let fake = Fake::new(json!({"phase": "ready"}));
    run(&fake, &request, at_once(0)).await.unwrap();
    assert_eq!(fake.patches.borrow()[0][0], json!({"op": "test", "path": "/spec/state/phase", "value": "ready"}));
}

#[tokio::test]
async fn a_list_with_null_in_it_is_guarded_by_the_resource_version() {
    let request = read(&["state.list[0]=x"], &[], &[]);
    let fake = Fake::new(json!({"list": ["a", null]}));
    run(&fake, &request, at_once(0)).await.unwrap();
    assert_eq!(fake.patches.borrow()[0][0], json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"}));
}

#[tokio::test]
async fn a_state_over_its_limit_is_refused_before_anything_is_sent() {
    let request = read(&[&format!("state.a={}", "x".repeat(600 * 1024))], &[], &[]);
    let fake = Fake::new(json!({}));
    let failure = run(&fake, &request, at_once(0)).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Refused);
    assert!(failure.to_string().contains("at most 524288 bytes are allowed"), "{failure}");
    assert!(fake.patches.borrow().is_empty());
}

#[tokio::test]
async fn a_change_that_breaks_the_schema_is_exit_4_names_the_path_and_is_not_sent() {
    let request = read(&["state.build.count=five"], &[], &[]);
    let rules = json!({"properties": {"build": {"properties": {"count": {"type": "integer"}}}}});
    let fake = Fake { state_schema: Some(rules), ..Fake::new(json!({"build": {"count": 4}})) };
    let failure = run(&fake, &request, at_once(0)).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Refused);
    assert_eq!(
        failure.to_string(),
        "change CicdContext shop: keep state within its schema: state.build.count is \"five\" and must be of type integer"
    );
    assert!(fake.patches.borrow().is_empty());
    let request = read(&["state.build.count:=5", "state.other=1"], &[], &[]);
    assert_eq!(run(&fake, &request, at_once(0)).await.unwrap().unusable_schema, None);
    assert_eq!(*fake.state.borrow(), json!({"build": {"count": 5}, "other": "1"}));
}

#[tokio::test]
async fn a_broken_state_can_be_mended_step_by_step() {
    let rules = json!({"additionalProperties": {"type": "integer"}});
    let fake = Fake { state_schema: Some(rules), ..Fake::new(json!({"a": "x", "b": "y"})) };
    run(&fake, &read(&["state.a:=1"], &[], &[]), at_once(0)).await.unwrap();
    let failure = run(&fake, &read(&["state.c=z"], &[], &[]), at_once(0)).await.unwrap_err();
    assert!(failure.to_string().ends_with("its schema: state.c is \"z\" and must be of type integer"), "{failure}");
    run(&fake, &read(&[], &["state.b"], &[]), at_once(0)).await.unwrap();
    assert_eq!(*fake.state.borrow(), json!({"a": 1}));
}

#[tokio::test]
async fn a_schema_that_cannot_be_used_refuses_nothing_and_is_told() {
    let rules = json!({"$ref": "https://a.example/s.json"});
    let fake = Fake { state_schema: Some(rules), ..Fake::new(json!({})) };
    let written = run(&fake, &read(&["state.a=1"], &[], &[]), at_once(0)).await.unwrap();
    let error = written.unusable_schema.expect("it is told").to_string();
    assert!(error.starts_with("compile spec.stateSchema at #/$ref: https://a.example/s.json refers"), "{error}");
    assert_eq!(*fake.state.borrow(), json!({"a": "1"}));
}

#[tokio::test]
async fn a_path_through_a_text_is_refused() {
    let (failure, _) = set(json!({"a": "text"}), &read(&["state.a.b=1"], &[], &[])).await;
    let failure = failure.unwrap_err();
    assert_eq!(failure.exit(), Exit::Refused);
    assert!(failure.to_string().contains("state.a holds a text"), "{failure}");
}

#[test]
fn there_are_ten_pauses_that_grow_and_end() {
    let delays: Vec<Duration> = delays().collect();
    assert_eq!(delays.len(), RETRIES);
    assert!(delays[0] >= PAUSES.0 && delays[0] <= PAUSES.0 * 2, "{delays:?}");
    assert!(delays.iter().all(|delay| *delay <= PAUSES.1 * 2), "{delays:?}");
}
