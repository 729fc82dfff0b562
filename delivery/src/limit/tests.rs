use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn place(namespace: &str, context: &str, order: u64) -> Place {
    Place { namespace: namespace.into(), context: context.into(), order: (order, 0), not_before: None }
}

/// The first attempt of a context that has no other one.
fn single(order: u64) -> Place {
    place("shop", &format!("context-{order:02}"), order)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn queue<Id: Ord + Clone>(concurrency: u32) -> Queue<Id> {
    Queue::new(Limits::default().concurrency(concurrency).unwrap())
}

/// All that leave now, in order, each finished at once.
fn all<Id: Ord + Clone>(queue: &mut Queue<Id>, now: Instant) -> Vec<Id> {
    let mut left = Vec::new();
    while let Leave::Now { id, .. } = queue.leave(now) {
        queue.finished(&id, Contact::Answered, now);
        left.push(id);
    }
    left
}

#[test]
fn namespaces_take_turns_then_contexts_and_a_context_keeps_its_order() {
    let (mut queue, now) = (queue(1), Instant::now());
    for (namespace, context, orders) in
        [("shop", "stage", &[3, 1, 2][..]), ("shop", "live", &[9]), ("bank", "live", &[8, 7]), ("bank", "qa", &[1])]
    {
        for order in orders {
            assert!(queue.wait((namespace, context, *order), place(namespace, context, *order), now));
        }
    }
    let expected = [
        ("shop", "stage", 1),
        ("bank", "live", 7),
        ("shop", "live", 9),
        ("bank", "qa", 1),
        ("shop", "stage", 2),
        ("bank", "live", 8),
        ("shop", "stage", 3),
    ];
    assert_eq!(all(&mut queue, now), expected);
    assert_eq!((queue.leave(now), queue.waiting(), queue.under_way()), (Leave::Idle, 0, 0));
}

#[test]
fn a_namespace_that_comes_late_waits_for_one_delivery_of_ten_thousand() {
    let (mut queue, now) = (queue(1), Instant::now());
    for order in 0..10_000 {
        queue.wait(("loud", order), place("loud", &format!("context-{}", order % 100), order), now);
    }
    queue.leave(now);
    queue.wait(("quiet", 0), place("quiet", "stage", 0), now);
    queue.finished(&("loud", 0), Contact::Answered, now);
    let next: Vec<_> = all(&mut queue, now).into_iter().take(2).collect();
    assert_eq!((next[0].0, next[1].0), ("loud", "quiet"));
    assert_eq!(queue.waiting(), 0);
}

#[test]
fn no_more_leave_at_once_than_the_limit_and_a_finished_one_makes_room() {
    let (mut queue, now) = (queue(2), Instant::now());
    for order in 0..3 {
        queue.wait(order, single(order), now);
    }
    assert!(queue.starts_waiting(now));
    assert!(matches!((queue.leave(now), queue.leave(now)), (Leave::Now { id: 0, .. }, Leave::Now { id: 1, .. })));
    assert_eq!((queue.leave(now), queue.under_way(), queue.waiting()), (Leave::Full, 2, 1));
    assert!(!queue.wait(1, single(1), now), "it is under way");
    assert!(queue.finished(&1, Contact::Answered, now) && !queue.finished(&1, Contact::Answered, now));
    assert_eq!(queue.leave(now + seconds(4)), Leave::Now { id: 2, held: seconds(4) });
    assert!(queue.starts_waiting(now) && !queue.finished(&7, Contact::NotReached, now) && !queue.backing_off());
}

#[test]
fn while_a_first_attempt_is_under_way_nothing_else_of_its_context_leaves() {
    let (mut queue, now) = (queue(4), Instant::now());
    let retry = Place { not_before: Some(now + seconds(5)), ..place("shop", "stage", 0) };
    queue.wait("retry", retry, now);
    for (id, context, order) in [("one", "stage", 1), ("two", "stage", 2), ("other", "live", 1)] {
        queue.wait(id, place("shop", context, order), now);
    }
    for id in ["one", "other"] {
        assert!(matches!(queue.leave(now), Leave::Now { id: left, .. } if left == id));
    }
    queue.wait("three", place("shop", "stage", 3), now);
    assert_eq!((queue.leave(now), queue.waiting()), (Leave::At(now + seconds(5)), 3), "the retry comes next");
    queue.finished(&"other", Contact::Answered, now);
    assert_eq!(queue.leave(now), Leave::At(now + seconds(5)));
    queue.finished(&"one", Contact::Answered, now + seconds(1));
    let held = seconds(1);
    assert_eq!(queue.leave(now + held), Leave::Now { id: "two", held }, "it waited for its turn");
    queue.cancel(&"retry");
    assert_eq!(queue.leave(now + held), Leave::Full, "nothing before that is over");
    assert!(queue.cancel(&"two") && matches!(queue.leave(now + held), Leave::Now { id: "three", .. }));
}

#[test]
fn a_first_attempt_that_is_put_back_keeps_its_place_and_those_behind_it_wait_with_it() {
    let now = Instant::now();
    let mut queue = Queue::new(Limits::default().rate(2, seconds(60)).unwrap());
    for order in 1..3 {
        queue.wait(order, place("shop", "stage", order), now);
    }
    assert!(matches!(queue.leave(now), Leave::Now { id: 1, .. }));
    assert!(queue.put_back(&1, now + seconds(2), now) && !queue.put_back(&1, now, now));
    assert_eq!((queue.leave(now), queue.waiting(), queue.under_way()), (Leave::At(now + seconds(2)), 2, 0));
    queue.wait(0, place("shop", "live", 0), now);
    assert!(matches!(queue.leave(now), Leave::Now { id: 0, .. }), "other contexts go on");
    assert_eq!(queue.leave(now + seconds(2)), Leave::Now { id: 1, held: seconds(2) }, "it did not count for the rate");
    queue.finished(&1, Contact::Answered, now + seconds(2));
    assert_eq!(queue.leave(now + seconds(2)), Leave::At(now + seconds(60)));
    let retry = Place { not_before: Some(now), ..place("shop", "live", 7) };
    queue.set_limits(Limits::default());
    queue.finished(&0, Contact::Answered, now);
    queue.wait(7, retry, now);
    assert!(matches!(queue.leave(now + seconds(3)), Leave::Now { id: 7 | 2, .. }));
    assert!(matches!(queue.leave(now + seconds(3)), Leave::Now { id: 7 | 2, .. }));
    assert!(queue.put_back(&7, now + seconds(9), now + seconds(3)));
    assert_eq!(queue.leave(now + seconds(3)), Leave::At(now + seconds(9)), "a retry is due later");
}

#[test]
fn a_rate_holds_in_every_stretch_of_a_period() {
    let now = Instant::now();
    let mut queue = Queue::new(Limits::default().rate(2, seconds(10)).unwrap());
    for order in 0..6 {
        queue.wait(order, single(order), now);
    }
    for (at, left, next) in [(0, &[0, 1][..], 10), (9, &[], 10), (10, &[2, 3], 20), (25, &[4, 5], 35)] {
        assert_eq!(all(&mut queue, now + seconds(at)), left);
        queue.wait(6 + at, single(6 + at), now);
        assert_eq!(queue.leave(now + seconds(at)), Leave::At(now + seconds(next)));
        assert!(queue.starts_waiting(now + seconds(at)));
    }
    // A smaller limit counts what left before it; none at all lets all leave.
    queue.set_limits(Limits::default().rate(1, seconds(20)).unwrap());
    assert_eq!(queue.leave(now + seconds(35)), Leave::At(now + seconds(45)));
    queue.set_limits(Limits::default());
    assert_eq!(all(&mut queue, now + seconds(35)).len(), 4);
}

#[test]
fn a_retry_waits_for_its_time_and_nobody_waits_for_it() {
    let (mut queue, now) = (queue(1), Instant::now());
    let retry = Place { not_before: Some(now + seconds(30)), ..place("shop", "stage", 1) };
    queue.wait("retry", retry, now);
    assert!(!queue.starts_waiting(now) && queue.starts_waiting(now + seconds(30)));
    queue.wait("first", place("shop", "stage", 2), now);
    assert_eq!(all(&mut queue, now), ["first"]);
    assert_eq!(queue.leave(now), Leave::At(now + seconds(30)));
    assert_eq!(queue.held(&"retry", now + seconds(60)), Some(Duration::ZERO));
    queue.wait("third", place("shop", "stage", 3), now);
    assert_eq!(all(&mut queue, now + seconds(30)), ["retry", "third"], "due, it is the older one");
}

#[test]
fn an_endpoint_out_of_reach_is_tried_by_one_at_a_time_with_growing_pauses() {
    let (mut queue, mut now) = (queue(16), Instant::now());
    for order in 0..100 {
        queue.wait(order, single(order), now);
    }
    let sixteen: Vec<_> = (0..16).map(|_| queue.leave(now)).collect();
    assert!(sixteen.iter().all(|leave| matches!(leave, Leave::Now { .. })));
    now += seconds(15);
    // Sixteen that timed out together are one failure.
    for id in 0..16 {
        queue.finished(&id, Contact::NotReached, now);
    }
    assert!(queue.backing_off() && queue.starts_waiting(now));
    for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(queue.leave(now), Leave::At(now + seconds(pause)));
        now += seconds(pause);
        let Leave::Now { id, held } = queue.leave(now) else { panic!("after {pause} s") };
        assert_eq!((queue.leave(now), held), (Leave::Full, seconds(15)), "only what a limit held counts as held");
        queue.finished(&id, Contact::NotReached, now);
    }
    now += seconds(60);
    let Leave::Now { id, .. } = queue.leave(now) else { panic!("the ninth") };
    queue.finished(&id, Contact::Unknown, now);
    assert!(queue.backing_off(), "an attempt that came to nothing says nothing");
    let Leave::Now { id, .. } = queue.leave(now) else { panic!("the tenth") };
    queue.finished(&id, Contact::Answered, now + seconds(5));
    assert!(!queue.backing_off());
    let Leave::Now { held, .. } = queue.leave(now + seconds(7)) else { panic!("all are free to go") };
    assert_eq!(held, seconds(15 + 2));
}

