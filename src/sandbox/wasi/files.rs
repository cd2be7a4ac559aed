//! Checks and accounting of the calls that make a file longer.

use wasmtime_wasi::p1::types::{CiovecArray, Errno, Error, Fd, Size};
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wiggle::GuestMemory;

use super::state::WasiState;

/// The errors of calls for which the host cannot store something, and the reason for the log.
const STORAGE_FAILURES: [(Errno, &str); 4] = [
    (Errno::Nospc, "no space left on the device"),
    (Errno::Dquot, "disk quota exceeded"),
    (Errno::Rofs, "read-only file system"),
    // wasmtime-wasi returns this for errors that it has no name for, such as the two before.
    (
        Errno::Io,
        "quota exceeded, read-only file system or input/output error",
    ),
];

impl WasiState {
    /// Ends the run if a call that the quota allows has failed because of the host: a script can do nothing about
    /// that.
    pub fn check_storage<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| {
            let errno = error.downcast_ref();
            let failure = STORAGE_FAILURES
                .iter()
                .find(|(failure, _)| errno == Some(failure));
            let Some((_, reason)) = failure else {
                return error;
            };
            self.failure = Some(reason);
            Error::trap(wasmtime::format_err!("the host cannot store files"))
        })
    }

    /// Returns where the next write through `fd` starts, unless it appends.
    pub fn position(&mut self, memory: &mut GuestMemory<'_>, fd: Fd) -> u64 {
        self.p1().fd_tell(memory, fd).unwrap_or(0)
    }

    /// Checks that the quota has room for everything in `buffers`, written through `fd` at `position`.
    ///
    /// # Errors
    /// `ENOSPC` when it has not. Buffers outside of the guest's memory end the run.
    pub fn check_room(
        &self,
        memory: &GuestMemory<'_>,
        fd: Fd,
        position: u64,
        buffers: CiovecArray,
    ) -> Result<(), Error> {
        let mut length = 0_u64;
        for buffer in buffers.iter() {
            length = length.saturating_add(u64::from(memory.read(buffer?)?.buf_len));
        }
        if !self.quota.may_write(fd.into(), position, length) {
            return Err(Errno::Nospc.into());
        }
        Ok(())
    }

    /// Accounts for a write through `fd` at `position` that has ended with `result`.
    pub fn written(
        &mut self,
        result: Result<Size, Error>,
        fd: Fd,
        position: u64,
    ) -> Result<Size, Error> {
        let length = self.check_storage(result)?;
        self.quota.written(fd.into(), position, length.into());
        Ok(length)
    }
}
