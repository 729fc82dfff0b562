//! A cache of one kind, without any I/O: fed with watch events, it says which objects changed.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    sync::Arc,
};

use kube::runtime::watcher::Event;

use super::stored::Stored;

/// Namespace and name of an object. The namespace of a cluster-wide one is blank.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl ObjectKey {
    /// A key of these two.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            formatter.write_str(&self.name)
        } else {
            write!(formatter, "{}/{}", self.namespace, self.name)
        }
    }
}

/// One object before and after a watch event.
#[derive(Clone, Debug)]
pub struct Changed<K> {
    /// The object.
    pub key: ObjectKey,
    /// How it was known before.
    pub before: Option<Arc<Stored<K>>>,
    /// How it is known now; `None` if it is gone.
    pub after: Option<Arc<Stored<K>>>,
}

/// Gives the key under which an object is found in one of a store's indexes, if it belongs there.
pub type IndexFunction<K> = fn(&Stored<K>) -> Option<ObjectKey>;

/// Keys are kept once, however many indexes have them: of 10,000 events that are a few MiB.
type Index = HashMap<ObjectKey, BTreeSet<Arc<ObjectKey>>>;

/// All known objects of one kind.
///
/// Several watches may feed one store, each for a namespace of its own: `scope` tells them apart when a watch starts
/// anew and the objects that it does not list again are known to be gone.
#[derive(Debug)]
pub struct Store<K> {
    objects: HashMap<Arc<ObjectKey>, Arc<Stored<K>>>,
    indexes: Vec<(IndexFunction<K>, Index)>,
    listing: HashMap<Option<String>, HashSet<ObjectKey>>,
    /// Takes out of an object what is not kept of it.
    slim: fn(&mut Stored<K>),
}

impl<K> Store<K> {
    /// An empty store whose objects are also found under what these functions give, each an index of its own.
    pub fn new(index_functions: &[IndexFunction<K>]) -> Self {
        let indexes = index_functions.iter().map(|function| (*function, Index::new())).collect();
        Self { objects: HashMap::new(), indexes, listing: HashMap::new(), slim: |_| {} }
    }

    /// The same store, in which of each object only that is kept which `slim` leaves of it.
    #[must_use]
    pub fn keeping(self, slim: fn(&mut Stored<K>)) -> Self {
        Self { slim, ..self }
    }

