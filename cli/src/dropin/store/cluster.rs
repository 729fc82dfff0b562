//! Documents in CicdContexts that the operator leaves alone. Every write is a patch of what changes, under the condition that
//! it is as it was read; if it is not, the document is read and changed anew, after a pause that grows.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use cicdcontext_compat::document::Document;
use cicdcontext_crds::{
    CicdContext,
    vocabulary::annotation::{DATA_ID, DATA_ORDER},
};
use cicdcontext_engine::state::patch::{add, annotation_pointer};
use json_patch::PatchOperation;

use super::{StoreError, name::name, object::Parts, order};
use crate::{
    dropin::failure::Failure,
    source::{Configuration, Contexts, Problem, SourceError, cluster::Cluster},
};

/// How long one request may take.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long others may be in the way.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first pause, and the longest; jitter adds up to as much again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// An object as it was read.
struct Stored {
    parts: Parts,
    version: String,
    /// The order of its document's keys.
    order: Option<String>,
}

impl Stored {
    fn document(&self) -> Document {
        order::restored(self.parts.clone().into(), self.order.as_deref())
    }
}

/// Writes the order of a document's keys. Without a condition: whoever writes elsewhere is not in the way, and what a later
/// writer does not know of is only sorted.
fn write_order(order: &str) -> PatchOperation {
    add(annotation_pointer(Some(DATA_ORDER)), order.into())
}

/// CicdContexts of one namespace.
pub(crate) struct InCluster(Cluster);

impl InCluster {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self(cluster)
    }

    pub(super) fn place(&self) -> String {
        format!("the CicdContexts of namespace {}", self.0.namespace())
    }

    pub(super) async fn read(&self, id: &str) -> Result<Document, StoreError> {
        Ok(self.stored(id).await?.document())
    }

    /// What holds the document.
    async fn stored(&self, id: &str) -> Result<Stored, StoreError> {
        let mut object = self.0.whole_context(&name(id)).await.map_err(|error| match error.problem {
            Problem::NotFound(_) => StoreError::NoRun { id: id.to_owned(), place: self.place() },
            _ => StoreError::Source(privileged(error)),
        })?;
        check_owner(id, &object)?;
        let version = object.metadata.resource_version.take().unwrap_or_default();
        let order = object.metadata.annotations.and_then(|mut annotations| annotations.remove(DATA_ORDER));
        Ok(Stored { parts: object.spec.into(), version, order })
    }

    pub(super) async fn create(&self, id: &str, document: &Document) -> Result<(), StoreError> {
        let (parts, order) = (Parts::from(document), order::of(document));
        let mut object = parts.object(id);
        object.metadata.annotations.get_or_insert_default().insert(DATA_ORDER.to_owned(), order.clone());
        match self.0.create_context(&object).await {
            Err(SourceError { problem: Problem::AlreadyExists, .. }) => {}
            created => return created.map_err(|error| refused(id, &parts, error)),
        }
        let mut operations = parts.replacement(id);
        operations.push(write_order(&order));
        match self.0.patch_context(&name(id), &operations).await {
            Err(SourceError { problem: Problem::Conflict, .. }) => {
                // Tells whose it is.
                self.stored(id).await?;
                Err(StoreError::Conflict { id: id.to_owned(), attempts: 1, seconds: 0 })
            }
            replaced => replaced.map_err(|error| refused(id, &parts, error)),
        }
    }

    pub(super) async fn change<T>(
        &self,
        id: &str,
        mut change: impl FnMut(&mut Document) -> Result<T, Failure>,
    ) -> Result<(Document, T), Failure> {
        let (start, mut delays) = (Instant::now(), delays());
        let mut attempts = 0;
        loop {
            attempts += 1;
            let old = self.stored(id).await?;
            let mut document = old.document();
            let result = change(&mut document)?;
            let (new, order) = (Parts::from(&document), order::of(&document));
            let mut operations = old.parts.patch(&new, &old.version);
            if operations.is_empty() {
                return Ok((document, result));
            }
            if old.order.as_deref() != Some(&order) {
                operations.push(write_order(&order));
            }
            match self.0.patch_context(&name(id), &operations).await {
                Ok(()) => return Ok((document, result)),
                Err(error) if !error.problem.is_worth_another_attempt() => return Err(refused(id, &new, error).into()),
                Err(_) => {}
            }
            let Some(delay) = delays.next().filter(|delay| start.elapsed() + *delay < PATIENCE) else {
                let seconds = start.elapsed().as_secs();
                return Err(StoreError::Conflict { id: id.to_owned(), attempts, seconds }.into());
            };
            tokio::time::sleep(delay).await;
        }
    }
}

