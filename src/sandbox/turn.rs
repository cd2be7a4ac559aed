//! The turns of a run: stretches between two polls of its future.
//!
//! The first turn is on the thread that serves the connection, so that a short run needs no other
//! thread; all later ones are on the threads of the guests. wasmtime can interrupt a guest only between
//! two instructions, and host calls not at all. Anything of that kind that a guest can make long
//! therefore ends the first turn before it begins: see [`Turn::leave_connection_thread`].

use tokio::task::yield_now;
use wasmtime::{ResourceLimiter, ResourceLimiterAsync, Result, UpdateDeadline};

use super::Host;

/// The ticks of the epoch after which the first turn is over, the one in progress included: it lasts from
/// 1 ms to 2 ms. Other connections of the thread wait meanwhile; a hello takes 0.2 ms.
pub const FIRST_TURN: u64 = 2;

/// The same for the second turn: most scripts are done by then, and need not wait for a third one when
/// the processor is busy.
const SECOND_TURN: u64 = 3;

/// The same for each later turn.
const LATER_TURN: u64 = 1;

/// Texts of up to this many bytes are copied, checked and encoded in the first turn. JSON of this size
/// takes up to 0.1 ms.
pub const SHORT_TEXT: usize = 16 << 10;

/// Where a run stands in its turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// In the first turn.
    First,
    /// In the second one, which began before the first one was over: the deadline is still that of the
    /// first one.
    EarlySecond,
    /// In any other.
    Later,
}

impl Turn {
    /// Ends the first turn, if this is the first. To be called before anything whose time depends on the
    /// guest and that the epoch does not interrupt.
    pub async fn leave_connection_thread(&mut self) {
        if *self == Self::First {
            *self = Self::EarlySecond;
            yield_now().await;
        }
    }

    /// Called when the guest has reached the deadline of its epoch.
    pub fn deadline_reached(&mut self) -> UpdateDeadline {
        match std::mem::replace(self, Self::Later) {
            Self::First => UpdateDeadline::Yield(SECOND_TURN),
            Self::EarlySecond => UpdateDeadline::Continue(SECOND_TURN),
            Self::Later => UpdateDeadline::Yield(LATER_TURN),
        }
    }
}

/// New memory is filled and copied by single instructions: one that fills 36 MB takes 15 ms.
#[wasmtime_wasi::async_trait]
impl ResourceLimiterAsync for Host {
    async fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        let is_new = current == 0;
        if !is_new {
            self.turn.leave_connection_thread().await;
        }
        self.memory.memory_growing(current, desired, maximum)
    }

    async fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        self.memory.table_growing(current, desired, maximum)
    }
}
