//! Turns at something that only few can do at once, given to those who wait namespace by namespace.
//!
//! A namespace with a thousand waiters delays another one by one turn. Among themselves the waiters of a namespace go
//! first come, first served. It knows nothing of what is done with a turn.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Gives turns.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Mutex<Inner>>);

/// A turn. It ends when this is dropped.
#[derive(Debug)]
#[must_use = "a turn ends when it is dropped"]
pub struct Turn {
    turns: Turns,
    /// Whether dropping it gives it to the next one.
    held: bool,
}

#[derive(Debug)]
struct Inner {
    /// Turns that nobody has. More than none only if nobody waits.
    free: usize,
    /// Who waits, by namespace, and the namespaces in their order. A turn travels in the channel itself: if it arrives
    /// at a waiter who has gone meanwhile, it is dropped there and so passed on.
    waiting: HashMap<String, VecDeque<oneshot::Sender<Turn>>>,
    order: VecDeque<String>,
}

impl Turns {
    /// So many at once.
    pub fn new(at_once: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner { free: at_once, waiting: HashMap::new(), order: VecDeque::new() })))
    }

    /// Waits for a turn. Whoever stops waiting loses nothing for the others.
    pub async fn turn(&self, namespace: &str) -> Turn {
        let waiting = {
            let mut inner = self.lock();
            if inner.free > 0 {
                inner.free -= 1;
                return self.held();
            }
            let (sender, receiver) = oneshot::channel();
            inner.enqueue(namespace, sender);
            receiver
        };
        match waiting.await {
            Ok(turn) => turn,
            // A sender is dropped unused only with all of the turns, which the caller borrows.
            Err(_) => Turn { turns: self.clone(), held: false },
        }
    }

    /// How many wait. Those who have stopped waiting may count until their turn comes.
    pub fn waiting(&self) -> usize {
        self.lock().waiting.values().map(VecDeque::len).sum()
    }

    fn held(&self) -> Turn {
        Turn { turns: self.clone(), held: true }
    }

    /// Gives a turn that has ended to the next who still waits.
    fn pass_on(&self) {
        loop {
            let next = {
                let mut inner = self.lock();
                let next = inner.next();
                if next.is_none() {
                    inner.free += 1;
                }
                next
            };
            let Some(next) = next else { return };
            match next.send(self.held()) {
                Ok(()) => return,
                // He has just gone; the next one is asked here, since dropping the turn would do it one level deeper.
                Err(mut turn) => turn.held = false,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.held {
            self.turns.pass_on();
        }
    }
}

impl Inner {
    fn enqueue(&mut self, namespace: &str, sender: oneshot::Sender<Turn>) {
        if let Some(queue) = self.waiting.get_mut(namespace) {
            queue.push_back(sender);
        } else {
            self.waiting.insert(namespace.to_owned(), VecDeque::from([sender]));
            self.order.push_back(namespace.to_owned());
        }
    }

    /// Who is next. Those who have gone are passed over, and cost their namespace no turn.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        while let Some(namespace) = self.order.pop_front() {
            let Some(queue) = self.waiting.get_mut(&namespace) else { continue };
            while queue.front().is_some_and(oneshot::Sender::is_closed) {
                queue.pop_front();
            }
            let next = queue.pop_front();
            if queue.is_empty() {
                self.waiting.remove(&namespace);
            } else {
                self.order.push_back(namespace);
            }
            if next.is_some() {
                return next;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::{Pin, pin},
        task::{Context, Poll, Waker},
    };

    use super::*;

    type Waiting = Pin<Box<dyn Future<Output = Turn>>>;

    /// Begins to wait, and is in the queue when this returns.
    fn wait(turns: &Turns, namespace: &'static str) -> Waiting {
        let turns = turns.clone();
        let mut waiting: Waiting = Box::pin(async move { turns.turn(namespace).await });
        assert!(look(&mut waiting).is_none(), "{namespace} has to wait");
        waiting
    }

    fn look(waiting: &mut Waiting) -> Option<Turn> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    fn now(turns: &Turns) -> Turn {
        let mut turn = pin!(turns.turn("a"));
        match turn.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => turn,
            Poll::Pending => panic!("no turn is free"),
        }
    }

    #[test]
    fn a_namespace_with_a_thousand_waiters_delays_another_by_one_turn() {
        let turns = Turns::new(1);
        let first = now(&turns);
        let mut loud: Vec<_> = (0..1_000).map(|_| wait(&turns, "loud")).collect();
        let mut quiet = wait(&turns, "quiet");
        drop(first);
        let turn = look(&mut loud[0]).expect("it came first");
        assert!(look(&mut quiet).is_none());
        drop(turn);
        let turn = look(&mut quiet).expect("its namespace's turn has come");
        assert!(look(&mut loud[1]).is_none());
        drop(turn);
        assert!(look(&mut loud[1]).is_some());
    }

    #[test]
    fn whoever_stops_waiting_takes_no_turn_away() {
        let turns = Turns::new(1);
        let first = now(&turns);
        let gone: Vec<_> = (0..10_000).map(|_| wait(&turns, "a")).collect();
        let mut stays = wait(&turns, "a");
        drop(gone);
        drop(first);
        let turn = look(&mut stays).expect("those before it have gone");
        assert_eq!(turns.waiting(), 0);
        drop(turn);
        drop(now(&turns));
        assert_eq!(turns.lock().free, 1);
    }

    #[test]
    fn a_turn_that_was_given_to_somebody_who_goes_before_he_takes_it_is_passed_on() {
        let turns = Turns::new(1);
        let first = now(&turns);
        let goes = wait(&turns, "a");
        let mut stays = wait(&turns, "b");
        drop(first);
        assert_eq!(turns.waiting(), 1, "the turn is on its way to the first");
        assert!(look(&mut stays).is_none());
        drop(goes);
        assert!(look(&mut stays).is_some());
        assert_eq!(turns.lock().free, 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_turn_is_lost_or_made_among_tasks_that_are_aborted_at_random() {
        let turns = Turns::new(3);
        let tasks: Vec<_> = (0..2_000)
            .map(|number: usize| {
                let turns = turns.clone();
                tokio::spawn(async move {
                    let _turn = turns.turn(["a", "b", "c"][number % 3]).await;
                    tokio::task::yield_now().await;
                })
            })
            .collect();
        for task in tasks.iter().step_by(7) {
            task.abort();
        }
        for task in tasks {
            let _ = task.await;
        }
        let inner = turns.lock();
        assert_eq!((inner.free, inner.waiting.len(), inner.order.len()), (3, 0, 0));
    }
}
