//! Bases as resolution needs them: read from the caches, parsed once for each version, kept within a budget.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
};

use cicdcontext_crds::{BaseKind, BaseReference, CicdBase, ClusterCicdBase, ConfigurationBlock};
use serde::Deserialize;

use super::lock;
use crate::{
    budget::Budgeted,
    cache::{ObjectKey, Stored, watch},
    metrics::CacheMetrics,
};

/// Bytes of parsed bases that are kept, estimated.
const BUDGET_BYTES: usize = 32 * 1024 * 1024;

/// Bytes of a parsed base for each byte of its JSON text: 11 were measured for many short handlers, 6 for settings, hardly
/// more than one for long templates.
const PARSED: usize = 10;

/// Where bases are found.
#[derive(Clone)]
pub struct Bases {
    /// Bases of namespaces.
    pub namespaced: watch::Shared<CicdBase>,
    /// Bases for all namespaces, unless this operator does not read those.
    pub cluster: Option<watch::Shared<ClusterCicdBase>>,
}

/// Which content a base has: another after each change of its spec, and for another object of its name. A change of
/// its status makes no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version(u64);

impl Version {
    /// There is no such base.
    pub(super) const NONE: Self = Self(0);

    fn of<K>(stored: &Stored<K>) -> Self {
        let mut hasher = DefaultHasher::new();
        // Every object has a generation; if one had none, its resourceVersion would change more often, and do.
        let generation = stored.metadata.generation.ok_or(stored.resource_version());
        (stored.uid(), generation).hash(&mut hasher);
        Self(hasher.finish().max(1))
    }
}

/// A base as far as resolution needs it.
#[derive(Debug)]
pub(super) struct ParsedBase {
    pub(super) version: Version,
    pub(super) content: Result<(Vec<BaseReference>, ConfigurationBlock), String>,
}

/// A base, wherever it is.
type BaseKey = (BaseKind, ObjectKey);
/// The bases that a base names.
type Parents = Arc<[BaseReference]>;

/// Reads bases.
pub(super) struct BaseReader {
    bases: Bases,
    parsed: Budgeted<BaseKey, Arc<ParsedBase>>,
    parents: Mutex<HashMap<BaseKey, (Version, Parents)>>,
    /// What stands for every ClusterCicdBase if those are not read.
    unread: Arc<ParsedBase>,
}

/// Why a ClusterCicdBase cannot be used where nobody reads them.
const UNREAD: &str = "this operator reads no ClusterCicdBases (it runs with --cluster-bases=false); build on a CicdBase \
                      of this namespace";

impl BaseReader {
    pub(super) fn new(bases: Bases, metrics: CacheMetrics) -> Self {
        let parsed = Budgeted::new(BUDGET_BYTES, |base| Arc::strong_count(base) > 1, metrics);
        let unread = Arc::new(ParsedBase { version: Version::NONE, content: Err(UNREAD.to_owned()) });
        Self { bases, parsed, parents: Mutex::default(), unread }
    }

    /// The version of the base that a reference of an object in `namespace` names.
    pub(super) fn version(&self, reference: &BaseReference, namespace: &str) -> Version {
        self.find(reference.kind, &key_of(reference, namespace)).map_or(Version::NONE, |found| found.version())
    }

    /// The base that a reference of an object in `namespace` names.
    pub(super) fn base(&self, reference: &BaseReference, namespace: &str) -> Option<Arc<ParsedBase>> {
        if reference.kind == BaseKind::ClusterCicdBase && self.bases.cluster.is_none() {
            return Some(Arc::clone(&self.unread));
        }
        let object = key_of(reference, namespace);
        let found = self.find(reference.kind, &object)?;
        let (version, key) = (found.version(), (reference.kind, object));
        if let Some(known) = self.parsed.get_if(&key, namespace, |known| known.version == version) {
            return Some(known);
        }
        let bytes = PARSED.saturating_mul(found.raw_spec().len());
        let parsed = Arc::new(ParsedBase { version, content: found.parse() });
        Some(self.parsed.insert(&key, namespace, bytes, parsed))
    }

