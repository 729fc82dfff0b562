//! Many writers of one context: plain merge patches against CicdStateWrites, in turn and on the same cluster.
//!
//! Each writer writes a key of its own, one write after the other: 1, 2, 3 and so on. A plain patch is acknowledged by
//! the API server's answer, a CicdStateWrite by its disappearance, which means that it was applied. Every acknowledged
//! value has to appear in a version of the context, or it was lost.

mod applied;
mod tally;
mod witness;

use std::{
    collections::BTreeSet,
    num::NonZero,
    sync::Arc,
    time::{Duration, Instant},
};

use cicdcontext_crds::{CicdContext, CicdContextSpec, CicdStateWrite};
use futures::future::join_all;
use kube::{
    Api,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio::time::timeout;

use self::{
    applied::Applied,
    tally::{Figures, Tally},
    witness::Witness,
};
use crate::{error::BenchError, stage::Stage};
use cicdcontext_tests::figures::{median, milliseconds};

/// How long one write may take before it counts as timed out.
const PATIENCE: Duration = Duration::from_secs(30);
/// What CicdStateWrites are for: this many times the throughput of plain patches, at so many writers.
const TARGET: (f64, usize) = (20.0, 64);

/// How many lost writes an error names.
const LOST_NAMED: usize = 10;

/// What is measured.
pub(crate) struct Plan {
    pub(crate) writers: Vec<NonZero<usize>>,
    pub(crate) window: Duration,
    pub(crate) repetitions: NonZero<usize>,
}

/// How a writer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    MergePatch,
    StateWrite,
}

/// Why a write is not acknowledged.
enum Unwritten {
    Refused(String),
    TimedOut,
}

/// Measures and prints; fails if anything that was acknowledged is lost.
pub(crate) async fn measure(stage: &Stage, plan: &Plan) -> Result<(), BenchError> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    println!(
        "Writers of one context, {cores} cores for all of it, {} build of the operator, medians of {} times {} s:\n",
        stage.build(),
        plan.repetitions,
        plan.window.as_secs()
    );
    let mut rows: Vec<(usize, Vec<Figures>, Vec<Figures>)> =
        plan.writers.iter().map(|writers| (writers.get(), Vec::new(), Vec::new())).collect();
    let namespace = stage.namespace("writers").await?;
    let operator = stage.operator(&namespace).await?;
    // In turn, so that whatever else the machine does meets both alike.
    for repetition in 0..plan.repetitions.get() {
        for (writers, plain, state_writes) in &mut rows {
            plain.push(one(stage, &namespace, How::MergePatch, *writers, plan.window, repetition).await?);
            state_writes.push(one(stage, &namespace, How::StateWrite, *writers, plan.window, repetition).await?);
        }
    }
    operator.stop().await?;
    print(&rows);
    let all = rows.iter().flat_map(|(_, plain, state_writes)| plain.iter().chain(state_writes));
    let lost: Vec<String> = all.flat_map(|figures| figures.lost.clone()).take(LOST_NAMED).collect();
    if lost.is_empty() { Ok(()) } else { Err(BenchError::Lost(lost)) }
}

