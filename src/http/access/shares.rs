//! How many runs each caller may have at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Refusal;
use super::caller::Caller;

/// Counts the requests of each caller that run or wait. Only callers with one are known, so there are
/// never more than connections.
pub(super) struct Shares {
    most: u32,
    taken: Arc<Taken>,
}

#[derive(Debug, Default)]
struct Taken(Mutex<HashMap<Caller, u32>>);

/// A request that is counted until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Share {
    caller: Caller,
    taken: Arc<Taken>,
}

impl Shares {
    pub(super) fn new(most: u32) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    /// Counts a request, unless its caller has as many as allowed.
    pub(super) fn take(&self, caller: &Caller) -> Result<Share, Refusal> {
        let mut taken = self.taken.lock();
        let count = taken.entry(caller.clone()).or_default();
        if *count >= self.most {
            return Err(Refusal::TooManyAtOnce(self.most));
        }
        *count += 1;
        Ok(Share {
            caller: caller.clone(),
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Taken {
    fn lock(&self) -> MutexGuard<'_, HashMap<Caller, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.taken.lock().entry(self.caller.clone()) {
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
    fn each_caller_has_a_share_and_gives_it_back() -> Result<(), Refusal> {
        let shares = Shares::new(2);
        let (one, other) = (Caller::Key(0), Caller::Key(1));
        let first = shares.take(&one)?;
        let second = shares.take(&one)?;
        assert!(matches!(shares.take(&one), Err(Refusal::TooManyAtOnce(2))));
        let others = shares.take(&other)?;
        drop(first);
        let third = shares.take(&one)?;
        assert!(shares.take(&one).is_err());
        drop((second, third, others));
        assert!(shares.taken.lock().is_empty());
        Ok(())
    }
}
