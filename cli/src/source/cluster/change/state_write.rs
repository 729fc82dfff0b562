//! A change of the state through a CicdStateWrite: created, and gone once the operator has applied it.
//!
//! Its name is chosen before the first request and is its idempotency key: a create whose answer was lost is sent again,
//! and the operator applies one name and content once. Whoever gives up withdraws the write and then looks into the
//! context's ledger, in which the operator enters what it applies, by name and content, in the very patch that does it.

use std::{cell::RefCell, time::Duration};

use cicdcontext_crds::{
    ChangeOperation, CicdStateWrite, CicdStateWriteSpec, ContextReference, Precondition, Time, ValueChange, conditions,
    vocabulary::condition,
};
use cicdcontext_engine::state::{
    ChangeSet, Effect, Ledger, LedgerState, PlainPrecondition, Refusal, change::Expected, ledger::effect_hash,
};
use futures::{StreamExt, stream::LocalBoxStream};
use json_patch::PatchOperation;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::delays;
use crate::{
    failure::Failure,
    setting::Occasion,
    source::{
        Change, Changed, Context, Contexts, Problem, SourceError,
        plan::{Plan, plan},
    },
};

/// Characters of the context's name in that of a state write.
const CONTEXT: usize = 180;

/// State writes of one namespace.
pub(in crate::source) trait StateWrites {
    /// Creates a state write; [`Problem::AlreadyExists`] if there is one of its name.
    fn create_state_write(&self, write: &CicdStateWrite) -> impl Future<Output = Result<CicdStateWrite, SourceError>>;

    /// Reads a state write; none if there is none.
    fn state_write(&self, name: &str) -> impl Future<Output = Result<Option<CicdStateWrite>, SourceError>>;

    /// Deletes the state write of this name and UID. Tells whether it was there.
    fn delete_state_write(&self, name: &str, uid: &str) -> impl Future<Output = Result<bool, SourceError>>;

    /// A state write as it is now, and each change; `None` when it is not there. Lost connections are taken up again; an
    /// error in the stream is final.
    fn watch_state_write(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdStateWrite>, SourceError>>;

    /// Patches a context as [`Contexts::patch_context`] does. The API server itself gives up after `limit`, so that nothing
    /// lands much later; whether anything did is then not known.
    fn patch_within(
        &self,
        name: &str,
        operations: &[PatchOperation],
        limit: Duration,
    ) -> impl Future<Output = Result<(), SourceError>>;

    /// Reads a context without its state, with the ledger among its annotations.
    fn context_metadata(&self, name: &str) -> impl Future<Output = Result<Context, SourceError>>;
}

/// What a state write for this change says, unless it is too large for one.
pub(super) fn spec(context: &str, change: &Change) -> Result<CicdStateWriteSpec, Refusal> {
    let ChangeSet { preconditions, changes, .. } = &change.set;
    let changes = changes.iter().map(|change| ValueChange {
        path: change.path.to_string(),
        op: Some(change.op).filter(|op| *op != ChangeOperation::Set),
        value: change.value.clone(),
        split: change.split.clone(),
    });
    let precondition = |PlainPrecondition { path, expected }: &PlainPrecondition| {
        let (equals, exists) = match expected {
            Expected::Equals(value) => (Some(value.clone()), None),
            Expected::Exists(exists) => (None, Some(*exists)),
        };
        Precondition { path: path.to_string(), equals, exists }
    };
    let preconditions: Vec<Precondition> = preconditions.iter().map(precondition).collect();
    let spec = CicdStateWriteSpec {
        context_ref: ContextReference { name: context.to_owned(), uid: None },
        changes: changes.collect(),
        preconditions: Some(preconditions).filter(|all| !all.is_empty()),
        created_at: None,
    };
    // The operator reads it in the same way.
    ChangeSet::from_state_write(&spec).map(|_| spec)
}

/// The object to create.
fn object(context: &Context, spec: CicdStateWriteSpec, occasion: &Occasion) -> CicdStateWrite {
    let start = context.name.get(..CONTEXT).unwrap_or(&context.name).trim_end_matches(['.', '-']);
    let metadata = ObjectMeta {
        name: Some(format!("{start}-{}", occasion.random_id())),
        owner_references: Some(vec![context.owner()]),
        ..ObjectMeta::default()
    };
    let context_ref = ContextReference { uid: Some(context.uid.clone()), ..spec.context_ref };
    let spec = CicdStateWriteSpec { context_ref, created_at: Some(Time(occasion.now)), ..spec };
    CicdStateWrite { metadata, spec, status: None }
}

/// Hands a change to the operator, and waits until it is made. What would be refused by what stands in the context now is
/// refused at once.
pub(super) async fn by_state_write<S: Contexts + StateWrites>(
    source: &S,
    spec: CicdStateWriteSpec,
    change: &Change,
    occasion: &Occasion,
) -> Result<Changed, Failure> {
    let context = source.context(&spec.context_ref.name).await?;
    let Plan { paths, unusable_schema, .. } =
        plan(&context, change).map_err(|refusal| Failure::refused(&context.name, refusal))?;
    if paths.is_empty() {
        return Ok(Changed { unusable_schema, ..Changed::default() });
    }
    let write = object(&context, spec, occasion);
    let name = write.metadata.name.clone().unwrap_or_default();
    let handed = Handed { source, context, write, name, known: RefCell::default() };
    handed.over(change.timeout).await?;
    Ok(Changed { paths, unusable_schema, state_write: Some(handed.name), ..Changed::default() })
}

/// What is known of a state write: that it was created, and its UID.
#[derive(Clone, Debug, Default)]
struct Known {
    created: bool,
    uid: Option<String>,
}

/// How a state write ended that was waited for.
enum Ended {
    /// It is gone.
    Gone,
    /// The operator refuses it, and says why.
    Refused(String),
}

/// A state write on its way.
struct Handed<'s, S> {
    source: &'s S,
    context: Context,
    write: CicdStateWrite,
    name: String,
    known: RefCell<Known>,
}

