//! The regular expressions of `matches`: compiled within bounds, and kept where that costs little.
//!
//! The library for them is linear in the text for any pattern. What is left to bound is the size of what a pattern
//! compiles to, and the memory of its search, which it keeps between searches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use regex::{Error, Regex, RegexBuilder};

/// Compiled bytes of a pattern that a library of templates may keep, and bytes of memory that each thread searches with.
const SMALL_PROGRAM: usize = 32 * 1024;
const SMALL_SEARCH: usize = 128 * 1024;

/// Bytes of memory that each thread searches with for a pattern that is not kept.
const LARGE_SEARCH: usize = 1024 * 1024;

/// Groups within groups in a pattern.
const NESTING: u32 = 32;

/// Patterns kept at a time.
const KEPT: usize = 16;

/// Small compiled patterns, shared by all renderings.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    kept: Mutex<HashMap<String, Arc<Regex>>>,
}

impl Patterns {
    /// The compiled pattern if it is a small one; [`Error::CompiledTooBig`] if it may be a large one.
    pub(super) fn small(&self, pattern: &str) -> Result<Arc<Regex>, Error> {
        // A panic elsewhere leaves whole entries behind.
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = lock().get(pattern) {
            return Ok(Arc::clone(regex));
        }
        let regex = compile(pattern, SMALL_PROGRAM, SMALL_SEARCH)?;
        let mut kept = lock();
        if kept.len() == KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), Arc::clone(&regex));
        Ok(regex)
    }
}

/// A pattern of up to `limit` compiled bytes.
pub(super) fn large(pattern: &str, limit: usize) -> Result<Arc<Regex>, Error> {
    compile(pattern, limit, LARGE_SEARCH)
}

fn compile(pattern: &str, program: usize, search: usize) -> Result<Arc<Regex>, Error> {
    RegexBuilder::new(pattern).size_limit(program).dfa_size_limit(search).nest_limit(NESTING).build().map(Arc::new)
}