#[test]
fn a_cancelled_delivery_leaves_no_trace_wherever_it_stood() {
    let (mut queue, now) = (queue(1), Instant::now());
    let later = Place { not_before: Some(now + seconds(5)), ..place("shop", "stage", 3) };
    queue.wait("later", later, now);
    queue.wait("under way", place("shop", "stage", 1), now);
    queue.leave(now);
    queue.wait("due", place("shop", "stage", 2), now);
    for id in ["later", "under way", "due"] {
        assert!(queue.cancel(&id) && !queue.cancel(&id), "{id}");
    }
    assert_eq!((queue.leave(now), queue.waiting(), queue.under_way()), (Leave::Idle, 0, 0));
    assert!(!queue.starts_waiting(now + seconds(10)));
    // The attempt that was abandoned ends all the same; nobody is confused by that.
    assert!(!queue.finished(&"under way", Contact::NotReached, now) && !queue.backing_off());
    assert!(queue.wait("due", place("shop", "stage", 2), now));
    assert_eq!(queue.leave(now), Leave::Now { id: "due", held: Duration::ZERO });
}

#[test]
fn a_closed_queue_lets_nothing_leave_and_its_time_counts_as_held() {
    let (mut queue, now) = (queue(1), Instant::now());
    queue.set_open(false, now);
    assert!(queue.starts_waiting(now));
    assert_eq!((queue.leave(now), queue.blocked_by(now)), (Leave::Idle, Some(Blocked::Closed)));
    queue.wait("first", place("shop", "stage", 1), now);
    queue.wait("retry", Place { not_before: Some(now + seconds(5)), ..place("shop", "stage", 2) }, now);
    assert_eq!(queue.leave(now), Leave::Closed);
    assert_eq!(queue.leave(now + seconds(5)), Leave::Closed);
    queue.set_open(true, now + seconds(60));
    assert_eq!(queue.blocked_by(now + seconds(60)), None);
    assert_eq!(queue.leave(now + seconds(60)), Leave::Now { id: "first", held: seconds(60) });
    queue.set_open(false, now + seconds(60));
    assert!(queue.finished(&"first", Contact::Answered, now + seconds(60)), "it was under way and stayed so");
    queue.set_open(true, now + seconds(70));
    assert_eq!(queue.leave(now + seconds(70)), Leave::Now { id: "retry", held: seconds(65) });
}

