//! How often each caller may call.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::Refusal;
use super::caller::Caller;
use crate::config::RateLimit;

/// Callers that are told apart, of about a hundred bytes each. Those beyond share one allowance: a
/// stranger with many addresses must not fill the memory.
const MOST_CALLERS: usize = 100_000;
/// How often the callers who have been away for long enough are forgotten, when there are too many.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Counts the calls of each caller.
pub(super) struct Limiter {
    limit: RateLimit,
    limiter: DefaultKeyedRateLimiter<Caller>,
    most_callers: usize,
    swept: Mutex<Instant>,
}

impl Limiter {
    pub(super) fn new(limit: RateLimit) -> Self {
        let burst = NonZeroU32::new(limit.burst).unwrap_or(NonZeroU32::MIN);
        // There is none only for an interval of zero, which no rate has.
        let quota = Quota::with_period(limit.interval()).unwrap_or(Quota::per_second(burst));
        Self {
            limit,
            limiter: RateLimiter::keyed(quota.allow_burst(burst)),
            most_callers: MOST_CALLERS,
            swept: Mutex::new(Instant::now()),
        }
    }

    /// Counts a call, unless the caller has used up all.
    pub(super) fn check(&self, caller: Caller) -> Result<(), Refusal> {
        let caller = if self.has_room() {
            caller
        } else {
            Caller::Others
        };
        self.limiter.check_key(&caller).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.limiter.clock().now());
            // Rounded up: who comes back too early comes in vain.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            Refusal::RateLimited {
                limit: self.limit,
                seconds: seconds.max(1),
            }
        })
    }

    /// Whether one more caller can be told apart.
    fn has_room(&self) -> bool {
        if self.limiter.len() < self.most_callers {
            return true;
        }
        if let Ok(mut swept) = self.swept.try_lock()
            && swept.elapsed() >= SWEEP_INTERVAL
        {
            *swept = Instant::now();
            self.limiter.retain_recent();
        }
        self.limiter.len() < self.most_callers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn limiter(burst: u32, most_callers: usize) -> Result<Limiter, String> {
        let rate = "1/h".parse()?;
        Ok(Limiter {
            most_callers,
            ..Limiter::new(RateLimit { rate, burst })
        })
    }

    #[test]
    fn each_caller_has_an_allowance() -> Result<(), String> {
        let limiter = limiter(2, MOST_CALLERS)?;
        for caller in [Caller::Key(0), Caller::Key(1), Caller::Subject("0".into())] {
            for _ in 0..2 {
                assert!(limiter.check(caller.clone()).is_ok());
            }
            let Some(Refusal::RateLimited { seconds, .. }) = limiter.check(caller).err() else {
                return Err("the allowance is used up".into());
            };
            assert!((3500..=3600).contains(&seconds), "{seconds}");
        }
        Ok(())
    }

    #[test]
    fn strangers_without_number_share_one_allowance() -> Result<(), String> {
        let limiter = limiter(1, 10)?;
        let callers = (0..1000).map(|bits| Caller::Address(Ipv4Addr::from_bits(bits).into()));
        let admitted = callers.filter(|caller| limiter.check(caller.clone()).is_ok());
        assert_eq!(admitted.count(), 11);
        assert_eq!(limiter.limiter.len(), 11);
        Ok(())
    }
}
