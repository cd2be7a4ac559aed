//! What the machine offers: cores, memory, address space, open files.

mod cgroup;

use std::fs;
use std::path::Path;
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How much lower the priority of threads is that work for scripts. HTTP never wants the processor for
/// long.
#[cfg(target_os = "linux")]
const BACKGROUND_NICENESS: i32 = 5;

/// Assumed where the system does not tell.
const UNKNOWN_MEMORY: u64 = 1 << 30;

/// What this process may use.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Processor cores, the quotas of all control groups respected.
    pub cores: u32,
    /// Bytes of memory still free to use, the limits of all control groups respected.
    pub memory: u64,
    /// Bytes of address space, if there is a limit (`ulimit -v`).
    pub address_space: Option<u64>,
    /// Files the process may have open at once, if there is a limit (`ulimit -H -n`).
    pub open_files: Option<u64>,
}

impl Machine {
    /// Looks at the machine as it is now.
    #[must_use]
    pub fn look() -> Self {
        // The standard library looks at the quotas of the control groups above, too.
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let bounds = [
            meminfo(&fs::read_to_string("/proc/meminfo").unwrap_or_default()),
            cgroup::memory_limit(Path::new("/")),
        ];
        Self {
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            memory: bounds.into_iter().flatten().min().unwrap_or(UNKNOWN_MEMORY),
            address_space: getrlimit(Resource::As).current,
            // As many as the service will allow itself.
            open_files: getrlimit(Resource::Nofile).maximum,
        }
    }
}

/// Lets the process open as many files as its hard limit permits.
///
/// The soft limit is often 1024, for the sake of programs that use `select`; this one does not,
/// and each connection and each open file of a script takes a descriptor.
pub fn raise_open_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

/// How many files the process may have open, if that is limited.
#[must_use]
pub fn open_file_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Lowers the priority of this thread below those that serve connections.
pub fn lower_priority() {
    // Elsewhere niceness is not a thread's but the whole process's. If the system refuses, everything
    // works; it only takes longer to get to a connection.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(BACKGROUND_NICENESS);
}

/// `MemAvailable` of `/proc/meminfo`, in bytes.
fn meminfo(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo_is_in_kib() {
        let cases = [
            ("MemTotal: 9 kB\nMemAvailable:    2048 kB\n", Some(2 << 20)),
            ("MemTotal: 9 kB\n", None),
            ("MemAvailable: lots\n", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(meminfo(text), bytes, "{text:?}");
        }
    }
}
