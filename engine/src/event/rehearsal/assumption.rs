//! Which handlers rest on answers that are only assumed: what each read is held against what earlier ones would capture.

use serde::Serialize;

use crate::{
    event::run::HandlerTrace,
    state::{Path, Segment, path::STATE},
    template::{Extent, Read, Reads},
};

/// Assumptions of one handler that are told; more say nothing new.
const TOLD: usize = 16;

/// Why what a handler would do is not certain: it reads what nobody knows yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Assumption {
    /// The path that it reads.
    pub reads: String,
    /// The earlier handler that would write there.
    pub handler: String,
    /// Where that one would write: the same path, or one above or below.
    pub written: String,
    /// What that one would write.
    pub origin: Origin,
    /// Whether only what this handler captures rests on it, and not what it sends or writes.
    pub only_captures: bool,
}

/// Where an uncertain value would come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// From an answer.
    Captured,
    /// From a handler that rests on an assumption itself.
    Written,
}

/// Paths whose values nobody knows yet.
#[derive(Debug, Default)]
pub(super) struct Assumed(Vec<Unknown>);

#[derive(Debug)]
struct Unknown {
    segments: Vec<String>,
    path: String,
    handler: String,
    origin: Origin,
}

impl Assumed {
    /// The assumptions of a handler that has ended. `covered` are paths at which templates see no state. What it would write itself is unknown to those behind it: what is
    /// captured of its answer, and all of it if it rests on an assumption, even if it was skipped.
    pub(super) fn meet(
        &mut self,
        covered: &[&Path],
        handler: &str,
        sent: bool,
        trace: &HandlerTrace,
    ) -> Vec<Assumption> {
        let mut assumptions = Vec::new();
        for (reads, only_captures) in [(&trace.reads, false), (&trace.capture_reads, true)] {
            for read in state_reads(reads, covered) {
                let met = self.0.iter().filter(|unknown| touches(&read, &unknown.segments));
                for unknown in met {
                    let known = |one: &Assumption| one.handler == unknown.handler && one.written == unknown.path;
                    if assumptions.len() < TOLD && !assumptions.iter().any(known) {
                        assumptions.push(Assumption {
                            reads: written(&read.path),
                            handler: unknown.handler.clone(),
                            written: unknown.path.clone(),
                            origin: unknown.origin,
                            only_captures,
                        });
                    }
                }
            }
        }
        let uncertain = assumptions.iter().any(|assumption| !assumption.only_captures);
        let mut note = |paths: &[Path], origin: Origin| {
            self.0.extend(paths.iter().map(|path| Unknown {
                segments: segments(path),
                path: path.to_string(),
                handler: handler.to_owned(),
                origin,
            }));
        };
        if sent || uncertain {
            note(&trace.captures, Origin::Captured);
        }
        if uncertain {
            note(&trace.writes, Origin::Written);
        }
        assumptions
    }
}

/// Whether a value that is written at `written` can change what was read.
fn touches(read: &Read, written: &[String]) -> bool {
    match read.extent {
        Extent::Whole => read.path.iter().zip(written).all(|(one, two)| one == two),
        Extent::Itself => read.path.starts_with(written),
    }
}

/// Names and positions of a path from the root.
fn segments(path: &Path) -> Vec<String> {
    let below = path.segments().iter().map(|segment| match segment {
        Segment::Key(key) => key.clone(),
        Segment::Index(index) => index.to_string(),
    });
    std::iter::once(path.root().to_owned()).chain(below).collect()
}

/// What was read of the state. What the event's `vars` and `varsFrom` cover was read from them, and was known when the
/// event began.
fn state_reads(reads: &Reads, covered: &[&Path]) -> Vec<Read> {
    let covered: Vec<_> = covered.iter().map(|path| segments(path)).collect();
    let of_state = |read: &&Read| {
        read.path.first().is_none_or(|root| root == STATE) && !covered.iter().any(|cover| read.path.starts_with(cover))
    };
    reads.iter().filter(of_state).cloned().collect()
}

/// A path that was read, as people write it. The root is all that templates see.
pub(super) fn written(path: &[String]) -> String {
    let Some((root, below)) = path.split_first() else { return STATE.to_owned() };
    below.iter().fold(root.clone(), |text, segment| text + &Segment::Key(segment.clone()).to_string())
}
