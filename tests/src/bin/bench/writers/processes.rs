//! Writers that are processes: `cicdctl set`, one after the other, as steps of pipelines run it.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use cicdcontext_crds::{CicdContext, CicdContextSpec};
use cicdcontext_tests::cluster::Role;
use futures::future::join_all;
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
};
use tokio::process::Command;

use super::{Figures, Unwritten, tally::Tally, witness::key};
use crate::{error::BenchError, stage::Stage};

/// So many processes at once write into a context of their own; fails if what the last of them wrote is not there.
pub(crate) async fn measure(
    stage: &Stage,
    namespace: &str,
    name: &str,
    writers: usize,
    window: Duration,
) -> Result<Figures, BenchError> {
    let contexts: Api<CicdContext> = Api::namespaced(stage.pipeline.clone(), namespace);
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let context = CicdContext { metadata, spec: CicdContextSpec::default(), status: None };
    let created = contexts.create(&PostParams::default(), &context).await;
    created.map_err(BenchError::kubernetes(format!("create cctx/{name}")))?;
    let tally = Tally::default();
    let until = Instant::now() + window;
    let set = async |writer: usize, value: u64| {
        let ended = Command::new(&stage.cicdctl)
            .args(["set", "-n", namespace, name, &format!("state.{}:={value}", key(writer))])
            .env_clear()
            .env("KUBECONFIG", stage.access.kubeconfig(Role::Pipeline))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await;
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Unwritten::Refused(status.to_string())),
            Err(error) => Err(Unwritten::Refused(error.to_string())),
        }
    };
    let writer = async |writer: usize| {
        let mut last = None;
        for value in 1.. {
            let begun = Instant::now();
            if begun >= until {
                break;
            }
            let written = set(writer, value).await;
            last = if written.is_ok() { Some(value) } else { last };
            tally.note(writer, value, written, begun.elapsed(), Instant::now() <= until);
        }
        (writer, last)
    };
    let written = join_all((0..writers).map(writer)).await;
    let context = contexts.get(name).await.map_err(BenchError::kubernetes(format!("read cctx/{name}")))?;
    let there = |writer: usize| context.spec.state.as_ref()?.get(&key(writer))?.as_u64();
    let finals = written.into_iter().filter_map(|(writer, last)| Some((writer, last?)));
    let lost: Vec<String> = finals
        .filter(|(writer, last)| there(*writer).is_none_or(|there| there < *last))
        .map(|(writer, last)| format!("{name}: {}={last}", key(writer)))
        .collect();
    if lost.is_empty() { Ok(tally.figures(window).1) } else { Err(BenchError::Lost(lost)) }
}