    /// The bases, of those given, that build on `changed`, directly or through others.
    pub(super) fn builders_on(&self, changed: &BaseReference, bases: &[(BaseReference, ObjectKey)]) -> Vec<ObjectKey> {
        let parents: Vec<_> = bases.iter().map(|(reference, key)| self.parents(reference.kind, key)).collect();
        let mut found = vec![false; bases.len()];
        let mut reached = vec![changed.clone()];
        while let Some(reference) = reached.pop() {
            for ((found, parents), (candidate, _)) in found.iter_mut().zip(&parents).zip(bases) {
                if !*found && parents.contains(&reference) {
                    *found = true;
                    reached.push(candidate.clone());
                }
            }
        }
        bases.iter().zip(found).filter(|(_, found)| *found).map(|((_, key), _)| key.clone()).collect()
    }

    /// Forgets a base that is gone.
    pub(super) fn forget(&self, kind: BaseKind, key: &ObjectKey) {
        let key = (kind, key.clone());
        self.parsed.remove(&key);
        lock(&self.parents).remove(&key);
    }

    /// The bases that a base names; none if it is not there or cannot be read.
    fn parents(&self, kind: BaseKind, object: &ObjectKey) -> Parents {
        let Some(found) = self.find(kind, object) else { return Parents::from([]) };
        let key = (kind, object.clone());
        if let Some((version, parents)) = lock(&self.parents).get(&key)
            && *version == found.version()
        {
            return Arc::clone(parents);
        }
        let parents: Parents = found.parents().into();
        lock(&self.parents).insert(key, (found.version(), Arc::clone(&parents)));
        parents
    }

    fn find(&self, kind: BaseKind, object: &ObjectKey) -> Option<Found> {
        match kind {
            BaseKind::CicdBase => watch::read(&self.bases.namespaced, |store| store.get(object)).map(Found::Namespaced),
            BaseKind::ClusterCicdBase => {
                let cluster = self.bases.cluster.as_ref()?;
                watch::read(cluster, |store| store.get(object)).map(Found::Cluster)
            }
        }
    }
}

fn key_of(reference: &BaseReference, namespace: &str) -> ObjectKey {
    let home = match reference.kind {
        BaseKind::CicdBase => namespace,
        BaseKind::ClusterCicdBase => "",
    };
    ObjectKey::new(home, reference.name.as_str())
}

/// A base of either kind.
enum Found {
    Namespaced(Arc<Stored<CicdBase>>),
    Cluster(Arc<Stored<ClusterCicdBase>>),
}

impl Found {
    fn version(&self) -> Version {
        match self {
            Self::Namespaced(stored) => Version::of(stored),
            Self::Cluster(stored) => Version::of(stored),
        }
    }

    fn raw_spec(&self) -> &str {
        match self {
            Self::Namespaced(stored) => stored.raw_spec(),
            Self::Cluster(stored) => stored.raw_spec(),
        }
    }

    fn parse(&self) -> Result<(Vec<BaseReference>, ConfigurationBlock), String> {
        let content = match self {
            Self::Namespaced(stored) => stored.spec().map(|spec| (spec.bases, spec.configuration)),
            Self::Cluster(stored) => stored.spec().map(|spec| (spec.bases, spec.configuration)),
        };
        let (bases, block) = content.map_err(|malformed| malformed.to_string())?;
        Ok((bases.unwrap_or_default(), block))
    }

    fn parents(&self) -> Vec<BaseReference> {
        #[derive(Deserialize)]
        struct OnlyBases {
            bases: Option<Vec<BaseReference>>,
        }
        let only: Option<OnlyBases> = serde_json::from_str(self.raw_spec()).ok();
        only.and_then(|only| only.bases).unwrap_or_default()
    }
}
