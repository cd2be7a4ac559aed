//! Resources that a service holds, from `/proc` and its temporary directory.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{Server, TIMEOUT};

/// The resources of a process.
#[derive(Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Open files and sockets.
    pub descriptors: usize,
    /// Threads, the first included.
    pub threads: usize,
}

impl Footprint {
    /// Looks at a service.
    pub fn of(server: &Server) -> Self {
        let count = |what| fs::read_dir(process(server).join(what)).map_or(0, Iterator::count);
        Self {
            descriptors: count("fd"),
            threads: count("task"),
        }
    }

    /// Whether this is no more than `other` in anything.
    pub fn fits_into(&self, other: &Self) -> bool {
        self.descriptors <= other.descriptors && self.threads <= other.threads
    }
}

/// Bytes of a service that are in memory.
pub fn resident(server: &Server) -> usize {
    field(&process(server).join("status"), "VmRSS:")
}

/// The most bytes of a service that have been in memory at once.
pub fn peak(server: &Server) -> usize {
    field(&process(server).join("status"), "VmHWM:")
}

/// Bytes that the system would have back if only this service ended: not what it shares with its
/// files, such as the untouched part of the snapshot.
pub fn private(server: &Server) -> usize {
    let rollup = process(server).join("smaps_rollup");
    field(&rollup, "Private_Clean:") + field(&rollup, "Private_Dirty:")
}

fn process(server: &Server) -> PathBuf {
    PathBuf::from(format!("/proc/{}", server.id()))
}

fn field(file: &Path, name: &str) -> usize {
    let text = fs::read_to_string(file).expect("the service is alive");
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = value.and_then(|value| value.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kib.expect("the kernel reports the size") << 10
}

/// How many runs have a directory in `root`, the `TEMP_ROOT` of a service. Each process has a directory
/// of its own there.
pub fn left_in(root: &Path) -> usize {
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let inside = entries(root).flat_map(|process| entries(&process.path()));
    inside.filter(|entry| entry.path().is_dir()).count()
}

/// Waits until `value` is as it should be; connections, threads and directories go a little later
/// than the response. Idle threads go after ten seconds.
pub fn settles<T: Debug>(value: impl Fn() -> T, good: impl Fn(&T) -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let now = value();
        if good(&now) {
            return;
        }
        assert!(Instant::now() < deadline, "it stays at {now:?}");
        thread::sleep(Duration::from_millis(20));
    }
}
