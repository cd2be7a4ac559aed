//! Admission control: bounds how many requests run and how many wait, and ends admission at shutdown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::access::CallerPermit;
use super::kind::Kind;
use crate::config::Capacity;
use crate::display::Seconds;
use crate::telemetry::Load;

/// Admission control. A request takes a request permit, which lets it wait in the queue, and then a run
/// permit.
pub(super) struct Admission {
    /// One for each request that runs or waits.
    request_permits: Arc<Semaphore>,
    max_requests: u32,
    /// One for each request that runs.
    run_permits: Arc<Semaphore>,
    max_running: u32,
    waiting: AtomicU32,
    queue_timeout: Duration,
    phase: watch::Sender<Phase>,
}

/// The phases of a shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Requests are admitted.
    Ready,
    /// Requests are admitted, but the service reports that it is not ready.
    NotReady,
    /// New requests are rejected; those that run or wait may finish.
    Draining,
    /// Requests that run or wait are cancelled.
    Aborted,
}

/// The reason why a request was not admitted.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(test, derive(strum::EnumIter))]
pub(super) enum AdmissionError {
    #[error(
        "the service is full: it runs at most {max_running} at once (MAX_CONCURRENT) and lets \
         {max_waiting} wait (MAX_QUEUE); try again in a moment"
    )]
    Full { max_running: u32, max_waiting: u32 },
    /// Holds how long the request has waited.
    #[error(
        "the script did not start within {} (QUEUE_TIMEOUT): try again in a moment",
        Seconds(*.0)
    )]
    QueueTimeout(Duration),
    #[error("the service is shutting down: try again in a moment")]
    ShuttingDown,
}

impl AdmissionError {
    /// Returns the error kind of the contract.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Full { .. } | Self::QueueTimeout(_) => Kind::Overloaded,
            Self::ShuttingDown => Kind::ShuttingDown,
        }
    }
}

/// The reason why the service should not get another request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotReady {
    #[error("shutting down")]
    ShuttingDown,
    /// Holds how many requests may run or wait.
    #[error("full: all {0} permits to run or to wait (MAX_CONCURRENT, MAX_QUEUE) are taken")]
    Full(u32),
}

/// Counts a request as waiting until it is dropped.
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

/// An admitted request.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The time that the request has waited in the queue.
    pub(super) waited: Duration,
    /// Shared by everything that takes resources of the run.
    pub(super) permit: Arc<Permit>,
}

/// The permits of a request. Dropping the last reference admits the next request.
#[derive(Debug)]
pub(super) struct Permit {
    _run: OwnedSemaphorePermit,
    _request: OwnedSemaphorePermit,
    _caller: Option<CallerPermit>,
}

impl Admission {
    pub(super) fn new(capacity: Capacity) -> Self {
        let max_requests = capacity.concurrent.saturating_add(capacity.queue);
        Self {
            request_permits: Arc::new(Semaphore::new(max_requests as usize)),
            max_requests,
            run_permits: Arc::new(Semaphore::new(capacity.concurrent as usize)),
            max_running: capacity.concurrent,
            waiting: AtomicU32::new(0),
            queue_timeout: capacity.queue_timeout,
            phase: watch::Sender::new(Phase::Ready),
        }
    }

    /// Waits for a run permit, in order of arrival. Fails at once when the queue is full. The caller's
    /// permit is released together with the others.
    pub(super) async fn admit(
        &self,
        caller: Option<CallerPermit>,
    ) -> Result<Admitted, AdmissionError> {
        if matches!(*self.phase.borrow(), Phase::Draining | Phase::Aborted) {
            return Err(AdmissionError::ShuttingDown);
        }
        let arrived = Instant::now();
        let request = Arc::clone(&self.request_permits).try_acquire_owned();
        let request = request.map_err(|_| AdmissionError::Full {
            max_running: self.max_running,
            max_waiting: self.max_requests.saturating_sub(self.max_running),
        })?;
        let run = Arc::clone(&self.run_permits).acquire_owned();
        let _waiting = Waiting::begin(&self.waiting);
        let run = match timeout(self.queue_timeout, run).await {
            Ok(Ok(run)) => run,
            _ => return Err(AdmissionError::QueueTimeout(self.queue_timeout)),
        };
        Ok(Admitted {
            waited: arrived.elapsed(),
            permit: Arc::new(Permit {
                _run: run,
                _request: request,
                _caller: caller,
            }),
        })
    }

