//! The configuration in force for a context, out of whatever holds it and its bases. Renders nothing.

use std::collections::BTreeMap;

use cicdcontext_crds::{BaseReference, CicdContext};
use cicdcontext_engine::configuration::{Input, Lookup, MAX_BASES_IN_ALL, Origin, Resolved, resolve as resolve_found};

use crate::{
    failure::Failure,
    source::{Base, Configuration},
};

/// Bases that are read for one context at most; with more, resolution names the limit that was passed.
const MAX_READ: usize = 2 * MAX_BASES_IN_ALL;

/// Resolves the configuration of a context, which need not exist yet. Bases are read breadth first, each once.
pub async fn resolve<C: Configuration>(source: &C, context: &CicdContext) -> Result<Resolved, Failure> {
    let name = context.metadata.name.clone().unwrap_or_default();
    let own = context.spec.bases.as_deref().unwrap_or_default();
    let mut found: BTreeMap<BaseReference, Option<Base>> = BTreeMap::new();
    let mut level: Vec<BaseReference> = own.to_vec();
    while !level.is_empty() {
        let mut next = Vec::new();
        for reference in level {
            if found.contains_key(&reference) || found.len() >= MAX_READ {
                continue;
            }
            let base = source.base(&reference).await?;
            if let Some(Ok((bases, _))) = &base {
                next.extend(bases.iter().cloned());
            }
            found.insert(reference, base);
        }
        level = next;
    }
    let lookup = |reference: &BaseReference| match found.get(reference) {
        Some(Some(Ok((bases, block)))) => Lookup::Found(bases, block),
        Some(Some(Err(problem))) => Lookup::Broken(problem.clone()),
        Some(None) | None => Lookup::NotFound,
    };
    let input = Input {
        owner: Origin::context(&name),
        selected: context.spec.context.as_deref(),
        bases: own,
        block: &context.spec.configuration,
    };
    resolve_found(&input, &lookup)
        .map_err(|problem| Failure::Configuration { context: name, problem: Box::new(problem) })
}
