//! Endpoints with their templates compiled, once for each version.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use cicdcontext_crds::{CicdEndpoint, CicdEndpointSpec};
use cicdcontext_engine::handler::Endpoint;

use crate::cache::Stored;

/// Most compiled endpoints that are kept.
const KEPT: usize = 4096;

/// UID and generation of an endpoint.
type Version = (String, i64);
/// A compiled endpoint, or why it cannot be compiled.
type Compilation = Result<Arc<Endpoint>, String>;

/// Compiled endpoints.
#[derive(Debug, Default)]
pub struct Compiled(Mutex<HashMap<Version, Compilation>>);

impl Compiled {
    /// The compiled endpoint of `stored`, or why it cannot be compiled.
    pub fn of(&self, stored: &Stored<CicdEndpoint>, spec: &CicdEndpointSpec) -> Compilation {
        let key = (stored.uid().to_owned(), stored.metadata.generation.unwrap_or_default());
        if let Some(known) = self.lock().get(&key) {
            return known.clone();
        }
        let compiled = Endpoint::new(spec).map(Arc::new).map_err(|error| error.to_string());
        let mut all = self.lock();
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(key, compiled.clone());
        compiled
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Version, Compilation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
