//! Compiled configurations, kept by their content within a budget: contexts with the same content share one.

use std::{collections::BTreeMap, sync::Arc};

use cicdcontext_crds::BaseKind;
use cicdcontext_engine::{configuration::Resolved, handler::Program};
use sha2::{Digest, Sha256};

use crate::{budget::Budgeted, metrics::CacheMetrics};

/// Names a compiled configuration by all that goes into it. It is a digest that nobody can find a second content for:
/// what one namespace compiled, others run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ProgramKey([u8; 32]);

impl ProgramKey {
    /// The key of `resolved` with these values of variables.
    pub(super) fn new(resolved: &Resolved, variable_values: &BTreeMap<String, String>) -> Self {
        let mut digest = Sha256::new();
        let mut part = |text: &str| {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        };
        // The hash is over the content alone. Which bases it came from can be read off a program, too.
        part(&resolved.hash);
        for base in &resolved.bases {
            part(match base.kind {
                BaseKind::CicdBase => "CicdBase",
                BaseKind::ClusterCicdBase => "ClusterCicdBase",
            });
            part(&base.name);
        }
        part("values");
        for (name, value) in variable_values {
            part(name);
            part(value);
        }
        Self(digest.finalize().into())
    }
}

/// The compiled configurations.
#[derive(Debug)]
pub(super) struct Programs(Budgeted<ProgramKey, Arc<Program>>);

impl Programs {
    /// Keeps at most `budget` bytes beside what is in use.
    pub(super) fn new(budget: usize, metrics: CacheMetrics) -> Self {
        Self(Budgeted::new(budget, |program| Arc::strong_count(program) > 1, metrics))
    }

    /// The program of this key, for a context of `namespace`, if it is kept.
    pub(super) fn get(&self, key: &ProgramKey, namespace: &str) -> Option<Arc<Program>> {
        self.0.get(key, namespace)
    }

    /// Compiles what is not kept, and keeps it.
    pub(super) fn of(
        &self,
        key: ProgramKey,
        namespace: &str,
        resolved: Resolved,
        variable_values: &BTreeMap<String, String>,
    ) -> Arc<Program> {
        if let Some(known) = self.get(&key, namespace) {
            return known;
        }
        let program = Arc::new(Program::new(resolved, variable_values));
        self.0.insert(&key, namespace, program.estimated_bytes(), program)
    }
}