#[test]
fn time_out_of_reach_counts_against_a_delivery_only_while_the_queue_is_open() {
    let (mut queue, now) = (queue(1), Instant::now());
    queue.wait(1, place("shop", "stage", 1), now);
    queue.leave(now);
    queue.wait(2, place("shop", "stage", 2), now);
    queue.finished(&1, Contact::NotReached, now);
    for (open, at) in [(false, 10), (false, 20), (true, 110), (true, 120)] {
        queue.set_open(open, now + seconds(at));
    }
    // 10 s out of reach, closed for 100 s, 90 s out of reach.
    assert_eq!(queue.leave(now + seconds(200)), Leave::Now { id: 2, held: seconds(100) });
}

#[test]
fn an_endpoint_that_was_changed_is_tried_at_once_and_attempts_from_before_say_nothing_about_it() {
    let (mut queue, now) = (queue(2), Instant::now());
    for order in 0..4 {
        queue.wait(order, single(order), now);
    }
    assert!(matches!((queue.leave(now), queue.leave(now)), (Leave::Now { id: 0, .. }, Leave::Now { id: 1, .. })));
    queue.finished(&0, Contact::NotReached, now + seconds(15));
    assert_eq!(queue.blocked_by(now + seconds(15)), Some(Blocked::Unreached));
    queue.reach_anew(now + seconds(15));
    assert!(!queue.backing_off());
    assert!(matches!(queue.leave(now + seconds(15)), Leave::Now { id: 2, .. }));
    assert_eq!(queue.blocked_by(now + seconds(15)), Some(Blocked::Full));
    queue.finished(&1, Contact::NotReached, now + seconds(16));
    assert!(!queue.backing_off(), "it left before the change");
    queue.finished(&2, Contact::NotReached, now + seconds(17));
    assert!(queue.backing_off());
    // Fifteen seconds were held by the number at once, and no time since.
    assert_eq!(queue.held(&3, now + seconds(60)), Some(seconds(17)));
}

