//! Many contexts: a restart, memory, doing nothing, and an edit of the base that all of them use.

use std::time::{Duration, Instant};

use cicdcontext_crds::CicdContext;
use cicdcontext_tests::{figures::milliseconds, operator::Operator};
use kube::{Api, api::ListParams};
use serde_json::json;
use tokio::time::sleep_until;

use crate::{
    error::BenchError,
    idle::{Restart, mebibytes, memory, processor, processor_share, restart, settled, writes_of},
    load::number,
    plan::Length,
    report::{
        Section,
        figure::{Better, Figure, Unit},
    },
    scene::{PATIENCE, Scene, Size, edit},
    sink::Sink,
    stage::Stage,
};

/// Bytes of the state: with metadata and status, an object is 10 kB.
const STATE: usize = 8700;
/// Contexts that are created before it is told how many there are.
const STEP: usize = 1000;
/// How long the operator may take to write the status of all contexts.
const FILLING: Duration = Duration::from_mins(5);
/// Memory for each byte of the contexts as JSON, and beside that, in MiB.
const FACTOR: f64 = 1.5;
const CONSTANT: f64 = 30.0;
/// The most that the memory may ever be, in MiB.
const MOST: f64 = 300.0;
/// Contexts that are asked for in one request.
const PAGE: u32 = 500;

/// What was measured with so many contexts.
struct Measured {
    /// Of all contexts as JSON, in MiB.
    serialised: f64,
    /// Memory of the operator that has seen them being created.
    grown: f64,
    restarts: Vec<Restart>,
    /// Memory after each restart, and its peak.
    memory: Vec<(f64, f64)>,
    /// Percent of a processor that is used for nothing.
    idle: f64,
    edit: Option<Edit>,
}

/// What it cost to edit the base.
struct Edit {
    /// From the acknowledgement until an event brought the new value.
    in_force: Duration,
    /// On a processor, within the window.
    processor: Duration,
    /// Statuses of contexts that were written within the window.
    statuses: u64,
    window: Duration,
}

pub(super) async fn measure(stage: &Stage, section: &mut Section) -> Result<(), BenchError> {
    let sink = Sink::open().await?;
    let size = |contexts| Size { contexts, state: STATE, ..Size::default() };
    let mut scene = Scene::build(stage, "scale", &sink, &size(0)).await?;
    let mut operator = stage.operator(&scene.namespace).await?;
    let most = stage.length.pick(1_000, 10_000);
    for contexts in [100, 1_000, 10_000].into_iter().filter(|contexts| *contexts <= most) {
        grow(&mut scene, contexts, size).await?;
        settled(&operator, FILLING).await?;
        let measured;
        (operator, measured) = one(stage, &scene, &sink, operator, contexts == most).await?;
        report(section, contexts, &measured);
    }
    operator.stop().await?;
    Ok(())
}

async fn grow(scene: &mut Scene, contexts: usize, size: impl Fn(usize) -> Size) -> Result<(), BenchError> {
    let begun = Instant::now();
    while scene.uids.len() < contexts {
        let next = (scene.uids.len() + STEP).min(contexts);
        scene.grow(&size(next)).await?;
        eprintln!("         {next} contexts after {} s", begun.elapsed().as_secs());
    }
    Ok(())
}

async fn one(
    stage: &Stage,
    scene: &Scene,
    sink: &Sink,
    mut operator: Operator,
    is_last: bool,
) -> Result<(Operator, Measured), BenchError> {
    let (grown, _) = memory(&operator);
    let serialised = serialised(stage, scene).await?;
    let launch = stage.launch(&scene.namespace)?;
    let (mut restarts, mut memories) = (Vec::new(), Vec::new());
    for _ in 0..stage.length.pick(1, 3) {
        let restarted;
        (operator, restarted) = restart(&launch, operator).await?;
        restarts.push(restarted);
        memories.push(memory(&operator));
    }
    // The target is about the most contexts: there it is looked at for longest.
    let window = match (stage.length, is_last) {
        (Length::Quick, _) => Duration::from_secs(5),
        (_, false) => Duration::from_secs(6),
        (_, true) => Duration::from_secs(20),
    };
    let idle = processor_share(&operator, window).await;
    // What it leaves to be written is written for a minute: a quick run does not wait for that.
    let edit = match (stage.length, is_last) {
        (Length::Quick, false) => None,
        _ => Some(edit_base(stage, scene, sink, &operator, window).await?),
    };
    Ok((operator, Measured { serialised, grown, restarts, memory: memories, idle, edit }))
}

