//! Ten thousand deliveries, and thousands of callers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{running::Running, *};

#[test]
fn ten_thousand_deliveries_of_one_endpoint_keep_its_limits_and_namespaces_leave_alike() {
    let limits = Limits::default().concurrency(3).unwrap().rate(50, seconds(1)).unwrap();
    let room = Room::open(&chat(), limits);
    for order in 0..10_000_u64 {
        // The first of five namespaces has 6,000 of them.
        let namespace = if order % 10 < 6 { 0 } else { order % 10 - 5 };
        let context = format!("context-{}", order % 7);
        assert!(room.waiting.wait(entry(&chat(), &namespace.to_string(), &context, order)));
    }
    assert_eq!(room.waiting.len(), 10_000);
    let begin = room.now();
    let (mut left, mut last, mut attempts) = (Vec::new(), HashMap::new(), BTreeMap::new());
    loop {
        let due = room.let_go();
        while let Some(Released { id, context, slot, .. }) = room.released() {
            left.push((room.now(), id.namespace.clone()));
            let order: u64 = id.event.rsplit('-').next().unwrap().parse().unwrap();
            let before = last.insert((id.namespace, context), order);
            assert!(before.is_none_or(|before| before < order), "a context keeps its order");
            attempts.insert((room.now() + Duration::from_millis(30 + order % 20), order), slot);
            assert!(attempts.len() <= 3);
        }
        let over = attempts.keys().next().map(|(time, _)| *time);
        let Some(next) = due.into_iter().chain(over).min() else { break };
        room.set_time(next);
        while let Some(attempt) = attempts.first_entry().filter(|attempt| attempt.key().0 <= next) {
            attempt.remove().finished(Contact::Answered);
        }
    }
    assert_eq!(left.len(), 10_000);
    assert!(left.windows(51).all(|fifty_one| fifty_one[50].0 - fifty_one[0].0 >= seconds(1)), "50 in any second");
    let passed = room.now() - begin;
    assert!(passed >= seconds(199) && passed < seconds(210), "{passed:?}");
    // While all five have some that wait, each leaves once in five times.
    for turn in left[..5_000].chunks(5) {
        let mut namespaces: Vec<_> = turn.iter().map(|(_, namespace)| namespace.clone()).collect();
        namespaces.sort();
        namespaces.dedup();
        assert_eq!(namespaces.len(), 5);
    }
    assert_eq!((room.waiting.len(), room.waiting.oldest(room.now())), (0, None));
}

#[test]
fn ten_thousand_deliveries_of_a_thousand_lines_go_each_at_its_time() {
    let room = Room::new();
    let begin = room.now();
    let at = |number: usize| seconds(u64::try_from(number * 7_919 % 10_000).unwrap());
    for number in 0..10_000_usize {
        let not_before = Some(begin + at(number));
        let entry = entry(&origin(number % 1_000), "shop", "stage", u64::try_from(number).unwrap());
        room.waiting.set_event(&entry.id.uid.clone(), vec![Entry { not_before, ..entry }]);
    }
    for _ in 0..10_000 {
        let released = room.next();
        let number: usize = released.id.event.rsplit('-').next().unwrap().parse().unwrap();
        assert_eq!(room.now() - begin, at(number));
        released.slot.finished(Contact::Answered);
        room.waiting.forget_event(&released.id.uid);
    }
    assert!(room.nothing() && room.is_blank());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_place_is_lost_or_made_among_callers_that_are_aborted_at_random() {
    let (running, under_way) = (Running::new(), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..4_000_u64)
        .map(|order| {
            let (waiting, under_way) = (running.waiting.clone(), Arc::clone(&under_way));
            tokio::spawn(async move {
                let (namespace, context) = (["a", "b", "c"][(order % 3) as usize], format!("stage-{}", order % 100));
                let slot = match waiting.first(entry(&origin(0), namespace, &context, order)) {
                    First::Now(slot) => slot,
                    First::Soon(turn) => match turn.within(Duration::from_millis(order % 50)).await {
                        Ok(slot) => slot,
                        Err(why) => return assert!(matches!(why, Why::Crowded | Why::Behind), "{why:?}"),
                    },
                    First::Waits(why) => panic!("{why:?}"),
                };
                // Counted down before the place is free, also if the task is aborted.
                let counted = Counted::new(under_way);
                yield_now().await;
                drop(counted);
                if order % 5 != 0 {
                    slot.finished(Contact::Answered);
                }
            })
        })
        .collect();
    for task in tasks.iter().step_by(7) {
        task.abort();
    }
    for task in tasks {
        if let Err(error) = task.await {
            assert!(error.is_cancelled(), "{error}");
        }
    }
    assert!(is_blank(&running.waiting));
}

struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(under_way: Arc<AtomicUsize>) -> Self {
        assert!(under_way.fetch_add(1, Ordering::SeqCst) < 16);
        Self(under_way)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
