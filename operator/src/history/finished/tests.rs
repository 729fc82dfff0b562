use proptest::prelude::*;

use super::*;

const RULES: Rules = Rules { minimum_age: SignedDuration::from_secs(60), orphaned_age: SignedDuration::from_hours(1) };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn finished(name: &str, completed: i64, failed: bool, ttl: Option<i64>) -> FinishedEvent {
    FinishedEvent {
        name: name.to_owned(),
        uid: format!("uid-of-{name}"),
        resource_version: "7".to_owned(),
        completed: at(completed),
        order: 0,
        failed,
        ttl: ttl.map(SignedDuration::from_secs),
    }
}

fn all(events: impl IntoIterator<Item = FinishedEvent>) -> Finished {
    let mut all = Finished::default();
    events.into_iter().for_each(|event| all.put(event, &RULES));
    all
}

fn kept(succeeded: usize, failed: usize) -> Standing {
    Standing::Kept(Limits { succeeded, failed })
}

/// Names of what goes, and when to look again.
fn look(events: &Finished, now: i64, standing: Standing) -> (Vec<String>, Option<i64>) {
    let decision = events.decide(at(now), standing, &RULES, 64, |_| false);
    (decision.delete.into_iter().map(|event| event.name).collect(), decision.again.map(Timestamp::as_second))
}

#[test]
fn the_oldest_beyond_the_limit_go_and_those_that_failed_are_counted_by_themselves() {
    let events = [("a", 1, false), ("b", 2, true), ("c", 3, false), ("d", 4, true), ("e", 5, false)];
    let events = all(events.map(|(name, completed, failed)| finished(name, completed, failed, None)));
    assert_eq!(look(&events, 900, kept(2, 1)), (vec!["a".into(), "b".into()], None));
    assert_eq!(look(&events, 900, kept(20, 20)), (vec![], None));
    assert_eq!(look(&events, 900, kept(0, 2)), (vec!["a".into(), "c".into(), "e".into()], None));
}

#[test]
fn events_of_one_second_go_in_the_order_of_their_context() {
    let mut late = finished("a", 5, false, None);
    late.order = 12;
    let events = all([late, FinishedEvent { order: 9, ..finished("z", 5, false, None) }]);
    assert_eq!(look(&events, 900, kept(1, 1)).0, ["z"]);
}

#[test]
fn none_goes_within_its_first_minute_and_it_is_known_when_the_next_one_may() {
    let events = all([finished("a", 100, false, None), finished("b", 130, false, None)]);
    assert_eq!(look(&events, 159, kept(0, 0)), (vec![], Some(160)));
    assert_eq!(look(&events, 160, kept(0, 0)), (vec!["a".into()], Some(190)));
}

#[test]
fn an_event_with_a_time_limit_of_its_own_goes_by_itself_but_not_within_its_first_minute() {
    let events = [finished("short", 100, false, Some(0)), finished("long", 100, true, Some(300))];
    let events = all(events.into_iter().chain([finished("none", 1, false, None)]));
    assert_eq!(look(&events, 159, kept(20, 20)), (vec![], Some(160)));
    assert_eq!(look(&events, 160, kept(20, 20)), (vec!["short".into()], Some(400)));
    assert_eq!(look(&events, 400, kept(20, 20)).0, ["short", "long"]);
    // What goes by itself counts: nobody else has to go in its stead.
    assert_eq!(look(&events, 160, kept(1, 20)).0, ["short"]);
}

#[test]
fn events_of_a_context_that_is_gone_go_an_hour_after_they_finished() {
    let events = all([finished("a", 100, true, None), finished("b", 200, false, None)]);
    assert_eq!(look(&events, 3_699, Standing::Orphaned), (vec![], Some(3_700)));
    assert_eq!(look(&events, 3_700, Standing::Orphaned), (vec!["a".into()], Some(3_800)));
    assert_eq!(look(&events, 3_800, Standing::Orphaned).0, ["b", "a"]);
}

#[test]
fn one_that_is_held_stays_and_no_other_goes_in_its_stead() {
    let events = all(["a", "b", "c"].into_iter().zip(1..).map(|(name, end)| finished(name, end, false, None)));
    let decision = events.decide(at(900), kept(1, 1), &RULES, 64, |event| event.name == "a");
    assert_eq!(decision.delete.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(decision.again, None, "the context is looked at again when its annotations change");
}

#[test]
fn of_ten_thousand_events_a_turn_looks_at_what_it_deletes_only() {
    let mut events = all((0..10_000).map(|number| finished(&format!("e{number}"), number / 100, false, None)));
    let (mut looked, mut turns) = (0, 0);
    loop {
        let decision = events.decide(at(1_000), kept(20, 20), &RULES, 64, |_| {
            looked += 1;
            false
        });
        if decision.delete.is_empty() {
            break;
        }
        turns += 1;
        decision.delete.iter().for_each(|event| events.remove(&event.name, &RULES));
    }
    assert_eq!((events.len(), turns, looked), (20, 9_980_usize.div_ceil(64), 9_980));
    assert_eq!((events.succeeded.len(), events.expiring.len(), events.by_name.len()), (20, 0, 20));
}

#[test]
fn an_event_that_changes_is_known_once() {
    let mut events = all([finished("a", 100, false, Some(5))]);
    events.put(finished("a", 200, true, None), &RULES);
    assert_eq!((events.succeeded.len(), events.failed.len(), events.expiring.len()), (0, 1, 0));
    events.remove("a", &RULES);
    assert!(events.is_empty() && events.failed.is_empty());
}

fn stored(phase: &str, metadata: &str, handler: &str) -> Stored<CicdEvent> {
    serde_json::from_str(&format!(
        r#"{{"metadata":{{"name":"e","uid":"u","resourceVersion":"9","creationTimestamp":"1970-01-01T00:00:10Z"{metadata}}},
           "spec":{{"contextRef":{{"name":"c"}},"ttlSecondsAfterFinished":5}},
           "status":{{"phase":"{phase}","order":4,"completionTime":"1970-01-01T00:01:40Z",
                      "handlers":[{{"name":"h","phase":"{handler}"}}]}}}}"#
    ))
    .unwrap()
}

