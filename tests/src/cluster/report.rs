//! How a long start talks to the person who waits, and how that person stops it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Receives one line for each thing that is being done.
#[derive(Clone)]
pub struct Report(Arc<dyn Fn(&str) + Send + Sync>);

impl Report {
    /// Passes each line to a function.
    pub fn new(receive: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }

    /// Prints to standard error, each line after `cluster: `.
    pub fn standard_error() -> Self {
        Self::new(|line| eprintln!("cluster: {line}"))
    }

    /// Says nothing.
    pub fn silent() -> Self {
        Self::new(|_| ())
    }

    /// Reports one line.
    pub fn line(&self, line: impl AsRef<str>) {
        (self.0)(line.as_ref());
    }
}

impl Default for Report {
    fn default() -> Self {
        Self::standard_error()
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Report")
    }
}

/// A flag that ends a build or a start early; what was started by then is stopped again.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks for the end.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the end was asked for.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
