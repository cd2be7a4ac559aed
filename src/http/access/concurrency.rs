//! The limit on runs of each caller at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::caller::Caller;
use super::rejection::Rejection;

/// Limits how many requests of each caller run or wait. The table holds only callers with one, so it is
/// never larger than the number of connections.
pub(super) struct ConcurrencyLimiter {
    max: u32,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts(Mutex<HashMap<Caller, u32>>);

/// Counts a request of a caller until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct CallerPermit {
    caller: Caller,
    counts: Arc<Counts>,
}

impl ConcurrencyLimiter {
    pub(super) fn new(max: u32) -> Self {
        Self {
            max,
            counts: Arc::default(),
        }
    }

    /// Returns a permit for another request of `caller`, unless it has as many as allowed.
    pub(super) fn acquire(&self, caller: &Caller) -> Result<CallerPermit, Rejection> {
        let mut counts = self.counts.lock();
        let count = counts.entry(caller.clone()).or_default();
        if *count >= self.max {
            return Err(Rejection::TooManyAtOnce(self.max));
        }
        *count += 1;
        Ok(CallerPermit {
            caller: caller.clone(),
            counts: Arc::clone(&self.counts),
        })
    }
}

impl Counts {
    fn lock(&self) -> MutexGuard<'_, HashMap<Caller, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CallerPermit {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.counts.lock().entry(self.caller.clone()) {
            match *count.get() {
                ..=1 => drop(count.remove()),
                _ => *count.get_mut() -= 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_limit_and_permits_are_released() -> Result<(), Rejection> {
        let limiter = ConcurrencyLimiter::new(2);
        let (one, other) = (Caller::Key(0), Caller::Key(1));
        let first = limiter.acquire(&one)?;
        let second = limiter.acquire(&one)?;
        assert!(matches!(
            limiter.acquire(&one),
            Err(Rejection::TooManyAtOnce(2))
        ));
        let others = limiter.acquire(&other)?;
        drop(first);
        let third = limiter.acquire(&one)?;
        assert!(limiter.acquire(&one).is_err());
        drop((second, third, others));
        assert!(limiter.counts.lock().is_empty());
        Ok(())
    }
}
