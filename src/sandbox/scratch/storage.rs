//! Whether the host can store what runs write, within their limits.

use std::io;
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Mode, fstatvfs, mkdirat, unlinkat};

use super::directory::Directory;

/// How often the log repeats that something is wrong: scripts must not be able to fill it.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// The state of the file system, as runs have found it.
#[derive(Debug, Default)]
pub struct Storage {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Why a run could not write, until that is over.
    trouble: Option<String>,
    warned: Option<Instant>,
}

/// The host cannot store what runs may write. Holds why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("temporary files cannot be stored (TEMP_ROOT): {0}")]
pub struct Unavailable(String);

impl Storage {
    /// Notes that a run could not write because of the host.
    pub fn failed(&self, why: &str) {
        let mut state = self.state();
        let now = Instant::now();
        let recent = |warned: Instant| now.duration_since(warned) < WARNING_INTERVAL;
        if !state.warned.is_some_and(recent) {
            state.warned = Some(now);
            tracing::warn!(
                error = why,
                "temporary files cannot be stored (TEMP_ROOT): runs that write are answered 503"
            );
        }
        state.trouble = Some(why.to_owned());
    }

    /// Whether runs can write `needed` bytes to `directory`. It is tried only after one could not.
    ///
    /// # Errors
    /// When they cannot.
    pub fn check(&self, directory: &Directory, needed: u64) -> Result<(), Unavailable> {
        let mut state = self.state();
        let Some(was) = state.trouble.take() else {
            return Ok(());
        };
        match try_out(directory, needed) {
            Ok(true) => {
                state.warned = None;
                tracing::info!("temporary files can be stored again");
                return Ok(());
            }
            Ok(false) => state.trouble = Some(was),
            Err(error) => state.trouble = Some(error.to_string()),
        }
        Err(Unavailable(state.trouble.clone().unwrap_or_default()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes an entry and looks for room. A file system that is smaller than twice what a run may write
/// need only be half empty.
fn try_out(directory: &Directory, needed: u64) -> io::Result<bool> {
    const PROBE: &str = "probe";
    mkdirat(directory, PROBE, Mode::RWXU)?;
    unlinkat(directory, PROBE, AtFlags::REMOVEDIR)?;
    let space = fstatvfs(directory.as_fd())?;
    let [free, all] =
        [space.f_bavail, space.f_blocks].map(|count| count.saturating_mul(space.f_frsize));
    Ok(free >= needed.min(all / 2))
}
