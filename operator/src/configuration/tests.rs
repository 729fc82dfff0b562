//! Configurations over stores that are filled by hand.

use std::sync::RwLock;

use cicdcontext_crds::{CicdBase, ClusterCicdBase};
use kube::runtime::watcher::Event;
use serde_json::{Value, json};

use super::*;
use crate::cache::{Store, watch};

struct World {
    bases: Bases,
    configurations: Configurations,
    metrics: Metrics,
}

impl World {
    fn new(budget: usize) -> Self {
        let bases = Bases {
            namespaced: Arc::new(RwLock::new(Store::<CicdBase>::new(&[]))),
            cluster: Some(Arc::new(RwLock::new(Store::<ClusterCicdBase>::new(&[])))),
        };
        let metrics = Metrics::new();
        Self { configurations: Configurations::new(bases.clone(), budget, &metrics), bases, metrics }
    }

    /// A base of namespace `a`, by name, version of its content, and resourceVersion.
    fn base(&self, name: &str, generation: u64, version: u64, spec: &Value) {
        let stored = stored("a", name, generation, version, spec);
        watch::write(&self.bases.namespaced, |store| store.handle(None, Event::Apply(stored)));
    }

    fn of(&self, context: &Stored<CicdContext>) -> Configured {
        self.configurations.of(context, &context.spec().unwrap())
    }

    fn misses(&self) -> u64 {
        self.metrics.cache("configurations").misses.get()
    }
}

fn stored<K>(namespace: &str, name: &str, generation: u64, version: u64, spec: &Value) -> Stored<K> {
    serde_json::from_str(&format!(
        r#"{{"metadata": {{"namespace": "{namespace}", "name": "{name}", "uid": "uid of {name}",
           "generation": {generation}, "resourceVersion": "{version}"}}, "spec": {spec}}}"#
    ))
    .unwrap()
}

fn context(namespace: &str, name: &str, spec: &Value) -> Stored<CicdContext> {
    stored(namespace, name, 1, 1, spec)
}

fn tells(message: &str) -> Value {
    let handler = json!({"name": "tell", "notify": {"endpoint": {"name": "chat"}, "message": message}});
    json!({"pipelines": {"build": {"eventHandlers": {"success": [handler]}}}})
}

fn on_base(name: &str) -> Value {
    json!({"bases": [{"kind": "CicdBase", "name": name}]})
}

/// The message of the only handler.
fn message(configured: &Configured) -> String {
    let program = configured.as_ref().unwrap();
    program.resolved.templates().next().unwrap().text.to_string()
}

#[test]
fn two_contexts_with_equal_content_share_one_program_also_across_namespaces() {
    let world = World::new(DEFAULT_BUDGET_BYTES);
    let first = world.of(&context("a", "one", &tells("built"))).unwrap();
    let second = world.of(&context("b", "two", &tells("built"))).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    let mut spec = tells("built");
    spec["variableValues"] = json!({"a": "b"});
    let third = world.of(&context("a", "three", &spec)).unwrap();
    assert!(!Arc::ptr_eq(&first, &third), "values of variables are part of a program");
    assert_eq!(world.misses(), 2);
}

#[test]
fn a_change_of_the_state_is_none_of_the_configuration() {
    let world = World::new(DEFAULT_BUDGET_BYTES);
    let mut spec = tells("built");
    let first = world.of(&context("a", "one", &spec)).unwrap();
    spec["state"] = json!({"tag": "1.4"});
    let patched = context("a", "one", &spec);
    assert!(Arc::ptr_eq(&first, &world.configurations.known(&patched).unwrap().unwrap()));
    spec["settings"] = json!({"channel": "#ci"});
    assert!(world.configurations.known(&context("a", "one", &spec)).is_none());
}

#[test]
fn an_evicted_program_is_compiled_again_for_an_event_and_not_for_the_status() {
    let world = World::new(1);
    let contexts: Vec<_> =
        (0..3).map(|number| context("a", &format!("c{number}"), &tells(&format!("built {number}")))).collect();
    for context in &contexts {
        assert!(world.of(context).is_ok());
    }
    assert_eq!(world.misses(), 3);
    assert_eq!(world.metrics.cache("configurations").evictions.get(), 2);
    let facts = world.configurations.facts(&contexts[0]).expect("what the status needs is remembered");
    assert_eq!(facts.outcome.as_ref().unwrap().hash.len(), 32);
    assert_eq!(world.misses(), 3);
    assert!(world.configurations.known(&contexts[0]).is_none());
    assert_eq!(message(&world.of(&contexts[0])), "built 0");
    assert_eq!(world.misses(), 4);
}