#[test]
fn whoever_comes_when_one_that_was_put_back_is_due_again_comes_after_it() {
    let now = Instant::now();
    let mut queue = queue(4);
    queue.wait(1, place("shop", "stage", 1), now);
    queue.leave(now);
    assert!(queue.put_back(&1, now + seconds(2), now));
    assert!(!queue.starts_waiting(now + seconds(1)), "others need not wait for it");
    assert!(queue.starts_waiting(now + seconds(2)), "it would leave first");
}

#[test]
fn one_that_was_not_sent_does_not_count_for_the_rate() {
    let now = Instant::now();
    let mut queue = Queue::new(Limits::default().rate(2, seconds(10)).unwrap());
    for order in 0..4 {
        queue.wait(order, single(order), now);
    }
    for (id, at) in [(0, 0), (1, 1)] {
        assert!(matches!(queue.leave(now + seconds(at)), Leave::Now { id: left, .. } if left == id));
    }
    assert_eq!(queue.blocked_by(now + seconds(2)), Some(Blocked::Rate));
    assert!(queue.not_sent(&1) && !queue.not_sent(&1) && !queue.not_sent(&3));
    assert!(matches!(queue.leave(now + seconds(2)), Leave::Now { id: 2, .. }));
    assert_eq!(queue.leave(now + seconds(2)), Leave::At(now + seconds(10)));
    assert_eq!((queue.under_way(), queue.waiting()), (2, 1));
}

