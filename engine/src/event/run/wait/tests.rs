use serde_json::json;

use cicdcontext_crds::EventPhase;

use super::super::{
    Delivered, Step, View,
    tests::{World, compiled, event},
    *,
};
use super::*;

const SPEC: &str = "pipeline: build, event: success";

fn failure() -> Delivered {
    let failure = Failure::new(Prospect::Retry, "ServerError", "chat answered with status 503");
    Delivered { failure: Some(failure), status: Some(503), ..Delivered::default() }
}

fn wait(attempts: i32) -> Wait {
    let history = AttemptHistory { attempts, start_ms: 7, held_ms: None };
    Wait { reason: "ServerError".into(), message: "503".into(), until: Some(time(60)), history }
}

fn time(second: i64) -> Time {
    Time(jiff::Timestamp::from_second(second).unwrap())
}

fn next(world: &World, run: &mut Run) -> Step {
    loop {
        match run.next(View { state: &world.state, endpoints: &world.receivers }) {
            Step::Again => {}
            step => return step,
        }
    }
}

fn status_of(outcome: &Outcome) -> CicdEventStatus {
    let mut status = CicdEventStatus::default();
    outcome.apply(&mut status, None, &time(1));
    status
}

fn resumed(world: &World, status: &CicdEventStatus, configuration: Arc<Program>) -> Run {
    let context = ContextFacts { name: "shop".into(), namespace: "ns".into(), uid: "context-uid".into() };
    Run::resume(event(SPEC), context, configuration, world.ledger(), status)
}

/// The first handler's request fails and waits; the others run. Gives what is written down.
fn waiting(world: &mut World) -> CicdEventStatus {
    let mut run = world.run(SPEC);
    let Step::Send(_) = next(world, &mut run) else { panic!("no request") };
    run.answered(failure());
    let Step::Undelivered(told) = next(world, &mut run) else { panic!("not asked") };
    assert_eq!((told.reason.as_str(), run.current()), ("ServerError", "tell"));
    run.wait(wait(1));
    let Step::Send(second) = next(world, &mut run) else { panic!("later handlers run") };
    assert_eq!(second.path.as_deref(), Some("/start"));
    run.answered(Delivered { status: Some(200), ..Delivered::default() });
    let Step::Wait(outcome) = next(world, &mut run) else { panic!("nothing waits") };
    assert_eq!((outcome.phase, outcome.message.as_str()), (EventPhase::Retrying, "1 of 4 handlers wait: tell: 503"));
    status_of(&outcome)
}

