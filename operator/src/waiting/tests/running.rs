//! What the task of the room does, in real time.

use tokio::{
    sync::mpsc::{self, UnboundedReceiver},
    time::timeout,
};

use super::*;

/// The room with its task running.
pub(super) struct Running {
    pub(super) waiting: Waiting,
    released: UnboundedReceiver<Released>,
    stop: CancellationToken,
}

impl Running {
    pub(super) fn new() -> Self {
        let (waiting, stop) = (Waiting::default(), CancellationToken::new());
        let (sender, released) = mpsc::unbounded_channel();
        tokio::spawn({
            let (waiting, stop) = (waiting.clone(), stop.clone());
            async move { waiting.run(stop, |released| drop(sender.send(released))).await }
        });
        Self { waiting, released, stop }
    }

    fn open(line: &Line, limits: Limits) -> Self {
        let running = Self::new();
        running.waiting.set_gate(line, Gate::Open(limits));
        running
    }

    /// Long enough for a machine that is busy: it passes only if a test fails.
    async fn next(&mut self) -> Released {
        timeout(seconds(60), self.released.recv()).await.expect("nothing goes within the minute").unwrap()
    }

    /// The task has done what there was to do, and sleeps.
    async fn asleep(&self) {
        // The tests here have one thread: it is the task's turn.
        for _ in 0..10 {
            yield_now().await;
        }
    }
}

#[tokio::test]
async fn what_is_due_later_does_not_keep_the_task_from_what_comes_meanwhile() {
    let mut running = Running::open(&chat(), Limits::default());
    running.waiting.wait(Entry { not_before: Some(Instant::now() + HOUR), ..shop(1) });
    running.asleep().await;
    let soon = Instant::now() + Duration::from_millis(5);
    running.waiting.wait(Entry { not_before: Some(soon), ..shop(2) });
    let released = running.next().await;
    assert!(Instant::now() >= soon);
    assert_eq!(released.id, shop(2).id);
    assert_eq!((running.waiting.len(), running.released.len()), (1, 0));
}

#[tokio::test]
async fn a_gate_that_opens_wakes_the_task() {
    let mut running = Running::new();
    running.waiting.wait(shop(1));
    running.asleep().await;
    assert!(running.released.is_empty());
    running.waiting.set_gate(&chat(), Gate::Open(Limits::default()));
    assert_eq!(running.next().await.id, shop(1).id);
}

#[tokio::test]
async fn the_task_gives_a_place_that_becomes_free_to_who_awaits_it() {
    let running = Running::open(&chat(), one_at_once());
    let first = go(running.waiting.first(shop(1)));
    let second = tokio::spawn(soon(running.waiting.first(shop(2))).within(seconds(60)));
    running.asleep().await;
    assert!(!second.is_finished());
    first.finished(Contact::Answered);
    second.await.unwrap().unwrap().finished(Contact::Answered);
    assert!(running.waiting.is_empty());
}

#[tokio::test]
async fn nothing_goes_any_more_after_the_stop() {
    let mut running = Running::open(&chat(), Limits::default());
    running.stop.cancel();
    running.waiting.wait(shop(1));
    // The sender is gone with the task.
    assert!(running.released.recv().await.is_none());
    assert_eq!(running.waiting.len(), 1);
}
