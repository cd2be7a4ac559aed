//! Guards the calls that could keep a thread busy or blocked for long.

use std::time::Duration;

use anyhow::Result;
use wasmtime::{Caller, Linker};
use wasmtime_wasi::p1::types::{self, Errno};
use wasmtime_wasi::p1::wasi_snapshot_preview1 as preview1;
use wiggle::GuestPtr;

use super::{Call, Host, PREVIEW1, errno};

/// Most bytes of randomness in one call. wasi-libc asks for 256 at a time.
const MAX_RANDOM: i32 = 64 << 10;

/// Most events to wait for at once. There are never more descriptors than this.
const MAX_SUBSCRIPTIONS: i32 = 64;

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
        |mut caller: Caller<'_, Host>, args: Poll| {
            Box::new(async move {
                let (subscriptions, events, count, happened) = args;
                let mut call = Call::new(&mut caller)?;
                if !(1..=MAX_SUBSCRIPTIONS).contains(&count) {
                    return Ok(errno(Errno::Inval));
                }
                let ready = call.ready_files(subscriptions, count)?;
                if !ready.is_empty() {
                    return call.report(&ready, events, happened);
                }
                if count == 1
                    && let Some((userdata, time)) = call.only_a_pause(subscriptions)?
                {
                    tokio::time::sleep(time).await;
                    return call.report(
                        &[event(userdata, types::Eventtype::Clock)],
                        events,
                        happened,
                    );
                }
                preview1::poll_oneoff(
                    call.wasi,
                    &mut call.memory,
                    subscriptions,
                    events,
                    count,
                    happened,
                )
                .await
            })
        },
    )?;
    Ok(())
}

fn event(userdata: u64, type_: types::Eventtype) -> types::Event {
    let fd_readwrite = types::EventFdReadwrite {
        nbytes: 0,
        flags: types::Eventrwflags::empty(),
    };
    types::Event {
        userdata,
        error: Errno::Success,
        type_,
        fd_readwrite,
    }
}

impl Call<'_> {
    /// What a guest waits for.
    fn subscription(&self, first: i32, index: u32) -> wasmtime::Result<types::Subscription> {
        let all = GuestPtr::<types::Subscription>::new(first.cast_unsigned());
        Ok(self.memory.read(all.add(index)?)?)
    }

    /// The events of files among what a guest waits for. A file is always ready; wasmtime would
    /// start to read it, on a thread of its own, to find that out.
    fn ready_files(&self, first: i32, count: i32) -> wasmtime::Result<Vec<types::Event>> {
        let mut ready = Vec::new();
        for index in 0..count.cast_unsigned() {
            let subscription = self.subscription(first, index)?;
            let (fd, type_) = match subscription.u {
                types::SubscriptionU::FdRead(wait) => {
                    (wait.file_descriptor, types::Eventtype::FdRead)
                }
                types::SubscriptionU::FdWrite(wait) => {
                    (wait.file_descriptor, types::Eventtype::FdWrite)
                }
                types::SubscriptionU::Clock(_) => continue,
            };
            if self.quota.counts(fd.into()) {
                ready.push(event(subscription.userdata, type_));
            }
        }
        Ok(ready)
    }

    /// Tells the guest what has happened.
    fn report(
        &mut self,
        ready: &[types::Event],
        events: i32,
        happened: i32,
    ) -> wasmtime::Result<i32> {
        let mut at = GuestPtr::<types::Event>::new(events.cast_unsigned());
        for event in ready {
            self.memory.write(at, event.clone())?;
            at = at.add(1)?;
        }
        let count = u32::try_from(ready.len())?;
        self.memory
            .write(GuestPtr::new(happened.cast_unsigned()), count)?;
        Ok(errno(Errno::Success))
    }

    /// The pause that a subscription asks for, if it is just that: wasmtime would put the whole
    /// thread to sleep, since file calls are allowed to block theirs.
    fn only_a_pause(&self, subscription: i32) -> wasmtime::Result<Option<(u64, Duration)>> {
        let subscription = self.subscription(subscription, 0)?;
        Ok(match subscription.u {
            types::SubscriptionU::Clock(clock)
                if !clock
                    .flags
                    .contains(types::Subclockflags::SUBSCRIPTION_CLOCK_ABSTIME) =>
            {
                Some((subscription.userdata, Duration::from_nanos(clock.timeout)))
            }
            _ => None,
        })
    }
}
