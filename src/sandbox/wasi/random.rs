//! Random bytes: the system's, or those of a seed.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// The source of a run's random bytes, when the job has a seed.
#[derive(Default)]
pub struct Random(Option<ChaCha20Rng>);

impl Random {
    /// Begins a run. The same seed gives the same bytes.
    pub fn begin(&mut self, seed: Option<u64>) {
        self.0 = seed.map(ChaCha20Rng::seed_from_u64);
    }

    /// Fills `buffer` if there is a seed; returns whether.
    pub fn fill(&mut self, buffer: &mut [u8]) -> bool {
        let Some(generator) = &mut self.0 else {
            return false;
        };
        generator.fill_bytes(buffer);
        true
    }
}