#[test]
fn only_an_event_with_which_nothing_is_left_to_be_done_may_go() {
    let of = |phase, metadata, handler| FinishedEvent::of(&stored(phase, metadata, handler));
    let expected =
        FinishedEvent { uid: "u".into(), resource_version: "9".into(), order: 4, ..finished("e", 100, true, Some(5)) };
    assert_eq!(of("Failed", "", "Failed"), Some(expected));
    for phase in ["Succeeded", "Skipped"] {
        assert!(of(phase, r#","annotations":{"note":"x"}"#, "Succeeded").is_some_and(|event| !event.failed), "{phase}");
    }
    for phase in ["Pending", "Running", "Retrying"] {
        assert_eq!(of(phase, "", "Succeeded"), None, "{phase}");
    }
    for handler in ["Waiting", "Sending"] {
        assert_eq!(of("Failed", "", handler), None, "{handler}");
    }
    assert_eq!(of("Failed", r#","annotations":{"redeliver.cicdcontext.io/1":"*"}"#, "Failed"), None);
    assert_eq!(of("Failed", r#","deletionTimestamp":"1970-01-01T00:02:00Z""#, "Failed"), None);
}

#[test]
fn limits_that_are_not_set_are_twenty() {
    assert_eq!(Limits::new(None, None), Limits { succeeded: 20, failed: 20 });
    assert_eq!(Limits::new(Some(0), Some(7)), Limits { succeeded: 0, failed: 7 });
}

prop_compose! {
    fn some_event()(
        completed in 0_i64..400, order in 0_u64..3, failed: bool, ttl in proptest::option::of(0_i64..400),
    ) -> FinishedEvent {
        FinishedEvent { order, ..finished("", completed, failed, ttl) }
    }
}

fn some_events() -> impl Strategy<Value = Vec<FinishedEvent>> {
    let numbered = |(number, event): (usize, FinishedEvent)| FinishedEvent { name: format!("e{number:02}"), ..event };
    proptest::collection::vec(some_event(), 0..40)
        .prop_map(move |events| events.into_iter().enumerate().map(numbered).collect())
}

proptest! {
    #[test]
    fn nothing_young_or_held_goes_and_nothing_goes_without_need(
        events in some_events(), now in 0_i64..900, succeeded in 0_usize..10, failed in 0_usize..10, held in 0_usize..5,
        most in 1_usize..20,
    ) {
        let limits = Limits { succeeded, failed };
        let is_held = |event: &FinishedEvent| event.name.ends_with(&held.to_string());
        let decision = all(events.clone()).decide(at(now), Standing::Kept(limits), &RULES, most, is_held);
        prop_assert!(decision.delete.len() <= most);
        let names: HashSet<_> = decision.delete.iter().map(|event| &event.name).collect();
        prop_assert_eq!(names.len(), decision.delete.len(), "each once");
        for event in &decision.delete {
            let age = at(now).duration_since(event.completed);
            prop_assert!(age >= RULES.minimum_age, "{event:?}");
            prop_assert!(!is_held(event), "{event:?}");
            let limit = if event.failed { failed } else { succeeded };
            let newer = events.iter().filter(|other| other.failed == event.failed && other.place() > event.place());
            prop_assert!(event.ttl.is_some_and(|ttl| age >= ttl) || newer.count() >= limit, "{event:?}");
        }
        prop_assert!(decision.again.is_none_or(|again| again >= at(now)));
    }

    #[test]
    fn whoever_looks_when_told_to_ends_within_the_limits(
        events in some_events(), succeeded in 0_usize..10, failed in 0_usize..10, most in 1_usize..20, orphaned: bool,
    ) {
        let standing = if orphaned { Standing::Orphaned } else { kept(succeeded, failed) };
        let mut events = all(events);
        let mut now = at(0);
        for turn in 0.. {
            prop_assert!(turn < 400, "it never ends: {events:?}");
            let decision = events.decide(now, standing, &RULES, most, |_| false);
            decision.delete.iter().for_each(|event| events.remove(&event.name, &RULES));
            let Some(again) = decision.again else { break };
            prop_assert!(again > now || !decision.delete.is_empty(), "no progress at {now}: {events:?}");
            now = again;
        }
        let (succeeded, failed) = if orphaned { (0, 0) } else { (succeeded, failed) };
        prop_assert!(events.succeeded.len() <= succeeded && events.failed.len() <= failed, "{events:?}");
        prop_assert!(events.expiring.is_empty() && events.len() == events.succeeded.len() + events.failed.len());
    }
}