/// One measurement with a context of its own.
async fn one(
    stage: &Stage,
    namespace: &str,
    how: How,
    writers: usize,
    window: Duration,
    repetition: usize,
) -> Result<Figures, BenchError> {
    let name = match how {
        How::MergePatch => format!("plain-{writers}-{repetition}"),
        How::StateWrite => format!("written-{writers}-{repetition}"),
    };
    let contexts: Api<CicdContext> = Api::namespaced(stage.pipeline.clone(), namespace);
    let metadata = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
    let context = CicdContext { metadata, spec: CicdContextSpec::default(), status: None };
    let created = contexts.create(&PostParams::default(), &context).await;
    created.map_err(BenchError::kubernetes(format!("create cctx/{name}")))?;
    let witness = Witness::watch(contexts.clone(), &name).await?;
    let state_writes: Api<CicdStateWrite> = Api::namespaced(stage.pipeline.clone(), namespace);
    let applied = Applied::watch(state_writes.clone()).await?;

    let tally = Arc::new(Tally::default());
    let until = Instant::now() + window;
    let write = async |writer: usize, value: u64| match how {
        How::MergePatch => {
            let patch = Patch::Merge(json!({"spec": {"state": {witness::key(writer): value}}}));
            let patched = contexts.patch(&name, &PatchParams::default(), &patch).await;
            patched.map(drop).map_err(refused)
        }
        How::StateWrite => {
            let object = state_write(&name, writer, value);
            let gone = applied.expect(object.metadata.name.as_deref().unwrap_or_default());
            state_writes.create(&PostParams::default(), &object).await.map_err(refused)?;
            gone.await
        }
    };
    let writer = async |writer: usize| {
        for value in 1.. {
            let begun = Instant::now();
            if begun >= until {
                return;
            }
            let written = timeout(PATIENCE, write(writer, value)).await.unwrap_or(Err(Unwritten::TimedOut));
            tally.note(writer, value, written, begun.elapsed(), Instant::now() <= until);
        }
    };
    join_all((0..writers).map(writer)).await;
    let (acknowledged, figures) = Arc::into_inner(tally).unwrap_or_default().figures(window);
    let lost = witness.missing(&name, &acknowledged).await?;
    Ok(Figures { lost, ..figures })
}

fn refused(error: kube::Error) -> Unwritten {
    Unwritten::Refused(match error {
        kube::Error::Api(status) => format!("{} {}", status.code, status.reason),
        other => other.to_string(),
    })
}

fn state_write(context: &str, writer: usize, value: u64) -> CicdStateWrite {
    let spec = json!({
        "contextRef": {"name": context},
        "changes": [{"path": format!("state.{}", witness::key(writer)), "value": value}],
    });
    CicdStateWrite {
        metadata: ObjectMeta { name: Some(format!("{context}-{writer}-{value}")), ..ObjectMeta::default() },
        // Written above as the type has it.
        spec: serde_json::from_value(spec).unwrap_or_default(),
        status: None,
    }
}

fn print(rows: &[(usize, Vec<Figures>, Vec<Figures>)]) {
    println!(
        "  {:<8} {:<15} {:>9} {:>9} {:>9} {:>8} {:>9} {:>5}",
        "writers", "how", "writes/s", "p50 ms", "p99 ms", "refused", "timed out", "lost"
    );
    for (writers, plain, state_writes) in rows {
        for (how, figures) in [("merge patch", plain), ("CicdStateWrite", state_writes)] {
            let of = |figure: fn(&Figures) -> f64| median(figures.iter().map(figure));
            println!(
                "  {writers:<8} {how:<15} {:>9.1} {:>9.1} {:>9.1} {:>8} {:>9} {:>5}",
                of(|figures| figures.per_second),
                of(|figures| milliseconds(figures.p50)),
                of(|figures| milliseconds(figures.p99)),
                figures.iter().map(|figures| figures.refused.values().sum::<usize>()).sum::<usize>(),
                figures.iter().map(|figures| figures.timed_out).sum::<usize>(),
                figures.iter().map(|figures| figures.lost.len()).sum::<usize>(),
            );
        }
        let per_second = |figures: &[Figures]| median(figures.iter().map(|figures| figures.per_second));
        let target = if *writers == TARGET.1 { format!(" (target: at least {:.0})", TARGET.0) } else { String::new() };
        println!("  {writers:<8} ratio           {:>9.1}{target}", per_second(state_writes) / per_second(plain));
    }
    let all = || rows.iter().flat_map(|(_, plain, state_writes)| plain.iter().chain(state_writes));
    let acknowledged: usize = all().map(|figures| figures.acknowledged).sum();
    println!("\n  {acknowledged} writes were acknowledged; each was looked for in the versions of its context.");
    let refused: BTreeSet<&String> = all().flat_map(|figures| figures.refused.keys()).collect();
    if !refused.is_empty() {
        println!("  Refused with: {refused:?}");
    }
}