#[test]
fn a_queue_is_idle_when_nothing_that_happened_matters_any_more() {
    let now = Instant::now();
    let mut queue = Queue::new(Limits::default().rate(1, seconds(10)).unwrap());
    assert!(queue.is_idle(now));
    queue.wait(1, place("shop", "stage", 1), now);
    assert!(!queue.is_idle(now));
    queue.leave(now);
    assert!(!queue.is_idle(now + seconds(20)), "one is under way");
    queue.finished(&1, Contact::NotReached, now);
    assert!(!queue.is_idle(now + seconds(20)), "it backs off");
    queue.reach_anew(now);
    assert!(!queue.is_idle(now + seconds(9)) && queue.is_idle(now + seconds(10)), "the rate remembers it for 10 s");
}

#[test]
fn numbers_out_of_range_are_refused_with_the_range() {
    let limits = Limits::default;
    for (result, text) in [
        (limits().concurrency(0), "set concurrency to 0: write 1 to 256"),
        (limits().concurrency(257), "set concurrency to 257: write 1 to 256"),
        (limits().rate(0, seconds(1)), "set rateLimit.requests to 0: write 1 to 100000"),
        (limits().rate(1, Duration::ZERO), "set rateLimit.perSeconds to 0: write 1 to 86400"),
        (limits().rate(1, seconds(86_401)), "set rateLimit.perSeconds to 86401: write 1 to 86400"),
    ] {
        assert_eq!(result.unwrap_err().to_string(), text);
    }
}

/// What a driver may do, in any order.
#[derive(Debug, Clone)]
enum Step {
    Wait { id: u32, namespace: u8, context: u8, retry_in: Option<u8> },
    Leave,
    Finish { nth: usize, contact: Contact },
    NotSent { nth: usize },
    PutBack { nth: usize, seconds: u8 },
    Open(bool),
    ReachAnew,
    Cancel { id: u32 },
    Pass { seconds: u8 },
}

