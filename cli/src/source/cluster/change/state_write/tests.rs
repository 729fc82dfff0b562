use serde_json::{Value, json};

use crate::{
    arguments::{Object, SetArguments, Via},
    exit::Exit,
    failure::Failure,
    setting::Occasion,
    source::{
        Change, Changed,
        cluster::change::make,
        fake::{
            Fake,
            state_writes::{Fault, Operator},
        },
    },
    verbs::set::Request,
};

/// The change that a command line says; nobody waits for it for long.
fn read(assignments: &[&str], conditions: &[&str], via: Via) -> Change {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    let mut arguments = SetArguments::default();
    arguments.change.conditions = owned(conditions);
    arguments.change.via = via;
    arguments.change.timeout = std::time::Duration::from_millis(20);
    let object = Object { name: "shop".to_owned(), rest: owned(assignments) };
    Request::read(&arguments, object, Vec::new()).unwrap().change().clone()
}

async fn run(fake: &Fake, change: &Change) -> Result<Changed, Failure> {
    make(fake, "shop", change, &Occasion { now: "2026-01-01T00:00:00Z".parse().unwrap(), random: [0xab; 10] }).await
}

#[tokio::test]
async fn what_is_appended_goes_through_a_state_write_that_names_its_context() {
    let fake = Fake::with_operator(json!({"list": ["a"]}), Operator::Watched);
    let changed =
        run(&fake, &read(&["state.list[]=b", "state.n:=1"], &["state.list:=[\"a\"]"], Via::Auto)).await.unwrap();
    assert_eq!(changed.paths, ["state.list", "state.n"]);
    assert_eq!(changed.state_write.as_deref(), Some("shop-abababababababababab"));
    assert_eq!(*fake.state.borrow(), json!({"list": ["a", "b"], "n": 1}));
    assert!(fake.patches.borrow().is_empty());
    let created = serde_json::to_value(&fake.creates.borrow()[0]).unwrap();
    assert_eq!(
        created["spec"],
        json!({
            "contextRef": {"name": "shop", "uid": "u1"},
            "changes": [{"path": "state.list", "op": "Append", "value": "b"}, {"path": "state.n", "value": 1}],
            "preconditions": [{"path": "state.list", "equals": ["a"]}],
            "createdAt": "2026-01-01T00:00:00Z",
        })
    );
    assert_eq!(
        created["metadata"]["ownerReferences"],
        json!([{"apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdContext", "name": "shop", "uid": "u1"}])
    );
}

#[tokio::test]
async fn a_patch_comes_first_and_the_operator_where_others_get_in_the_way_each_time() {
    for (interference, creates) in [(0, 0), (2, 0), (3, 1)] {
        let fake = Fake { interference: interference.into(), ..Fake::with_operator(json!({}), Operator::Watched) };
        let changed = run(&fake, &read(&["state.a=1"], &[], Via::Auto)).await.unwrap();
        assert_eq!(changed.attempts, 3.min(interference + 1));
        assert_eq!((fake.creates.borrow().len(), fake.state.borrow()["a"].clone()), (creates, json!("1")));
    }
}

#[tokio::test]
async fn a_patch_of_which_nobody_says_what_came_of_it_is_made_again_only_if_that_is_the_same() {
    let fake = || Fake { loses_answers: true, ..Fake::with_operator(json!({"list": [1], "p": 1}), Operator::Watched) };
    let again = fake();
    let changed = run(&again, &read(&["state.a=1"], &[], Via::Auto)).await.unwrap();
    assert_eq!((changed.attempts, changed.state_write.is_some()), (1, true));
    for change in [
        read(&["state.a=1"], &[], Via::Patch),
        read(&["state.p:=2"], &["state.p:=1"], Via::Auto),
        read(&["state.list[0]:=2"], &[], Via::Auto),
    ] {
        let fake = fake();
        assert_eq!(run(&fake, &change).await.unwrap_err().exit(), Exit::TimedOut);
        assert!(fake.creates.borrow().is_empty());
    }
}

#[tokio::test]
async fn patch_and_operator_are_taken_at_their_word() {
    let fake = Fake::with_operator(json!({"list": []}), Operator::Watched);
    run(&fake, &read(&["state.list[]=b"], &[], Via::Patch)).await.unwrap();
    assert_eq!((fake.creates.borrow().len(), fake.patches.borrow().len()), (0, 1));
    assert_eq!(fake.patches.borrow()[0][0]["op"], "test", "an append is guarded");
    run(&fake, &read(&["state.a=1"], &[], Via::Operator)).await.unwrap();
    assert_eq!((fake.creates.borrow().len(), fake.patches.borrow().len()), (1, 1));
}

#[tokio::test]
async fn what_would_change_nothing_is_not_written() {
    let fake = Fake::with_operator(json!({"list": ["a"]}), Operator::Absent);
    assert_eq!(run(&fake, &read(&["state.list{}=a"], &[], Via::Auto)).await.unwrap(), Changed::default());
    assert!(fake.creates.borrow().is_empty());
}