/// The pauses between attempts.
fn delays() -> impl Iterator<Item = Duration> {
    let (first, longest) = PAUSES;
    ExponentialBuilder::new().with_min_delay(first).with_max_delay(longest).without_max_times().with_jitter().build()
}

/// The name has a hash of the ID: another's object is there only if somebody put it there by hand.
fn check_owner(id: &str, object: &CicdContext) -> Result<(), StoreError> {
    let owner = object.metadata.annotations.as_ref().and_then(|annotations| annotations.get(DATA_ID));
    if owner.map(String::as_str) == Some(id) {
        return Ok(());
    }
    let owner =
        owner.map_or_else(|| format!("nobody: it has no annotation {DATA_ID}"), |owner| format!("run {owner:?}"));
    Err(StoreError::Foreign { id: id.to_owned(), place: format!("CicdContext {}", name(id)), owner })
}

/// What the cluster means by not taking a document.
fn refused(id: &str, parts: &Parts, error: SourceError) -> StoreError {
    let is_too_large = match &error.problem {
        Problem::Other { code: 413, .. } => true,
        Problem::Other { message, .. } | Problem::Invalid(message) | Problem::Busy(message) => {
            ["too large", "larger than max", "Too long"].iter().any(|words| message.contains(words))
        }
        _ => false,
    };
    if is_too_large {
        return StoreError::TooLarge { id: id.to_owned(), bytes: parts.bytes() };
    }
    StoreError::Source(privileged(error))
}

/// A document is settings too, which a step of a pipeline may not write by itself.
fn privileged(error: SourceError) -> SourceError {
    match error {
        SourceError { request, problem: Problem::Forbidden(message) } => {
            SourceError { request, problem: Problem::Privileged(message) }
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(problem: Problem) -> String {
        let document: Document = Document(serde_json::Map::from_iter([("a".to_owned(), "b".into())]));
        refused("r/1", &Parts::from(&document), SourceError { request: "patch".to_owned(), problem }).to_string()
    }

    #[test]
    fn a_document_that_does_not_fit_is_told_with_its_size() {
        let expected = "store run \"r/1\": its document has 15 bytes as JSON, and the cluster refuses it as too large";
        for problem in [
            Problem::Other { code: 413, message: "limit is 3145728".to_owned() },
            Problem::Other { code: 500, message: "etcdserver: request is too large".to_owned() },
            Problem::Invalid("CicdContext \"r\" is invalid: metadata.annotations: Too long".to_owned()),
        ] {
            let text = failed(problem);
            assert!(text.starts_with(expected), "{text}");
        }
    }

    #[test]
    fn whoever_may_not_write_settings_is_told_which_role_grants_it() {
        assert_eq!(
            failed(Problem::Forbidden("no".to_owned())),
            "patch: no; the ClusterRole cicd-editor grants it, cicd-pipeline does not"
        );
    }

    #[test]
    fn an_object_of_the_name_that_is_not_ours_is_left_alone() {
        let mut object = Parts::from(&Document::default()).object("other");
        let error = check_owner("r/1", &object).unwrap_err().to_string();
        assert!(error.ends_with("belongs to run \"other\"; choose another ID, or remove it"), "{error}");
        object.metadata.annotations = None;
        let error = check_owner("r/1", &object).unwrap_err().to_string();
        assert!(error.contains("belongs to nobody: it has no annotation cicdcontext.io/data-id"), "{error}");
    }

    #[test]
    fn pauses_grow_and_do_not_end_before_patience_does() {
        let sum: Duration = delays().take(100).sum();
        assert!(sum > PATIENCE, "{sum:?}");
    }
}
