//! Outage: the API server is away for a while in the middle of events, twice. The operator goes on by itself.

use std::time::Duration;

use tokio::sync::watch;

use super::seconds;
use crate::{
    error::ChaosError,
    follow::Finished,
    ground::Ground,
    keeper::keep,
    random::Random,
    stage::Stage,
    table::Row,
    verdict::judge,
    workload::{carry_out, contexts, deeds},
};

struct Size {
    events: usize,
    state_writes: usize,
    /// How long the API server is away.
    away: Duration,
    fired_over: Duration,
    patience: Duration,
}

const CONTEXTS: usize = 20;

const FULL: Size = Size {
    events: 400,
    state_writes: 100,
    away: Duration::from_secs(10),
    fired_over: Duration::from_secs(20),
    patience: Duration::from_mins(3),
};

const SHORT: Size = Size {
    events: 100,
    state_writes: 20,
    away: Duration::from_secs(4),
    fired_over: Duration::from_secs(4),
    patience: Duration::from_mins(1),
};

pub(super) async fn play(stage: &Stage, name: &str, short: bool, random: &mut Random) -> Result<Row, ChaosError> {
    let size = if short { SHORT } else { FULL };
    let ground = Ground::new(stage, name).await?;
    let contexts = contexts(CONTEXTS);
    ground.appending_contexts(&contexts).await?;
    let deeds = deeds(&contexts, size.events, size.state_writes, random);
    let finished = Finished::follow(ground.api());
    let launch = stage.launch(name)?;

    // Nobody shoots: the operator may end by itself and is started again then.
    let (_fire, under_fire) = watch::channel(false);
    let (end, over) = watch::channel(false);
    let running = keep(&launch, None, random, under_fire, over);
    let playing = async {
        let fired = carry_out(ground.pipeline(), name, &deeds, size.fired_over, size.patience);
        let outages = async {
            let mut times = Vec::new();
            for part in [4, 2] {
                finished.until(size.patience, |names| names.len() >= size.events / part).await;
                println!("the API server goes with {} of {} events finished", finished.count(), size.events);
                times.push(stage.outage(size.away).await?);
            }
            Ok::<_, ChaosError>(times)
        };
        let ((unfired, repeats), times) = tokio::join!(fired, outages);
        finished.until(size.patience, |names| names.len() >= size.events).await;
        let verdict = judge(&ground, &deeds, size.patience).await;
        end.send_replace(true);
        Ok::<_, ChaosError>((unfired, repeats, times?, verdict?))
    };
    let (ends, played) = tokio::join!(running, playing);
    let (ends, (unfired, repeats, times, verdict)) = (ends?, played?);
    let times: Vec<String> = times.into_iter().map(seconds).collect();
    Ok(Row {
        played: format!("{} events and {} state writes over {CONTEXTS} contexts", size.events, size.state_writes),
        injected: format!(
            "{} outages of the API server ({}; {repeats} requests of pipelines made again, the operator ended {} \
             times by itself)",
            times.len(),
            times.join(" and "),
            ends.by_itself
        ),
        ..Row::of(verdict, unfired)
    })
}