    /// Whether the shutdown has begun, so that clients should connect elsewhere.
    pub(super) fn is_shutting_down(&self) -> bool {
        *self.phase.borrow() != Phase::Ready
    }

    /// Whether the service should get another request.
    pub(super) fn readiness(&self) -> Result<(), NotReady> {
        if self.is_shutting_down() {
            return Err(NotReady::ShuttingDown);
        }
        match self.request_permits.available_permits() {
            0 => Err(NotReady::Full(self.max_requests)),
            _ => Ok(()),
        }
    }

    /// Returns how many requests run and wait now.
    pub(super) fn load(&self) -> Load {
        let free = u32::try_from(self.run_permits.available_permits()).unwrap_or(u32::MAX);
        Load {
            running: self.max_running.saturating_sub(free),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    /// Reports "not ready", but keeps admitting requests.
    pub(super) fn stop_advertising(&self) {
        self.phase.send_replace(Phase::NotReady);
    }

    /// Rejects new requests.
    pub(super) fn drain(&self) {
        self.phase.send_replace(Phase::Draining);
    }

    /// Resolves when no request runs or waits; call it while draining.
    pub(super) async fn drained(&self) {
        // The semaphore is never closed, so this cannot fail: it waits for the last permit.
        let _all = self.request_permits.acquire_many(self.max_requests).await;
    }

    /// Cancels the requests that run or wait.
    pub(super) fn abort(&self) {
        self.phase.send_replace(Phase::Aborted);
    }

    /// Resolves when requests that run or wait have to end.
    pub(super) async fn aborted(&self) {
        // This fails only without a sender, and the sender is `self`.
        let _ = self
            .phase
            .subscribe()
            .wait_for(|phase| *phase == Phase::Aborted)
            .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn admission(concurrent: u32, queue: u32) -> Admission {
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
        let admission = admission(1, 1);
        let running = admission.admit(None).await;
        assert!(running.is_ok());

        let load = admission.load();
        assert_eq!((load.running, load.waiting), (1, 0));
        assert_eq!(admission.readiness(), Ok(()));

        let mut waiting = pin!(admission.admit(None));
        assert!(is_pending(waiting.as_mut()));
        let rejected = admission.admit(None).await;
        let full = matches!(
            rejected,
            Err(AdmissionError::Full {
                max_running: 1,
                max_waiting: 1
            })
        );
        assert!(full, "{rejected:?}");
        let load = admission.load();
        assert_eq!((load.running, load.waiting), (1, 1));
        assert_eq!(admission.readiness(), Err(NotReady::Full(2)));

        drop(running);
        assert!(waiting.await.is_ok());
        assert!(admission.admit(None).await.is_ok());
    }

    #[tokio::test]
    async fn a_request_that_leaves_the_queue_releases_its_permit() {
        let admission = admission(1, 1);
        let _running = admission.admit(None).await;
        for _ in 0..3 {
            let mut waiting = Box::pin(admission.admit(None));
            assert!(is_pending(waiting.as_mut()));
        }
        let load = admission.load();
        assert_eq!((load.running, load.waiting), (1, 0));
    }

    #[tokio::test]
    async fn requests_are_admitted_while_not_ready() {
        let admission = admission(1, 0);
        admission.stop_advertising();
        assert_eq!(admission.readiness(), Err(NotReady::ShuttingDown));
        assert!(admission.admit(None).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_has_a_timeout() {
        let admission = admission(1, 1);
        let _running = admission.admit(None).await;
        assert!(matches!(
            admission.admit(None).await,
            Err(AdmissionError::QueueTimeout(_))
        ));
    }

    #[tokio::test]
    async fn draining_waits_for_running_requests_and_aborting_cancels_them() {
        let admission = admission(1, 1);
        let running = admission.admit(None).await;
        admission.drain();
        assert!(matches!(
            admission.admit(None).await,
            Err(AdmissionError::ShuttingDown)
        ));

        let mut drained = pin!(admission.drained());
        assert!(is_pending(drained.as_mut()));
        let mut aborted = pin!(admission.aborted());
        assert!(is_pending(aborted.as_mut()));

        admission.abort();
        aborted.await;
        drop(running);
        drained.await;
    }
}
