//! Configuration in force for each context: resolved from the caches, compiled once, shared by content.
//!
//! Small facts are remembered of every context. What is large, parsed bases and compiled configurations, is kept within
//! budgets, and computed again on demand.

pub mod bases;
pub mod facts;
mod programs;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cicdcontext_crds::{BaseKind, BaseReference, CicdContext, CicdContextSpec, ConfigurationBlock, vocabulary::reason};
use cicdcontext_engine::{
    configuration::{ConfigurationError, Input, Lookup, Origin, Resolved, resolve},
    handler::Program,
};

pub use self::bases::Bases;
use self::{
    bases::{BaseReader, ParsedBase, Version},
    facts::{Facts, Usable, fingerprint},
    programs::{ProgramKey, Programs},
};
use crate::{
    cache::{ObjectKey, Stored},
    metrics::Metrics,
};

/// Bytes of compiled configurations that are kept unless a flag says otherwise, estimated: some thousand configurations
/// of a few messages each, or eight of the greatest that there may be.
pub const DEFAULT_BUDGET_BYTES: usize = 64 * 1024 * 1024;

/// Why a context (or base) has no configuration: a reason and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady {
    /// One of `vocabulary::reason`.
    pub reason: &'static str,
    /// What is wrong, where, and what would be right.
    pub message: String,
}

impl From<ConfigurationError> for NotReady {
    fn from(error: ConfigurationError) -> Self {
        Self { reason: error.reason(), message: error.to_string() }
    }
}

/// The configuration of one context.
pub type Configured = Result<Arc<Program>, NotReady>;

/// Resolves configuration and remembers it.
pub struct Configurations {
    bases: BaseReader,
    contexts: Mutex<HashMap<ObjectKey, Arc<Facts>>>,
    programs: Programs,
}

impl Configurations {
    /// Resolves from these bases, and keeps at most `budget` bytes of compiled configurations beside those in use.
    pub fn new(bases: Bases, budget: usize, metrics: &Metrics) -> Self {
        Self {
            bases: BaseReader::new(bases, metrics.cache("bases")),
            contexts: Mutex::default(),
            programs: Programs::new(budget, metrics.cache("configurations")),
        }
    }

    /// What is known of the configuration of a context, if it is still right. A patch of the state alone costs no more.
    pub fn facts(&self, context: &Stored<CicdContext>) -> Option<Arc<Facts>> {
        let key = ObjectKey::new(context.namespace(), context.name());
        let facts = lock(&self.contexts).get(&key).cloned()?;
        let right = facts.fingerprint == fingerprint(context)
            && facts.versions.iter().all(|(base, version)| self.bases.version(base, &key.namespace) == *version);
        right.then_some(facts)
    }

    /// The configuration of a context, if that is known, still right, and compiled.
    pub fn known(&self, context: &Stored<CicdContext>) -> Option<Configured> {
        let facts = self.facts(context)?;
        match &facts.outcome {
            Err(not_ready) => Some(Err(not_ready.clone())),
            Ok(usable) => self.programs.get(&usable.program, context.namespace()).map(Ok),
        }
    }

    /// Resolves and compiles the configuration of a context, unless somebody has done that meanwhile.
    pub fn of(&self, context: &Stored<CicdContext>, spec: &CicdContextSpec) -> Configured {
        self.known(context).unwrap_or_else(|| self.decide(context, spec).1)
    }

    /// The same for those who need no more than what is remembered of it.
    pub fn facts_of(&self, context: &Stored<CicdContext>, spec: &CicdContextSpec) -> Arc<Facts> {
        self.facts(context).unwrap_or_else(|| self.decide(context, spec).0)
    }

    fn decide(&self, context: &Stored<CicdContext>, spec: &CicdContextSpec) -> (Arc<Facts>, Configured) {
        let key = ObjectKey::new(context.namespace(), context.name());
        let input = Input {
            owner: Origin::context(context.name()),
            selected: spec.context.as_deref(),
            bases: spec.bases.as_deref().unwrap_or_default(),
            block: &spec.configuration,
        };
        let (resolved, versions) = self.resolve(&input, &key.namespace);
        let values = spec.variable_values.clone().unwrap_or_default();
        let (outcome, configured) = match resolved {
            Err(not_ready) => (Err(not_ready.clone()), Err(not_ready)),
            Ok(resolved) => {
                let (usable, program) = self.compile(resolved, &values, &key.namespace);
                (Ok(usable), Ok(program))
            }
        };
        let facts = Arc::new(Facts { fingerprint: fingerprint(context), versions, outcome });
        lock(&self.contexts).insert(key, Arc::clone(&facts));
        (facts, configured)
    }

