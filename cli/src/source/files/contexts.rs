//! Contexts: their manifests, and what the state folder holds of them.

use std::time::Duration;

use cicdcontext_crds::{
    CicdContext, Time, conditions,
    vocabulary::{condition, reason},
};
use futures::{
    StreamExt,
    stream::{self, LocalBoxStream},
};
use jiff::Timestamp;
use json_patch::PatchOperation;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    Files, Kind,
    folder::{self, ContextFolder, FolderError},
    lock::{Held, LockError, lock},
    record::{NotPatched, Record},
    uid::random_uid,
};
use crate::{
    arguments::{UsageError, Via, is_object_name},
    configuration::{ConfigurationFailure, program},
    failure::Failure,
    source::{Change, Changed, Configuration, Context, Contexts, Problem, SourceError, plan::plan},
};

/// How often a watch looks whether another process has changed something. Nothing tells of it by itself.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A context that nobody else changes.
pub(super) struct Locked {
    pub(super) record: Record,
    pub(super) folder: ContextFolder,
    /// Whether the record stands in the folder already.
    written: bool,
    _held: Held,
}

impl Locked {
    /// Writes the record, as a version of its own.
    pub(super) fn write(&mut self) -> Result<(), Problem> {
        self.record.resource_version += 1;
        self.written = true;
        Ok(folder::write(&self.folder.context(), &self.record)?)
    }

    /// Writes the record if it was never written.
    fn touch(&mut self) -> Result<(), Problem> {
        if self.written { Ok(()) } else { self.write() }
    }
}

impl From<FolderError> for Problem {
    fn from(error: FolderError) -> Self {
        Self::Files(error.to_string())
    }
}

impl From<LockError> for Problem {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held { .. } => Self::Occupied(error.to_string()),
            LockError::Io { .. } => Self::Files(error.to_string()),
        }
    }
}

impl Files {
    pub(super) fn failed(&self, verb: &str, name: &str) -> impl FnOnce(Problem) -> SourceError {
        let request = format!("{verb} CicdContext {name} in namespace {}", self.namespace);
        |problem| SourceError { request, problem }
    }

    pub(super) fn folder_of(&self, context: &str) -> ContextFolder {
        ContextFolder::of(&self.state_folder, &self.namespace, context)
    }

    /// What the state folder holds of a context.
    pub(super) fn record(&self, context: &str) -> Result<Option<Record>, FolderError> {
        folder::read(&self.folder_of(context).context())
    }

    pub(super) fn not_found(&self, name: &str) -> Problem {
        Problem::NotFound(format!(
            "neither a manifest nor the state folder {} has CicdContext {name:?}",
            self.state_folder.display()
        ))
    }

    /// A context that nobody else changes until this is dropped. One that was never touched begins with what its manifest
    /// says.
    pub(super) async fn locked(&self, name: &str) -> Result<Locked, Problem> {
        if !is_object_name(name) || (self.record(name)?.is_none() && self.first(name).is_err()) {
            return Err(self.not_found(name));
        }
        let (folder, held) = self.hold(name).await?;
        // It may have come or gone before it was ours.
        let (record, written) = if let Some(record) = self.record(name)? {
            (record, true)
        } else {
            // Of a context that was deleted before a crash.
            folder.remove_events()?;
            (self.first(name)?, false)
        };
        Ok(Locked { record, folder, written, _held: held })
    }