    /// The object of this key.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<Stored<K>>> {
        self.objects.get(key).cloned()
    }

    /// All objects that the index function number `index` puts under `key`.
    pub fn find(&self, index: usize, key: &ObjectKey) -> Vec<Arc<Stored<K>>> {
        let keys = self.indexes.get(index).and_then(|(_, index)| index.get(key));
        keys.into_iter().flatten().filter_map(|object| self.get(object)).collect()
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Stored<K>>> {
        self.objects.values()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Takes in what a watch of `scope` (a namespace, or all) says.
    pub fn handle(&mut self, scope: Option<&str>, event: Event<Stored<K>>) -> Vec<Changed<K>> {
        let scope = scope.map(str::to_owned);
        match event {
            Event::Apply(object) => self.put(object).into_iter().collect(),
            Event::Delete(object) => {
                let key = key_of(&object);
                self.remove(&key).into_iter().collect()
            }
            Event::Init => {
                self.listing.insert(scope, HashSet::new());
                Vec::new()
            }
            Event::InitApply(object) => {
                self.listing.entry(scope).or_default().insert(key_of(&object));
                self.put(object).into_iter().collect()
            }
            Event::InitDone => {
                let Some(listed) = self.listing.remove(&scope) else { return Vec::new() };
                let gone: Vec<ObjectKey> = self
                    .objects
                    .keys()
                    .filter(|key| scope.as_ref().is_none_or(|namespace| *namespace == key.namespace))
                    .filter(|key| !listed.contains(&***key))
                    .map(|key| ObjectKey::clone(key))
                    .collect();
                gone.iter().filter_map(|key| self.remove(key)).collect()
            }
        }
    }

    /// Puts an object that somebody has just written in the place of an older version. One that is not known (any more)
    /// is left to the watch: it may have told already that the object is gone.
    pub fn put_if_newer(&mut self, object: Stored<K>) -> Option<Changed<K>> {
        let known = self.objects.get(&key_of(&object))?;
        if known.uid() != object.uid() || known.resource_version() >= object.resource_version() {
            return None;
        }
        self.put(object)
    }

    /// Forgets an object that is known to be gone, if it still is the one with this UID: the watch will not tell of that.
    pub fn forget(&mut self, key: &ObjectKey, uid: &str) -> Option<Changed<K>> {
        if self.objects.get(key).is_none_or(|known| known.uid() != uid) {
            return None;
        }
        self.remove(key)
    }

    fn put(&mut self, mut object: Stored<K>) -> Option<Changed<K>> {
        let key = key_of(&object);
        let known = self.objects.get_key_value(&key).map(|(key, before)| (Arc::clone(key), Arc::clone(before)));
        let (shared, before) = known.map_or_else(|| (Arc::new(key.clone()), None), |(key, before)| (key, Some(before)));
        // A list may repeat what is known, and a watch may lag behind what was put in by `put_if_newer`.
        if let Some(known) = &before
            && known.uid() == object.uid()
            && known.resource_version() >= object.resource_version()
        {
            return None;
        }
        if let Some(known) = &before {
            self.unindex(known, &key);
        }
        (self.slim)(&mut object);
        let after = Arc::new(object);
        for (function, index) in &mut self.indexes {
            if let Some(found_under) = function(&after) {
                index.entry(found_under).or_default().insert(Arc::clone(&shared));
            }
        }
        self.objects.insert(shared, Arc::clone(&after));
        Some(Changed { key, before, after: Some(after) })
    }

    fn remove(&mut self, key: &ObjectKey) -> Option<Changed<K>> {
        let before = self.objects.remove(key)?;
        self.unindex(&before, key);
        Some(Changed { key: key.clone(), before: Some(before), after: None })
    }

    fn unindex(&mut self, object: &Stored<K>, key: &ObjectKey) {
        for (function, index) in &mut self.indexes {
            let Some(found_under) = function(object) else { continue };
            if let Some(keys) = index.get_mut(&found_under) {
                keys.remove(key);
                if keys.is_empty() {
                    index.remove(&found_under);
                }
            }
        }
    }
}

fn key_of<K>(object: &Stored<K>) -> ObjectKey {
    ObjectKey::new(object.namespace(), object.name())
}

#[cfg(test)]
mod tests {
    use cicdcontext_crds::CicdEvent;

    use super::*;

    // From text, since raw JSON cannot be taken from a `Value`.
    fn event(namespace: &str, name: &str, version: u64, context: &str) -> Stored<CicdEvent> {
        serde_json::from_str(&format!(
            r#"{{"metadata":{{"namespace":"{namespace}","name":"{name}","uid":"{name}","resourceVersion":"{version}"}},
               "spec":{{"contextRef":{{"name":"{context}"}},"pipeline":"build","event":"success"}}}}"#
        ))
        .unwrap()
    }

    fn by_context(event: &Stored<CicdEvent>) -> Option<ObjectKey> {
        Some(ObjectKey::new(event.namespace(), event.spec().ok()?.context_ref.name))
    }

    fn names(events: &[Arc<Stored<CicdEvent>>]) -> Vec<&str> {
        events.iter().map(|event| event.name()).collect()
    }

    #[test]
    fn events_are_found_by_their_context() {
        let mut store = Store::new(&[by_context]);
        store.handle(None, Event::Apply(event("a", "e1", 1, "shop")));
        store.handle(None, Event::Apply(event("a", "e2", 2, "shop")));
        store.handle(None, Event::Apply(event("b", "e3", 3, "shop")));
        assert_eq!(names(&store.find(0, &ObjectKey::new("a", "shop"))), ["e1", "e2"]);
        store.handle(None, Event::Delete(event("a", "e1", 4, "shop")));
        assert_eq!(names(&store.find(0, &ObjectKey::new("a", "shop"))), ["e2"]);
    }

    #[test]
    fn a_watch_that_starts_anew_tells_what_went_away_meanwhile_in_its_own_namespace_only() {
        let mut store = Store::new(&[by_context]);
        store.handle(Some("a"), Event::Apply(event("a", "e1", 1, "shop")));
        store.handle(Some("a"), Event::Apply(event("a", "e2", 2, "shop")));
        store.handle(Some("b"), Event::Apply(event("b", "e3", 3, "shop")));
        store.handle(Some("a"), Event::Init);
        assert!(store.handle(Some("a"), Event::InitApply(event("a", "e2", 2, "shop"))).is_empty(), "unchanged");
        let gone = store.handle(Some("a"), Event::InitDone);
        assert_eq!(gone.len(), 1);
        assert_eq!(gone[0].key, ObjectKey::new("a", "e1"));
        assert!(gone[0].after.is_none());
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn whichever_way_an_object_comes_only_what_is_to_be_kept_of_it_is() {
        let mut store = Store::new(&[by_context]).keeping(|event| event.metadata.labels = None);
        let labelled = |version| {
            let mut event = event("a", "e1", version, "shop");
            event.metadata.labels = Some(std::collections::BTreeMap::new());
            event
        };
        store.handle(None, Event::Init);
        for (version, put) in [(1, "list"), (2, "watch"), (3, "write")] {
            let changed = match put {
                "list" => store.handle(None, Event::InitApply(labelled(version))).pop(),
                "watch" => store.handle(None, Event::Apply(labelled(version))).pop(),
                _ => store.put_if_newer(labelled(version)),
            };
            assert_eq!(changed.unwrap().after.unwrap().metadata.labels, None, "{put}");
            assert_eq!(store.get(&ObjectKey::new("a", "e1")).unwrap().metadata.labels, None, "{put}");
        }
    }

    #[test]
    fn a_watch_that_lags_does_not_bring_back_an_older_version() {
        let mut store = Store::new(&[by_context]);
        assert!(store.put_if_newer(event("a", "e1", 7, "shop")).is_none(), "it may be gone already");
        store.handle(None, Event::Apply(event("a", "e1", 6, "shop")));
        assert!(store.put_if_newer(event("a", "e1", 7, "shop")).is_some());
        assert!(store.handle(None, Event::Apply(event("a", "e1", 5, "shop"))).is_empty());
        assert!(store.put_if_newer(event("a", "e1", 7, "shop")).is_none());
        assert_eq!(store.get(&ObjectKey::new("a", "e1")).unwrap().resource_version(), 7);
    }
}
