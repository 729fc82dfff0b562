mod many;
mod room;
mod running;

use cicdcontext_delivery::limit::Contact;
use tokio::task::yield_now;

use super::*;
use room::{HOUR, Room, is_blank};

fn chat() -> Line {
    Line::Endpoint(ObjectKey::new("platform", "chat"))
}

fn origin(number: usize) -> Line {
    Line::Origin { namespace: "shop".into(), origin: format!("https://{number}.example").into() }
}

fn entry(line: &Line, namespace: &str, context: &str, order: u64) -> Entry {
    let event: Arc<str> = format!("{context}-{order}").into();
    let uid = format!("{namespace}/{event}").into();
    let id = DeliveryId { namespace: namespace.into(), event, uid, handler: "tell".into() };
    let (line, context) = (line.clone(), context.into());
    Entry { id, line, context, order: (order, 0), not_before: None, held_before: Duration::ZERO }
}

fn shop(order: u64) -> Entry {
    entry(&chat(), "shop", "stage", order)
}

/// Of a context that has no other one.
fn single(order: u64) -> Entry {
    entry(&chat(), "shop", &format!("stage-{order}"), order)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn one_at_once() -> Limits {
    Limits::default().concurrency(1).unwrap()
}

fn go(first: First) -> Slot {
    match first {
        First::Now(slot) => slot,
        other => panic!("it should go at once: {other:?}"),
    }
}

fn soon(first: First) -> Turn {
    match first {
        First::Soon(turn) => turn,
        other => panic!("it should stand in line: {other:?}"),
    }
}

fn why(first: First) -> Why {
    match first {
        First::Waits(why) => why,
        other => panic!("it should wait: {other:?}"),
    }
}

#[test]
fn namespaces_take_turns_and_a_context_keeps_the_order_of_its_events() {
    let room = Room::new();
    for order in [3, 1, 2] {
        assert!(room.waiting.wait(shop(order)));
    }
    for order in [9, 8] {
        assert!(room.waiting.wait(entry(&chat(), "bank", "live", order)));
    }
    assert!(!room.waiting.wait(shop(3)), "it waits already");
    assert_eq!(room.waiting.len(), 5);
    room.waiting.set_gate(&chat(), Gate::Open(one_at_once()));
    let mut order = Vec::new();
    for _ in 0..5 {
        let released = room.next();
        assert!(!room.waiting.wait(Entry { id: released.id.clone(), ..shop(1) }), "it is under way");
        order.push(format!("{}/{}", released.id.namespace, released.id.event));
        assert!(room.nothing_now(), "one at once");
        released.slot.finished(Contact::Answered);
    }
    assert_eq!(order, ["shop/stage-1", "bank/live-8", "shop/stage-2", "bank/live-9", "shop/stage-3"]);
    assert!(room.waiting.is_empty() && room.waiting.oldest(room.now()).is_none());
}

#[tokio::test]
async fn a_turn_comes_when_a_place_is_free_before_that_of_a_later_event() {
    let room = Room::open(&chat(), one_at_once());
    let first = go(room.waiting.first(shop(1)));
    let third = soon(room.waiting.first(shop(3)));
    let second = soon(room.waiting.first(shop(2)));
    room.waiting.wait(shop(4));
    let third = tokio::spawn(third.within(HOUR));
    room.advance(seconds(5));
    first.finished(Contact::Answered);
    assert!(room.nothing_now());
    let second = second.within(HOUR).await.unwrap();
    assert_eq!(second.held(), seconds(5));
    yield_now().await;
    assert!(!third.is_finished());
    second.finished(Contact::Answered);
    assert!(room.nothing_now(), "the later event is not before one whose caller is there");
    third.await.unwrap().unwrap().finished(Contact::Answered);
    assert_eq!(room.next().id, shop(4).id);
}

#[tokio::test]
async fn a_turn_that_does_not_come_in_time_leaves_nothing_behind() {
    let room = Room::new();
    let line = origin(1);
    let at_line = |order| entry(&line, "shop", &format!("stage-{order}"), order);
    let slots: Vec<_> = (0..16).map(|order| go(room.waiting.first(at_line(order)))).collect();
    let (before, patience) = (Instant::now(), Duration::from_millis(5));
    let turn = soon(room.waiting.first(at_line(16)));
    assert_eq!(why(room.waiting.first(at_line(16))), Why::Crowded, "it stands in line already");
    assert_eq!(turn.within(patience).await.unwrap_err(), Why::Crowded);
    assert!(before.elapsed() >= patience && room.waiting.is_empty());
    drop(soon(room.waiting.first(at_line(17))));
    assert!(room.waiting.is_empty() && !room.waiting.cancel(&at_line(17).id));
    drop(slots);
    assert!(room.nothing() && room.is_blank());
    // What gave up may wait as if it had never been there.
    assert!(room.waiting.wait(at_line(16)));
    assert_eq!(room.next().held, Duration::ZERO);
}

#[test]
fn a_slot_that_nobody_takes_frees_its_place() {
    let room = Room::open(&chat(), one_at_once());
    let first = go(room.waiting.first(shop(1)));
    let turn = soon(room.waiting.first(shop(2)));
    room.waiting.wait(shop(3));
    first.finished(Contact::Answered);
    // The slot is on its way to a caller who goes.
    assert!(room.nothing_now());
    assert_eq!(room.waiting.len(), 1);
    drop(turn);
    let third = room.next();
    assert_eq!(third.id, shop(3).id);
    drop(third);
    go(room.waiting.first(shop(4))).finished(Contact::Answered);
    assert!(room.waiting.wait(shop(3)), "dropped, it is not known any more");
}

#[test]
fn a_closed_gate_lets_nothing_go_and_the_time_is_told_as_held() {
    let room = Room::new();
    assert_eq!(why(room.waiting.first(single(1))), Why::Missing);
    room.waiting.wait(Entry { held_before: seconds(7), ..single(1) });
    assert!(room.nothing());
    room.waiting.set_gate(&chat(), Gate::Suspended(Limits::default()));
    assert_eq!(why(room.waiting.first(single(2))), Why::Suspended);
    room.waiting.wait(Entry { not_before: Some(room.now() + HOUR), ..single(2) });
    assert!(room.nothing());
    room.waiting.set_gate(&chat(), Gate::Open(Limits::default()));
    let (one, two) = (room.next(), room.next());
    assert_eq!((one.held, one.slot.held()), (seconds(7) + 2 * HOUR, seconds(7) + 2 * HOUR));
    assert_eq!((two.id, two.held), (single(2).id, Duration::ZERO), "it was not due before");
}

#[tokio::test]
async fn those_who_await_a_turn_are_sent_away_when_the_gate_closes_or_the_endpoint_goes_out_of_reach() {
    let room = Room::open(&chat(), one_at_once());
    for (close, told) in [
        (Some(Gate::Missing), Why::Missing),
        (Some(Gate::Suspended(one_at_once())), Why::Suspended),
        (None, Why::Unreachable),
    ] {
        let slot = go(room.waiting.first(shop(1)));
        let turn = soon(room.waiting.first(shop(2)));
        if let Some(gate) = close {
            room.waiting.set_gate(&chat(), gate);
            slot.finished(Contact::Answered);
        } else {
            slot.finished(Contact::NotReached);
        }
        // Long before his patience is over.
        assert_eq!(turn.within(HOUR).await.unwrap_err(), told);
        assert!(room.waiting.is_empty());
        room.waiting.set_gate(&chat(), Gate::Open(one_at_once()));
    }
}

#[test]
fn an_endpoint_out_of_reach_is_tried_by_one_at_a_time_until_it_answers_or_is_changed() {
    let room = Room::open(&chat(), Limits::default());
    go(room.waiting.first(single(0))).finished(Contact::NotReached);
    for order in 1..=4 {
        assert_eq!(why(room.waiting.first(single(order))), Why::Unreachable);
        room.waiting.wait(single(order));
    }
    for pause in [1, 2] {
        let before = room.now();
        let released = room.next();
        let passed = room.now() - before;
        assert_eq!(passed, seconds(pause));
        assert!(room.nothing(), "one at a time");
        assert_eq!(why(room.waiting.first(single(9))), Why::Unreachable);
        released.slot.finished(Contact::NotReached);
    }
    // The next pause would be of four seconds.
    let before = room.now();
    room.waiting.forget_backing_off(&chat());
    let (one, two) = (room.next(), room.next());
    assert_eq!((one.held, two.held, room.now() - before), (Duration::ZERO, Duration::ZERO, Duration::ZERO));
}

#[tokio::test]
async fn a_rate_makes_first_attempts_wait() {
    let room = Room::open(&chat(), one_at_once().rate(1, seconds(10)).unwrap());
    go(room.waiting.first(shop(1))).finished(Contact::Answered);
    assert_eq!(why(room.waiting.first(shop(2))), Why::RateLimited);
    room.advance(seconds(10));
    let slot = go(room.waiting.first(shop(2)));
    room.waiting.set_gate(&chat(), Gate::Open(one_at_once()));
    let turn = soon(room.waiting.first(shop(3)));
    room.waiting.set_gate(&chat(), Gate::Open(one_at_once().rate(1, HOUR).unwrap()));
    slot.finished(Contact::Answered);
    assert!(room.nothing_now());
    // The limit that was set meanwhile counts what leaves from then on.
    turn.within(seconds(1)).await.unwrap().finished(Contact::Answered);
    assert_eq!(why(room.waiting.first(shop(4))), Why::RateLimited);
}

#[test]
fn what_waits_of_an_event_is_set_as_often_as_wanted_and_what_is_not_named_is_forgotten() {
    let room = Room::open(&chat(), one_at_once());
    let handler = |name: &str| {
        let mut entry = shop(2);
        entry.id.handler = name.into();
        entry
    };
    let busy = go(room.waiting.first(shop(1)));
    let turn = soon(room.waiting.first(handler("turn")));
    let (uid, all) = (handler("a").id.uid, || vec![handler("a"), handler("b"), handler("c")]);
    for _ in 0..3 {
        room.waiting.set_event(&uid, all());
        assert_eq!(room.waiting.len(), 4);
    }
    room.waiting.set_event(&uid, vec![handler("c")]);
    assert_eq!(room.waiting.len(), 2, "what a caller awaits is his");
    assert!(!room.waiting.cancel(&handler("turn").id) && !room.waiting.cancel(&handler("a").id));
    drop(turn);
    assert!(room.waiting.cancel(&handler("c").id) && !room.waiting.cancel(&handler("c").id));
    room.waiting.set_event(&uid, all());
    busy.finished(Contact::Answered);
    let under_way = room.next();
    room.waiting.set_event(&uid, vec![]);
    assert_eq!(room.waiting.len(), 0);
    assert!(!room.waiting.wait(Entry { id: under_way.id.clone(), ..shop(2) }), "it is under way still");
    room.waiting.forget_event(&uid);
    drop(under_way);
    room.waiting.set_gate(&chat(), Gate::Missing);
    assert!(room.nothing() && room.is_blank());
}

#[test]
fn time_parked_counts_as_held_and_not_for_the_rate() {
    let room = Room::open(&chat(), Limits::default().rate(1, HOUR * 3).unwrap());
    let stage = ObjectKey::new("shop", "stage");
    room.waiting.wait(Entry { held_before: seconds(3), ..shop(1) });
    let released = room.next();
    room.waiting.park(&stage, released);
    assert_eq!(room.waiting.len(), 1);
    assert!(!room.waiting.wait(shop(1)), "it waits still");
    room.waiting.unpark(&ObjectKey::new("shop", "live"));
    assert!(room.nothing());
    room.waiting.wait(entry(&chat(), "bank", "live", 1));
    let other = room.next();
    assert_eq!(other.id.namespace.as_ref(), "bank");
    room.waiting.park(&ObjectKey::new("bank", "live"), other);
    room.waiting.unpark(&stage);
    assert_eq!(room.waiting.oldest(room.now()), Some(HOUR));
    let released = room.next();
    assert_eq!((released.held, released.id.clone()), (seconds(3) + HOUR, shop(1).id));
    // Parked, it can be cancelled or lose its event, also before it is.
    room.waiting.park(&stage, released);
    assert!(room.waiting.cancel(&shop(1).id));
    room.waiting.forget_event(&entry(&chat(), "bank", "live", 1).id.uid);
    room.waiting.wait(shop(2));
    let released = room.next();
    room.waiting.forget_event(&shop(2).id.uid);
    room.waiting.park(&stage, released);
    room.waiting.unpark(&stage);
    room.waiting.set_gate(&chat(), Gate::Missing);
    assert!(room.nothing() && room.is_blank());
}

#[test]
fn a_delivery_that_is_retried_grows_old() {
    let room = Room::open(&chat(), Limits::default());
    room.waiting.wait(shop(1));
    for round in 1..=3_u32 {
        let released = room.next();
        assert_eq!(room.waiting.oldest(room.now()), None, "under way, it does not wait");
        released.slot.finished(Contact::Answered);
        assert!(room.waiting.wait(Entry { not_before: Some(room.now() + HOUR / 2), ..shop(1) }));
        let age = HOUR / 2 * (round - 1);
        assert!(room.waiting.oldest(room.now()).is_some_and(|oldest| oldest >= age && oldest < age + seconds(1)));
    }
    room.waiting.set_event(&shop(1).id.uid, vec![]);
    room.waiting.wait(shop(1));
    assert_eq!(room.waiting.oldest(room.now()), Some(Duration::ZERO), "its event said that it does not wait any more");
}

#[test]
fn lines_in_which_nothing_happens_are_forgotten_and_of_those_out_of_reach_only_so_many_are_kept() {
    let room = Room::new();
    let first = |number| room.waiting.first(entry(&origin(number), "shop", "stage", 1));
    for number in 0..3_000 {
        go(first(number)).finished(Contact::Answered);
        assert_eq!(room.waiting.lock().lines.len(), 0);
    }
    for number in 0..lines::MOST_IDLE + 10 {
        go(first(number)).finished(Contact::NotReached);
    }
    assert_eq!(room.waiting.lock().lines.len(), lines::MOST_IDLE);
    assert_eq!(why(first(10)), Why::Unreachable);
    drop(go(first(9)));
    // One of an endpoint stays for as long as there is the endpoint.
    room.waiting.set_gate(&chat(), Gate::Suspended(Limits::default()));
    assert_eq!(room.waiting.lock().lines.len(), lines::MOST_IDLE + 1);
    room.waiting.set_gate(&chat(), Gate::Missing);
    assert_eq!(room.waiting.lock().lines.len(), lines::MOST_IDLE);
}
