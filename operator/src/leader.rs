//! Which of several replicas works: the one that holds the Lease.
//!
//! `candidate` decides without I/O, `election` talks to the API server. Everything else sees a [`Leadership`]: the right
//! to act, as long as it lasts. It begins once in the life of a process and never comes back: whoever loses it ends the
//! process, and is started again as a standby. A standby watches nothing: what it would have cached could be older than
//! what the former holder did last.
//!
//! It must not know what the right is used for.

pub mod candidate;
pub mod election;

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use tokio_util::sync::CancellationToken;

pub use self::{
    candidate::{Lost, Timing, TimingError},
    election::Election,
};
use crate::client::{RequestError, bounded};

/// How long the right to act lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Term {
    /// There is no election.
    Unlimited,
    /// Until then, unless it is renewed.
    Until(Instant),
    /// It is over.
    Over,
}

#[derive(Debug)]
struct Inner {
    epoch: u64,
    term: RwLock<Term>,
    /// Cancelled when it turned out that somebody else holds the Lease.
    revoked: CancellationToken,
    lease: Option<Held>,
}

#[derive(Debug)]
struct Held {
    api: Api<Lease>,
    name: String,
    identity: String,
}

/// The right to act.
#[derive(Clone, Debug)]
pub struct Leadership(Arc<Inner>);

impl Leadership {
    /// Without election: always, with epoch 0.
    ///
    /// ```
    /// use cicdcontext_operator::leader::Leadership;
    ///
    /// let leadership = Leadership::alone();
    /// assert!(leadership.holds());
    /// assert_eq!(leadership.epoch(), 0);
    /// ```
    pub fn alone() -> Self {
        Self(Arc::new(Inner {
            epoch: 0,
            term: RwLock::new(Term::Unlimited),
            revoked: CancellationToken::new(),
            lease: None,
        }))
    }

    /// What is left when it is lost.
    #[cfg(test)]
    pub(crate) fn lost() -> Self {
        let leadership = Self::alone();
        leadership.end();
        leadership
    }

    fn until(deadline: Instant, epoch: u64, lease: Held) -> Self {
        Self(Arc::new(Inner {
            epoch,
            term: RwLock::new(Term::Until(deadline)),
            revoked: CancellationToken::new(),
            lease: Some(lease),
        }))
    }

    /// Transitions of the Lease when it was acquired; 0 without election. It never changes.
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// Whether this process may act now. By the clock of this machine alone, so that it also holds for a process that
    /// was stopped for a while and does not know it yet.
    pub fn holds(&self) -> bool {
        match *self.0.term.read().unwrap_or_else(PoisonError::into_inner) {
            Term::Unlimited => true,
            Term::Until(deadline) => Instant::now() < deadline,
            Term::Over => false,
        }
    }

    /// Asks the API server whether the Lease is still ours. If not, the right to act ends here and now.
    pub async fn verify(&self) -> Result<bool, RequestError> {
        let Some(Held { api, name, identity }) = &self.0.lease else { return Ok(true) };
        let lease = bounded(api.get_opt(name)).await?;
        let holder = lease.and_then(|lease| lease.spec?.holder_identity);
        if holder.as_deref() == Some(identity) {
            return Ok(self.holds());
        }
        tracing::error!(lease = name, ?holder, "another replica holds the Lease");
        self.end();
        self.0.revoked.cancel();
        Ok(false)
    }

    fn extend(&self, deadline: Instant) {
        let mut term = self.0.term.write().unwrap_or_else(PoisonError::into_inner);
        if let Term::Until(_) = *term {
            *term = Term::Until(deadline);
        }
    }

    /// Nothing may be done from now on.
    fn end(&self) {
        *self.0.term.write().unwrap_or_else(PoisonError::into_inner) = Term::Over;
    }
}

/// The name under which this process holds the Lease: that of its Pod, and a suffix that no other process has, not even
/// the next one in the same container.
pub fn identity(pod: &str) -> String {
    format!("{pod}_{:016x}", RandomState::new().hash_one(std::process::id()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn term(term: Term) -> Leadership {
        let inner = Inner { epoch: 3, term: RwLock::new(term), revoked: CancellationToken::new(), lease: None };
        Leadership(Arc::new(inner))
    }

    #[test]
    fn the_right_ends_with_its_time_and_is_not_extended_once_it_is_over() {
        let minute = Duration::from_mins(1);
        let leadership = term(Term::Until(Instant::now().checked_sub(minute).unwrap()));
        assert!(!leadership.holds());
        leadership.extend(Instant::now() + minute);
        assert!(leadership.holds());
        leadership.end();
        leadership.extend(Instant::now() + minute);
        assert!(!leadership.holds());
    }

    #[test]
    fn no_two_processes_have_the_same_identity() {
        let (one, other) = (identity("cicd-operator-0"), identity("cicd-operator-0"));
        assert!(one.starts_with("cicd-operator-0_") && one != other, "{one} {other}");
    }
}
