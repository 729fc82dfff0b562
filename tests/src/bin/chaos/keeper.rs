//! Keeps one operator running as a cluster does: whenever it ends it is started again. On request it is killed again and
//! again.

use std::time::Duration;

use cicdcontext_tests::operator::{Launch, Operator};
use tokio::{sync::watch, time::sleep};

use crate::{error::ChaosError, random::Random};

/// A process that cannot begin, as when the API server is away, is started again after this.
const RESTART_AFTER: Duration = Duration::from_millis(200);

/// What happened to the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    /// How often it was killed.
    pub(crate) kills: usize,
    /// How often it ended by itself.
    pub(crate) by_itself: usize,
}

/// Keeps an operator running until `over` is true, and then kills it. With a mean it is killed after random times
/// around it while `under_fire` is true.
pub(crate) async fn keep(
    launch: &Launch,
    mean: Option<Duration>,
    random: &mut Random,
    mut under_fire: watch::Receiver<bool>,
    mut over: watch::Receiver<bool>,
) -> Result<Ends, ChaosError> {
    let mut ends = Ends::default();
    loop {
        let mut operator = Operator::spawn(launch)?;
        let pause = mean.map(|mean| random.around(mean));
        let shot = async {
            match pause {
                Some(pause) if *under_fire.borrow() => tokio::select! {
                    () = sleep(pause) => {}
                    // Then this one lives on.
                    _ = under_fire.wait_for(|fire| !fire) => std::future::pending().await,
                },
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shot => {
                operator.kill().await?;
                ends.kills += 1;
            }
            ended = operator.exited() => {
                ended?;
                ends.by_itself += 1;
                sleep(RESTART_AFTER).await;
            }
            // The sender outlives this.
            _ = over.wait_for(|over| *over) => {
                operator.kill().await?;
                return Ok(ends);
            }
        }
    }
}
