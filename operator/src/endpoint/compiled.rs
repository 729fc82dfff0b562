//! Endpoints with their templates compiled, once for each version, kept within a budget.

use std::sync::Arc;

use cicdcontext_crds::{CicdEndpoint, CicdEndpointSpec};
use cicdcontext_engine::handler::Endpoint;

use crate::{budget::Budgeted, cache::Stored, metrics::CacheMetrics};

/// Bytes of compiled endpoints that are kept, estimated: about a thousand ordinary ones.
const BUDGET_BYTES: usize = 32 * 1024 * 1024;

/// UID and generation of an endpoint.
type Version = (String, i64);
/// A compiled endpoint, or why it cannot be compiled.
pub type Compilation = Result<Arc<Endpoint>, String>;

/// Compiled endpoints.
#[derive(Debug)]
pub struct Compiled(Budgeted<Version, Compilation>);

impl Compiled {
    /// None yet.
    pub fn new(metrics: CacheMetrics) -> Self {
        let in_use = |compiled: &Compilation| compiled.as_ref().is_ok_and(|endpoint| Arc::strong_count(endpoint) > 1);
        Self(Budgeted::new(BUDGET_BYTES, in_use, metrics))
    }

    /// The compiled endpoint of `stored`, or why it cannot be compiled, if that is kept.
    pub fn known(&self, stored: &Stored<CicdEndpoint>) -> Option<Compilation> {
        self.0.get(&version(stored), stored.namespace())
    }

    /// Compiles the endpoint of `stored`, unless somebody has done that meanwhile.
    pub fn of(&self, stored: &Stored<CicdEndpoint>, spec: &CicdEndpointSpec) -> Compilation {
        if let Some(known) = self.known(stored) {
            return known;
        }
        let compiled = Endpoint::new(spec).map(Arc::new).map_err(|error| error.to_string());
        let bytes = compiled.as_ref().map_or_else(String::len, |endpoint| endpoint.estimated_bytes());
        self.0.insert(&version(stored), stored.namespace(), bytes, compiled)
    }
}

fn version(stored: &Stored<CicdEndpoint>) -> Version {
    (stored.uid().to_owned(), stored.metadata.generation.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    fn endpoint(generation: i64, body: &str) -> Stored<CicdEndpoint> {
        let spec = serde_json::json!({"url": "https://chat.example", "bodies": {"notify": body}});
        serde_json::from_str(&format!(
            r#"{{"metadata": {{"namespace": "a", "name": "chat", "uid": "u", "generation": {generation}}}, "spec": {spec}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn each_version_of_an_endpoint_is_compiled_once_and_so_is_one_that_cannot_be() {
        let metrics = Metrics::new().cache("endpoints");
        let compiled = Compiled::new(metrics.clone());
        let (sound, broken) = (endpoint(1, "{{handler.message}}"), endpoint(2, "{{#if}"));
        let first = compiled.of(&sound, &sound.spec().unwrap()).unwrap();
        let second = compiled.of(&sound, &sound.spec().unwrap()).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        let problem = compiled.of(&broken, &broken.spec().unwrap()).unwrap_err();
        assert!(problem.contains("spec.bodies.notify"), "{problem}");
        assert_eq!(compiled.known(&broken).unwrap().unwrap_err(), problem);
        assert_eq!((metrics.hits.get(), metrics.misses.get()), (2, 2));
    }
}
