//! Tests of the guard without a guest: calls as `linker` makes them.

use anyhow::Result;
use bytes::Bytes;
use wasmtime_wasi::p1::types::{
    Errno, Error, Eventrwflags, Fd, Fdflags, Filetype, Lookupflags, Oflags, Rights, Whence,
};
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wiggle::{GuestMemory, GuestPtr};

use super::*;
use crate::sandbox::cpu_time::CpuClock;
use crate::sandbox::job::Job;
use crate::sandbox::limits::{FileLimits, Limits};
use crate::sandbox::output::Capture;
use crate::sandbox::scratch::ScratchRoot;

const LIMITS: FileLimits = FileLimits {
    open: 10,
    bytes: 1000,
    entries: 10,
};

/// Addresses in the guest's memory of [`Guest`].
const IOVEC: usize = 0;
const BUFFER: usize = 64;
const PATH: usize = 512;

/// A guest's memory, its state, and the root of its directory.
struct Guest {
    memory: Vec<u8>,
    state: WasiState,
    _root: (ScratchRoot, tempfile::TempDir),
}

impl Guest {
    fn with_stdin(stdin: &'static [u8]) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let root = ScratchRoot::new(Some(directory.path()))?;
        let output = Capture::new("stdout");
        let mut state = WasiState::new(&output, &output, &root, &CpuClock::default());
        let mut job = Job::new(String::new(), Limits::default());
        job.limits.files = LIMITS;
        job.stdin = Bytes::from_static(stdin);
        state.begin(&job);
        state.set_hostcall_fuel(1 << 20);
        Ok(Self {
            memory: vec![0; 1024],
            state,
            _root: (root, directory),
        })
    }

    fn split(&mut self) -> (&mut WasiState, GuestMemory<'_>) {
        (&mut self.state, GuestMemory::Unshared(&mut self.memory))
    }

    /// Reads up to `size` bytes through `fd`.
    async fn read(&mut self, fd: u32, size: u8) -> Result<Vec<u8>, Error> {
        self.state.set_hostcall_fuel(1 << 20);
        self.memory[IOVEC] = BUFFER as u8;
        self.memory[IOVEC + 4] = size;
        let (state, mut memory) = self.split();
        let buffers = GuestPtr::new((IOVEC as u32, 1));
        let length = state.fd_read(&mut memory, fd.into(), buffers).await?;
        Ok(self.memory[BUFFER..][..length as usize].to_vec())
    }

    /// Makes the directory as `linker` does, and opens a new file in it.
    async fn open(&mut self) -> Result<u32> {
        self.state.make_directory().await?;
        self.state.set_hostcall_fuel(1 << 20);
        self.memory[PATH] = b'a';
        let (state, mut memory) = self.split();
        let path = GuestPtr::<str>::new((PATH as u32, 1));
        let rights = Rights::FD_READ | Rights::FD_WRITE;
        let opened = state.path_open(
            &mut memory,
            Fd::from(3),
            Lookupflags::empty(),
            path,
            Oflags::CREAT,
            rights,
            rights,
            Fdflags::empty(),
        );
        Ok(opened.await?.into())
    }
}

fn errno<T: std::fmt::Debug>(result: Result<T, Error>) -> Option<Errno> {
    result.unwrap_err().downcast().ok()
}

#[tokio::test]
async fn stdin_needs_no_directory_and_survives_one() -> Result<()> {
    let mut guest = Guest::with_stdin(b"one two three")?;
    assert_eq!(guest.read(0, 4).await?, b"one ");
    assert_eq!(guest.read(0, 0).await?, b"");
    assert!(!guest.state.has_directory());
    assert_eq!(guest.open().await?, 4);
    assert_eq!(guest.read(0, 4).await?, b"two ");
    assert_eq!(guest.read(0, 100).await?, b"three");
    assert_eq!(guest.read(0, 100).await?, b"");
    Ok(())
}

#[tokio::test]
async fn stdin_is_a_pipe() -> Result<()> {
    let mut guest = Guest::with_stdin(b"text")?;
    let (state, mut memory) = guest.split();
    let stdin = Fd::from(0);
    let status = state.fd_fdstat_get(&mut memory, stdin).await?;
    assert_eq!(status.fs_filetype, Filetype::Unknown);
    let status = state.fd_filestat_get(&mut memory, stdin).await?;
    assert_eq!((status.filetype, status.size), (Filetype::Unknown, 0));
    let sought = state.fd_seek(&mut memory, stdin, 0, Whence::Cur).await;
    assert_eq!(errno(sought), Some(Errno::Spipe));
    let nothing = GuestPtr::new((0, 0));
    let written = state.fd_write(&mut memory, stdin, nothing).await;
    assert_eq!(errno(written), Some(Errno::Badf));

    // A subscription: user data 0, kind 1 (reading), descriptor 0.
    memory.write(GuestPtr::new(8), 1_u8)?;
    let (subscriptions, events) = (GuestPtr::new(0), GuestPtr::new(BUFFER as u32));
    let happened = state.poll_oneoff(&mut memory, subscriptions, events, 1);
    assert_eq!(happened.await?, 1);
    let event = memory.read(events)?.fd_readwrite;
    assert_eq!(event.nbytes, 4);
    assert_eq!(event.flags, Eventrwflags::FD_READWRITE_HANGUP);
    Ok(())
}

#[tokio::test]
async fn stdin_can_be_closed() -> Result<()> {
    let mut guest = Guest::with_stdin(b"text")?;
    guest.state.make_directory().await?;
    let (state, mut memory) = guest.split();
    state.fd_close(&mut memory, Fd::from(0)).await?;
    assert_eq!(errno(guest.read(0, 4).await), Some(Errno::Badf));
    // A file takes the place.
    assert_eq!(guest.open().await?, 0);
    assert_eq!(guest.read(0, 4).await?, b"");
    Ok(())
}
