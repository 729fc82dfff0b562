//! Dead endpoint: one of ten never answers. Whatever goes to the nine others, also in contexts that have an event for
//! the dead one before, is finished in its order before anything that goes to the dead one; and that is delivered, too,
//! when the dead one answers again.

use std::time::Duration;

use cicdcontext_crds::CicdEvent;
use cicdcontext_tests::{operator::Operator, receiver::Answer};
use serde_json::json;

use crate::{
    error::ChaosError,
    follow::Finished,
    ground::{Ground, note, tell},
    stage::Stage,
    table::Row,
    verdict::judge,
    workload::{self, Deed, How, contexts},
};

/// Each has an endpoint of its own; that of the first one is dead.
const ENDPOINTS: usize = 10;
const DEAD_PATH: &str = "/0";
/// How many seconds the dead one is waited for.
const TIMEOUT_SECONDS: i32 = 2;

pub(super) async fn play(stage: &Stage, name: &str, short: bool) -> Result<Row, ChaosError> {
    let (each, patience) = if short { (3, Duration::from_secs(30)) } else { (20, Duration::from_mins(2)) };
    let ground = Ground::new(stage, name).await?;
    ground.receiver.answer(DEAD_PATH, Answer::hang());
    let contexts = contexts(ENDPOINTS);
    for (number, context) in contexts.iter().enumerate() {
        // As often as is allowed and soon: it comes back within the time of the test.
        let retry = json!({"maxAttempts": 50, "initialDelaySeconds": 1, "maxDelaySeconds": 2});
        let more = json!({"timeoutSeconds": TIMEOUT_SECONDS, "retry": retry});
        ground.endpoint(&endpoint(number), &format!("/{number}"), more).await?;
        // Its own endpoint, and the dead one.
        let handlers = json!({"success": [note(), tell(&endpoint(number))], "failure": [note(), tell(&endpoint(0))]});
        ground.context(context, &handlers).await?;
    }
    let finished = Finished::follow(ground.api());
    let operator = Operator::start(&stage.launch(name)?).await?;

    // One for the dead endpoint in each context, and then those for the living ones.
    let dead: Vec<Deed> = contexts.iter().map(|context| deed(context, "dead")).collect();
    let living: Vec<Deed> = (0..each)
        .flat_map(|number| contexts.iter().skip(1).map(move |context| deed(context, &format!("{number:03}"))))
        .collect();
    for (deeds, event) in [(&dead, "failure"), (&living, "success")] {
        for Deed { context, id, .. } in deeds {
            let spec = json!({"contextRef": {"name": context}, "pipeline": "build", "event": event});
            let created = workload::create::<CicdEvent>(&ground.pipeline(), name, id, &spec).await;
            created.map_err(ChaosError::kubernetes(format!("create CicdEvent/{id}")))?;
        }
    }
    let is_there = |names: &Vec<String>, deed: &Deed| names.contains(&deed.id);
    finished.until(patience, |names| living.iter().all(|deed| is_there(names, deed))).await;
    let held_up = held_up(&finished.names(), &dead, &living);
    println!("{} of {} events are finished while the dead endpoint hangs", finished.count(), dead.len() + living.len());
    // From now on it answers; what hangs is answered, too.
    ground.receiver.release();
    let all: Vec<Deed> = dead.into_iter().chain(living).collect();
    finished.until(patience, |names| names.len() >= all.len()).await;
    let verdict = judge(&ground, &all, patience).await?;
    operator.kill().await?;
    Ok(Row {
        played: format!("{} events of {ENDPOINTS} contexts to {ENDPOINTS} endpoints", all.len()),
        injected: format!("1 endpoint hangs until all others are done ({TIMEOUT_SECONDS} s for an attempt)"),
        expected: "others finish in order before the dead one's, which are delivered when it answers again; appends once",
        ..Row::of(verdict, held_up)
    })
}

fn endpoint(number: usize) -> String {
    format!("endpoint-{number}")
}

fn deed(context: &str, id: &str) -> Deed {
    Deed { how: How::Event, context: context.to_owned(), id: format!("{context}-{id}") }
}

/// Whatever had to wait for the dead endpoint, and whatever overtook another one of its context.
fn held_up(finished: &[String], dead: &[Deed], living: &[Deed]) -> Vec<String> {
    let place = |deed: &Deed| finished.iter().position(|name| *name == deed.id);
    let first_dead = dead.iter().filter_map(place).min().unwrap_or(usize::MAX);
    let mut problems = Vec::new();
    for deed in living {
        match place(deed) {
            None => problems.push(format!("{} waits for the dead endpoint", deed.id)),
            Some(at) if at > first_dead => {
                problems.push(format!("{} finished after an event for the dead endpoint", deed.id));
            }
            Some(at) => {
                let earlier = living.iter().take_while(|other| *other != deed);
                let overtaken = earlier.filter(|other| other.context == deed.context && place(other) > Some(at));
                problems.extend(overtaken.map(|other| format!("{} finished before {}", deed.id, other.id)));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_the_dead_endpoint_and_overtaking_are_told() {
        let dead = [deed("c-0", "dead")];
        let living = [deed("c-1", "0"), deed("c-1", "1"), deed("c-2", "0"), deed("c-2", "1")];
        let names = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let good = names(&["c-2-0", "c-1-0", "c-2-1", "c-1-1", "c-0-dead"]);
        assert_eq!(held_up(&good, &dead, &living), Vec::<String>::new());
        let bad = names(&["c-1-1", "c-1-0", "c-0-dead", "c-2-0"]);
        assert_eq!(
            held_up(&bad, &dead, &living),
            [
                "c-1-1 finished before c-1-0",
                "c-2-0 finished after an event for the dead endpoint",
                "c-2-1 waits for the dead endpoint",
            ]
        );
    }
}
