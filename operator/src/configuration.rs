//! Configuration in force for each context: resolved from the caches, compiled once, shared by content.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use cicdcontext_crds::{
    BaseKind, BaseReference, CicdBase, CicdContext, CicdContextSpec, ClusterCicdBase, ConfigurationBlock,
    vocabulary::reason,
};
use cicdcontext_engine::{
    configuration::{ConfigurationError, Input, Lookup, Origin, resolve},
    handler::Program,
};

use crate::cache::{ObjectKey, Stored, watch};

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

/// Where bases are found.
#[derive(Clone)]
pub struct Bases {
    /// Bases of namespaces.
    pub namespaced: watch::Shared<CicdBase>,
    /// Bases for all namespaces.
    pub cluster: watch::Shared<ClusterCicdBase>,
}

/// A base as far as resolution needs it.
#[derive(Debug)]
struct ParsedBase {
    uid: String,
    resource_version: u64,
    content: Result<(Vec<BaseReference>, ConfigurationBlock), String>,
}

/// Resolves configuration and remembers it.
pub struct Configurations {
    bases: Bases,
    parsed: Mutex<HashMap<(BaseReference, String), Arc<ParsedBase>>>,
    contexts: Mutex<HashMap<ObjectKey, Remembered>>,
    programs: Mutex<HashMap<(String, u64), Weak<Program>>>,
}

#[derive(Debug)]
struct Remembered {
    fingerprint: u64,
    bases: Vec<(BaseReference, u64)>,
    configured: Configured,
}

impl Configurations {
    /// Resolves from these bases.
    pub fn new(bases: Bases) -> Self {
        Self { bases, parsed: Mutex::default(), contexts: Mutex::default(), programs: Mutex::default() }
    }

    /// The configuration of a context, if it is known and still right. A patch of the state alone costs no more.
    pub fn known(&self, context: &Stored<CicdContext>, spec: &CicdContextSpec) -> Option<Configured> {
        let key = ObjectKey::new(context.namespace(), context.name());
        let contexts = lock(&self.contexts);
        let remembered = contexts.get(&key)?;
        let right = remembered.fingerprint == fingerprint(context.uid(), spec)
            && remembered.bases.iter().all(|(base, version)| self.version(base, &key.namespace) == *version);
        right.then(|| remembered.configured.clone())
    }

    /// The configuration of a context.
    pub fn of(&self, context: &Stored<CicdContext>, spec: &CicdContextSpec) -> Configured {
        if let Some(known) = self.known(context, spec) {
            return known;
        }
        let key = ObjectKey::new(context.namespace(), context.name());
        let fingerprint = fingerprint(context.uid(), spec);
        let input = Input {
            owner: Origin::context(context.name()),
            selected: spec.context.as_deref(),
            bases: spec.bases.as_deref().unwrap_or_default(),
            block: &spec.configuration,
        };
        let values = spec.variable_values.clone().unwrap_or_default();
        let (configured, bases) = self.resolve(&input, &key.namespace, &values);
        let remembered = Remembered { fingerprint, bases, configured: configured.clone() };
        lock(&self.contexts).insert(key, remembered);
        configured
    }

    /// Checks a base as it stands alone: its common parts, and each context that can be selected.
    pub fn of_base(
        &self,
        reference: &BaseReference,
        namespace: &str,
        bases: &[BaseReference],
        block: &ConfigurationBlock,
    ) -> Configured {
        let resolve = |selected| {
            let input = Input { owner: Origin::base(reference), selected, bases, block };
            self.resolve(&input, namespace, &BTreeMap::new()).0
        };
        let common = resolve(None)?;
        for name in &common.resolved.selectable {
            let program = resolve(Some(name))?;
            if !program.errors.is_empty() {
                return Ok(program);
            }
        }
        Ok(common)
    }

    /// The bases, of those given, that build on `changed`, directly or through others.
    pub fn builders_on(&self, changed: &BaseReference, bases: &[(BaseReference, ObjectKey)]) -> Vec<ObjectKey> {
        let mut reached = vec![changed.clone()];
        let mut builders = Vec::new();
        let mut position = 0;
        while let Some(reference) = reached.get(position).cloned() {
            position += 1;
            for (candidate, key) in bases {
                let parents = self.base(candidate, &key.namespace);
                let builds = parents
                    .is_some_and(|base| base.content.as_ref().is_ok_and(|(bases, _)| bases.contains(&reference)));
                if builds && !builders.contains(key) {
                    builders.push(key.clone());
                    reached.push(candidate.clone());
                }
            }
        }
        builders
    }

