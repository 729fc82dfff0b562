//! Runs that wait, claim and are resumed from what was written down, by processes that are killed at any instant.

use std::collections::VecDeque;

use cicdcontext_crds::{AttemptHistory, CicdEventStatus, Claim, Time};

use super::*;

const HANDLERS: &str = r#"
pipelines:
  build:
    eventHandlers:
      success:
        - name: note
          setValues: [{path: state.log, op: Append, value: built}]
        - name: tell
          notify:
            endpoint: {name: chat}
            message: "built {{state.app}} {{uuid}}"
            capture: [{path: state.told, op: Append, fromPath: $.body.ts}]
        - name: start
          webhook: {endpoint: {name: ci}, path: /start, body: '{"id": "{{uuid}}"}'}
"#;

const SPEC: &str = "pipeline: build, event: success, set: [{path: state.marks, op: Append, value: set}]";

/// Every claim is over so many seconds after it was made.
const CLAIMED_FOR: i64 = 6;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Taken,
    /// It arrives, and is refused for now.
    Busy,
    /// Not one byte of it leaves.
    Unreached,
}

/// Killed before it does anything more.
struct Killed;

/// What outlives the processes, and what they do to it.
struct Play {
    world: World,
    program: Arc<Program>,
    status: CicdEventStatus,
    at_most_once: bool,
    fates: VecDeque<Fate>,
    /// Path and webhook-id of what arrived, and whether it was taken.
    arrived: Vec<(String, String, String, bool)>,
    second: i64,
    holder: usize,
}

/// How many effects a process lives for, and whether it hears of the last one.
struct Life {
    effects: usize,
    forgets: bool,
}

impl Life {
    /// Has an effect, unless the process is dead by then; what it brings about is there even if nobody hears of it.
    fn effect<T>(&mut self, effect: impl FnOnce() -> T) -> Result<T, Killed> {
        if self.effects == 0 {
            return Err(Killed);
        }
        self.effects -= 1;
        let result = effect();
        if self.effects == 0 && self.forgets { Err(Killed) } else { Ok(result) }
    }
}

impl Play {
    fn new(at_most_once: bool, fates: Vec<Fate>) -> Self {
        Self {
            world: World::new(),
            program: compiled(HANDLERS),
            status: CicdEventStatus::default(),
            at_most_once,
            fates: fates.into(),
            arrived: Vec::new(),
            second: 0,
            holder: 0,
        }
    }

    fn now(&self) -> Time {
        Time(jiff::Timestamp::from_second(self.second).unwrap())
    }

    fn record(&mut self, life: &mut Life, outcome: &Outcome) -> Result<(), Killed> {
        let now = self.now();
        life.effect(|| outcome.apply(&mut self.status, None, &now))
    }

    /// One process: it goes on until the event has ended, or it is killed.
    fn live(&mut self, mut life: Life) -> Result<Outcome, Killed> {
        self.holder += 1;
        loop {
            let context = ContextFacts { name: "shop".into(), namespace: "ns".into(), uid: "context-uid".into() };
            let program = Arc::clone(&self.program);
            let mut run = Run::resume(event(SPEC), context, program, self.world.ledger(), &self.status);
            run.expire_claims(&self.now());
            let waiting = self.status.handlers.iter().find(|one| one.phase == HandlerPhase::Waiting);
            if let Some(name) = waiting.map(|one| one.name.clone()) {
                run.attempt(&name);
            }
            if let Some(outcome) = self.perform(&mut run, &mut life)? {
                return Ok(outcome);
            }
            // Whatever waits is due.
            self.second += 10;
        }
    }

    /// None if something waits.
    fn perform(&mut self, run: &mut Run, life: &mut Life) -> Result<Option<Outcome>, Killed> {
        let mut claimed = false;
        loop {
            let step = run.next(View { state: &self.world.state, endpoints: &self.world.receivers });
            let sending = run.handlers().iter().any(|one| one.phase == HandlerPhase::Sending && one.claim.is_none());
            if claimed && !sending && matches!(step, Step::Send(_) | Step::Write(_) | Step::Again) {
                claimed = false;
                self.record(life, &run.standing(false))?;
            }
            match step {
                Step::Again => {}
                Step::Done(outcome) => {
                    self.record(life, &outcome)?;
                    return Ok(Some(outcome));
                }
                Step::Wait(outcome) => {
                    self.record(life, &outcome)?;
                    return Ok(None);
                }
                Step::Undelivered(failure) => run.wait(Wait {
                    reason: failure.reason,
                    message: failure.message,
                    until: Some(self.now()),
                    history: run.history().unwrap_or_default(),
                }),
                Step::Write(write) => {
                    let world = &mut self.world;
                    let written = life.effect(|| {
                        assert!(!world.ledger.contains(&write.effect), "an effect is never asked for twice");
                        let outcome = apply(Some(&world.state), &write.changes, &Limits::default()).unwrap();
                        world.state = outcome.state;
                        world.ledger.push(write.effect);
                        outcome.paths
                    })?;
                    run.written(Ok(written));
                }
                Step::Send(request) => {
                    if self.at_most_once {
                        let deadline = jiff::Timestamp::from_second(self.second + CLAIMED_FOR).unwrap();
                        let claim = Claim { holder: self.holder.to_string(), attempt: 1, deadline: Time(deadline) };
                        assert!(run.claim(claim, AttemptHistory::default()));
                        self.record(life, &run.standing(false))?;
                        claimed = true;
                    }
                    let delivered = self.send(life, &request)?;
                    run.answered(delivered);
                }
            }
        }
    }