fn steps() -> impl Strategy<Value = Step> {
    let contact = prop_oneof![Just(Contact::Answered), Just(Contact::NotReached), Just(Contact::Unknown)];
    prop_oneof![
        4 => (0..60_u32, 0..3_u8, 0..2_u8, proptest::option::of(0..20_u8))
            .prop_map(|(id, namespace, context, retry_in)| Step::Wait { id, namespace, context, retry_in }),
        6 => Just(Step::Leave),
        3 => (any::<usize>(), contact).prop_map(|(nth, contact)| Step::Finish { nth, contact }),
        1 => any::<usize>().prop_map(|nth| Step::NotSent { nth }),
        1 => (any::<usize>(), 0..9_u8).prop_map(|(nth, seconds)| Step::PutBack { nth, seconds }),
        1 => proptest::bool::weighted(0.7).prop_map(Step::Open),
        1 => Just(Step::ReachAnew),
        1 => (0..60_u32).prop_map(|id| Step::Cancel { id }),
        2 => (0..8_u8).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_limits_hold_and_nobody_is_lost(
        concurrency in 1..4_u32, requests in 1..4_u32, period in 1..10_u64, steps in proptest::collection::vec(steps(), 1..200),
    ) {
        let limits = Limits::default().concurrency(concurrency).unwrap().rate(requests, seconds(period)).unwrap();
        let (mut queue, mut now) = (Queue::new(limits), Instant::now());
        let mut waiting: HashMap<u32, Option<Instant>> = HashMap::new();
        let mut under_way: Vec<u32> = Vec::new();
        let mut left: Vec<(u32, Instant)> = Vec::new();
        let mut open = true;
        for step in steps {
            match step {
                Step::Wait { id, namespace, context, retry_in } => {
                    let not_before = retry_in.map(|wait| now + seconds(wait.into()));
                    let place = Place { not_before, ..place(&namespace.to_string(), &context.to_string(), id.into()) };
                    let fresh = !waiting.contains_key(&id) && !under_way.contains(&id);
                    prop_assert_eq!(queue.wait(id, place, now), fresh);
                    if fresh {
                        waiting.insert(id, not_before);
                    }
                }
                Step::Leave => match queue.leave(now) {
                    Leave::Now { id, .. } => {
                        let not_before = waiting.remove(&id);
                        prop_assert!(not_before.is_some_and(|time| time.is_none_or(|time| time <= now)));
                        under_way.push(id);
                        left.push((id, now));
                        prop_assert!(open);
                        let recent = left.iter().filter(|(_, time)| *time + seconds(period) > now).count();
                        prop_assert!(recent <= requests as usize && under_way.len() <= concurrency as usize);
                    }
                    Leave::At(time) => prop_assert!(time > now && !waiting.is_empty()),
                    Leave::Full => prop_assert!(!under_way.is_empty() && !waiting.is_empty()),
                    Leave::Closed => prop_assert!(!open && !waiting.is_empty()),
                    Leave::Idle => prop_assert!(waiting.is_empty()),
                },
                Step::Finish { nth, contact } if !under_way.is_empty() => {
                    let id = under_way.remove(nth % under_way.len());
                    prop_assert!(queue.finished(&id, contact, now));
                }
                Step::NotSent { nth } if !under_way.is_empty() => {
                    let id = under_way.remove(nth % under_way.len());
                    prop_assert!(queue.not_sent(&id));
                    let last = left.iter().rposition(|(other, _)| *other == id);
                    left.remove(last.unwrap());
                }
                Step::PutBack { nth, seconds: rest } if !under_way.is_empty() => {
                    let id = under_way.remove(nth % under_way.len());
                    let until = now + seconds(rest.into());
                    prop_assert!(queue.put_back(&id, until, now));
                    let last = left.iter().rposition(|(other, _)| *other == id);
                    left.remove(last.unwrap());
                    waiting.insert(id, Some(until));
                }
                Step::Finish { .. } | Step::NotSent { .. } | Step::PutBack { .. } => {}
                Step::Open(now_open) => {
                    open = now_open;
                    queue.set_open(open, now);
                }
                Step::ReachAnew => queue.reach_anew(now),
                Step::Cancel { id } => {
                    let known = waiting.remove(&id).is_some() || under_way.contains(&id);
                    under_way.retain(|other| *other != id);
                    prop_assert_eq!(queue.cancel(&id), known);
                }
                Step::Pass { seconds: passed } => now += seconds(passed.into()),
            }
            prop_assert_eq!((queue.waiting(), queue.under_way()), (waiting.len(), under_way.len()));
        }
        queue.set_open(true, now);
        // Whoever follows what the queue says gets everybody through.
        let mut rounds = 0;
        while !(waiting.is_empty() && under_way.is_empty()) {
            rounds += 1;
            prop_assert!(rounds < 2_000, "{:?} wait for ever", waiting);
            match queue.leave(now) {
                Leave::Now { id, .. } => {
                    waiting.remove(&id);
                    under_way.push(id);
                }
                Leave::At(time) => now = time,
                Leave::Full | Leave::Closed | Leave::Idle => {
                    let id = under_way.remove(0);
                    prop_assert!(queue.finished(&id, Contact::Answered, now));
                }
            }
        }
        prop_assert_eq!(queue.leave(now), Leave::Idle);
    }

    #[test]
    fn first_attempts_of_a_context_leave_in_event_order_one_after_the_other(orders in proptest::collection::vec((0..3_u8, 0..1_000_u64), 1..100)) {
        let (mut queue, now) = (queue(8), Instant::now());
        for (index, (context, order)) in orders.iter().enumerate() {
            queue.wait((*context, *order, index), place("shop", &context.to_string(), *order), now);
        }
        let mut last: HashMap<u8, u64> = HashMap::new();
        let mut under_way = Vec::new();
        while queue.waiting() > 0 {
            while let Leave::Now { id, .. } = queue.leave(now) {
                prop_assert!(last.insert(id.0, id.1).is_none_or(|before| before <= id.1));
                prop_assert!(under_way.iter().all(|other: &(u8, u64, usize)| other.0 != id.0));
                under_way.push(id);
            }
            prop_assert!(queue.finished(&under_way.remove(0), Contact::Answered, now));
        }
    }
}
