//! The turns of a run: the polls of its future.
//!
//! The first turn runs on the connection's thread, so that a short run needs no other thread; all later
//! turns run on the guests' threads. wasmtime can interrupt a guest only between
//! two instructions, and host calls not at all. Anything of that kind that a guest can make long
//! therefore ends the first turn before it begins: see [`Turn::leave_connection_thread`].

use tokio::task::yield_now;
use wasmtime::UpdateDeadline;

/// Epoch ticks of the first turn, the one in progress included: it lasts 1 ms to 2 ms. Other connections of the
/// thread wait meanwhile; a hello takes 0.2 ms.
pub const FIRST_TURN: u64 = 2;

/// The same for the second turn: most scripts end within it, and need not wait for a third one when the processor
/// is busy.
const SECOND_TURN: u64 = 3;

/// The same for each later turn.
const LATER_TURN: u64 = 1;

/// Texts of up to this many bytes are copied, checked and encoded in the first turn. JSON of this size
/// takes up to 0.1 ms.
pub const SHORT_TEXT: usize = 16 << 10;

/// The current turn of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The first one.
    First,
    /// The second one, begun before the deadline of the first one, which is still the epoch's.
    EarlySecond,
    /// Any other.
    Later,
}

impl Turn {
    /// Ends the first turn. Called before any work whose time depends on the guest and that the epoch does not
    /// interrupt.
    pub async fn leave_connection_thread(&mut self) {
        if *self == Self::First {
            *self = Self::EarlySecond;
            yield_now().await;
        }
    }

    /// Returns how a guest at its epoch deadline goes on.
    pub fn deadline_reached(&mut self) -> UpdateDeadline {
        match std::mem::replace(self, Self::Later) {
            Self::First => UpdateDeadline::Yield(SECOND_TURN),
            Self::EarlySecond => UpdateDeadline::Continue(SECOND_TURN),
            Self::Later => UpdateDeadline::Yield(LATER_TURN),
        }
    }
}
