//! Numbers that name requests and spans.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// 128 bits that nobody can guess and that do not come again: a count, hashed with keys that are
/// random for each process.
#[must_use]
pub fn unique() -> [u64; 2] {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    [0_u8, 1].map(|half| KEYS.hash_one((count, half)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_differ() {
        assert_ne!(unique(), unique());
    }
}
