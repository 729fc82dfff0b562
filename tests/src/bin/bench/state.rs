//! The state: plain patches of many contexts, with an operator that looks on and without one, and many writers of one
//! context.

use std::collections::BTreeMap;

use cicdcontext_tests::figures::median;
use serde_json::json;

use crate::{
    error::BenchError,
    floor::{Cost, Floor},
    idle::settled,
    load::{self, number},
    report::{
        Section,
        figure::{Better, Figure, Unit},
    },
    scene::{PATIENCE, Scene, Size},
    sink::Sink,
    stage::Stage,
    writers::{self, Figures, How, Writers},
};

const METHOD: &str = "Plain patches: merge patches of the state of 1,000 contexts in turn, 32 in flight, with an operator that \
    works in their namespace and without one by turns. Writers: each writes a key of its own of one context, one write after \
    the other, for some seconds; a CicdStateWrite counts when it is gone, a patch when it is answered, and every value that was \
    acknowledged is looked for in the versions of the context. All medians of runs that go in turn.";
/// How many patches are in flight.
const IN_FLIGHT: usize = 32;
/// How the operator counts its writes of contexts' statuses.
const STATUS: &str = "context_status";

/// Measures both.
pub(crate) async fn measure(stage: &Stage, floor: &Floor) -> Result<Section, BenchError> {
    let mut section = Section::new("state", "State: plain patches, and many writers of one context", METHOD);
    plain_patches(&mut section, stage).await?;
    let namespace = stage.namespace("writers").await?;
    let operator = stage.operator(&namespace).await?;
    many_writers(&mut section, stage, floor, &namespace).await?;
    processes(&mut section, stage, &namespace).await?;
    sizes(&mut section, stage, &namespace).await?;
    operator.stop().await?;
    Ok(section)
}

async fn plain_patches(section: &mut Section, stage: &Stage) -> Result<(), BenchError> {
    let (contexts, pairs) = (stage.length.pick(200, 1000), stage.length.pick(2, 4));
    let window = stage.length.window(3, 6);
    let sink = Sink::open().await?;
    let scene = Scene::build(stage, "plain", &sink, &Size { contexts, ..Size::default() }).await?;
    let patch = async |number: u64| {
        let context = usize::try_from(number).unwrap_or_default() % contexts;
        scene.patch(context, &json!({"spec": {"state": {"build": {"number": number}}}})).await
    };
    // Statuses are there in all of them, and no object is patched for the first time.
    let operator = stage.operator(&scene.namespace).await?;
    settled(&operator, PATIENCE).await?;
    operator.stop().await?;
    load::run(IN_FLIGHT, window / 2, patch).await?;
    let (mut with, mut without, mut processor) = (Vec::new(), Vec::new(), Vec::new());
    let (mut writes, mut statuses) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        // Whoever goes first has no advantage.
        for operates in [pair % 2 == 0, pair % 2 != 0] {
            if !operates {
                without.push(load::run(IN_FLIGHT, window, patch).await?.per_second());
                continue;
            }
            let operator = stage.operator(&scene.namespace).await?;
            settled(&operator, PATIENCE).await?;
            let (before, time) = (operator.writes().await?, operator.processor_time().unwrap_or_default());
            let load = load::run(IN_FLIGHT, window, patch).await?;
            let time = operator.processor_time().unwrap_or_default().saturating_sub(time);
            let after = operator.writes().await?;
            with.push(load.per_second());
            let count = |writes: &BTreeMap<String, u64>, of_status: bool| -> u64 {
                writes.iter().filter(|(name, _)| (*name == STATUS) == of_status).map(|(_, count)| count).sum()
            };
            let each = |of_status| {
                let more = count(&after, of_status) - count(&before, of_status);
                number(more) / number(load.durations.len())
            };
            writes.push(each(false));
            statuses.push(each(true));
            processor.push(time.as_secs_f64() * 1000.0 / number(load.durations.len()));
            operator.stop().await?;
        }
    }
    let ratios: Vec<f64> = with.iter().zip(&without).map(|(with, without)| with / without).collect();
    let at = |figure: Figure| figure.at(format!("{contexts} contexts"), number(contexts));
    section.push(at(Figure::of("plain patches without an operator", Unit::PerSecond, without)).better(Better::Neither));
    section.push(at(Figure::of("plain patches with the operator", Unit::PerSecond, with)));
    section.push(at(Figure::of("share that is left with the operator", Unit::Ratio, ratios).at_least(0.85)));
    section.push(at(Figure::of("the operator's writes for a plain patch", Unit::Count, writes).at_most(0.0)));
    let beside = "beside them, statuses, of each context one a minute at most";
    section.push(at(Figure::of(beside, Unit::Count, statuses).better(Better::Lower)));
    section.push(at(Figure::of("the operator's processor time for a plain patch", Unit::Milliseconds, processor)));
    Ok(())
}

