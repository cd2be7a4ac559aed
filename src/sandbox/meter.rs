//! Processor time, as a limit on a future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Runs a future and adds up the processor time of the threads that poll it.
///
/// A guest yields at every tick of the epoch, so a future that has used more than its limit is
/// noticed one tick later.
pub struct Metered<'a, F> {
    future: Pin<&'a mut F>,
    used: &'a mut Duration,
    limit: Duration,
}

/// The future has used more processor time than it may.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfTime;

/// Limits `future` to `limit` of processor time; what it used is added to `used` as it goes, and is
/// there even when the metered future is dropped before its end.
pub fn metered<'a, F: Future>(
    future: Pin<&'a mut F>,
    used: &'a mut Duration,
    limit: Duration,
) -> Metered<'a, F> {
    Metered {
        future,
        used,
        limit,
    }
}

impl<F: Future> Future for Metered<'_, F> {
    type Output = Result<F::Output, OutOfTime>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let before = thread_cpu_time();
        let poll = this.future.as_mut().poll(context);
        *this.used += thread_cpu_time().saturating_sub(before);
        match poll {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending if *this.used > this.limit => Poll::Ready(Err(OutOfTime)),
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
        let mut used = Duration::ZERO;
        let limit = Duration::from_millis(20);
        assert_eq!(
            metered(pin!(spin()), &mut used, limit).await,
            Err(OutOfTime)
        );
        assert!(used > limit);
    }

    #[tokio::test]
    async fn waiting_costs_nothing() {
        let mut used = Duration::ZERO;
        let wait = tokio::time::sleep(Duration::from_millis(50));
        assert_eq!(
            metered(pin!(wait), &mut used, Duration::from_millis(25)).await,
            Ok(())
        );
    }
}
