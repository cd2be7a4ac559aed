//! The clocks that are a run's own: the one of its life, and the one of the processor time it has used.

use std::time::Instant;

use anyhow::Result;
use wasmtime::{Caller, Linker};
use wasmtime_wasi::HostMonotonicClock;
use wasmtime_wasi::p1::types::{Clockid, Errno};
use wasmtime_wasi::p1::wasi_snapshot_preview1 as preview1;
use wiggle::GuestPtr;

use super::{Call, Host, PREVIEW1, errno};

/// A clock that goes on when WASI's state is made anew: wasmtime's own would begin again at zero.
#[derive(Clone, Copy)]
pub struct LifeClock(Instant);

impl LifeClock {
    /// A clock that shows zero now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl HostMonotonicClock for LifeClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        // Good for 584 years.
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Puts the clock of processor time, which wasmtime-wasi does not have, beside wasmtime's own.
///
/// # Errors
/// Never, unless wasmtime changes its names.
pub fn add(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(
        PREVIEW1,
        "clock_time_get",
        |mut caller: Caller<'_, Host>, id: i32, precision: i64, to: i32| {
            let used = caller.data().cpu.clone();
            let mut call = Call::new(&mut caller)?;
            if id != Clockid::ProcessCputimeId as i32 {
                return preview1::clock_time_get(call.wasi, &mut call.memory, id, precision, to);
            }
            let now = u64::try_from(used.now().as_nanos())?;
            call.memory.write(GuestPtr::new(to.cast_unsigned()), now)?;
            Ok(errno(Errno::Success))
        },
    )?;
    Ok(())
}
