//! How much work a pattern is.

use std::collections::HashMap;

use regex::RegexBuilder;

use crate::state::schema::{
    PATTERN_BYTES, PATTERN_PROGRAM_BYTES, PATTERNS,
    error::{Problem, of_pattern},
};

/// Steps for each byte that a pattern looks at, by its size once compiled. A pattern that the automaton cannot follow
/// takes time for each of its states at each byte.
const TIERS: [(usize, u64); 3] = [(8 * 1024, 1), (32 * 1024, 4), (PATTERN_PROGRAM_BYTES, 16)];

/// The patterns that were seen, and what they cost for each byte.
#[derive(Debug, Default)]
pub(super) struct Patterns(HashMap<String, u64>);

impl Patterns {
    /// Steps for each byte.
    pub(super) fn steps(&mut self, pattern: &str) -> Result<u64, Problem> {
        if let Some(steps) = self.0.get(pattern) {
            return Ok(*steps);
        }
        if pattern.len() > PATTERN_BYTES {
            return Err(Problem::LongPattern { actual: pattern.len() });
        }
        if self.0.len() >= PATTERNS {
            return Err(Problem::TooManyPatterns);
        }
        let fits = |(bytes, _): &&(usize, u64)| RegexBuilder::new(pattern).size_limit(*bytes).build().is_ok();
        // What regex itself does not understand as it stands may still be understood once translated by the library,
        // which has the last word; except for what no translation can make possible.
        let steps = match TIERS.iter().find(fits) {
            Some((_, steps)) => *steps,
            None => match of_pattern(pattern) {
                Problem::LargePattern { pattern } => return Err(Problem::LargePattern { pattern }),
                Problem::Pattern { pattern, cause } if cause.contains("look-around") || cause.contains("backref") => {
                    return Err(Problem::Pattern { pattern, cause });
                }
                _ => TIERS.last().map_or(1, |(_, steps)| *steps),
            },
        };
        self.0.insert(pattern.to_owned(), steps);
        Ok(steps)
    }

    /// How many different ones there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}
