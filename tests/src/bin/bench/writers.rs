//! Many writers of one context: plain merge patches, or CicdStateWrites.
//!
//! Each writer writes a key of its own, one write after the other: 1, 2, 3 and so on. A plain patch is acknowledged by
//! the API server's answer, a CicdStateWrite by its disappearance, which means that it was applied. Every acknowledged
//! value has to appear in a version of the context, or it was lost.

mod applied;
pub(crate) mod processes;
mod tally;
mod witness;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cicdcontext_crds::{CicdContext, CicdContextSpec, CicdStateWrite};
use futures::future::join_all;
use kube::{
    Api,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

pub(crate) use self::tally::Figures;
use self::{applied::Applied, tally::Tally, witness::Witness};
use crate::{error::BenchError, scene, stage::Stage};

/// How long one write may take before it counts as timed out.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many lost writes an error names.
const LOST_NAMED: usize = 10;

/// How a writer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    MergePatch,
    StateWrite,
}

/// Who writes what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writers {
    pub(crate) how: How,
    /// How many write at once.
    pub(crate) count: usize,
    /// Bytes of the context's state beside what they write.
    pub(crate) state: usize,
    pub(crate) window: Duration,
}

/// Why a write is not acknowledged.
enum Unwritten {
    Refused(String),
    TimedOut,
}

/// One measurement with a context of its own; fails if anything that was acknowledged is lost.
pub(crate) async fn measure(
    stage: &Stage,
    namespace: &str,
    name: &str,
    writers: Writers,
) -> Result<Figures, BenchError> {
    let Writers { how, count, state: bytes, window } = writers;
    let contexts: Api<CicdContext> = Api::namespaced(stage.pipeline.clone(), namespace);
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let initial = match scene::text_of(bytes) {
        Value::Object(initial) => Some(initial),
        _ => Some(Map::new()),
    };
    let context =
        CicdContext { metadata, spec: CicdContextSpec { state: initial, ..CicdContextSpec::default() }, status: None };
    let created = contexts.create(&PostParams::default(), &context).await;
    created.map_err(BenchError::kubernetes(format!("create cctx/{name}")))?;
    let witness = Witness::watch(contexts.clone(), name).await?;
    let state_writes: Api<CicdStateWrite> = Api::namespaced(stage.pipeline.clone(), namespace);
    let applied = Applied::watch(state_writes.clone()).await?;

    let tally = Arc::new(Tally::default());
    let until = Instant::now() + window;
    let write = async |writer: usize, value: u64| match how {
        How::MergePatch => {
            let patch = Patch::Merge(json!({"spec": {"state": {witness::key(writer): value}}}));
            let patched = contexts.patch_metadata(name, &PatchParams::default(), &patch).await;
            patched.map(drop).map_err(refused)
        }
        How::StateWrite => {
            let object = state_write(name, writer, value);
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
    join_all((0..count).map(writer)).await;
    let (acknowledged, figures) = Arc::into_inner(tally).unwrap_or_default().figures(window);
    let mut lost = witness.missing(name, &acknowledged).await?;
    lost.truncate(LOST_NAMED);
    if lost.is_empty() { Ok(figures) } else { Err(BenchError::Lost(lost)) }
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
