//! The clocks that are a run's own: the one of its life, and the one of the processor time it has used.

use std::time::Instant;

use anyhow::Result;
use wasmtime::{Caller, Linker};
use wasmtime_wasi::HostMonotonicClock;
use wasmtime_wasi::p1::types::{Clockid, Errno};
use wasmtime_wasi::p1::wasi_snapshot_preview1 as preview1;
use wiggle::GuestPtr;

use super::{Call, Host, PREVIEW1, answered, errno};

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

/// Whether a clock shows processor time. A guest has one thread, so the two are the same.
fn is_of_the_processor(id: i32) -> bool {
    [Clockid::ProcessCputimeId, Clockid::ThreadCputimeId]
        .into_iter()
        .any(|clock| clock as i32 == id)
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
            let mut call = Call::new(&mut caller)?;
            if !is_of_the_processor(id) {
                let answer =
                    preview1::clock_time_get(call.wasi, &mut call.memory, id, precision, to);
                return answered(answer);
            }
            let now = u64::try_from(call.cpu.now().as_nanos())?;
            call.memory.write(GuestPtr::new(to.cast_unsigned()), now)?;
            Ok(errno(Errno::Success))
        },
    )?;
    linker.func_wrap(
        PREVIEW1,
        "clock_res_get",
        |mut caller: Caller<'_, Host>, id: i32, to: i32| {
            let mut call = Call::new(&mut caller)?;
            if !is_of_the_processor(id) {
                return answered(preview1::clock_res_get(call.wasi, &mut call.memory, id, to));
            }
            let nanosecond = 1_u64;
            call.memory
                .write(GuestPtr::new(to.cast_unsigned()), nanosecond)?;
            Ok(errno(Errno::Success))
        },
    )?;
    Ok(())
}
