//! The places between two effects at which this process can be killed, listed once: for the tests that kill it there, one
//! place after the other, and for the page that tells what comes of it.
//!
//! Nothing is killed unless `operator run --crash-at POINT[:N]` asks for it, and a release build refuses that flag. This
//! module knows what has been done at each place, and nothing of how.

use std::{
    collections::BTreeSet,
    fmt,
    num::NonZeroUsize,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use cicdcontext_crds::EventPhase;
use rustix::process::{Signal, getpid, kill_process};

use crate::state::Intent;

/// The enum, its names and its sentences from one list.
macro_rules! points {
    ($($point:ident $name:literal $sentence:literal)*) => {
        /// A place between two effects. Whoever adds one places a [`CrashPlan::pass`] there; the crash matrix then fails
        /// until one of its scenarios comes by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Point {
            $(#[doc = $sentence] $point,)*
        }

        impl Point {
            /// All of them, in the order in which an event meets them.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// Its name on the command line, in logs and in docs/guarantees.md.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)*
                }
            }

            /// What is done at this point, and what is not yet.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$point => $sentence,)*
                }
            }
        }
    };
}

points! {
    EventCreated "event-created"
        "A CicdEvent was created from an annotation; the annotation is still there, and the ledger does not know the event."
    AnnotationsRemoved "annotations-removed"
        "One patch has taken event annotations away and entered their events into the ledger; nobody here has heard of it."
    AnnotationsDiscarded "annotations-discarded"
        "The annotations that came with a restored context were taken away, and its ledger was begun anew; nobody was told."
    EventAdopted "event-adopted"
        "An event was noted as its context's; its status says nothing of that turn."
    EventWaiting "event-waiting"
        "The status of an event says that it waits; it has not begun."
    StateWritesApplied "state-writes-applied"
        "State writes are in the state and in the ledger; none of them is deleted."
    StateWriteDeleted "state-write-deleted"
        "A state write was deleted; others of its patch may be there, and the ledger still holds all of them."
    StateWriteRefused "state-write-refused"
        "The status of a state write says why it was refused; whatever came with it is not finished."
    StateChanged "state-changed"
        "What a handler sets or has captured is in the state and in the ledger; the event's status does not say so."
    BeforeSend "before-send"
        "A request is ready; not one byte of it was sent."
    AttemptEnded "attempt-ended"
        "A request was sent, and answered or not; nothing of that is written anywhere."
    EventRunning "event-running"
        "The status of an event says that it runs; its handlers go on."
    AttemptClaimed "attempt-claimed"
        "AtMostOnce: the status of an event says who makes the attempt; not one byte of it was sent."
    EventRetrying "event-retrying"
        "The status of an event says which deliveries wait, and holds their requests; they do not stand in line yet."
    RedeliveryRemoved "redelivery-removed"
        "The status of an event says that a delivery is made again, and the annotation that asked for it was taken away."
    EventFinished "event-finished"
        "The status of an event says how it ended; the ledger still holds what its handlers wrote."
    EventsRemembered "events-remembered"
        "Finished events that have to go are in the ledger; none of them is deleted."
    EventDeleted "event-deleted"
        "A finished event was deleted; others of its batch may be there."
    ContextDeleted "context-deleted"
        "A context whose time was over was deleted; its events are still there."
    ContextStatus "context-status"
        "The status of a context was written; nobody here has heard of it."
    BaseStatus "base-status"
        "The status of a base was written; nobody here has heard of it."
    EndpointStatus "endpoint-status"
        "The status of an endpoint was written; nobody here has heard of it."
    KubernetesEvent "kubernetes-event"
        "A Kubernetes Event was written; further ones may wait."
}

impl Point {
    /// The point behind a write of an event's status.
    pub const fn event_status(phase: EventPhase) -> Self {
        match phase {
            EventPhase::Pending => Self::EventWaiting,
            EventPhase::Running => Self::EventRunning,
            EventPhase::Retrying => Self::EventRetrying,
            EventPhase::Succeeded | EventPhase::Failed | EventPhase::Skipped => Self::EventFinished,
        }
    }

    /// The point behind a patch of a context that carried this.
    pub const fn written(intent: &Intent) -> Self {
        match intent {
            Intent::Change { .. } => Self::StateChanged,
            Intent::StateWrite { .. } => Self::StateWritesApplied,
            Intent::Intake(_) => Self::AnnotationsRemoved,
            Intent::Remember(_) => Self::EventsRemembered,
            Intent::Discard(_) => Self::AnnotationsDiscarded,
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// When to be killed: the `occurrence`th time that `point` is passed, counted from 1.
///
/// ```
/// use cicdcontext_operator::crash::{CrashAt, Point};
///
/// let at: CrashAt = "before-send:2".parse()?;
/// assert_eq!((at.point, at.occurrence.get()), (Point::BeforeSend, 2));
/// assert_eq!("before-send".parse::<CrashAt>()?.occurrence.get(), 1);
/// # Ok::<(), cicdcontext_operator::crash::CrashError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashAt {
    /// Where.
    pub point: Point,
    /// Which time.
    pub occurrence: NonZeroUsize,
}

/// Why there is no plan to be killed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrashError {
    /// There is no such point.
    #[error("read the crash point {given:?}: no such point; there are {}", names())]
    Unknown {
        /// What was given.
        given: String,
    },
    /// It cannot be the 0th time, nor the umpteenth.
    #[error(
        "read how often the crash point is passed, {given:?}: write POINT:N with a number from 1, for example before-send:2"
    )]
    Occurrence {
        /// What was given.
        given: String,
    },
    /// Nobody may kill a program this way that is meant for use.
    #[error(
        "plan a crash at {0}: --crash-at is for tests and does nothing in a release build; leave it away, or run a debug build"
    )]
    Release(Point),
}