    fn compile(
        &self,
        resolved: Resolved,
        variable_values: &BTreeMap<String, String>,
        namespace: &str,
    ) -> (Usable, Arc<Program>) {
        let key = ProgramKey::new(&resolved, variable_values);
        let (selected, hash, bases) = (resolved.selected.clone(), resolved.hash.clone(), resolved.bases.clone());
        let program = self.programs.of(key, namespace, resolved, variable_values);
        let template_error = program.errors.first().map(ToString::to_string);
        (Usable { selected, hash, bases, template_error, program: key }, program)
    }

    /// Checks a base as it stands alone: its common parts, and each context that can be selected. Gives the first
    /// template that does not compile. Nothing of it is kept: events do not run on it.
    pub fn of_base(
        &self,
        reference: &BaseReference,
        namespace: &str,
        bases: &[BaseReference],
        block: &ConfigurationBlock,
    ) -> Result<Option<String>, NotReady> {
        let resolve = |selected: Option<&str>| {
            self.resolve(&Input { owner: Origin::base(reference), selected, bases, block }, namespace).0
        };
        let template_error = |resolved: Resolved| {
            let program = Program::new(resolved, &BTreeMap::new());
            program.errors.first().map(ToString::to_string)
        };
        let common = resolve(None)?;
        for name in &common.selectable {
            if let Some(error) = template_error(resolve(Some(name))?) {
                return Ok(Some(error));
            }
        }
        Ok(template_error(common))
    }

    /// The bases, of those given, that build on `changed`, directly or through others.
    pub fn builders_on(&self, changed: &BaseReference, bases: &[(BaseReference, ObjectKey)]) -> Vec<ObjectKey> {
        self.bases.builders_on(changed, bases)
    }

    /// The contexts whose configuration was resolved with, or in want of, a base.
    pub fn users_of(&self, reference: &BaseReference, namespace: Option<&str>) -> Vec<ObjectKey> {
        lock(&self.contexts)
            .iter()
            .filter(|(key, _)| namespace.is_none_or(|namespace| key.namespace == namespace))
            .filter(|(_, facts)| facts.versions.iter().any(|(base, _)| base == reference))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Forgets a context that is gone. Its compiled configuration leaves when there is no room for it.
    pub fn forget(&self, key: &ObjectKey) {
        lock(&self.contexts).remove(key);
    }

    /// Forgets a base that is gone; a blank namespace is a ClusterCicdBase.
    pub fn forget_base(&self, kind: BaseKind, key: &ObjectKey) {
        self.bases.forget(kind, key);
    }

    fn resolve(
        &self,
        input: &Input<'_>,
        namespace: &str,
    ) -> (Result<Resolved, NotReady>, Vec<(BaseReference, Version)>) {
        // Resolution looks bases up by reference; all that it can reach is gathered first, so that the references
        // it is given live as long as it does.
        let mut reachable: BTreeMap<BaseReference, Option<Arc<ParsedBase>>> = BTreeMap::new();
        let mut wanted: Vec<BaseReference> = input.bases.to_vec();
        while let Some(reference) = wanted.pop() {
            if reachable.contains_key(&reference) || reachable.len() > MAX_REACHABLE {
                continue;
            }
            let base = self.bases.base(&reference, namespace);
            if let Some(Ok((bases, _))) = base.as_ref().map(|base| base.content.as_ref()) {
                wanted.extend(bases.iter().cloned());
            }
            reachable.insert(reference, base);
        }
        let used = reachable
            .iter()
            .map(|(reference, base)| (reference.clone(), base.as_ref().map_or(Version::NONE, |base| base.version)))
            .collect();
        let lookup = |reference: &BaseReference| match reachable.get(reference) {
            Some(Some(base)) => match &base.content {
                Ok((bases, block)) => Lookup::Found(bases, block),
                Err(problem) => Lookup::Broken(problem.clone()),
            },
            _ => Lookup::NotFound,
        };
        (resolve(input, &lookup).map_err(NotReady::from), used)
    }
}

/// Bases that are looked at for one context before its configuration is given up as too large; `resolve` names the
/// limit that was passed.
const MAX_REACHABLE: usize = 2048;

/// Whether waiting helps: what is missing may come.
pub fn may_recover_by_itself(not_ready: &NotReady) -> bool {
    not_ready.reason == reason::BASE_NOT_FOUND
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
