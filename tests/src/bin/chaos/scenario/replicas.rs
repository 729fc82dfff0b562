//! Replicas: of two operators the one that works is stopped where it is, past its Lease, and continued when the other
//! one has taken over. It has to end by itself, and is started again as a new replica.

use std::time::Duration;

use cicdcontext_tests::{
    operator::{Launch, Operator},
    receiver::Answer,
};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use tokio::time::{Instant, sleep, timeout};

use super::seconds;
use crate::{
    error::ChaosError,
    follow::Finished,
    ground::{CHAT, Ground},
    random::Random,
    stage::Stage,
    table::Row,
    verdict::judge,
    workload::{Deed, carry_out, contexts, deeds},
};

const CONTEXTS: usize = 10;
const EVENTS: usize = 200;
const STATE_WRITES: usize = 40;
/// Long enough that a busy machine renews in time, short enough to wait for.
const FLAGS: [&str; 3] =
    ["--leader-elect-lease-duration=4s", "--leader-elect-renew-deadline=3s", "--leader-elect-retry-period=400ms"];
/// Where the operator's role allows Leases.
const LEASES: &str = "cicdcontext-system";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(50);
/// How long an answer takes: some requests are under way whenever somebody is stopped.
const ANSWER_AFTER: Duration = Duration::from_millis(40);

/// One of the two, under its name.
struct Replica {
    name: String,
    operator: Operator,
}

/// The replicas of one installation.
struct Installation<'a> {
    ground: &'a Ground<'a>,
    launch: Launch,
    leases: Api<Lease>,
    started: usize,
}

impl Installation<'_> {
    async fn start(&mut self) -> Result<Replica, ChaosError> {
        let name = format!("r{}", self.started);
        self.started += 1;
        let operator = Operator::start(&self.launch.clone().flag("--pod-name").flag(&name)).await?;
        Ok(Replica { name, operator })
    }

    async fn leads(&self, replica: &Replica) -> Result<bool, ChaosError> {
        let lease = self.leases.get_opt(&self.ground.namespace).await;
        let lease = lease.map_err(ChaosError::kubernetes("read the Lease"))?;
        let holder = lease.and_then(|lease| lease.spec?.holder_identity).unwrap_or_default();
        Ok(holder.starts_with(&format!("{}_", replica.name)))
    }

    async fn until_leads(&self, replica: &Replica) -> Result<(), ChaosError> {
        let begun = Instant::now();
        while !self.leads(replica).await? {
            if begun.elapsed() > PATIENCE {
                return Err(ChaosError::Late { what: format!("{} leads", replica.name), within: PATIENCE });
            }
            sleep(POLL).await;
        }
        Ok(())
    }
}

pub(super) async fn play(stage: &Stage, name: &str, short: bool, random: &mut Random) -> Result<Row, ChaosError> {
    let rounds = if short { 2 } else { 10 };
    let ground = Ground::new(stage, name).await?;
    let contexts = contexts(CONTEXTS);
    ground.appending_contexts(&contexts).await?;
    ground.receiver.program(CHAT, |_| Answer::default().after(ANSWER_AFTER));
    let deeds = deeds(&contexts, EVENTS, STATE_WRITES, random);
    let finished = Finished::follow(ground.api());
    let launch = FLAGS.iter().fold(stage.launch(name)?.elected(LEASES, name), |launch, flag| launch.flag(flag));
    let leases = Api::namespaced(stage.admin.clone(), LEASES);
    let mut installation = Installation { ground: &ground, launch, leases, started: 0 };

    let mut leader = installation.start().await?;
    let mut standby = installation.start().await?;
    let (mut unfired, mut still_there, mut longest) = (Vec::new(), Vec::new(), Duration::ZERO);
    for (round, burst) in deeds.chunks(deeds.len().div_ceil(rounds)).enumerate() {
        if !installation.leads(&leader).await? {
            // A machine that was too busy to renew: that one ended, as it should.
            std::mem::swap(&mut leader, &mut standby);
            standby.operator.kill().await?;
            standby = installation.start().await?;
        }
        installation.until_leads(&leader).await?;
        let before = finished.count();
        let middle = before + burst.iter().filter(|deed| deed.is_event()).count() / 2;
        let firing = fire(&ground, burst);
        let working = finished.until(PATIENCE, |names| names.len() >= middle);
        let (could_not, _) = tokio::join!(firing, working);
        unfired.extend(could_not);
        leader.operator.pause()?;
        let paused = Instant::now();
        let stopped_at = finished.count();
        installation.until_leads(&standby).await?;
        longest = longest.max(paused.elapsed());
        // In the middle of the other one's work, if there is any left.
        finished.until(Duration::from_secs(2), |names| names.len() > stopped_at).await;
        println!(
            "round {}: {} was stopped with {stopped_at} of {EVENTS} events finished, and continues with {}",
            round + 1,
            leader.name,
            finished.count()
        );
        leader.operator.resume()?;
        let old = std::mem::replace(&mut leader, standby);
        standby = installation.start().await?;
        let Replica { name, mut operator } = old;
        if timeout(PATIENCE, operator.exited()).await.is_err() {
            still_there.push(format!("{name} goes on although {} leads", leader.name));
        }
    }
    finished.until(PATIENCE, |names| names.len() >= EVENTS).await;
    let verdict = judge(&ground, &deeds, PATIENCE).await?;
    standby.operator.kill().await?;
    leader.operator.kill().await?;
    unfired.extend(still_there);
    Ok(Row {
        played: format!("{EVENTS} events and {STATE_WRITES} state writes over {CONTEXTS} contexts"),
        injected: format!(
            "{rounds} times the leader was stopped (SIGSTOP) past its Lease and continued (at most {} until the other \
             one led)",
            seconds(longest)
        ),
        ..Row::of(verdict, unfired)
    })
}

/// Fires a burst at once, and gives what could not be fired.
async fn fire(ground: &Ground<'_>, burst: &[Deed]) -> Vec<String> {
    carry_out(ground.pipeline(), &ground.namespace, burst, Duration::ZERO, PATIENCE).await.0
}
