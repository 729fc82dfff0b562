//! Which handlers an event has, and which effects they can have.

use cicdcontext_crds::{CicdEventSpec, CicdEventStatus, handler::OnFailure, vocabulary::reason};

use crate::{
    configuration::model::{Action, Generate, Handler},
    event::{EventFacts, Happened, Outcome},
    handler::{Program, generate::list},
    state::{
        Effect,
        ledger::{EffectHash, effect_hash},
    },
};

/// The effects that an event can still enter into the ledger, by its spec, by what is written down of it, and, if that is
/// nothing yet, by the configuration in force. None if that is asked for and not known.
pub fn effects_of(
    spec: &CicdEventSpec,
    uid: &str,
    status: &CicdEventStatus,
    program: Option<&Program>,
) -> Option<Vec<EffectHash>> {
    let of = |handler: &str| effect_hash(Effect::Handler { event_uid: uid, handler });
    if !status.handlers.is_empty() {
        let open = status.handlers.iter().filter(|one| !one.phase.is_final());
        return Some(open.map(|one| of(&one.name)).collect());
    }
    let pipeline = spec.pipeline.as_ref().and_then(|name| program?.resolved.pipelines.get(name));
    program?;
    let handlers = match (pipeline, &spec.event) {
        (Some(pipeline), Some(event)) => pipeline.handlers(event),
        _ => &[],
    };
    let names = handlers.iter().map(|handler| handler.name.as_str()).chain(spec.generate.as_deref());
    Some(names.map(of).chain([effect_hash(Effect::Set { event_uid: uid })]).collect())
}

/// The handlers of an event, or how it ends because there are none to look for.
pub(super) fn handlers_of(event: &EventFacts, program: &Program) -> Result<Vec<Handler>, Box<Outcome>> {
    let pipelines = &program.resolved.pipelines;
    let Some(pipeline) = pipelines.get(&event.pipeline) else {
        let message =
            format!("pipeline {:?} is not configured; {}", event.pipeline, list("pipelines", pipelines.keys()));
        return Err(Box::new(Outcome::failed(reason::UNKNOWN_PIPELINE, message)));
    };
    match &event.happened {
        Happened::Event(name) => Ok(pipeline.handlers(name).to_vec()),
        Happened::Generate(generator) if !pipeline.generators.contains_key(generator) => {
            let message = format!(
                "pipeline {:?} has no generator {generator:?}; {}",
                event.pipeline,
                list("generators", pipeline.generators.keys())
            );
            Err(Box::new(Outcome::failed(reason::UNKNOWN_GENERATOR, message)))
        }
        Happened::Generate(generator) => Ok(vec![Handler {
            name: generator.clone(),
            path: format!("pipelines.{}.generators.{generator}", event.pipeline),
            condition: None,
            on_failure: OnFailure::Continue,
            action: Action::Generate(Generate { pipeline: event.pipeline.clone(), generator: generator.clone() }),
        }]),
    }
}
