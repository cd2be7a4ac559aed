//! The limits of one run.

use std::time::Duration;

use clap::Args;

use super::values::{count, entries, memory, some_bytes, some_time};
use crate::sandbox::{FileLimits, Limits};

/// How much one run may use.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits of one run")]
pub struct RunLimits {
    /// Processor time a script may use. Waiting does not count.
    #[arg(long, env, default_value = "5s", value_parser = some_time)]
    pub cpu_limit: Duration,

    /// Time a script may take from start to end, waiting included.
    #[arg(long, env, default_value = "10s", value_parser = some_time)]
    pub wall_limit: Duration,

    /// Memory a script may use, that of the Python interpreter included.
    #[arg(long, env, default_value = "50MB", value_parser = memory)]
    pub memory_limit: usize,

    /// How much a script may write to standard output.
    #[arg(long, env, default_value = "1MiB", value_parser = some_bytes)]
    pub stdout_limit: usize,

    /// How much a script may write to standard error.
    #[arg(long, env, default_value = "1MiB", value_parser = some_bytes)]
    pub stderr_limit: usize,

    /// How large the JSON text of a result may be.
    #[arg(long, env, default_value = "8MiB", value_parser = some_bytes)]
    pub result_limit: usize,

    /// How many levels of lists and dicts a result may have.
    #[arg(long, env, default_value = "200", value_parser = count)]
    pub result_depth: u32,

    /// Files a script may have open at once; the three standard streams and its temporary directory
    /// are among them.
    #[arg(long, env, default_value = "10", value_parser = count)]
    pub open_files_limit: u32,

    /// How much a script may keep in its temporary directory.
    #[arg(long, env, default_value = "16MiB", value_parser = some_bytes)]
    pub disk_limit: usize,

    /// Files and directories a script may keep in its temporary directory.
    #[arg(long, env, default_value = "1000", value_parser = entries)]
    pub entries_limit: u32,

    /// Calls a script may make to the world outside of the interpreter: reading a clock, writing,
    /// opening a file.
    #[arg(long, env, default_value_t = 10_000_000)]
    pub host_calls_limit: u64,
}

impl RunLimits {
    /// The same in the sandbox's terms.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            cpu: self.cpu_limit,
            wall: self.wall_limit,
            memory: self.memory_limit,
            stdout: self.stdout_limit,
            stderr: self.stderr_limit,
            result: self.result_limit,
            result_depth: self.result_depth as usize,
            files: FileLimits {
                open: self.open_files_limit as usize,
                bytes: self.disk_limit as u64,
                entries: self.entries_limit as usize,
            },
            host_calls: self.host_calls_limit,
        }
    }

    /// Bytes of memory that a run takes which uses its limits to the full. The temporary directory
    /// counts too: in containers it is mostly in memory.
    pub(super) fn most_memory(&self) -> u64 {
        let run = self.memory_limit
            + self.stdout_limit
            + self.stderr_limit
            + self.result_limit
            + self.disk_limit;
        run as u64
    }
}