async fn many_writers(section: &mut Section, stage: &Stage, floor: &Floor, namespace: &str) -> Result<(), BenchError> {
    let (window, repetitions) = (stage.length.window(3, 5), stage.length.pick(1, 3));
    let cases: &[(How, usize)] = &[
        (How::MergePatch, 1),
        (How::MergePatch, 8),
        (How::MergePatch, 64),
        (How::StateWrite, 1),
        (How::StateWrite, 8),
        (How::StateWrite, 64),
        (How::StateWrite, 256),
    ];
    let mut rows: Vec<Vec<Figures>> = vec![Vec::new(); cases.len()];
    let (mut creates, mut pairs) = (Vec::new(), Vec::new());
    for repetition in 0..repetitions {
        creates.push(floor.run(Cost::Create, 64, window / 2).await?.per_second());
        pairs.push(floor.run(Cost::Passing, 64, window / 2).await?.per_second());
        for (row, (how, count)) in rows.iter_mut().zip(cases) {
            let name = format!("{}-{count}-{repetition}", word(*how).0);
            let writers = Writers { how: *how, count: *count, state: 0, window };
            row.push(writers::measure(stage, namespace, &name, writers).await?);
        }
    }
    let creates =
        Figure::of("creates without us", Unit::PerSecond, creates).better(Better::Neither).at("64 in flight", 64.0);
    let rate = |how, count| {
        let row = cases.iter().zip(&rows).find(|(case, _)| **case == (how, count)).map(|(_, row)| row);
        median(row.into_iter().flatten().map(|figures| figures.per_second))
    };
    let floor = creates.value;
    let pairs = Figure::of("creates and deletes without us, each pair one", Unit::PerSecond, pairs)
        .better(Better::Neither)
        .at("64 in flight", 64.0);
    let bare = pairs.value;
    section.push(creates);
    section.push(Figure::of("those pairs by creates alone", Unit::Ratio, [bare / floor]).better(Better::Neither));
    section.push(pairs);
    for ((how, count), row) in cases.iter().zip(&rows) {
        let at = |figure: Figure| figure.at(format!("{count} writers"), number(*count));
        let (_, what) = word(*how);
        section.push(at(Figure::of(what, Unit::PerSecond, row.iter().map(|figures| figures.per_second))));
        section.push(at(Figure::of(
            format!("{what}, p50"),
            Unit::Milliseconds,
            row.iter().map(|one| load::milliseconds(one.p50)),
        )));
        section.push(at(Figure::of(
            format!("{what}, p99"),
            Unit::Milliseconds,
            row.iter().map(|one| load::milliseconds(one.p99)),
        )));
        let unwritten: usize = row.iter().map(Figures::unwritten).sum();
        section.push(at(Figure::of(
            format!("{what} that were refused or took 30 s"),
            Unit::Count,
            [number(unwritten)],
        )
        .better(Better::Lower)));
        if *how == How::StateWrite {
            let (what, share, least) = match count {
                8 => ("CicdStateWrites by plain patches", rate(*how, 8) / rate(How::MergePatch, 8), 3.0),
                64 | 256 => ("CicdStateWrites by creates without us", rate(*how, *count) / floor, 0.5),
                _ => continue,
            };
            section.push(at(Figure::of(what, Unit::Ratio, [share]).at_least(least)));
            if *count > 8 {
                let of_pairs = rate(*how, *count) / bare;
                section.push(at(Figure::of("CicdStateWrites by those pairs", Unit::Ratio, [of_pairs])));
            }
        }
    }
    let steady = rate(How::StateWrite, 256) / rate(How::StateWrite, 64);
    section.push(
        Figure::of("CicdStateWrites of 256 by those of 64", Unit::Ratio, [steady])
            .at("256 writers", 256.0)
            .at_least(0.7),
    );
    Ok(())
}

/// `cicdctl set`, a process for each write: what a process costs is most of it.
async fn processes(section: &mut Section, stage: &Stage, namespace: &str) -> Result<(), BenchError> {
    for count in [1, 8, 64] {
        let name = format!("processes-{count}");
        let figures = writers::processes::measure(stage, namespace, &name, count, stage.length.window(3, 5)).await?;
        let at = |figure: Figure| figure.at(format!("{count} writers"), number(count));
        section.push(at(Figure::of("cicdctl processes", Unit::PerSecond, [figures.per_second])));
        section.push(at(Figure::of("cicdctl processes, p50", Unit::Milliseconds, [load::milliseconds(figures.p50)])));
        section.push(at(Figure::of("cicdctl processes, p99", Unit::Milliseconds, [load::milliseconds(figures.p99)])));
        let what = "cicdctl processes that failed";
        section.push(at(Figure::of(what, Unit::Count, [number(figures.unwritten())])).better(Better::Lower));
    }
    Ok(())
}

/// 8 writers of a context whose state has another size.
async fn sizes(section: &mut Section, stage: &Stage, namespace: &str) -> Result<(), BenchError> {
    const WRITERS: usize = 8;
    let window = stage.length.window(2, 4);
    for kilobytes in stage.length.pick(&[1, 100][..], &[1, 10, 100, 500]) {
        for how in [How::MergePatch, How::StateWrite] {
            let (short, what) = word(how);
            let writers = Writers { how, count: WRITERS, state: kilobytes * 1000, window };
            let name = format!("{short}-{kilobytes}k");
            let figures = writers::measure(stage, namespace, &name, writers).await?;
            let what = format!("{what} of {WRITERS} writers");
            section.push(
                Figure::of(what, Unit::PerSecond, [figures.per_second])
                    .at(format!("{kilobytes} kB of state"), number(*kilobytes)),
            );
        }
    }
    Ok(())
}

/// In names of objects, and in those of figures.
fn word(how: How) -> (&'static str, &'static str) {
    match how {
        How::MergePatch => ("patched", "plain patches"),
        How::StateWrite => ("written", "CicdStateWrites"),
    }
}