impl<S: StateWrites> Handed<'_, S> {
    /// Creates the state write and waits until it is applied; gives up after `timeout`.
    async fn over(&self, timeout: Duration) -> Result<(), Failure> {
        let waiting = async {
            self.create().await?;
            self.ended().await
        };
        match tokio::time::timeout(timeout, waiting).await {
            Ok(Ok(Ended::Gone)) => self.must_have_been_applied().await,
            Ok(Ok(Ended::Refused(message))) => {
                // Its reason is told here: nobody needs to read it there.
                self.withdraw().await.ok();
                Err(Failure::StateWriteRefused { context: self.context.name.clone(), message })
            }
            // What cannot be watched must not be applied behind the back of one who was told that it failed.
            Ok(Err(error)) => match self.give_up().await {
                Ok(true) => Ok(()),
                _ => Err(error.into()),
            },
            Err(_) => {
                let given_up = self.give_up().await;
                if let Ok(true) = given_up {
                    return Ok(());
                }
                Err(Failure::NotApplied {
                    context: self.context.name.clone(),
                    write: self.name.clone(),
                    after: timeout,
                    left: given_up.err().map(|error| error.to_string()),
                })
            }
        }
    }

    /// Creates it. A create whose answer was lost is sent again: that it exists then means that it is ours.
    async fn create(&self) -> Result<(), SourceError> {
        let mut delays = delays();
        loop {
            let error = match self.source.create_state_write(&self.write).await {
                Ok(created) => {
                    self.saw(&created);
                    return Ok(());
                }
                Err(error) => error,
            };
            match error.problem {
                Problem::AlreadyExists => {
                    self.known.borrow_mut().created = true;
                    return Ok(());
                }
                ref problem if problem.is_unclear() => match delays.next() {
                    Some(delay) => tokio::time::sleep(delay).await,
                    None => return Err(error),
                },
                _ => return Err(error),
            }
        }
    }

    /// Waits until it is gone or refused.
    async fn ended(&self) -> Result<Ended, SourceError> {
        let mut changes = self.source.watch_state_write(&self.name);
        while let Some(seen) = changes.next().await {
            let Some(write) = seen? else { break };
            self.saw(&write);
            let conditions = write.status.map(|status| status.conditions).unwrap_or_default();
            if let Some(applied) =
                conditions::get(&conditions, condition::APPLIED).filter(|applied| applied.status == "False")
            {
                return Ok(Ended::Refused(format!("{}: {}", applied.reason, applied.message)));
            }
        }
        Ok(Ended::Gone)
    }

    fn saw(&self, write: &CicdStateWrite) {
        *self.known.borrow_mut() = Known { created: true, uid: write.metadata.uid.clone() };
    }

    /// Gone means applied, unless its context took it along.
    async fn must_have_been_applied(&self) -> Result<(), Failure> {
        let gone = || Failure::ContextDeleted { context: self.context.name.clone() };
        let mut delays = delays();
        loop {
            match self.source.context_metadata(&self.context.name).await {
                Ok(context) if context.uid == self.context.uid => return Ok(()),
                Ok(_) => return Err(gone()),
                Err(error) if matches!(error.problem, Problem::NotFound(_)) => return Err(gone()),
                // Whoever is told of a failure here would make the change once more.
                Err(error) => match delays.next() {
                    Some(delay) => tokio::time::sleep(delay).await,
                    None => return Err(error.into()),
                },
            }
        }
    }

    /// Withdraws it, and tells whether it was applied all the same.
    async fn give_up(&self) -> Result<bool, SourceError> {
        let was_there = self.withdraw().await?;
        let known = self.known.borrow().clone();
        let context = self.source.context_metadata(&self.context.name).await?;
        if context.uid != self.context.uid {
            return Ok(false);
        }
        if known.created && !was_there {
            return Ok(true);
        }
        let LedgerState::Ours(ledger) = Ledger::of(Some(&context.annotations), &context.uid) else { return Ok(false) };
        let effect = |uid: &String| effect_hash(Effect::StateWrite { name: &self.name, uid });
        Ok(ledger.knows_write(&self.name, &self.write.spec)
            || known.uid.as_ref().is_some_and(|uid| ledger.is_done(&effect(uid))))
    }

    /// Deletes it. Tells whether it was there.
    async fn withdraw(&self) -> Result<bool, SourceError> {
        let uid = self.known.borrow().uid.clone();
        let uid = match uid {
            Some(uid) => Some(uid),
            None => self.source.state_write(&self.name).await?.and_then(|write| {
                self.saw(&write);
                write.metadata.uid
            }),
        };
        match uid {
            Some(uid) => self.source.delete_state_write(&self.name, &uid).await,
            None => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests;
