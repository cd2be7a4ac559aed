//! Random ids of requests and spans.

use std::cell::RefCell;

use ring::rand::{SecureRandom, SystemRandom};

/// How many ids are drawn at once: a system call for each would take more than a microsecond.
const BATCH: usize = 64;

thread_local! {
    static DRAWN: RefCell<Vec<u128>> = const { RefCell::new(Vec::new()) };
}

/// Returns 128 random bits, which cannot be predicted.
#[must_use]
pub fn random_id() -> u128 {
    DRAWN.with_borrow_mut(|ids| {
        if ids.is_empty() {
            let mut bytes = [[0; 16]; BATCH];
            // The self-test at the start needs the same source, so this does not fail in a running service.
            let _ = SystemRandom::new().fill(bytes.as_flattened_mut());
            ids.extend(bytes.map(u128::from_ne_bytes));
        }
        ids.pop().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ() {
        let ids: HashSet<_> = (0..3 * BATCH).map(|_| random_id()).collect();
        assert_eq!(ids.len(), 3 * BATCH);
    }
}
