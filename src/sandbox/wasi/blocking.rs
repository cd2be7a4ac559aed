//! Our own versions of the calls that could keep a thread busy or blocked for long.

use std::time::Duration;

use wasmtime_wasi::HostMonotonicClock;
use wasmtime_wasi::p1::types::{
    Clockid, Errno, Error, Event, EventFdReadwrite, Eventrwflags, Eventtype, Fd, Size,
    Subclockflags, Subscription, SubscriptionClock, SubscriptionU,
};
use wiggle::{GuestMemory, GuestPtr};

use super::state::WasiState;

/// Most events to wait for at once. There are never more descriptors than this.
const MAX_SUBSCRIPTIONS: u32 = 64;

/// Processor time charged for each sleep: setting the timer, the wake-up of the thread and the poll, which
/// the clock of the run does not see. Measured: 15 to 25 µs.
const NAP: Duration = Duration::from_micros(30);

/// An event that a guest waits for.
struct Wait {
    /// Time until it happens.
    time: Duration,
    event: Event,
}

impl WasiState {
    /// Flushes nothing: the directory does not outlive the run, and a disk may take any time.
    ///
    /// # Errors
    /// `EBADF` when there is no such descriptor.
    pub fn flush(&self, fd: Fd) -> Result<(), Error> {
        self.check_open(fd)
    }

    /// Waits for the first of `count` events. wasmtime's own version puts the whole thread to sleep, since file calls
    /// may block theirs; yields to the runtime even if the time is over; and reads files on a thread of its own to
    /// find out whether they can be read.
    ///
    /// # Errors
    /// When there are too many, or one is of a descriptor or clock that does not exist.
    pub async fn poll(
        &mut self,
        memory: &mut GuestMemory<'_>,
        subscriptions: GuestPtr<Subscription>,
        events: GuestPtr<Event>,
        count: Size,
    ) -> Result<Size, Error> {
        if !(1..=MAX_SUBSCRIPTIONS).contains(&count) {
            return Err(Errno::Inval.into());
        }
        let subscriptions = subscriptions.as_array(count);
        let waits = subscriptions.iter().map(|at| self.wait(memory.read(at?)?));
        let waits = waits.collect::<Result<Vec<_>, Error>>()?;
        let time = waits.iter().map(|wait| wait.time).min().unwrap_or_default();
        if !time.is_zero() {
            self.turn.leave_connection_thread().await;
            self.cpu.charge(NAP);
            tokio::time::sleep(time).await;
        }
        let mut happened = 0;
        for wait in waits.into_iter().filter(|wait| wait.time <= time) {
            memory.write(events.add(happened)?, wait.event)?;
            happened += 1;
        }
        Ok(happened)
    }

    fn wait(&self, subscription: Subscription) -> Result<Wait, Error> {
        let (time, type_, fd_readwrite) = match subscription.u {
            SubscriptionU::Clock(clock) => (self.time_left(&clock)?, Eventtype::Clock, nothing()),
            SubscriptionU::FdRead(wait) => {
                let ready = self.readable(wait.file_descriptor)?;
                (Duration::ZERO, Eventtype::FdRead, ready)
            }
            SubscriptionU::FdWrite(wait) => {
                self.check_open(wait.file_descriptor)?;
                (Duration::ZERO, Eventtype::FdWrite, nothing())
            }
        };
        let event = Event {
            userdata: subscription.userdata,
            error: Errno::Success,
            type_,
            fd_readwrite,
        };
        Ok(Wait { time, event })
    }

    /// Files and streams are always ready. stdin is a pipe whose other end has been closed.
    fn readable(&self, fd: Fd) -> Result<EventFdReadwrite, Error> {
        self.check_open(fd)?;
        if !self.quota.is_stdin(fd.into()) {
            return Ok(nothing());
        }
        Ok(EventFdReadwrite {
            nbytes: u64::try_from(self.context.stdin().len())?,
            flags: Eventrwflags::FD_READWRITE_HANGUP,
        })
    }

    fn check_open(&self, fd: Fd) -> Result<(), Error> {
        if self.quota.is_open(fd.into()) {
            Ok(())
        } else {
            Err(Errno::Badf.into())
        }
    }

    fn time_left(&self, clock: &SubscriptionClock) -> Result<Duration, Error> {
        let now = match clock.id {
            Clockid::Monotonic => Duration::from_nanos(self.context.clock().now()),
            Clockid::Realtime => self.wall_clock.now(),
            Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => {
                return Err(Errno::Inval.into());
            }
        };
        let timeout = Duration::from_nanos(clock.timeout);
        let absolute = Subclockflags::SUBSCRIPTION_CLOCK_ABSTIME;
        Ok(if clock.flags.contains(absolute) {
            timeout.saturating_sub(now)
        } else {
            timeout
        })
    }
}

fn nothing() -> EventFdReadwrite {
    EventFdReadwrite {
        nbytes: 0,
        flags: Eventrwflags::empty(),
    }
}
