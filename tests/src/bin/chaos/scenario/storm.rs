//! Storm: events and state writes over many contexts while the operator is killed every two seconds and the API server
//! once.

use std::{convert::Infallible, time::Duration};

use cicdcontext_tests::{operator::Operator, receiver::Answer};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::seconds;
use crate::{
    error::ChaosError,
    follow::Finished,
    ground::{CHAT, Ground},
    keeper::keep,
    random::Random,
    stage::Stage,
    table::Row,
    verdict::judge,
    workload::{carry_out, contexts, deeds},
};

struct Size {
    contexts: usize,
    events: usize,
    state_writes: usize,
    /// Over which time they are fired.
    fired_over: Duration,
    /// How long the operator is killed at most: whatever is left is done undisturbed.
    under_fire: Duration,
    /// How long anything may take after that.
    patience: Duration,
}

const FULL: Size = Size {
    contexts: 100,
    events: 2000,
    state_writes: 500,
    fired_over: Duration::from_mins(2),
    under_fire: Duration::from_mins(6),
    patience: Duration::from_mins(4),
};

const SHORT: Size = Size {
    contexts: 20,
    events: 200,
    state_writes: 50,
    fired_over: Duration::from_secs(12),
    under_fire: Duration::from_secs(40),
    patience: Duration::from_mins(1),
};

/// How long an answer takes: some requests are under way whenever somebody is killed.
const ANSWER_AFTER: Duration = Duration::from_millis(100);
/// How long the operator lives on average.
const MEAN_LIFE: Duration = Duration::from_secs(2);
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

pub(super) async fn play(stage: &Stage, name: &str, short: bool, random: &mut Random) -> Result<Row, ChaosError> {
    let size = if short { SHORT } else { FULL };
    let ground = Ground::new(stage, name).await?;
    let contexts = contexts(size.contexts);
    ground.appending_contexts(&contexts).await?;
    ground.receiver.program(CHAT, |_| Answer::default().after(ANSWER_AFTER));
    let deeds = deeds(&contexts, size.events, size.state_writes, random);
    let finished = Finished::follow(ground.api());
    let launch = stage.launch(name)?;

    let (fire, under_fire) = watch::channel(true);
    let (end, over) = watch::channel(false);
    let killing = keep(&launch, Some(MEAN_LIFE), random, under_fire, over);
    let playing = async {
        let fired = carry_out(ground.pipeline(), name, &deeds, size.fired_over, size.under_fire + size.patience);
        let outage = async {
            finished.until(size.under_fire, |names| names.len() >= size.events / 2).await;
            stage.outage(Duration::ZERO).await
        };
        let storm = async { tokio::join!(fired, outage) };
        let all = async {
            let stormed = storm.await;
            finished.until(size.under_fire, |names| names.len() >= size.events).await;
            stormed
        };
        let stormed = tokio::select! {
            stormed = all => stormed,
            never = tell_progress(&finished, size.events) => match never {},
            never = calm_down(&fire, size.under_fire) => match never {},
        };
        end.send_replace(true);
        stormed
    };
    let (ends, ((unfired, repeats), away)) = tokio::join!(killing, playing);
    let (ends, away) = (ends?, away?);

    // What a kill has interrupted last is brought to its end.
    let operator = timeout(size.patience, Operator::start(&launch)).await;
    let late = |_| ChaosError::Late { what: "the operator is ready".to_owned(), within: size.patience };
    let operator = operator.map_err(late)??;
    let verdict = judge(&ground, &deeds, size.patience).await?;
    operator.kill().await?;
    Ok(Row {
        played: format!(
            "{} events and {} state writes over {} contexts",
            size.events, size.state_writes, size.contexts
        ),
        injected: format!(
            "{} kills of the operator, 1 of the API server (away for {}; {repeats} requests of pipelines made again, \
             the operator ended {} times by itself)",
            ends.kills,
            seconds(away),
            ends.by_itself
        ),
        ..Row::of(verdict, unfired)
    })
}

async fn tell_progress(finished: &Finished, events: usize) -> Infallible {
    loop {
        sleep(PROGRESS_EVERY).await;
        println!("{} of {events} events are finished", finished.count());
    }
}

/// After that time nobody is killed any more: what is not finished by then gets an operator that lives.
async fn calm_down(fire: &watch::Sender<bool>, under_fire: Duration) -> Infallible {
    sleep(under_fire).await;
    fire.send_replace(false);
    std::future::pending().await
}
