//! Random ids of requests and spans.

use ring::rand::{SecureRandom, SystemRandom};

/// Returns 128 random bits, which cannot be predicted.
#[must_use]
pub fn random_id() -> u128 {
    let mut bytes = [0; 16];
    // The self-test at the start needs the same source, so this does not fail in a running service.
    let _ = SystemRandom::new().fill(&mut bytes);
    u128::from_ne_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ() {
        assert_ne!(random_id(), random_id());
    }
}
