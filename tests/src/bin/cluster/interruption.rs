//! Ctrl-C, SIGTERM and SIGHUP: they end what is being done in order, instead of ending this process at once and leaving
//! servers behind.

use cicdcontext_tests::cluster::{ClusterError, Interrupt};
use rustix::process::Signal;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// The streams of the signals that ask for the end.
pub(crate) struct Interruptions {
    interrupt: Stream,
    terminate: Stream,
    hang_up: Stream,
    received: Option<Signal>,
}

impl Interruptions {
    pub(crate) fn listen() -> Result<Self, ClusterError> {
        let listen = |kind| {
            signal(kind).map_err(|source| ClusterError::File { action: "listen for", path: "signals".into(), source })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
            received: None,
        })
    }

    /// Waits for a signal. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Signal {
        let received = tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hang_up.recv() => Signal::HUP,
        };
        self.received = Some(received);
        received
    }

    /// Runs blocking work on a thread of its own; a signal sets the flag that the work looks at, and the work is waited
    /// for.
    pub(crate) async fn guard<T: Send + 'static, E: From<ClusterError> + Send + 'static>(
        &mut self,
        work: impl FnOnce(Interrupt) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let interrupt = Interrupt::default();
        let mut task = tokio::task::spawn_blocking({
            let interrupt = interrupt.clone();
            move || work(interrupt)
        });
        loop {
            tokio::select! {
                // A panic of the work was printed by its thread.
                done = &mut task => return done.unwrap_or_else(|_| Err(ClusterError::Interrupted.into())),
                _ = self.next() => interrupt.set(),
            }
        }
    }

    /// Turns a result into an exit code: 128 and the signal's number if a signal ended the work.
    pub(crate) fn report<T>(&self, result: Result<T, ClusterError>, print: impl FnOnce(T)) -> Result<u8, ClusterError> {
        match (result, self.received) {
            (Ok(value), _) => {
                print(value);
                Ok(0)
            }
            (Err(ClusterError::Interrupted), Some(signal)) => {
                eprintln!("cluster: interrupted");
                Ok(code_of(signal.as_raw()))
            }
            (Err(error), _) => Err(error),
        }
    }
}

/// The exit code by which shells tell that a signal ended a program.
pub(crate) fn code_of(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}
