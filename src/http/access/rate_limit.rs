//! The rate limit of each caller.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::{DefaultKeyedRateLimiter, Quota};

use super::caller::Caller;
use super::rejection::Rejection;
use crate::config::RateLimit;

/// Callers with an allowance of their own, which takes about a hundred bytes each. All others share one,
/// so that a client with many addresses cannot exhaust the memory.
const MAX_CALLERS: usize = 100_000;
/// Interval at which callers with a full allowance are removed from a full table.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Limits the rate of requests of each caller.
pub(super) struct RateLimiter {
    limit: RateLimit,
    limiter: DefaultKeyedRateLimiter<Caller>,
    max_callers: usize,
    swept: Mutex<Instant>,
}

impl RateLimiter {
    pub(super) fn new(limit: RateLimit) -> Self {
        let burst = NonZeroU32::new(limit.burst).unwrap_or(NonZeroU32::MIN);
        // `with_period` fails only for an interval of zero, which no rate has.
        let quota = Quota::with_period(limit.interval()).unwrap_or(Quota::per_second(burst));
        Self {
            limit,
            limiter: governor::RateLimiter::keyed(quota.allow_burst(burst)),
            max_callers: MAX_CALLERS,
            swept: Mutex::new(Instant::now()),
        }
    }

    /// Counts a request, unless the caller has used up its allowance.
    pub(super) fn check(&self, caller: Caller) -> Result<(), Rejection> {
        let caller = if self.has_room() {
            caller
        } else {
            Caller::Others
        };
        self.limiter.check_key(&caller).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.limiter.clock().now());
            // Rounded up, so that a client that waits this long is not rejected again.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            Rejection::RateLimited {
                limit: self.limit,
                seconds: seconds.max(1),
            }
        })
    }

    /// Whether the table has room for another caller.
    fn has_room(&self) -> bool {
        if self.limiter.len() < self.max_callers {
            return true;
        }
        if let Ok(mut swept) = self.swept.try_lock()
            && swept.elapsed() >= SWEEP_INTERVAL
        {
            *swept = Instant::now();
            self.limiter.retain_recent();
        }
        self.limiter.len() < self.max_callers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn limiter(burst: u32, max_callers: usize) -> Result<RateLimiter, String> {
        let rate = "1/h".parse()?;
        Ok(RateLimiter {
            max_callers,
            ..RateLimiter::new(RateLimit { rate, burst })
        })
    }

    #[test]
    fn each_caller_has_an_allowance() -> Result<(), String> {
        let limiter = limiter(2, MAX_CALLERS)?;
        for caller in [Caller::Key(0), Caller::Key(1), Caller::Subject("0".into())] {
            for _ in 0..2 {
                assert!(limiter.check(caller.clone()).is_ok());
            }
            let Some(Rejection::RateLimited { seconds, .. }) = limiter.check(caller).err() else {
                return Err("the allowance is used up".into());
            };
            assert!((3500..=3600).contains(&seconds), "{seconds}");
        }
        Ok(())
    }

    #[test]
    fn callers_beyond_the_table_share_one_allowance() -> Result<(), String> {
        let limiter = limiter(1, 10)?;
        let callers = (0..1000).map(|bits| Caller::Address(Ipv4Addr::from_bits(bits).into()));
        let admitted = callers.filter(|caller| limiter.check(caller.clone()).is_ok());
        assert_eq!(admitted.count(), 11);
        assert_eq!(limiter.limiter.len(), 11);
        Ok(())
    }
}