#[test]
fn a_delivery_that_waits_is_written_down_and_sent_byte_for_byte_by_whoever_goes_on() {
    let mut world = World::new();
    let status = waiting(&mut world);
    let tell = &status.handlers[0];
    assert_eq!((tell.phase, tell.attempts, tell.http_status), (HandlerPhase::Waiting, Some(1), Some(503)));
    assert_eq!(tell.next_attempt_time, Some(time(60)));
    assert_eq!(status.handlers[3].phase, HandlerPhase::Succeeded);
    // What would be rendered by now does not matter.
    world.state.insert("app".into(), json!("other"));

    let mut run = resumed(&world, &status, World::program());
    assert!(matches!(next(&world, &mut run), Step::Wait(_)));
    assert!(!run.attempt("start"), "it has ended");
    assert!(run.attempt("tell"));
    assert_eq!(run.history().unwrap().attempts, 1);
    let Step::Send(request) = next(&world, &mut run) else { panic!("no request") };
    assert_eq!(request.body.as_deref(), Some(r##"{"channel": "#ci", "text": "built shop:1.4"}"##));
    run.answered(Delivered { status: Some(200), body: r#"{"ts": "9"}"#.into(), ..Delivered::default() });
    let outcome = world.drive(&mut run, usize::MAX, false).unwrap();
    assert_eq!((outcome.phase, outcome.requests.len()), (EventPhase::Succeeded, 0));
    assert_eq!(outcome.handlers[0].attempts, Some(2));
    assert_eq!(world.state["chat"]["ts"], "9", "captured late");
}

#[test]
fn a_capture_that_was_written_before_the_crash_ends_the_delivery() {
    let mut world = World::new();
    let status = waiting(&mut world);
    let mut run = resumed(&world, &status, World::program());
    run.attempt("tell");
    let Step::Send(_) = next(&world, &mut run) else { panic!("no request") };
    run.answered(Delivered { status: Some(200), body: r#"{"ts": "9"}"#.into(), ..Delivered::default() });
    assert!(world.drive(&mut run, 1, true).is_none(), "the write is made and not heard of");
    let mut run = resumed(&world, &status, World::program());
    assert!(!run.attempt("tell"));
    let Step::Done(outcome) = next(&world, &mut run) else { panic!("not done") };
    assert_eq!(outcome.handlers[0].reason.as_deref(), Some("RecordedBefore"));
}

#[test]
fn what_is_given_up_is_kept_for_a_redelivery_and_what_succeeds_is_not() {
    let mut world = World::new();
    let status = waiting(&mut world);
    let mut run = resumed(&world, &status, World::program());
    run.attempt("tell");
    run.answered(failure());
    assert!(matches!(next(&world, &mut run), Step::Undelivered(_)));
    run.give_up("AttemptsExhausted", "503; given up after attempt 2 of 2");
    let Step::Done(outcome) = next(&world, &mut run) else { panic!("not done") };
    assert_eq!((outcome.phase, outcome.reason.as_str()), (EventPhase::Failed, "HandlerFailed"));
    assert_eq!(outcome.handlers[0].reason.as_deref(), Some("AttemptsExhausted"));
    assert_eq!(outcome.requests, status.requests, "the same bytes");
}

#[test]
fn handlers_behind_one_that_stops_the_event_wait_for_how_it_ends() {
    let world = World::new();
    let program = compiled(
        "pipelines: {build: {eventHandlers: {success: [
            {name: first, onFailure: Stop, notify: {endpoint: {name: chat}, message: x}},
            {name: second, setValues: [{path: state.second, value: true}]}]}}}",
    );
    for (delivered, phase) in [(Delivered::default(), HandlerPhase::Succeeded), (failure(), HandlerPhase::Failed)] {
        let context = ContextFacts::default();
        let mut run = Run::new(event(SPEC), context, Arc::clone(&program), []);
        next(&world, &mut run);
        run.answered(failure());
        next(&world, &mut run);
        run.wait(wait(1));
        let Step::Wait(outcome) = next(&world, &mut run) else { panic!("the second one has to wait") };
        assert_eq!(outcome.handlers[1].phase, HandlerPhase::Pending);
        let mut run = resumed(&world, &status_of(&outcome), Arc::clone(&program));
        run.attempt("first");
        run.answered(delivered);
        if let Step::Undelivered(failure) = next(&world, &mut run) {
            run.give_up(&failure.reason, &failure.message);
        }
        let step = next(&world, &mut run);
        assert_eq!(run.handlers()[0].phase, phase);
        match (phase, step) {
            (HandlerPhase::Succeeded, Step::Write(write)) => assert_eq!(write.changes.len(), 1),
            (_, Step::Done(outcome)) => assert_eq!(outcome.handlers[1].reason.as_deref(), Some("Stopped")),
            (_, step) => panic!("{step:?}"),
        }
    }
}

#[test]
fn what_had_not_begun_comes_from_the_configuration_in_force_and_what_it_does_not_have_is_removed() {
    let mut world = World::new();
    let mut status = waiting(&mut world);
    status.handlers[1].phase = HandlerPhase::Pending;
    status.handlers[2].phase = HandlerPhase::Pending;
    let edited = compiled(
        "pipelines: {build: {eventHandlers: {success: [
            {name: log, setValues: [{path: state.edited, value: true}]},
            {name: new, setValues: [{path: state.new, value: true}]}]}}}",
    );
    let mut run = resumed(&world, &status, Arc::clone(&edited));
    let Step::Write(write) = next(&world, &mut run) else { panic!("no write") };
    assert_eq!(write.changes[0].path.to_string(), "state.edited");
    run.written(Ok(vec!["state.edited".into()]));
    let Step::Wait(outcome) = next(&world, &mut run) else { panic!("tell waits") };
    let phases: Vec<_> = outcome.handlers.iter().map(|one| (one.name.as_str(), one.phase)).collect();
    let expected = [HandlerPhase::Waiting, HandlerPhase::Succeeded, HandlerPhase::Skipped, HandlerPhase::Succeeded];
    assert_eq!(phases, ["tell", "log", "never", "start"].into_iter().zip(expected).collect::<Vec<_>>());
    assert_eq!(outcome.handlers[2].reason.as_deref(), Some("Removed"));
    // Its request is sent although the configuration has forgotten it; nothing is captured any more.
    assert!(run.attempt("tell"));
    run.answered(Delivered { status: Some(200), body: r#"{"ts": "9"}"#.into(), ..Delivered::default() });
    assert!(matches!(next(&world, &mut run), Step::Done(_)));
}

#[test]
fn a_claim_of_another_process_is_unknown_after_its_deadline_and_never_sent() {
    let mut world = World::new();
    let mut run = world.run(SPEC);
    next(&world, &mut run);
    let claim = Claim { holder: "a".into(), attempt: 1, deadline: time(20) };
    assert!(run.claim(claim, AttemptHistory { attempts: 0, start_ms: 1, held_ms: None }));
    let status = status_of(&run.standing(false));
    assert_eq!((status.phase, status.handlers[0].phase), (EventPhase::Running, HandlerPhase::Sending));
    assert_eq!(status.requests.len(), 1);

    let mut run = resumed(&world, &status, World::program());
    run.expire_claims(&time(19));
    assert!(!run.attempt("tell"));
    let outcome = loop {
        match next(&world, &mut run) {
            Step::Send(request) => {
                assert_eq!(request.path.as_deref(), Some("/start"), "others run");
                run.answered(Delivered::default());
            }
            Step::Wait(outcome) => break outcome,
            step => panic!("{step:?}"),
        }
    };
    let mut run = resumed(&world, &status_of(&outcome), World::program());
    run.drop_claims(|handler, claim| (handler, claim.holder.as_str()) != ("tell", "a"));
    assert!(!run.attempt("tell"), "nobody says that nothing was sent under it");
    run.expire_claims(&time(20));
    let Step::Done(outcome) = next(&world, &mut run) else { panic!("not done") };
    assert_eq!((outcome.phase, outcome.reason.as_str()), (EventPhase::Failed, "OutcomeUnknown"));
    assert_eq!(outcome.handlers[0].phase, HandlerPhase::Unknown);
    assert_eq!(outcome.requests.len(), 1, "it can be sent again if somebody asks for it");
    world.requests.clear();
}

#[test]
fn with_its_endpoint_missing_a_handler_waits_unrendered_and_is_rendered_when_it_is_there() {
    let mut world = World::new();
    let chat = world.receivers.0.remove("chat").unwrap();
    let mut run = world.run(SPEC);
    let Step::Undelivered(failure) = next(&world, &mut run) else { panic!("not asked") };
    assert_eq!(failure.reason, "EndpointNotFound");
    run.wait(Wait { reason: failure.reason, message: failure.message, ..Wait::default() });
    next(&world, &mut run);
    run.answered(Delivered::default());
    let Step::Wait(outcome) = next(&world, &mut run) else { panic!("nothing waits") };
    assert!(outcome.requests.is_empty());
    world.receivers.0.insert("chat".into(), chat);
    world.state.insert("version".into(), json!("2.0"));
    let mut run = resumed(&world, &status_of(&outcome), World::program());
    assert!(run.attempt("tell"));
    let Step::Send(request) = next(&world, &mut run) else { panic!("no request") };
    assert_eq!(request.body.as_deref(), Some(r##"{"channel": "#ci", "text": "built shop:2.0"}"##));
}

#[test]
fn a_request_that_there_is_no_room_for_fails_its_handler_when_it_has_to_wait() {
    let mut world = World::new();
    let mut state: u64 = 1;
    let noise: String = (0..900_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b' ' + u8::try_from((state >> 33) % 95).unwrap())
        })
        .collect();
    let mut run = world.run(SPEC);
    next(&world, &mut run);
    run.request.as_mut().unwrap().body = Some(noise);
    run.answered(failure());
    next(&world, &mut run);
    run.wait(wait(1));
    let tell = &run.handlers()[0];
    assert_eq!((tell.phase, tell.reason.as_deref()), (HandlerPhase::Failed, Some("RequestTooLargeToKeep")));
    let message = tell.message.as_deref().unwrap();
    assert!(message.starts_with("503; keep the request to send it later: it takes "), "{message}");
    assert!(message.ends_with("those of an event may have 786432 in all, of which 0 are used"), "{message}");
    world.requests.clear();
}

#[test]
fn an_event_in_which_a_handler_has_its_turn_again_runs_again() {
    let world = World::new();
    let program = compiled(
        "pipelines: {build: {eventHandlers: {success: [
            {name: first, onFailure: Stop, notify: {endpoint: {name: chat}, message: x}},
            {name: second, notify: {endpoint: {name: chat}, message: y}}]}}}",
    );
    let mut run = Run::new(event(SPEC), ContextFacts::default(), Arc::clone(&program), []);
    next(&world, &mut run);
    run.answered(failure());
    next(&world, &mut run);
    run.wait(wait(1));
    assert_eq!(run.standing(true).phase, EventPhase::Retrying);
    run.attempt("first");
    run.answered(Delivered::default());
    let Step::Send(_) = next(&world, &mut run) else { panic!("the second one has its turn") };
    let standing = run.standing(true);
    assert_eq!(standing.phase, EventPhase::Running, "nothing waits, and whoever finds this goes on: {standing:?}");
}
