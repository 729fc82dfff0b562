//! Ctrl-C, SIGTERM and SIGHUP end the demo in order: what it started is stopped and what it created is removed.

use cicdcontext_tests::cluster::{ClusterError, Interrupt};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::spawn_blocking,
};

use crate::error::DemoError;

/// The streams of the signals that ask for the end.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self, DemoError> {
        let listen = |kind| signal(kind).map_err(DemoError::io("listen for", "signals"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for one of them. Safe to cancel.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }

    /// Runs blocking work; a signal sets the flag that the work looks at, and its end is waited for.
    pub(crate) async fn guard<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(Interrupt) -> Result<T, ClusterError> + Send + 'static,
    ) -> Result<T, DemoError> {
        let interrupt = Interrupt::default();
        let flag = interrupt.clone();
        let mut task = spawn_blocking(move || work(flag));
        loop {
            tokio::select! {
                // A panic of the work was printed by its thread.
                done = &mut task => return done.unwrap_or(Err(ClusterError::Interrupted)).map_err(DemoError::from),
                () = self.next() => interrupt.set(),
            }
        }
    }
}
