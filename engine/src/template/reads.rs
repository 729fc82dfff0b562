//! What of the data a rendering read. Noted only where somebody asks: a rehearsal tells by it which texts rest on answers
//! that are only assumed.
//!
//! Knows no engine and no meaning of the paths.

use std::collections::BTreeSet;

/// Reads that are remembered one by one; with more, all of the data counts as read.
const KEPT: usize = 1024;
/// Missing values that are remembered by name.
pub(super) const MISSING_KEPT: usize = 64;

/// How much of a value was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Only what it is itself, not what is below: a map on the way to something that is noted as well.
    Itself,
    /// All that is below.
    Whole,
}

/// One place in the data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// Names and positions from the root, the latter as decimal numbers. Empty for the root.
    pub path: Vec<String>,
    /// How much of it.
    pub extent: Extent,
}

/// The places that were read, each once, and those that were to be printed and had no value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    places: BTreeSet<Read>,
    missing: BTreeSet<String>,
}

impl Reads {
    /// Notes one place.
    pub fn note<S: AsRef<str>>(&mut self, path: &[S], extent: Extent) {
        let path = path.iter().map(|segment| segment.as_ref().to_owned()).collect();
        if self.places.len() >= KEPT {
            self.places = BTreeSet::from([Read { path: Vec::new(), extent: Extent::Whole }]);
        }
        self.places.insert(Read { path, extent });
    }

    /// Notes what was to be printed and had no value, as the template has it.
    pub(super) fn note_missing(&mut self, paths: impl IntoIterator<Item = String>) {
        for path in paths {
            if self.missing.len() < MISSING_KEPT {
                self.missing.insert(path);
            }
        }
    }

    /// Notes all that `others` hold.
    pub fn extend(&mut self, others: Reads) {
        for read in others.places {
            self.note(&read.path, read.extent);
        }
        self.note_missing(others.missing);
    }

    /// The places, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &Read> {
        self.places.iter()
    }

    /// What was to be printed and had no value, so that it is blank in the text; at most 64, sorted.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.missing.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_more_reads_than_are_kept_nothing_is_forgotten_but_the_detail() {
        let mut reads = Reads::default();
        for at in 0..=KEPT {
            reads.note(&["state", &at.to_string()], Extent::Whole);
        }
        let all: Vec<_> = reads.iter().map(|read| read.path.len()).collect();
        assert_eq!(all, [0, 2], "the root stands for those before");
    }
}
