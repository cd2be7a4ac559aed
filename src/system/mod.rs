//! System resources: cores, memory, address space and open files, and the process's own limits.

mod cgroup;

use std::fs;
use std::path::Path;
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Niceness of the threads that run scripts. HTTP never needs the processor for long.
#[cfg(target_os = "linux")]
const BACKGROUND_NICENESS: i32 = 5;

/// Assumed where the system does not report it.
const UNKNOWN_MEMORY: u64 = 1 << 30;

/// Resources that this process may use.
#[derive(Debug, Clone, Copy)]
pub struct SystemResources {
    /// Processor cores, the quotas of all control groups respected.
    pub cores: u32,
    /// Bytes of memory still free to use, the limits of all control groups respected.
    pub memory: u64,
    /// Bytes of address space, if there is a limit (`ulimit -v`).
    pub address_space: Option<u64>,
    /// Files the process may have open at once, if there is a limit (`ulimit -H -n`).
    pub open_files: Option<u64>,
}

impl SystemResources {
    /// Reads the resources that are available now.
    #[must_use]
    pub fn detect() -> Self {
        // The standard library respects the quotas of parent control groups, too.
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let bounds = [
            meminfo(&fs::read_to_string("/proc/meminfo").unwrap_or_default()),
            cgroup::memory_limit(Path::new("/")),
        ];
        Self {
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            memory: bounds.into_iter().flatten().min().unwrap_or(UNKNOWN_MEMORY),
            address_space: getrlimit(Resource::As).current,
            // `raise_open_file_limit` raises the soft limit to this.
            open_files: getrlimit(Resource::Nofile).maximum,
        }
    }
}

/// Raises the soft limit of open files to the hard limit.
///
/// The soft limit is often 1024 for the sake of programs that use `select`. The service does not, and each
/// connection and each open file of a script takes a descriptor.
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

/// Returns how many files the process may have open, if there is a limit.
#[must_use]
pub fn open_file_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Lowers the priority of this thread below those that serve connections.
pub fn lower_priority() {
    // Elsewhere niceness is a property of the whole process. Failure is harmless: connections only have to
    // wait longer.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(BACKGROUND_NICENESS);
}

/// Returns `MemAvailable` of `/proc/meminfo`, in bytes.
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