    /// The contexts whose configuration was resolved with, or in want of, a base.
    pub fn users_of(&self, reference: &BaseReference, namespace: Option<&str>) -> Vec<ObjectKey> {
        lock(&self.contexts)
            .iter()
            .filter(|(key, _)| namespace.is_none_or(|namespace| key.namespace == namespace))
            .filter(|(_, remembered)| remembered.bases.iter().any(|(base, _)| base == reference))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Forgets a context that is gone.
    pub fn forget(&self, key: &ObjectKey) {
        lock(&self.contexts).remove(key);
    }

    fn resolve(
        &self,
        input: &Input<'_>,
        namespace: &str,
        variable_values: &BTreeMap<String, String>,
    ) -> (Configured, Vec<(BaseReference, u64)>) {
        // Resolution looks bases up by reference; all that it can reach is gathered first, so that the references
        // it is given live as long as it does.
        let mut reachable: BTreeMap<BaseReference, Option<Arc<ParsedBase>>> = BTreeMap::new();
        let mut wanted: Vec<BaseReference> = input.bases.to_vec();
        while let Some(reference) = wanted.pop() {
            if reachable.contains_key(&reference) || reachable.len() > MAX_REACHABLE {
                continue;
            }
            let base = self.base(&reference, namespace);
            if let Some(Ok((bases, _))) = base.as_ref().map(|base| base.content.as_ref()) {
                wanted.extend(bases.iter().cloned());
            }
            reachable.insert(reference, base);
        }
        let used = reachable
            .iter()
            .map(|(reference, base)| (reference.clone(), base.as_ref().map_or(0, |base| base.resource_version)))
            .collect();
        let lookup = |reference: &BaseReference| match reachable.get(reference) {
            Some(Some(base)) => match &base.content {
                Ok((bases, block)) => Lookup::Found(bases, block),
                Err(problem) => Lookup::Broken(problem.clone()),
            },
            _ => Lookup::NotFound,
        };
        let configured = match resolve(input, &lookup) {
            Ok(resolved) => {
                // The hash is over the content alone; which bases it came from shows in the status, too.
                let mut hasher = DefaultHasher::new();
                (variable_values, &resolved.bases).hash(&mut hasher);
                let key = (resolved.hash.clone(), hasher.finish());
                let mut programs = lock(&self.programs);
                if let Some(program) = programs.get(&key).and_then(Weak::upgrade) {
                    Ok(program)
                } else {
                    let program = Arc::new(Program::new(resolved, variable_values));
                    programs.retain(|_, program| program.strong_count() > 0);
                    programs.insert(key, Arc::downgrade(&program));
                    Ok(program)
                }
            }
            Err(error) => Err(error.into()),
        };
        (configured, used)
    }

    /// The base that a reference of an object in `namespace` names, parsed once for each version of it.
    fn base(&self, reference: &BaseReference, namespace: &str) -> Option<Arc<ParsedBase>> {
        let home = match reference.kind {
            BaseKind::CicdBase => namespace,
            BaseKind::ClusterCicdBase => "",
        };
        let key = (reference.clone(), home.to_owned());
        let object = ObjectKey::new(home, reference.name.as_str());
        let (uid, resource_version, parse): (_, _, Box<dyn FnOnce() -> _>) = match reference.kind {
            BaseKind::CicdBase => {
                let stored = watch::read(&self.bases.namespaced, |store| store.get(&object))?;
                let parse = {
                    let stored = Arc::clone(&stored);
                    move || stored.spec().map(|spec| (spec.bases.unwrap_or_default(), spec.configuration))
                };
                (stored.uid().to_owned(), stored.resource_version(), Box::new(parse))
            }
            BaseKind::ClusterCicdBase => {
                let stored = watch::read(&self.bases.cluster, |store| store.get(&object))?;
                let parse = {
                    let stored = Arc::clone(&stored);
                    move || stored.spec().map(|spec| (spec.bases.unwrap_or_default(), spec.configuration))
                };
                (stored.uid().to_owned(), stored.resource_version(), Box::new(parse))
            }
        };
        if let Some(known) = lock(&self.parsed).get(&key)
            && known.uid == uid
            && known.resource_version == resource_version
        {
            return Some(Arc::clone(known));
        }
        let content = parse().map_err(|malformed| malformed.to_string());
        let parsed = Arc::new(ParsedBase { uid, resource_version, content });
        lock(&self.parsed).insert(key, Arc::clone(&parsed));
        Some(parsed)
    }

    fn version(&self, reference: &BaseReference, namespace: &str) -> u64 {
        self.base(reference, namespace).map_or(0, |base| base.resource_version)
    }

    /// Forgets the parsed form of a base that is gone.
    pub fn forget_base(&self, reference: &BaseReference, namespace: &str) {
        lock(&self.parsed).remove(&(reference.clone(), namespace.to_owned()));
    }
}

/// Bases that are looked at for one context before its configuration is given up as too large; `resolve` names the
/// limit that was passed.
const MAX_REACHABLE: usize = 2048;

/// Tells one configuration of a context from another; its state does not count.
fn fingerprint(uid: &str, spec: &CicdContextSpec) -> u64 {
    let mut hasher = DefaultHasher::new();
    uid.hash(&mut hasher);
    let parts = (&spec.context, &spec.bases, &spec.configuration, &spec.variable_values);
    // Serialising what was just parsed cannot fail; a hash of nothing would only mean resolving once more.
    serde_json::to_string(&parts).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

/// Whether waiting helps: what is missing may come.
pub fn may_recover_by_itself(not_ready: &NotReady) -> bool {
    not_ready.reason == reason::BASE_NOT_FOUND
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
