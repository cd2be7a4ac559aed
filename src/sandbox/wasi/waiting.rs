//! Guards the calls that could keep a thread busy or blocked for long.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use wasmtime::{Caller, Linker};
use wasmtime_wasi::HostMonotonicClock;
use wasmtime_wasi::p1::types::{self, Clockid, Errno};
use wasmtime_wasi::p1::wasi_snapshot_preview1 as preview1;
use wiggle::GuestPtr;

use super::{Call, Host, PREVIEW1, errno};

/// Most bytes of randomness in one call. wasi-libc asks for 256 at a time.
const MAX_RANDOM: i32 = 64 << 10;

/// Most events to wait for at once. There are never more descriptors than this.
const MAX_SUBSCRIPTIONS: i32 = 64;

/// Processor time charged for each sleep: setting the timer, the wake-up of the thread and the poll, which
/// the clock of the run does not see. Measured: 15 to 25 µs.
const NAP: Duration = Duration::from_micros(30);

/// Puts the guards in front of wasmtime's functions.
///
/// # Errors
/// Never, unless wasmtime changes its names.
pub fn guard(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(
        PREVIEW1,
        "random_get",
        |mut caller: Caller<'_, Host>, to: i32, length: i32| {
            let mut call = Call::new(&mut caller)?;
            if !(0..=MAX_RANDOM).contains(&length) {
                return Ok(errno(Errno::Inval));
            }
            preview1::random_get(call.wasi, &mut call.memory, to, length)
        },
    )?;
    // The directory does not outlive the run, so there is nothing to keep safe; a disk may take long.
    for name in ["fd_sync", "fd_datasync"] {
        linker.func_wrap(PREVIEW1, name, |mut caller: Caller<'_, Host>, fd: i32| {
            let call = Call::new(&mut caller)?;
            let known = call.quota.is_open(fd.cast_unsigned());
            Ok(errno(if known { Errno::Success } else { Errno::Badf }))
        })?;
    }
    type Poll = (i32, i32, i32, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "poll_oneoff",
        |mut caller: Caller<'_, Host>, (first, events, count, happened): Poll| {
            Box::new(async move {
                let mut call = Call::new(&mut caller)?;
                if !(1..=MAX_SUBSCRIPTIONS).contains(&count) {
                    return Ok(errno(Errno::Inval));
                }
                let waits = match call.waits(first, count.cast_unsigned()) {
                    Ok(waits) => waits,
                    Err(error) => return Ok(errno(error.downcast()?)),
                };
                let time = waits.iter().map(|wait| wait.time).min().unwrap_or_default();
                if !time.is_zero() {
                    call.turn.leave_connection_thread().await;
                    call.cpu.charge(NAP);
                    tokio::time::sleep(time).await;
                }
                let over = waits.iter().filter(|wait| wait.time <= time);
                call.report(over.map(|wait| wait.event.clone()), events, happened)
            })
        },
    )?;
    Ok(())
}

/// An event that a guest waits for.
struct Wait {
    /// Time until it happens.
    time: Duration,
    event: types::Event,
}

impl Wait {
    fn new(time: Duration, userdata: u64, type_: types::Eventtype) -> Self {
        let fd_readwrite = types::EventFdReadwrite {
            nbytes: 0,
            flags: types::Eventrwflags::empty(),
        };
        let event = types::Event {
            userdata,
            error: Errno::Success,
            type_,
            fd_readwrite,
        };
        Self { time, event }
    }
}

impl Call<'_> {
    /// Reads the `count` subscriptions at `first`. wasmtime's own `poll_oneoff` puts the whole thread to
    /// sleep, since file calls may block theirs; yields to the runtime even if the time is over; and reads
    /// files on a thread of its own to find out whether they can be read.
    fn waits(&self, first: i32, count: u32) -> Result<Vec<Wait>, types::Error> {
        let all = GuestPtr::<types::Subscription>::new(first.cast_unsigned());
        let each = all.as_array(count);
        each.iter()
            .map(|at| self.wait(self.memory.read(at?)?))
            .collect()
    }

    fn wait(&self, subscription: types::Subscription) -> Result<Wait, types::Error> {
        let (time, kind) = match subscription.u {
            types::SubscriptionU::Clock(clock) => {
                (self.time_left(&clock)?, types::Eventtype::Clock)
            }
            types::SubscriptionU::FdRead(wait) => {
                (self.always_ready(wait)?, types::Eventtype::FdRead)
            }
            types::SubscriptionU::FdWrite(wait) => {
                (self.always_ready(wait)?, types::Eventtype::FdWrite)
            }
        };
        Ok(Wait::new(time, subscription.userdata, kind))
    }

    /// Files and streams are always ready.
    fn always_ready(&self, wait: types::SubscriptionFdReadwrite) -> Result<Duration, types::Error> {
        if self.quota.is_open(wait.file_descriptor.into()) {
            Ok(Duration::ZERO)
        } else {
            Err(Errno::Badf.into())
        }
    }

    fn time_left(&self, clock: &types::SubscriptionClock) -> Result<Duration, types::Error> {
        let now = match clock.id {
            Clockid::Monotonic => Duration::from_nanos(self.clock.now()),
            // Before 1970 it is 1970.
            Clockid::Realtime => SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
            Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => {
                return Err(Errno::Inval.into());
            }
        };
        let timeout = Duration::from_nanos(clock.timeout);
        let absolute = types::Subclockflags::SUBSCRIPTION_CLOCK_ABSTIME;
        Ok(if clock.flags.contains(absolute) {
            timeout.saturating_sub(now)
        } else {
            timeout
        })
    }

    /// Tells the guest what has happened.
    fn report(
        &mut self,
        over: impl Iterator<Item = types::Event>,
        events: i32,
        happened: i32,
    ) -> wasmtime::Result<i32> {
        let mut at = GuestPtr::<types::Event>::new(events.cast_unsigned());
        let mut count = 0_u32;
        for event in over {
            self.memory.write(at, event)?;
            at = at.add(1)?;
            count += 1;
        }
        self.memory
            .write(GuestPtr::new(happened.cast_unsigned()), count)?;
        Ok(errno(Errno::Success))
    }
}