#[test]
fn an_edit_of_a_base_counts_at_once_and_a_write_of_its_status_not_at_all() {
    let world = World::new(DEFAULT_BUDGET_BYTES);
    let shop = context("a", "shop", &on_base("app"));
    assert_eq!(world.of(&shop).unwrap_err().reason, "BaseNotFound");
    world.base("app", 1, 1, &tells("first"));
    assert_eq!(message(&world.of(&shop)), "first");
    world.base("app", 1, 2, &tells("first"));
    assert!(world.configurations.known(&shop).is_some(), "only its status was written");
    world.base("app", 2, 3, &tells("second"));
    assert!(world.configurations.facts(&shop).is_none());
    assert_eq!(message(&world.of(&shop)), "second");
    assert_eq!(world.metrics.cache("bases").misses.get(), 2);
    let reference = BaseReference { kind: BaseKind::CicdBase, name: "app".into() };
    assert_eq!(world.configurations.users_of(&reference, Some("a")), [ObjectKey::new("a", "shop")]);
    assert_eq!(world.configurations.users_of(&reference, Some("b")), []);
}

#[test]
fn bases_that_build_on_a_base_are_found_through_others_and_in_circles() {
    let world = World::new(DEFAULT_BUDGET_BYTES);
    for (name, parent) in [("app", "team"), ("team", "platform"), ("platform", "app"), ("other", "none")] {
        world.base(name, 1, 1, &on_base(parent));
    }
    let reference = |name: &str| BaseReference { kind: BaseKind::CicdBase, name: name.into() };
    let all: Vec<_> =
        ["app", "team", "platform", "other"].map(|name| (reference(name), ObjectKey::new("a", name))).into();
    let names = |name: &str| {
        let builders = world.configurations.builders_on(&reference(name), &all);
        builders.into_iter().map(|key| key.name).collect::<Vec<_>>()
    };
    assert_eq!(names("platform"), ["app", "team", "platform"]);
    assert_eq!(names("none"), ["other"]);
    world.base("other", 2, 2, &on_base("app"));
    assert_eq!(names("none"), [""; 0], "what it builds on is read anew");
}

#[test]
fn checking_a_base_keeps_nothing_and_names_the_first_template_that_does_not_compile() {
    let world = World::new(DEFAULT_BUDGET_BYTES);
    let reference = BaseReference { kind: BaseKind::CicdBase, name: "app".into() };
    let check = |spec: Value| {
        let block: ConfigurationBlock = serde_json::from_value(spec).unwrap();
        world.configurations.of_base(&reference, "a", &[], &block)
    };
    assert_eq!(check(json!({"contexts": {"stage": tells("built")}})), Ok(None));
    let error = check(json!({"contexts": {"stage": tells("{{#if}")}})).unwrap().unwrap();
    assert!(error.contains("pipelines.build.eventHandlers.success[tell].notify.message"), "{error}");
    assert_eq!(world.metrics.cache("configurations").bytes.get(), 0);
}

#[test]
fn where_cluster_bases_are_not_read_whoever_names_one_is_told_so() {
    let mut world = World::new(DEFAULT_BUDGET_BYTES);
    let shop = context("a", "shop", &json!({"bases": [{"kind": "ClusterCicdBase", "name": "platform"}]}));
    assert_eq!(world.of(&shop).unwrap_err().reason, "BaseNotFound");
    world.bases.cluster = None;
    world.configurations = Configurations::new(world.bases.clone(), DEFAULT_BUDGET_BYTES, &world.metrics);
    let not_ready = world.of(&shop).unwrap_err();
    assert_eq!(not_ready.reason, "BaseNotReady");
    assert_eq!(
        not_ready.message,
        "read ClusterCicdBase/platform, which the bases of CicdContext/shop name: this operator reads no \
         ClusterCicdBases (it runs with --cluster-bases=false); build on a CicdBase of this namespace"
    );
    assert!(world.configurations.facts(&shop).is_some(), "it is not resolved again and again");
}
