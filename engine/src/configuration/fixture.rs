//! A small world of bases for tests, written as YAML or JSON.

use std::collections::BTreeMap;

use cicdcontext_crds::{BaseKind, BaseReference, CicdBaseSpec};

use super::{ConfigurationError, Input, Lookup, Origin, Resolved, resolve};

/// Bases by reference, and the block of the owner.
#[derive(Default)]
pub(super) struct World {
    bases: BTreeMap<BaseReference, CicdBaseSpec>,
    broken: BTreeMap<BaseReference, String>,
    owner: Option<Origin>,
    own: CicdBaseSpec,
    selected: Option<String>,
}

/// `base/x` is a CicdBase, `cluster/x` a ClusterCicdBase.
pub(super) fn reference(text: &str) -> BaseReference {
    let (kind, name) = text.split_once('/').unwrap();
    let kind = if kind == "cluster" { BaseKind::ClusterCicdBase } else { BaseKind::CicdBase };
    BaseReference { kind, name: name.to_owned() }
}

fn spec(yaml: &str) -> CicdBaseSpec {
    let value: serde_json::Value = serde_json::from_str(yaml).unwrap_or_else(|_| serde_saphyr::from_str(yaml).unwrap());
    serde_json::from_value(if value.is_null() { serde_json::json!({}) } else { value }).unwrap()
}

impl World {
    /// A CicdContext called `shop-1` that names bases and has a block.
    pub(super) fn context(bases: &[&str], yaml: &str) -> Self {
        let mut own = spec(yaml);
        own.bases = Some(bases.iter().map(|base| reference(base)).collect());
        Self { own, ..Self::default() }
    }

    pub(super) fn base(mut self, name: &str, bases: &[&str], yaml: &str) -> Self {
        let mut spec = spec(yaml);
        spec.bases = Some(bases.iter().map(|base| reference(base)).collect());
        self.bases.insert(reference(name), spec);
        self
    }

    pub(super) fn broken(mut self, name: &str, problem: &str) -> Self {
        self.broken.insert(reference(name), problem.to_owned());
        self
    }

    /// Resolves for a base of this name instead of the context.
    pub(super) fn seen_from(mut self, name: &str) -> Self {
        self.own = self.bases[&reference(name)].clone();
        self.owner = Some(Origin::base(&reference(name)));
        self
    }

    pub(super) fn selecting(mut self, context: &str) -> Self {
        self.selected = Some(context.to_owned());
        self
    }

    pub(super) fn try_resolve(&self) -> Result<Resolved, ConfigurationError> {
        let input = Input {
            owner: self.owner.clone().unwrap_or_else(|| Origin::context("shop-1")),
            selected: self.selected.as_deref(),
            bases: self.own.bases.as_deref().unwrap_or_default(),
            block: &self.own.configuration,
        };
        resolve(&input, &|reference| match (self.bases.get(reference), self.broken.get(reference)) {
            (Some(spec), _) => Lookup::Found(spec.bases.as_deref().unwrap_or_default(), &spec.configuration),
            (None, Some(problem)) => Lookup::Broken(problem.clone()),
            (None, None) => Lookup::NotFound,
        })
    }

    #[track_caller]
    pub(super) fn resolve(&self) -> Resolved {
        self.try_resolve().unwrap()
    }

    /// Reason and text of the error.
    #[track_caller]
    pub(super) fn error(&self) -> (&'static str, String) {
        let error = self.try_resolve().unwrap_err();
        (error.reason(), error.to_string())
    }
}