    /// The folder of a context, and its lock.
    async fn hold(&self, name: &str) -> Result<(ContextFolder, Held), Problem> {
        let folder = self.folder_of(name);
        loop {
            folder.make()?;
            match lock(&folder.lock(), self.patience).await {
                // Somebody has removed the folder since it was made.
                Err(LockError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
                held => {
                    let held = held?;
                    // Whoever held the lock may have removed what is beside it. Now nobody does.
                    folder.make()?;
                    return Ok((folder, held));
                }
            }
        }
    }

    async fn touched(&self, name: &str) -> Result<Record, Problem> {
        let mut locked = self.locked(name).await?;
        locked.touch()?;
        Ok(locked.record)
    }

    /// What a context begins with.
    fn first(&self, name: &str) -> Result<Record, Problem> {
        let manifest = self.manifests.get(Kind::Context, &self.namespace, name);
        let manifest = manifest.ok_or_else(|| self.not_found(name))?;
        Ok(Record::first(manifest, random_uid()?, Time(Timestamp::now())))
    }

    async fn read_context(&self, name: &str) -> Result<Context, Problem> {
        let record = if let Some(record) = self.record(name)? {
            record
        } else {
            // From now on it has a UID. Where nothing can be written it is good for reading all the same.
            match self.touched(name).await {
                Err(Problem::Files(_)) => self.first(name)?,
                touched => touched?,
            }
        };
        Ok(record.context(name, self.manifests().get(Kind::Context, &self.namespace, name)))
    }

    /// What the operator would say of the context's configuration.
    async fn conditions(&self, name: &str) -> Vec<Condition> {
        let mut conditions = Vec::new();
        let Ok(Some(record)) = self.record(name) else { return conditions };
        let files = self.refreshed();
        let ready = match files.whole_context(name).await {
            Ok(context) => match program(&files, &context).await {
                Ok(program) => match program.errors.first() {
                    Some(error) => {
                        let message = format!("{error}; handlers that do not use it run all the same");
                        Err((reason::INVALID_TEMPLATE, message))
                    }
                    None => Ok(()),
                },
                Err(ConfigurationFailure::Unresolved(error)) => Err((error.reason(), error.to_string())),
                Err(error) => Err((reason::INVALID_CONFIGURATION, error.to_string())),
            },
            Err(error) => Err((reason::INVALID_CONFIGURATION, error.to_string())),
        };
        let (reason, message) = match &ready {
            Ok(()) => (reason::RESOLVED, "the configuration is resolved"),
            Err((reason, message)) => (*reason, message.as_str()),
        };
        let time = &record.creation_timestamp;
        conditions::set(&mut conditions, condition::READY, ready.is_ok(), reason, message, None, time);
        conditions
    }

    async fn apply(&self, name: &str, operations: &[PatchOperation]) -> Result<(), Problem> {
        let mut locked = self.locked(name).await?;
        let manifests = self.manifests();
        let manifest = manifests.get(Kind::Context, &self.namespace, name);
        match locked.record.patch((&self.namespace, name), manifest, operations) {
            Ok(()) => locked.write(),
            Err(NotPatched::Conflict) => Err(Problem::Conflict),
            Err(NotPatched::Refused(problem)) => Err(Problem::Refused(problem)),
        }
    }

    async fn create(&self, name: &str, context: &CicdContext) -> Result<(), Problem> {
        if self.manifests().get(Kind::Context, &self.namespace, name).is_some() {
            return Err(Problem::AlreadyExists);
        }
        let (folder, _held) = self.hold(name).await?;
        if self.record(name)?.is_some() {
            return Err(Problem::AlreadyExists);
        }
        // Of a context that was deleted before a crash.
        folder.remove_events()?;
        let record = Record::created(context, random_uid()?, Time(Timestamp::now()))
            .map_err(|error| Problem::Refused(error.to_string()))?;
        Ok(folder::write(&folder.context(), &record)?)
    }

    async fn delete(&self, name: &str, uid: &str) -> Result<(), Problem> {
        let locked = self.locked(name).await?;
        if locked.record.uid != uid {
            return Err(Problem::Conflict);
        }
        Ok(locked.folder.remove()?)
    }
}

impl Contexts for Files {
    fn namespace(&self) -> &str {
        &self.namespace
    }

    async fn context(&self, name: &str) -> Result<Context, SourceError> {
        self.read_context(name).await.map_err(self.failed("read", name))
    }

    fn watch_context(&self, name: &str) -> LocalBoxStream<'_, Result<Option<Context>, SourceError>> {
        let name = name.to_owned();
        // None: not looked yet.
        let last: Option<Option<Context>> = None;
        stream::unfold(Some((name, last)), move |state| async move {
            let (name, last) = state?;
            loop {
                if last.is_some() {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                let seen = match self.read_context(&name).await {
                    Ok(context) => Some(Context { conditions: self.conditions(&name).await, ..context }),
                    Err(Problem::NotFound(_)) => None,
                    Err(problem) => return Some((Err(self.failed("watch", &name)(problem)), None)),
                };
                if last.as_ref() != Some(&seen) {
                    return Some((Ok(seen.clone()), Some((name, Some(seen)))));
                }
            }
        })
        .boxed_local()
    }

    async fn create_context(&self, context: &CicdContext) -> Result<(), SourceError> {
        let name = context.metadata.name.as_deref().unwrap_or_default();
        self.create(name, context).await.map_err(self.failed("create", name))
    }

    async fn delete_context(&self, name: &str, uid: &str) -> Result<(), SourceError> {
        self.delete(name, uid).await.map_err(self.failed("delete", name))
    }

    async fn patch_context(&self, name: &str, operations: &[PatchOperation]) -> Result<(), SourceError> {
        self.apply(name, operations).await.map_err(self.failed("change", name))
    }

    async fn change(&self, name: &str, change: &Change) -> Result<Changed, Failure> {
        if change.via == Via::Operator {
            return Err(UsageError::NoOperator.into());
        }
        let failed = || self.failed("change", name);
        let mut locked = self.locked(name).await.map_err(failed())?;
        let manifests = self.manifests();
        let manifest = manifests.get(Kind::Context, &self.namespace, name);
        let plan = plan(&locked.record.context(name, manifest), change)
            .map_err(|refusal| Failure::Refused { context: name.to_owned(), refusal })?;
        if !plan.paths.is_empty() {
            // The manifest says nothing of a state that stands here, and nobody else changes it meanwhile.
            locked.record.state = Some(plan.state);
            locked.write().map_err(failed())?;
        }
        Ok(Changed { paths: plan.paths, attempts: 1, unusable_schema: plan.unusable_schema, ..Changed::default() })
    }
}
