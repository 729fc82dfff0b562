use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_700_000_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW + seconds)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn tried(times: u32) -> History {
    (0..times).fold(History::start(at(0)), |history, _| history.attempted())
}

fn waits(next: Next, now: SystemTime) -> Duration {
    match next {
        Next::At(time) => time.duration_since(now).unwrap(),
        Next::GiveUp(reason) => panic!("{reason}"),
    }
}

#[test]
fn the_ceiling_doubles_up_to_the_longest_wait() {
    let schedule = Schedule::default();
    let ceilings: Vec<_> = (1..=12).map(|made| schedule.ceiling(made).as_secs()).collect();
    assert_eq!(ceilings, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
    assert_eq!(schedule.ceiling(u32::MAX), seconds(3600));
}

#[test]
fn the_dice_choose_any_part_of_the_ceiling() {
    let schedule = Schedule::default();
    for (random, wait) in [(0, 0), (u64::MAX / 4, 10_000), (u64::MAX / 2, 20_000), (u64::MAX, 40_000)] {
        let next = schedule.next(&tried(4), None, at(60), random);
        assert_eq!(waits(next, at(60)), Duration::from_millis(wait), "{random}");
    }
}

#[test]
fn retry_after_is_a_least_wait_up_to_the_longest_one() {
    let schedule = Schedule::default();
    for (asked, random, wait) in
        [(0, u64::MAX, 5), (3, 0, 3), (3, u64::MAX, 5), (120, u64::MAX, 120), (86_400, 0, 3600)]
    {
        let next = schedule.next(&tried(1), Some(seconds(asked)), at(0), random);
        assert_eq!(waits(next, at(0)), seconds(wait), "{asked}");
    }
}

#[test]
fn a_delivery_is_given_up_with_a_reason_that_names_the_numbers() {
    let schedule = Schedule::default().max_attempts(3).unwrap().max_elapsed(seconds(600)).unwrap();
    for (history, asked, now, reason, text) in [
        (tried(3), None, 10, "AttemptsExhausted", "given up after attempt 3 of 3"),
        (tried(1), None, 600, "TimeExhausted", "given up after 600 s and 1 attempt (600 s are allowed)"),
        (tried(2), Some(1), 900, "TimeExhausted", "given up after 900 s and 2 attempts (600 s are allowed)"),
        (
            tried(2),
            Some(120),
            500,
            "TimeExhausted",
            "given up after 2 attempts: the receiver asks to wait 120 s, and 100 s of 600 s are left",
        ),
    ] {
        let Next::GiveUp(given_up) = schedule.next(&history, asked.map(seconds), at(now), u64::MAX) else {
            panic!("{text}");
        };
        assert_eq!((given_up.reason(), given_up.to_string().as_str()), (reason, text));
    }
}

#[test]
fn the_last_attempt_is_brought_forward_to_the_end_of_the_time() {
    let schedule = Schedule::default().max_elapsed(seconds(60)).unwrap();
    assert_eq!(schedule.next(&tried(6), None, at(50), u64::MAX), Next::At(at(60)));
    assert_eq!(schedule.deadline(&tried(6)), at(60));
}

#[test]
fn time_that_was_held_up_does_not_count() {
    let schedule = Schedule::default().max_elapsed(seconds(60)).unwrap();
    let held = tried(1).held(seconds(3600)).held(seconds(40));
    assert_eq!((held.elapsed(at(3650)), schedule.deadline(&held)), (seconds(10), at(3700)));
    assert_eq!(schedule.next(&held, None, at(3650), 0), Next::At(at(3650)));
    assert!(matches!(schedule.next(&held, None, at(3700), 0), Next::GiveUp(GiveUp::Elapsed { .. })));
}

#[test]
fn a_clock_that_went_back_gives_no_time_and_takes_none() {
    let history = History::start(at(100)).attempted();
    assert_eq!(history.elapsed(at(0)), Duration::ZERO);
    assert_eq!(Schedule::default().next(&history, None, at(0), u64::MAX), Next::At(at(5)));
}

#[test]
fn numbers_out_of_range_are_refused_with_the_range() {
    let schedule = Schedule::default;
    for (result, text) in [
        (schedule().max_attempts(0), "set maxAttempts to 0: write 1 to 50"),
        (schedule().max_attempts(51), "set maxAttempts to 51: write 1 to 50"),
        (schedule().max_elapsed(Duration::ZERO), "set maxElapsedSeconds to 0: write 1 to 604800"),
        (schedule().initial_delay(seconds(3601)), "set initialDelaySeconds to 3601: write 1 to 3600"),
        (schedule().max_delay(Duration::from_millis(500)), "set maxDelaySeconds to 0.5: write 1 to 86400"),
    ] {
        assert_eq!(result.unwrap_err().to_string(), text);
    }
}

#[test]
fn a_history_of_an_earlier_or_spoiled_status_is_read() {
    let read = |text| serde_json::from_str::<History>(text).unwrap();
    assert_eq!(read(r#"{"attempts":2,"startMs":1700000000000}"#), tried(2));
    let spoiled = read(&format!(r#"{{"attempts":{},"startMs":{},"heldMs":{}}}"#, u32::MAX, u64::MAX, u64::MAX));
    assert_eq!(spoiled.attempted().held(Duration::MAX).elapsed(at(0)), Duration::ZERO);
    let _ = Schedule::default().deadline(&spoiled);
}

prop_compose! {
    fn schedules()(attempts in 1..=MAX_ATTEMPTS, elapsed in 1..=604_800_u64, initial in 1..=3600_u64, longest in 1..=86_400_u64)
        -> Schedule {
        let schedule = Schedule::default().max_attempts(attempts).unwrap().max_elapsed(seconds(elapsed)).unwrap();
        schedule.initial_delay(seconds(initial)).unwrap().max_delay(seconds(longest)).unwrap()
    }
}

proptest! {
    #[test]
    fn the_ceiling_never_falls_and_never_passes_the_longest_wait(schedule in schedules(), made in 1..200_u32) {
        prop_assert!(schedule.ceiling(made) <= schedule.ceiling(made + 1));
        prop_assert!(schedule.ceiling(made) <= schedule.max_delay);
        prop_assert!(schedule.ceiling(1) == schedule.initial_delay.min(schedule.max_delay));
    }

    #[test]
    fn no_wait_leaves_its_bounds_and_no_attempt_its_time(
        schedule in schedules(), made in 1..60_u32, asked in proptest::option::of(0..200_000_u64), since in 0..700_000_u64,
        held in 0..700_000_u64, random: u64,
    ) {
        let history = tried(made).held(seconds(held));
        match schedule.next(&history, asked.map(seconds), at(since), random) {
            Next::At(time) => {
                let wait = time.duration_since(at(since)).unwrap();
                let least = asked.map_or(Duration::ZERO, seconds).min(schedule.max_delay);
                prop_assert!(made < schedule.max_attempts && wait >= least);
                prop_assert!(wait <= schedule.ceiling(made).max(least));
                prop_assert!(history.elapsed(time) <= schedule.max_elapsed);
                // Held up for longer than it is old, it has not begun to count.
                prop_assert!(time <= schedule.deadline(&history) );
            }
            Next::GiveUp(GiveUp::Attempts { .. }) => prop_assert!(made >= schedule.max_attempts),
            Next::GiveUp(GiveUp::Elapsed { .. }) => prop_assert!(history.elapsed(at(since)) >= schedule.max_elapsed),
            Next::GiveUp(reason) => {
                let least = asked.map_or(Duration::ZERO, seconds).min(schedule.max_delay);
                prop_assert!(history.elapsed(at(since)) + least > schedule.max_elapsed, "{}", reason);
            }
        }
    }

    #[test]
    fn a_delivery_that_always_fails_ends(schedule in schedules(), dice in proptest::collection::vec(any::<u64>(), 60)) {
        let (mut history, mut now) = (History::start(at(0)), at(0));
        for random in dice {
            history = history.attempted();
            match schedule.next(&history, None, now, random) {
                Next::At(time) => now = time,
                Next::GiveUp(_) => break,
            }
        }
        prop_assert!(history.attempts() <= schedule.max_attempts);
        prop_assert!(now <= at(0) + schedule.max_elapsed);
    }

    #[test]
    fn a_history_survives_its_serialised_form(attempts in 0..1000_u32, held in 0..u64::MAX / 4) {
        let history = tried(attempts).held(Duration::from_millis(held));
        prop_assert_eq!(serde_json::from_str::<History>(&serde_json::to_string(&history).unwrap()).unwrap(), history);
    }
}
