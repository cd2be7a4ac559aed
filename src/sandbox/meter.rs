//! Processor time, as a limit on a future.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::page_map::thread_page_faults;

/// The processor time that a future has used. Clones read the same clock.
#[derive(Debug, Clone, Default)]
pub struct CpuClock(Arc<Reading>);

/// In nanoseconds.
#[derive(Debug, Default)]
struct Reading {
    /// Used until the present poll.
    before: AtomicU64,
    /// What the polling thread's own clock said when it began to poll.
    since: AtomicU64,
    /// Page faults, counted like the time.
    faults_before: AtomicI64,
    faults_since: AtomicI64,
}

impl CpuClock {
    /// What has been used when the future is not being polled.
    pub fn used(&self) -> Duration {
        Duration::from_nanos(self.0.before.load(Ordering::Relaxed))
    }

    /// What has been used so far; to be called by the future itself.
    pub fn now(&self) -> Duration {
        let since = Duration::from_nanos(self.0.since.load(Ordering::Relaxed));
        self.used() + thread_cpu_time().saturating_sub(since)
    }

    /// How many page faults there were while the future was polled.
    pub fn page_faults(&self) -> i64 {
        self.0.faults_before.load(Ordering::Relaxed)
    }

    /// Adds processor time that the host has spent outside of the future's polls.
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

/// Runs a future and adds up the processor time of the threads that poll it.
///
/// A guest yields at every tick of the epoch, so a future that has used more than its limit is
/// noticed one tick later.
pub struct Metered<'a, F> {
    future: Pin<&'a mut F>,
    clock: &'a CpuClock,
    limit: Duration,
}

/// The future has used more processor time than it may.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfTime;

/// Limits `future` to `limit` of processor time, by `clock`, which tells what it used even when the
/// metered future is dropped before its end.
pub fn metered<'a, F: Future>(
    future: Pin<&'a mut F>,
    clock: &'a CpuClock,
    limit: Duration,
) -> Metered<'a, F> {
    Metered {
        future,
        clock,
        limit,
    }
}

impl<F: Future> Future for Metered<'_, F> {
    type Output = Result<F::Output, OutOfTime>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.clock.begin();
        let poll = this.future.as_mut().poll(context);
        this.clock.end();
        match poll {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending if this.clock.used() > this.limit => Poll::Ready(Err(OutOfTime)),
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

    /// Burns processor time and yields, for ever.
    async fn spin() {
        loop {
            std::hint::black_box((0..10_000_u64).sum::<u64>());
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn spinning_runs_out_of_time() {
        let clock = CpuClock::default();
        let limit = Duration::from_millis(20);
        assert_eq!(metered(pin!(spin()), &clock, limit).await, Err(OutOfTime));
        assert!(clock.used() > limit);
    }

    #[tokio::test]
    async fn waiting_costs_nothing() {
        let clock = CpuClock::default();
        let wait = tokio::time::sleep(Duration::from_millis(50));
        assert_eq!(
            metered(pin!(wait), &clock, Duration::from_millis(25)).await,
            Ok(())
        );
    }
}