/// All contexts as JSON without managedFields, in MiB.
async fn serialised(stage: &Stage, scene: &Scene) -> Result<f64, BenchError> {
    let contexts: Api<CicdContext> = Api::namespaced(stage.admin.clone(), &scene.namespace);
    let mut bytes = 0;
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = contexts.list(&page).await.map_err(BenchError::kubernetes("list contexts"))?;
        for mut context in list.items {
            context.metadata.managed_fields = None;
            bytes += serde_json::to_vec(&context).map(|text| text.len()).unwrap_or_default();
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page.continue_token = Some(token),
            None => return Ok(mebibytes(u64::try_from(bytes).unwrap_or(u64::MAX))),
        }
    }
}

/// Changes a value that every message says.
async fn edit_base(
    stage: &Stage,
    scene: &Scene,
    sink: &Sink,
    operator: &Operator,
    window: Duration,
) -> Result<Edit, BenchError> {
    let contexts = scene.uids.len();
    let channel = format!("#ci-{contexts}");
    let (statuses, used) = (writes_of(operator, "context_status").await?, processor(operator));
    let patch = json!({"spec": {"settings": {"channel": channel}}});
    let edited = edit(&stage.admin, &scene.namespace, ("CicdBase", "shared"), &patch).await?;
    let mut fired = 0;
    let in_force = loop {
        let id = format!("edited-{contexts}-{fired}");
        // From all over, since what is computed anew is computed for one after the other.
        scene.fire((fired * 37) % contexts, &id).await?;
        let arrived = sink.arrival(&id, PATIENCE).await?;
        if sink.last_text().ends_with(&channel) {
            break arrived.saturating_duration_since(edited);
        }
        if edited.elapsed() > PATIENCE {
            return Err(BenchError::late(format!("{channel} in what is sent"), PATIENCE));
        }
        fired += 1;
    };
    sleep_until((edited + window).into()).await;
    Ok(Edit {
        in_force,
        processor: processor(operator).saturating_sub(used),
        statuses: writes_of(operator, "context_status").await? - statuses,
        window,
    })
}

fn report(section: &mut Section, contexts: usize, measured: &Measured) {
    let mut push = |figure: Figure| section.push(figure.at(format!("{contexts} contexts"), number(contexts)));
    let of = |pick: fn(&Restart) -> f64| measured.restarts.iter().map(pick);
    let allowed = (FACTOR * measured.serialised + CONSTANT).min(MOST);
    push(Figure::of("serialised size", Unit::Mebibytes, [measured.serialised]).better(Better::Neither));
    let memory = measured.memory.iter();
    push(Figure::of("memory of the operator", Unit::Mebibytes, memory.clone().map(|memory| memory.0)).at_most(allowed));
    push(Figure::of("peak memory of the operator", Unit::Mebibytes, memory.map(|memory| memory.1)));
    push(Figure::of("memory of one that saw them created", Unit::Mebibytes, [measured.grown]));
    push(Figure::of("start until it is ready", Unit::Milliseconds, of(|restart| milliseconds(restart.ready))));
    let processor = of(|restart| milliseconds(restart.processor));
    push(Figure::of("processor time of a start", Unit::Milliseconds, processor));
    let writes = of(|restart| number(restart.writes));
    push(Figure::of("writes after a restart", Unit::Count, writes).better(Better::Lower));
    push(Figure::of("processor while idle", Unit::Percent, [measured.idle]).at_most(1.0));
    let Some(edit) = &measured.edit else { return };
    push(Figure::of("edit of the base until in force", Unit::Milliseconds, [milliseconds(edit.in_force)]));
    push(Figure::of("edit of the base, processor time", Unit::Milliseconds, [milliseconds(edit.processor)]));
    let statuses = number(edit.statuses) / edit.window.as_secs_f64();
    push(Figure::of("edit of the base, status writes", Unit::PerSecond, [statuses]).better(Better::Neither));
}
