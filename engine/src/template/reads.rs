//! What of the data a rendering read. Noted only where somebody asks: a rehearsal tells by it which texts rest on answers
//! that are only assumed.
//!
//! Knows no engine and no meaning of the paths.

use std::collections::BTreeSet;

/// Reads that are remembered one by one; with more, all of the data counts as read.
const KEPT: usize = 1024;

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

/// The places that were read, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads(BTreeSet<Read>);

impl Reads {
    /// Notes one place.
    pub fn note<S: AsRef<str>>(&mut self, path: &[S], extent: Extent) {
        let path = path.iter().map(|segment| segment.as_ref().to_owned()).collect();
        if self.0.len() >= KEPT {
            self.0 = BTreeSet::from([Read { path: Vec::new(), extent: Extent::Whole }]);
        }
        self.0.insert(Read { path, extent });
    }

    /// Notes all that `others` hold.
    pub fn extend(&mut self, others: Reads) {
        for read in others.0 {
            self.note(&read.path, read.extent);
        }
    }

    /// The places, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &Read> {
        self.0.iter()
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
