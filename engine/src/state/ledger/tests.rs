use serde_json::json;

use super::*;

const UID: &str = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed";

fn ours(text: &str) -> Ledger {
    match Ledger::parse(Some(text), UID) {
        LedgerState::Ours(ledger) => ledger,
        other => panic!("not ours: {other:?}"),
    }
}

fn write(value: &Value) -> CicdStateWriteSpec {
    serde_json::from_value(json!({"contextRef": {"name": "shop"}, "changes": [{"path": "state.a", "value": value}]}))
        .unwrap()
}

fn hash(number: usize) -> EffectHash {
    effect_hash(Effect::Handler { event_uid: &number.to_string(), handler: "tell" })
}

fn operations(ledger: &Ledger, annotations: Option<&BTreeMap<String, String>>) -> Value {
    serde_json::to_value(ledger.patch(annotations)).unwrap()
}

#[test]
fn a_ledger_is_read_back_as_it_was_written() {
    let mut ledger = Ledger::new(UID, 7);
    ledger.enter(hash(1)).unwrap();
    ledger.enter_write("w", &write(&json!(1)));
    ledger.enter_event("e", "u");
    let text = ledger.to_annotation();
    assert!(text.contains(r#""epoch":7"#) && !text.contains(' '), "{text}");
    assert_eq!(ours(&text), ledger);
}

#[test]
fn the_annotation_is_absent_ours_foreign_or_malformed() {
    let text = Ledger::new(UID, 0).to_annotation();
    assert_eq!(Ledger::parse(None, UID), LedgerState::Absent);
    assert_eq!(Ledger::parse(Some(&text), UID), LedgerState::Ours(Ledger::new(UID, 0)));
    assert_eq!(Ledger::parse(Some(&text), "other"), LedgerState::Foreign(Ledger::new(UID, 0)));
    assert_eq!(ours(&format!(r#"{{"uid":"{UID}"}}"#)), Ledger::new(UID, 0));
    for text in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"uid":""}"#,
        r#"{"uid":"u","epoch":-1}"#,
        r#"{"uid":"u","done":["short"]}"#,
        r#"{"uid":"u","ids":["abcdefgh"]}"#,
        r#"{"uid":"u","names":["ABCDEFGH"]}"#,
        "{\"uid\":\"a\\u0000b\"}",
        &format!(r#"{{"uid":"u","more":"{}"}}"#, "x".repeat(MAX_READ_BYTES)),
    ] {
        assert_eq!(Ledger::parse(Some(text), UID), LedgerState::Malformed, "{text}");
    }
}

#[test]
fn the_ledger_is_found_among_the_annotations() {
    let annotations = BTreeMap::from([(APPLIED.to_owned(), Ledger::new(UID, 3).to_annotation())]);
    assert_eq!(Ledger::of(Some(&annotations), UID), LedgerState::Ours(Ledger::new(UID, 3)));
    assert_eq!(Ledger::of(None, UID), LedgerState::Absent);
}

#[test]
fn effects_of_different_kinds_have_different_hashes() {
    let hashes = [
        effect_hash(Effect::Handler { event_uid: "u", handler: "" }),
        effect_hash(Effect::Set { event_uid: "u" }),
        effect_hash(Effect::StateWrite { name: "u", uid: "" }),
        effect_hash(Effect::Handler { event_uid: "u", handler: "set" }),
        effect_hash(Effect::StateWrite { name: "", uid: "u" }),
    ];
    for (position, one) in hashes.iter().enumerate() {
        assert!(is_hash(&one.0, 8), "{one}");
        assert!(!hashes[..position].contains(one), "{one}");
    }
}

#[test]
fn the_hash_of_an_effect_never_changes_between_versions() {
    let hash = |effect| effect_hash(effect).to_string();
    assert_eq!(hash(Effect::Handler { event_uid: "u", handler: "tell" }), HANDLER_HASH);
    assert_eq!(hash(Effect::Set { event_uid: "u" }), SET_HASH);
    assert_eq!(hash(Effect::StateWrite { name: "w", uid: "u" }), WRITE_HASH);
}

// base32 of the SHA-256 of "handler\0u\0tell", "set\0u\0" and "write\0w\0u", computed with another program.
const HANDLER_HASH: &str = "jzynpmfa";
const SET_HASH: &str = "3ggx5d2d";
const WRITE_HASH: &str = "5nmk6jxt";

#[test]
fn a_done_effect_stays_until_it_is_retired_and_a_full_ledger_takes_no_more() {
    let mut ledger = Ledger::new(UID, 0);
    for number in 0..MAX_DONE {
        ledger.enter(hash(number)).unwrap();
    }
    assert_eq!(ledger.room(), 0);
    assert_eq!(ledger.enter(hash(3)), Ok(()), "what is there already needs no room");
    let error = ledger.enter(hash(MAX_DONE)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "enter an effect into the ledger: 256 effects wait to be acknowledged already; acknowledge some first"
    );
    assert!(ledger.is_done(&hash(0)) && ledger.retire(&hash(0)) && !ledger.retire(&hash(0)));
    assert!(!ledger.is_done(&hash(0)));
    ledger.enter(hash(MAX_DONE)).unwrap();
}

#[test]
fn a_state_write_is_known_by_its_name_and_what_it_changes() {
    let mut ledger = Ledger::new(UID, 0);
    ledger.enter_write("w", &write(&json!({"b": 1, "a": 2})));
    // Of "write\0w\0[[{"path":"state.a","value":{"a":2,"b":1}}],null]", computed with another program: what is stored
    // stays known, and so the order of keys is not that of the file.
    assert_eq!(ledger.names, ["ovkkc2f7"]);
    let mut retried = write(&json!({"a": 2, "b": 1.0}));
    retried.context_ref.uid = Some(UID.to_owned());
    assert!(ledger.knows_write("w", &retried));
    assert!(!ledger.knows_write("w", &write(&json!(2))));
    assert!(!ledger.knows_write("v", &retried));
}

#[test]
fn the_last_128_state_writes_are_known() {
    let mut ledger = Ledger::new(UID, 0);
    let spec = write(&json!(1));
    for number in 0..=MAX_NAMES {
        ledger.enter_write(&format!("w{number}"), &spec);
    }
    assert!(!ledger.knows_write("w0", &spec));
    assert!(ledger.knows_write("w1", &spec) && ledger.knows_write("w128", &spec));
    ledger.enter_write("w1", &spec);
    ledger.enter_write("x", &spec);
    assert!(ledger.knows_write("w1", &spec), "entered anew it is the newest");
}

#[test]
fn an_event_is_known_by_its_name_and_told_from_another_of_the_same_name() {
    let mut ledger = Ledger::new(UID, 0);
    ledger.enter_event("shop-a", "uid-1");
    assert_eq!(ledger.knows_event("shop-a", "uid-1"), Some(KnownEvent::ThisUid));
    assert_eq!(ledger.knows_event("shop-a", "uid-2"), Some(KnownEvent::AnotherUid));
    assert_eq!(ledger.knows_event("shop-b", "uid-1"), None);
    assert!(ledger.knows_event_name("shop-a") && !ledger.knows_event_name("shop-b"));
    ledger.enter_event("shop-a", "uid-2");
    assert_eq!(ledger.knows_event("shop-a", "uid-2"), Some(KnownEvent::ThisUid));
    assert_eq!(ledger.ids.len(), 1);
    for number in 0..MAX_IDS {
        ledger.enter_event(&format!("e{number}"), "u");
    }
    assert!(!ledger.knows_event_name("shop-a") && ledger.knows_event_name("e0"));
}

#[test]
fn a_full_ledger_stays_below_8_kib() {
    let mut ledger = Ledger::new(&"u".repeat(MAX_UID), u64::MAX);
    for number in 0..1000 {
        let _ = ledger.enter(hash(number));
        ledger.enter_write(&format!("w{number}"), &write(&json!(number)));
        ledger.enter_event(&format!("e{number}"), "u");
    }
    let length = ledger.to_annotation().len();
    assert!((6000..MAX_BYTES).contains(&length), "{length}");
}

#[test]
fn a_ledger_with_more_than_we_ever_write_is_cut_to_the_newest() {
    let many = |length: usize| {
        (0..1000).map(|n| format!("{:a>length$}", "bcdefghij".chars().nth(n % 8).unwrap())).collect::<Vec<_>>()
    };
    let text = json!({"uid": UID, "done": many(8), "names": many(8), "ids": many(16)}).to_string();
    let ledger = ours(&text);
    assert_eq!((ledger.done.len(), ledger.names.len(), ledger.ids.len()), (MAX_DONE, MAX_NAMES, MAX_IDS));
}

#[test]
fn the_patch_tests_what_was_read_and_writes_the_new_ledger() {
    let ledger = Ledger::new(UID, 1);
    let new = ledger.to_annotation();
    assert_eq!(
        operations(&ledger, None),
        json!([
            {"op": "test", "path": "/metadata/annotations", "value": null},
            {"op": "add", "path": "/metadata/annotations", "value": {"cicdcontext.io/applied": new}},
        ])
    );
    assert_eq!(
        operations(&ledger, Some(&BTreeMap::new())),
        json!([
            {"op": "test", "path": "/metadata/annotations/cicdcontext.io~1applied", "value": null},
            {"op": "add", "path": "/metadata/annotations/cicdcontext.io~1applied", "value": new},
        ])
    );
    let read = BTreeMap::from([(APPLIED.to_owned(), "as read".to_owned())]);
    assert_eq!(
        operations(&ledger, Some(&read)),
        json!([
            {"op": "test", "path": "/metadata/annotations/cicdcontext.io~1applied", "value": "as read"},
            {"op": "add", "path": "/metadata/annotations/cicdcontext.io~1applied", "value": new},
        ])
    );
}
