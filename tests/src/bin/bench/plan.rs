//! How long a run measures.

use std::{fmt, time::Duration};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How long a run measures, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Length {
    /// About 5 minutes: short windows, and nothing of thousands of objects
    Quick,
    /// About 25 minutes
    Full,
    /// More than that: with the sizes that take long to make
    Long,
}

impl Length {
    /// A time to measure, in seconds: that of a quick run, or that of all others.
    pub(crate) fn window(self, quick: u64, full: u64) -> Duration {
        Duration::from_secs(if self == Self::Quick { quick } else { full })
    }

    /// The same for anything else.
    pub(crate) fn pick<T>(self, quick: T, full: T) -> T {
        if self == Self::Quick { quick } else { full }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Quick => "quick",
            Self::Full => "full",
            Self::Long => "long",
        })
    }
}
