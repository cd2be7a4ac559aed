//! The clocks of a run: a monotonic one, and a wall clock that can start at any time.

use std::time::{Duration, Instant, SystemTime};

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

/// The wall clock: the system's, unless the job sets the time at which it starts.
#[derive(Default)]
pub struct WallClock(Option<(SystemTime, Instant)>);

impl WallClock {
    /// Begins a run at `time`, or at the system's time.
    pub fn begin(&mut self, time: Option<SystemTime>) {
        self.0 = time.map(|time| (time, Instant::now()));
    }

    /// The time since 1970; zero before that.
    pub fn now(&self) -> Duration {
        let now = match self.0 {
            Some((time, started)) => time.checked_add(started.elapsed()).unwrap_or(time),
            None => SystemTime::now(),
        };
        now.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
    }
}
