//! Checks of the calls that name a file or directory.

use wasmtime_wasi::p1::types::{Errno, Error, Fd, Filestat, Filetype, Lookupflags};
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wiggle::{GuestMemory, GuestPtr};

use super::state::WasiState;

/// Longest path in bytes, as in Linux. Where the kernel does not resolve paths for wasmtime (`openat2`), wasmtime
/// does so itself with tens of bytes for each component: a gigabyte for a path that fills the guest's memory.
const MAX_PATH: u32 = 4096;

/// Checks the length of `path`.
///
/// # Errors
/// `ENAMETOOLONG` when it is too long.
pub fn check_length(path: GuestPtr<str>) -> Result<(), Error> {
    if path.len() > MAX_PATH {
        return Err(Errno::Nametoolong.into());
    }
    Ok(())
}

/// Whether it is a file that has bytes of its own.
pub fn is_file(stat: &Filestat) -> bool {
    stat.filetype == Filetype::RegularFile
}

impl WasiState {
    /// Returns the attributes of what `path` leads to, if anything.
    pub async fn look_up(
        &mut self,
        memory: &mut GuestMemory<'_>,
        directory: Fd,
        path: GuestPtr<str>,
    ) -> Option<Filestat> {
        let p1 = self.p1();
        let found = p1.path_filestat_get(memory, directory, Lookupflags::empty(), path);
        found.await.ok()
    }
}