    fn send(&mut self, life: &mut Life, request: &Request) -> Result<Delivered, Killed> {
        let (fates, arrived, at_most_once) = (&mut self.fates, &mut self.arrived, self.at_most_once);
        life.effect(|| {
            let fate = fates.pop_front().unwrap_or(Fate::Taken);
            let failed = |prospect| Some(Failure::new(prospect, "reason", "message"));
            let path = request.path.clone().unwrap_or_default();
            if fate != Fate::Unreached {
                let body = request.body.clone().unwrap_or_default();
                arrived.push((path, request.webhook_id.clone(), body, fate == Fate::Taken));
            }
            match fate {
                Fate::Taken => Delivered { status: Some(200), body: r#"{"ts": "1"}"#.into(), ..Delivered::default() },
                Fate::Busy if at_most_once => Delivered { failure: failed(Prospect::Final), ..Delivered::default() },
                Fate::Busy | Fate::Unreached => Delivered { failure: failed(Prospect::Retry), ..Delivered::default() },
            }
        })
    }

    fn arrivals(&self, path: &str) -> Vec<&(String, String, String, bool)> {
        self.arrived.iter().filter(|one| one.0 == path).collect()
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![Just(Fate::Taken), Just(Fate::Busy), Just(Fate::Unreached)]
}

proptest! {
    /// Whatever becomes of the requests, and whenever the processes are killed that one after the other go on with the
    /// event: every append is made once; AtLeastOnce: each request is taken, and all arrivals of it are one and the same;
    /// AtMostOnce: none arrives twice, and what the status says of it is true.
    #[test]
    fn killed_while_it_waits_or_claims_a_run_loses_and_doubles_nothing(
        at_most_once in any::<bool>(),
        fates in prop::collection::vec(fate(), 0..6),
        lives in prop::collection::vec((0_usize..9, any::<bool>(), 0_i64..12), 0..6),
    ) {
        let mut play = Play::new(at_most_once, fates);
        let mut ended = None;
        for (effects, forgets, later) in lives {
            ended = play.live(Life { effects, forgets }).ok();
            if ended.is_some() {
                break;
            }
            play.second += later;
        }
        let ended = ended.or_else(|| play.live(Life { effects: usize::MAX, forgets: false }).ok()).unwrap();

        prop_assert_eq!(&play.world.state["log"], &json!(["built"]));
        prop_assert_eq!(&play.world.state["marks"], &json!(["set"]));
        let told = play.world.state.get("told").and_then(Value::as_array).map_or(0, Vec::len);
        for (handler, path) in [("tell", ""), ("start", "/start")] {
            let arrivals = play.arrivals(path);
            let taken = arrivals.iter().filter(|one| one.3).count();
            let status = ended.handlers.iter().find(|one| one.name == handler).unwrap();
            for one in &arrivals {
                prop_assert_eq!((&one.1, &one.2), (&arrivals[0].1, &arrivals[0].2), "the same each time");
            }
            if !at_most_once {
                prop_assert!(taken > 0 && status.phase == HandlerPhase::Succeeded, "{:?}", status);
                prop_assert_eq!(told, 1);
                continue;
            }
            prop_assert!(arrivals.len() <= 1, "{:?}", arrivals);
            match status.phase {
                HandlerPhase::Succeeded => prop_assert_eq!(taken, 1),
                HandlerPhase::Failed => prop_assert_eq!((arrivals.len(), taken), (1, 0)),
                phase => prop_assert_eq!(phase, HandlerPhase::Unknown),
            }
            if handler == "tell" {
                prop_assert_eq!(told, usize::from(status.phase == HandlerPhase::Succeeded), "{:?}", status);
            }
        }
    }
}
