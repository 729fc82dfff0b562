//! What an event costs when there are more contexts, or more configuration.

use crate::{
    drive::{By, drive},
    error::BenchError,
    idle::settled,
    load::number,
    report::{
        Section,
        figure::{Figure, Unit},
    },
    scene::{PATIENCE, Scene, Size},
    sink::Sink,
    stage::Stage,
};

const METHOD: &str = "Events by object, as in throughput, over all contexts in turn; first with more contexts, then with more \
    bytes of configuration in the base that 100 contexts share. The operator has had nothing to do before.";

/// Measures both series.
pub(crate) async fn measure(stage: &Stage) -> Result<Section, BenchError> {
    let mut section = Section::new("growth", "Growth: what an event costs", METHOD);
    let usual = Size::default();
    for contexts in stage.length.pick(&[10, 100][..], &[10, 100, 1000, 10_000]) {
        let at = (format!("{contexts} contexts"), number(*contexts));
        one(&mut section, stage, at, Size { contexts: *contexts, ..usual }).await?;
    }
    for kilobytes in stage.length.pick(&[1, 100][..], &[1, 10, 100]) {
        let at = (format!("{kilobytes} kB of configuration"), number(*kilobytes));
        one(&mut section, stage, at, Size { configuration: kilobytes * 1000, ..usual }).await?;
    }
    Ok(section)
}

async fn one(section: &mut Section, stage: &Stage, (at, x): (String, f64), size: Size) -> Result<(), BenchError> {
    let sink = Sink::open().await?;
    let scene = Scene::build(stage, "growth", &sink, &size).await?;
    let operator = stage.operator(&scene.namespace).await?;
    settled(&operator, PATIENCE).await?;
    let driven = drive(&scene, &sink, &operator, By::Object, 1, stage.length.window(3, 8)).await?;
    operator.stop().await?;
    let time = Figure::of("processor time for an event", Unit::Milliseconds, [driven.processor]);
    section.push(time.at(at.clone(), x));
    section.push(Figure::of("events by object", Unit::PerSecond, [driven.per_second]).at(at, x));
    Ok(())
}
