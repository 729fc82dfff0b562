//! From what a source holds to configuration that can be tried: bases are gathered, merged and compiled, endpoints found.
//!
//! It reads through [`Configuration`] and writes nothing. What is done with the configuration is the verbs' business.

pub mod endpoints;
mod failure;
pub mod request;

use std::collections::BTreeMap;

use cicdcontext_crds::{BaseKind, BaseReference, CicdContext};
use cicdcontext_engine::{
    configuration::{Input, Lookup, MAX_BASES_IN_ALL, Origin, Resolved, resolve},
    handler::Program,
};

pub use endpoints::GatheredEndpoints;
pub use failure::ConfigurationFailure;

use crate::source::{Base, Configuration, Problem};

/// Reads all bases that can be reached, and resolves.
pub async fn resolved<C: Configuration>(source: &C, input: &Input<'_>) -> Result<Resolved, ConfigurationFailure> {
    // Resolution looks bases up by reference; all that it can reach is gathered first, so that the references it is
    // given live as long as it does.
    let mut reachable: BTreeMap<BaseReference, Option<Base>> = BTreeMap::new();
    let mut wanted: Vec<BaseReference> = input.bases.to_vec();
    while let Some(reference) = wanted.pop() {
        if reachable.contains_key(&reference) || reachable.len() > MAX_BASES_IN_ALL {
            continue;
        }
        let base = match source.base(&reference).await {
            Ok(base) => base,
            Err(error) => return Err(not_read(&reference, error)),
        };
        if let Some(Ok((bases, _))) = &base {
            wanted.extend(bases.iter().cloned());
        }
        reachable.insert(reference, base);
    }
    let lookup = |reference: &BaseReference| match reachable.get(reference) {
        Some(Some(Ok((bases, block)))) => Lookup::Found(bases, block),
        Some(Some(Err(problem))) => Lookup::Broken(problem.clone()),
        _ => Lookup::NotFound,
    };
    resolve(input, &lookup).map_err(ConfigurationFailure::from)
}

/// The configuration of a context, with its templates compiled.
pub async fn program<C: Configuration>(source: &C, context: &CicdContext) -> Result<Program, ConfigurationFailure> {
    let spec = &context.spec;
    let input = Input {
        owner: Origin::context(context.metadata.name.as_deref().unwrap_or_default()),
        selected: spec.context.as_deref(),
        bases: spec.bases.as_deref().unwrap_or_default(),
        block: &spec.configuration,
    };
    let resolved = resolved(source, &input).await?;
    Ok(Program::new(resolved, &spec.variable_values.clone().unwrap_or_default()))
}

fn not_read(reference: &BaseReference, error: crate::source::SourceError) -> ConfigurationFailure {
    match (reference.kind, error.problem) {
        (BaseKind::ClusterCicdBase, Problem::Forbidden(message)) => {
            ConfigurationFailure::ForbiddenClusterBase { name: reference.name.clone(), message }
        }
        (_, problem) => crate::source::SourceError { problem, ..error }.into(),
    }
}

#[cfg(test)]
mod tests;
