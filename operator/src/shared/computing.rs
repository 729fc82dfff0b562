//! Computing what tenants decide the length of: in turn, by fewer threads than there are cores.

use crate::turns::Turns;

/// The turns. Whatever may take long is done while one is held: templates are compiled and rendered, schemas compiled
/// and states judged by them.
#[derive(Debug)]
pub struct Computing(Turns);

impl Default for Computing {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Turns::new(cores.saturating_sub(1).max(1)))
    }
}

impl Computing {
    /// Computes in turn, one namespace after the other, and off the workers of the runtime, so that everything else goes
    /// on meanwhile.
    pub async fn run<T>(&self, namespace: &str, work: impl FnOnce() -> T) -> T {
        let _turn = self.0.turn(namespace).await;
        tokio::task::block_in_place(work)
    }
}
