//! How many requests may run, how many may wait, and when none may any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::access::Share;
use super::answer::Error;
use crate::config::Capacity;
use crate::telemetry::Load;

/// The door: a request takes a place, to be inside at all, and then a slot, to run.
pub(super) struct Admission {
    places: Arc<Semaphore>,
    all_places: u32,
    slots: Arc<Semaphore>,
    all_slots: u32,
    waiting: AtomicU32,
    patience: Duration,
    phase: watch::Sender<Phase>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Requests come in.
    Open,
    /// Requests still come in, but should not any more.
    Leaving,
    /// Those inside may finish, others are turned away.
    Draining,
    /// Those inside must leave.
    Closed,
}

/// Why another request is better sent elsewhere.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotReady {
    #[error("shutting down")]
    ShuttingDown,
    /// Holds how many places there are.
    #[error("full: all {0} places to run or to wait (MAX_CONCURRENT, MAX_QUEUE) are taken")]
    Full(u32),
}

/// One who waits, until dropped.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The right to run.
#[derive(Debug)]
pub(super) struct Pass {
    /// How long the request had to wait.
    pub(super) waited: Duration,
    /// Shared by all that holds something of the run.
    pub(super) permit: Arc<Permit>,
}

/// A slot and a place. Dropping the last owner lets the next request in.
#[derive(Debug)]
pub(super) struct Permit {
    _slot: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
    _share: Option<Share>,
}

impl Admission {
    pub(super) fn new(capacity: Capacity) -> Self {
        let all_places = capacity.concurrent.saturating_add(capacity.queue);
        Self {
            places: Arc::new(Semaphore::new(all_places as usize)),
            all_places,
            slots: Arc::new(Semaphore::new(capacity.concurrent as usize)),
            all_slots: capacity.concurrent,
            waiting: AtomicU32::new(0),
            patience: capacity.queue_timeout,
            phase: watch::Sender::new(Phase::Open),
        }
    }

    /// Waits for a slot, in order of arrival; fails at once when there is no place to wait in. The
    /// caller's `share` is kept as long as the permit.
    pub(super) async fn enter(&self, share: Option<Share>) -> Result<Pass, Error> {
        if matches!(*self.phase.borrow(), Phase::Draining | Phase::Closed) {
            return Err(Error::ShuttingDown);
        }
        let arrived = Instant::now();
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| Error::Full {
            running: self.all_slots,
            waiting: self.all_places.saturating_sub(self.all_slots),
        })?;
        let slot = Arc::clone(&self.slots).acquire_owned();
        let _waiting = Waiting::begin(&self.waiting);
        let slot = match timeout(self.patience, slot).await {
            Ok(Ok(slot)) => slot,
            _ => return Err(Error::WaitedTooLong(self.patience)),
        };
        Ok(Pass {
            waited: arrived.elapsed(),
            permit: Arc::new(Permit {
                _slot: slot,
                _place: place,
                _share: share,
            }),
        })
    }

    /// Whether the next request is better sent elsewhere, because this service is about to end.
    pub(super) fn is_leaving(&self) -> bool {
        *self.phase.borrow() != Phase::Open
    }

    /// Whether it makes sense to send another request.
    pub(super) fn readiness(&self) -> Result<(), NotReady> {
        if self.is_leaving() {
            return Err(NotReady::ShuttingDown);
        }
        match self.places.available_permits() {
            0 => Err(NotReady::Full(self.all_places)),
            _ => Ok(()),
        }
    }

    /// How many are inside at this moment.
    pub(super) fn load(&self) -> Load {
        let free = u32::try_from(self.slots.available_permits()).unwrap_or(u32::MAX);
        Load {
            running: self.all_slots.saturating_sub(free),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    /// Asks for no more requests, and lets them in nevertheless.
    pub(super) fn leave(&self) {
        self.phase.send_replace(Phase::Leaving);
    }

    /// Lets nobody in any more.
    pub(super) fn drain(&self) {
        self.phase.send_replace(Phase::Draining);
    }

    /// Resolves when nobody is inside; makes sense only while draining.
    pub(super) async fn empty(&self) {
        // Nobody closes the semaphore, so this cannot fail: it waits for the last place.
        let _all = self.places.acquire_many(self.all_places).await;
    }

    /// Sends those inside away.
    pub(super) fn close(&self) {
        self.phase.send_replace(Phase::Closed);
    }

    /// Resolves when those inside must leave.
    pub(super) async fn closed(&self) {
        // It fails only without a sender, and the sender is `self`.
        let _ = self
            .phase
            .subscribe()
            .wait_for(|phase| *phase == Phase::Closed)
            .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn door(concurrent: u32, queue: u32) -> Admission {
        let capacity = Capacity {
            concurrent,
            queue,
            queue_timeout: Duration::from_secs(1),
            connections: 0,
        };
        Admission::new(capacity)
    }

    fn is_pending<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
        matches!(
            future.poll(&mut Context::from_waker(Waker::noop())),
            Poll::Pending
        )
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_ordered() {
        let door = door(1, 1);
        let running = door.enter(None).await;
        assert!(running.is_ok());

        assert_eq!((door.load().running, door.load().waiting), (1, 0));
        assert_eq!(door.readiness(), Ok(()));

        let mut waiting = pin!(door.enter(None));
        assert!(is_pending(waiting.as_mut()));
        let refusal = door.enter(None).await;
        let full = matches!(
            refusal,
            Err(Error::Full {
                running: 1,
                waiting: 1
            })
        );
        assert!(full, "{refusal:?}");
        assert_eq!((door.load().running, door.load().waiting), (1, 1));
        assert_eq!(door.readiness(), Err(NotReady::Full(2)));

        drop(running);
        assert!(waiting.await.is_ok());
        assert!(door.enter(None).await.is_ok());
    }

    #[tokio::test]
    async fn who_leaves_the_queue_gives_the_place_back() {
        let door = door(1, 1);
        let _running = door.enter(None).await;
        for _ in 0..3 {
            let mut waiting = Box::pin(door.enter(None));
            assert!(is_pending(waiting.as_mut()));
        }
        assert_eq!((door.load().running, door.load().waiting), (1, 0));
    }

    #[tokio::test]
    async fn leaving_is_not_ready_but_still_open() {
        let door = door(1, 0);
        door.leave();
        assert_eq!(door.readiness(), Err(NotReady::ShuttingDown));
        assert!(door.enter(None).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_has_an_end() {
        let door = door(1, 1);
        let _running = door.enter(None).await;
        assert!(matches!(
            door.enter(None).await,
            Err(Error::WaitedTooLong(_))
        ));
    }

    #[tokio::test]
    async fn draining_waits_for_those_inside_and_closing_sends_them_away() {
        let door = door(1, 1);
        let running = door.enter(None).await;
        door.drain();
        assert!(matches!(door.enter(None).await, Err(Error::ShuttingDown)));

        let mut empty = pin!(door.empty());
        assert!(is_pending(empty.as_mut()));
        let mut closed = pin!(door.closed());
        assert!(is_pending(closed.as_mut()));

        door.close();
        closed.await;
        drop(running);
        empty.await;
    }
}
