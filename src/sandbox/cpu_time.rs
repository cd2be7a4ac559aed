//! The CPU time limit: the processor time of a future, measured around each of its polls.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::page_map::thread_page_faults;

/// The processor time used by a future. Clones share one reading.
#[derive(Debug, Clone, Default)]
pub struct CpuClock(Arc<Reading>);

/// In nanoseconds.
#[derive(Debug, Default)]
struct Reading {
    /// The time used before the current poll.
    before: AtomicU64,
    /// The polling thread's own clock at the start of the current poll.
    since: AtomicU64,
    /// Page faults, counted like the time.
    faults_before: AtomicI64,
    faults_since: AtomicI64,
}

impl CpuClock {
    /// The time used until the end of the last poll.
    pub fn used(&self) -> Duration {
        Duration::from_nanos(self.0.before.load(Ordering::Relaxed))
    }

    /// The time used until now; to be called from within a poll.
    pub fn now(&self) -> Duration {
        let since = Duration::from_nanos(self.0.since.load(Ordering::Relaxed));
        self.used() + thread_cpu_time().saturating_sub(since)
    }

    /// Page faults of the polling threads during the polls.
    pub fn page_faults(&self) -> i64 {
        self.0.faults_before.load(Ordering::Relaxed)
    }

    /// Adds processor time that the host spends for the future outside of its polls.
    pub fn charge(&self, time: Duration) {
        self.0
            .before
            .fetch_add(nanoseconds(time), Ordering::Relaxed);
    }

    fn begin(&self) {
        let now = nanoseconds(thread_cpu_time());
        self.0.since.store(now, Ordering::Relaxed);
        self.0
            .faults_since
            .store(thread_page_faults(), Ordering::Relaxed);
    }

    fn end(&self) {
        let now = nanoseconds(self.now());
        self.0.before.store(now, Ordering::Relaxed);
        let faults = thread_page_faults() - self.0.faults_since.load(Ordering::Relaxed);
        self.0.faults_before.fetch_add(faults, Ordering::Relaxed);
    }
}

/// Good for 584 years.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A future with a limit on the processor time of the threads that poll it.
///
/// A guest yields at every tick of the epoch, so a run that exceeds its limit ends one tick later.
pub struct CpuTimeLimit<'a, F> {
    future: Pin<&'a mut F>,
    clock: &'a CpuClock,
    limit: Duration,
}

/// The future has exceeded its processor time.
#[derive(Debug, PartialEq, Eq)]
pub struct CpuTimeExceeded;

/// Limits `future`: once `clock` shows more than `limit`, it is not polled again. The clock keeps its
/// reading when the future is dropped before its end.
pub fn limit_cpu_time<'a, F: Future>(
    future: Pin<&'a mut F>,
    clock: &'a CpuClock,
    limit: Duration,
) -> CpuTimeLimit<'a, F> {
    CpuTimeLimit {
        future,
        clock,
        limit,
    }
}

impl<F: Future> Future for CpuTimeLimit<'_, F> {
    type Output = Result<F::Output, CpuTimeExceeded>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.clock.begin();
        let poll = this.future.as_mut().poll(context);
        this.clock.end();
        match poll {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending if this.clock.used() > this.limit => Poll::Ready(Err(CpuTimeExceeded)),
            Poll::Pending => Poll::Pending,
        }
    }
}

fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    /// Uses processor time and yields, without end.
    async fn spin() {
        loop {
            std::hint::black_box((0..10_000_u64).sum::<u64>());
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn spinning_exceeds_the_limit() {
        let clock = CpuClock::default();
        let limit = Duration::from_millis(20);
        assert_eq!(
            limit_cpu_time(pin!(spin()), &clock, limit).await,
            Err(CpuTimeExceeded)
        );
        assert!(clock.used() > limit);
    }

    #[tokio::test]
    async fn waiting_is_free() {
        let clock = CpuClock::default();
        let wait = tokio::time::sleep(Duration::from_millis(50));
        assert_eq!(
            limit_cpu_time(pin!(wait), &clock, Duration::from_millis(25)).await,
            Ok(())
        );
    }
}
