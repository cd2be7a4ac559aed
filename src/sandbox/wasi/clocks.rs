//! The monotonic clock of a run.

use std::time::Instant;

use wasmtime_wasi::HostMonotonicClock;

/// A clock that goes on when wasmtime's state is built anew: wasmtime's own would restart at zero.
#[derive(Clone, Copy)]
pub struct RunClock(Instant);

impl RunClock {
    /// A clock that shows zero now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl HostMonotonicClock for RunClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        // Good for 584 years.
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