#[tokio::test]
async fn what_breaks_schema_precondition_or_limits_is_exit_4_before_anything_is_created() {
    let rules = json!({"properties": {"a": {"type": "integer"}}});
    let fake = Fake { state_schema: Some(rules), ..Fake::with_operator(json!({"b": 1}), Operator::Watched) };
    let large = format!("state.large={}", "x".repeat(256 * 1024));
    let many: Vec<String> = (0..257).map(|index| format!("state.k{index}=x")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let conditions: Vec<&str> = std::iter::repeat_n("state.b:=1", 65).collect();
    for (change, part) in [
        (read(&["state.a=x"], &[], Via::Operator), "state.a is \"x\" and must be of type integer"),
        (read(&["state.c=x"], &["state.b:=2"], Via::Operator), "check state.b: expected 2, found 1"),
        (read(&[&large], &[], Via::Operator), "at most 262144 bytes are allowed in one state write"),
        (read(&["state.list[]=x", &large], &[], Via::Auto), "at most 262144 bytes are allowed in one state write"),
        (read(&many, &[], Via::Operator), "make 257 changes: at most 256 are allowed together; split them"),
        (read(&["state.c=x"], &conditions, Via::Operator), "check 65 preconditions: at most 64 are allowed together"),
    ] {
        let failure = run(&fake, &change).await.unwrap_err();
        assert_eq!(failure.exit(), Exit::Refused);
        assert!(failure.to_string().contains(part), "{failure}");
    }
    assert!(fake.creates.borrow().is_empty());
    run(&fake, &read(&[&large], &[], Via::Auto)).await.unwrap();
    assert!(fake.creates.borrow().is_empty(), "what is too large for a state write is patched");
}

#[tokio::test]
async fn a_refusal_by_the_operator_is_exit_4_with_its_words_and_leaves_nothing() {
    let fake = Fake::with_operator(json!({}), Operator::Refuses);
    let failure = run(&fake, &read(&["state.list[]=b"], &[], Via::Auto)).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Refused);
    assert_eq!(
        failure.to_string(),
        "change CicdContext shop: the operator refuses it: ChangeRefused: check state.a: expected 1, found 2"
    );
    assert!(fake.writes.borrow().is_empty());
}

#[tokio::test]
async fn without_an_operator_the_write_is_withdrawn_and_the_end_is_124() {
    let fake = Fake::with_operator(json!({}), Operator::Absent);
    let failure = run(&fake, &read(&["state.list[]=b"], &[], Via::Auto)).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::TimedOut);
    assert_eq!(
        failure.to_string(),
        "change CicdContext shop: no operator applied CicdStateWrite shop-abababababababababab within 0.02 s; it was \
         withdrawn; a write in flight may still land: look before you repeat it, and check that the operator runs"
    );
    assert!(fake.writes.borrow().is_empty());
}

#[tokio::test]
async fn what_was_applied_at_the_last_moment_is_done() {
    for operator in [Operator::JustInTime, Operator::Slow] {
        let fake = Fake::with_operator(json!({}), operator);
        run(&fake, &read(&["state.list[]=b"], &[], Via::Auto)).await.unwrap();
        assert_eq!(*fake.state.borrow(), json!({"list": ["b"]}), "{operator:?}");
        assert!(fake.writes.borrow().is_empty());
    }
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_sent_again_and_applied_once() {
    for operator in [Operator::AtOnce, Operator::Watched] {
        for faults in [[Fault::Lost, Fault::Unclear], [Fault::Unclear, Fault::Lost], [Fault::Lost, Fault::Lost]] {
            let fake = Fake { faults: faults.to_vec().into(), ..Fake::with_operator(json!({}), operator) };
            let mut change = read(&["state.list[]=b"], &[], Via::Auto);
            change.timeout = std::time::Duration::from_secs(20);
            run(&fake, &change).await.unwrap();
            assert_eq!(*fake.state.borrow(), json!({"list": ["b"]}), "{operator:?} {faults:?}");
            assert!(fake.creates.borrow().len() > 1);
        }
    }
}

#[tokio::test]
async fn a_create_that_nobody_answers_is_withdrawn_whether_or_not_it_was_carried_out() {
    for fault in [Fault::Lost, Fault::Unclear] {
        let fake = Fake { faults: vec![fault; 20].into(), ..Fake::with_operator(json!({}), Operator::Absent) };
        let failure = run(&fake, &read(&["state.list[]=b"], &[], Via::Auto)).await.unwrap_err();
        assert_eq!(failure.exit(), Exit::TimedOut, "{failure}");
        assert!(fake.writes.borrow().is_empty());
        assert_eq!(*fake.state.borrow(), json!({}));
    }
}

#[tokio::test]
async fn whoever_may_not_create_state_writes_is_told_so() {
    let fake = Fake { faults: vec![Fault::Forbidden].into(), ..Fake::with_operator(json!({}), Operator::Watched) };
    let failure = run(&fake, &read(&["state.list[]=b"], &[], Via::Auto)).await.unwrap_err();
    assert_eq!((failure.exit(), fake.creates.borrow().len()), (Exit::Failed, 1));
    assert!(failure.to_string().contains("the ClusterRole cicd-pipeline grants"), "{failure}");
}

#[tokio::test]
async fn a_write_that_went_with_its_context_was_not_applied() {
    let fake = Fake::with_operator(Value::Null, Operator::ContextDeleted);
    let failure = run(&fake, &read(&["state.list[]=b"], &[], Via::Auto)).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::NotFound);
    assert_eq!(failure.to_string(), "change CicdContext shop: it was deleted before the change was made");
}