fn names() -> String {
    let names: Vec<&str> = Point::ALL.iter().map(|point| point.name()).collect();
    names.join(", ")
}

impl FromStr for CrashAt {
    type Err = CrashError;

    fn from_str(text: &str) -> Result<Self, CrashError> {
        let (name, occurrence) = match text.split_once(':') {
            None => (text, NonZeroUsize::MIN),
            Some((name, number)) => {
                let occurrence = number.parse().map_err(|_| CrashError::Occurrence { given: number.to_owned() })?;
                (name, occurrence)
            }
        };
        let point = Point::ALL.iter().copied().find(|point| point.name() == name);
        let point = point.ok_or_else(|| CrashError::Unknown { given: name.to_owned() })?;
        Ok(Self { point, occurrence })
    }
}

/// Whether, and where, this process is to be killed. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct CrashPlan(Option<Arc<Planned>>);

#[derive(Debug)]
struct Planned {
    at: CrashAt,
    passed: AtomicUsize,
}

impl CrashPlan {
    /// A plan for this build: a release build has none.
    pub fn new(at: Option<CrashAt>) -> Result<Self, CrashError> {
        Self::of_build(at, cfg!(debug_assertions))
    }

    fn of_build(at: Option<CrashAt>, debug: bool) -> Result<Self, CrashError> {
        match at {
            Some(at) if !debug => Err(CrashError::Release(at.point)),
            at => Ok(Self(at.map(|at| Arc::new(Planned { at, passed: AtomicUsize::new(0) })))),
        }
    }

    /// Passes a point, and is killed there if that is the plan. Without a plan this costs one comparison.
    pub fn pass(&self, point: Point) {
        self.pass_all([point]);
    }

    /// Passes the points behind one request that had several effects, each once. Without a plan `points` is not looked at.
    pub fn pass_all(&self, points: impl IntoIterator<Item = Point>) {
        let Some(planned) = &self.0 else { return };
        for point in points.into_iter().collect::<BTreeSet<_>>() {
            // Tests read from these lines how often each point comes up in a run that survives.
            tracing::info!(%point, "crash point passed");
            if planned.is_reached(point) {
                tracing::error!(%point, occurrence = planned.at.occurrence, "killed here, as --crash-at says");
                kill();
            }
        }
    }
}

impl Planned {
    fn is_reached(&self, point: Point) -> bool {
        point == self.at.point && self.passed.fetch_add(1, Ordering::Relaxed) + 1 == self.at.occurrence.get()
    }
}

/// Ends this process as the kernel does when it runs out of memory: nothing is flushed, closed or told.
fn kill() {
    // The signal is there before the call is back. That is nothing to rely on if it fails.
    if kill_process(getpid(), Signal::KILL).is_err() {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_has_a_name_of_its_own_by_which_it_is_found() {
        for point in Point::ALL {
            let at: CrashAt = point.name().parse().unwrap();
            assert_eq!((at.point, at.occurrence.get()), (*point, 1));
            let kebab = point.name().chars().all(|character| character.is_ascii_lowercase() || character == '-');
            assert!(kebab && point.sentence().ends_with('.') && !point.sentence().contains('|'), "{point}");
        }
    }

    #[test]
    fn a_plan_that_cannot_be_read_is_refused_with_what_would_be_right() {
        let refused = |text: &str| text.parse::<CrashAt>().unwrap_err().to_string();
        let unknown = refused("lunch");
        assert!(
            unknown.starts_with("read the crash point \"lunch\": no such point; there are event-created, "),
            "{unknown}"
        );
        for number in ["0", "", "-1", "two"] {
            let expected = format!(
                "read how often the crash point is passed, {number:?}: write POINT:N with a number from 1, for example before-send:2"
            );
            assert_eq!(refused(&format!("before-send:{number}")), expected);
        }
    }

    #[test]
    fn a_release_build_refuses_to_plan_a_crash() {
        let at: CrashAt = "before-send".parse().unwrap();
        assert_eq!(
            CrashPlan::of_build(Some(at), false).unwrap_err().to_string(),
            "plan a crash at before-send: --crash-at is for tests and does nothing in a release build; leave it away, or run a debug build"
        );
        assert!(CrashPlan::of_build(None, false).unwrap().0.is_none());
        assert!(CrashPlan::of_build(Some(at), true).unwrap().0.is_some());
    }

    #[test]
    fn only_the_planned_point_counts_and_only_its_nth_pass_is_reached() {
        let planned = CrashPlan::of_build(Some("state-changed:2".parse().unwrap()), true).unwrap().0.unwrap();
        let reached = |point| planned.is_reached(point);
        assert!(!reached(Point::BeforeSend) && !reached(Point::StateChanged) && !reached(Point::BeforeSend));
        assert!(reached(Point::StateChanged));
        assert!(!reached(Point::StateChanged));
    }
}
