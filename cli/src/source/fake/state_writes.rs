//! State writes of the fake, and the operator that applies them in one way or another.

use std::time::Duration;

use cicdcontext_crds::{CicdStateWrite, CicdStateWriteStatus, Time};
use cicdcontext_engine::state::{ChangeSet, Ledger, LedgerState, apply_all};
use futures::{
    StreamExt,
    stream::{self, LocalBoxStream},
};
use jiff::Timestamp;
use json_patch::PatchOperation;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::Value;

use super::{Fake, UID};
use crate::source::{Context, Contexts, Problem, SourceError, cluster::change::state_write::StateWrites};

/// What becomes of a state write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Operator {
    /// Nobody looks at it.
    #[default]
    Absent,
    /// It is applied before its creator hears of it.
    AtOnce,
    /// It is applied while it is watched.
    Watched,
    /// It is applied, and deleted late.
    Slow,
    /// It is applied and deleted when its creator has lost patience.
    JustInTime,
    /// It is refused.
    Refuses,
    /// It goes together with its context.
    ContextDeleted,
}

/// What happens to a create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is carried out, and nobody says so.
    Lost,
    /// It is not carried out, and nobody says so.
    Unclear,
    /// The user may not do it.
    Forbidden,
}

impl Fake {
    /// With an operator.
    pub(crate) fn with_operator(state: Value, operator: Operator) -> Self {
        Self { operator, ..Self::new(state) }
    }

    /// Applies what is there, and deletes it, as the operator does.
    fn operate(&self, delete: bool) {
        let mut ledger = match Ledger::of(Some(&self.annotations.borrow()), UID) {
            LedgerState::Ours(ledger) => ledger,
            _ => Ledger::new(UID, 0),
        };
        for write in self.writes.borrow().iter() {
            let name = write.metadata.name.as_deref().unwrap();
            if !ledger.knows_write(name, &write.spec) {
                let set = ChangeSet::from_state_write(&write.spec).unwrap();
                let state = apply_all(self.state.borrow().as_object(), &[set]).state;
                *self.state.borrow_mut() = Value::Object(state);
                ledger.enter_write(name, &write.spec);
            }
        }
        let annotation = (cicdcontext_crds::vocabulary::annotation::APPLIED.to_owned(), ledger.to_annotation());
        self.annotations.borrow_mut().extend([annotation]);
        if delete {
            self.writes.borrow_mut().clear();
        }
    }

    fn find(&self, name: &str) -> Option<CicdStateWrite> {
        self.writes.borrow().iter().find(|write| write.metadata.name.as_deref() == Some(name)).cloned()
    }
}

fn refused(mut write: CicdStateWrite) -> CicdStateWrite {
    let condition = Condition {
        type_: "Applied".to_owned(),
        status: "False".to_owned(),
        reason: "ChangeRefused".to_owned(),
        message: "check state.a: expected 1, found 2".to_owned(),
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
        observed_generation: None,
    };
    write.status = Some(CicdStateWriteStatus { conditions: vec![condition], observed_generation: None });
    write
}

impl StateWrites for Fake {
    async fn create_state_write(&self, write: &CicdStateWrite) -> Result<CicdStateWrite, SourceError> {
        self.creates.borrow_mut().push(write.clone());
        let name = write.metadata.name.as_deref().unwrap();
        if self.find(name).is_some() {
            return Self::fail("create CicdStateWrite", Problem::AlreadyExists);
        }
        let fault = self.faults.borrow_mut().pop();
        match fault {
            Some(Fault::Unclear) => {
                let message = "etcdserver: leader changed".to_owned();
                return Self::fail("create CicdStateWrite", Problem::Other { code: 503, message });
            }
            Some(Fault::Forbidden) => return Self::fail("create CicdStateWrite", Problem::Forbidden("no".to_owned())),
            Some(Fault::Lost) | None => {}
        }
        let mut created = write.clone();
        created.metadata.uid = Some(format!("w{}", self.creates.borrow().len()));
        self.writes.borrow_mut().push(created.clone());
        if self.operator == Operator::AtOnce {
            self.operate(true);
        }
        if fault == Some(Fault::Lost) {
            return Self::fail("create CicdStateWrite", Problem::Timeout { after: Duration::ZERO, changes: true });
        }
        Ok(created)
    }

    async fn state_write(&self, name: &str) -> Result<Option<CicdStateWrite>, SourceError> {
        Ok(self.find(name))
    }

    async fn delete_state_write(&self, name: &str, uid: &str) -> Result<bool, SourceError> {
        if self.operator == Operator::JustInTime {
            self.operate(true);
        }
        let there = self.find(name).is_some_and(|write| write.metadata.uid.as_deref() == Some(uid));
        self.writes.borrow_mut().retain(|write| write.metadata.name.as_deref() != Some(name));
        Ok(there)
    }

    fn watch_state_write(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdStateWrite>, SourceError>> {
        let first = self.find(name);
        let next = match (self.operator, first.clone()) {
            (Operator::Watched, _) => {
                self.operate(true);
                Some(None)
            }
            (Operator::Slow, _) => {
                self.operate(false);
                None
            }
            (Operator::Refuses, Some(write)) => Some(Some(refused(write))),
            (Operator::ContextDeleted, _) => Some(None),
            _ => None,
        };
        stream::iter([Ok(first)]).chain(stream::iter(next.map(Ok))).chain(stream::pending()).boxed_local()
    }

    async fn patch_within(&self, name: &str, operations: &[PatchOperation], _: Duration) -> Result<(), SourceError> {
        self.patch_context(name, operations).await
    }

    async fn context_metadata(&self, name: &str) -> Result<Context, SourceError> {
        let uid = if self.operator == Operator::ContextDeleted { "u2" } else { UID };
        Ok(Context { uid: uid.to_owned(), state: None, ..self.context(name).await? })
    }
}
