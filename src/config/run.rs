//! The limits of one run.

use std::time::Duration;

use clap::Args;
#[cfg(test)]
use clap::FromArgMatches;

use super::values::{count, entries, memory_size, positive_duration, size};
use crate::sandbox::{FileLimits, Limits};

/// Limits of one run.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits of one run")]
pub struct RunLimits {
    /// Maximum processor time of a script. Waiting does not count.
    #[arg(long, env, default_value = "5s", value_parser = positive_duration)]
    pub cpu_limit: Duration,

    /// Maximum time from a script's start to its end, waiting included.
    #[arg(long, env, default_value = "10s", value_parser = positive_duration)]
    pub wall_limit: Duration,

    /// Maximum memory of a script, that of the Python interpreter included.
    #[arg(long, env, default_value = "50MB", value_parser = memory_size)]
    pub memory_limit: usize,

    /// Maximum size of a script's standard output.
    #[arg(long, env, default_value = "1MiB", value_parser = size)]
    pub stdout_limit: usize,

    /// Maximum size of a script's standard error.
    #[arg(long, env, default_value = "1MiB", value_parser = size)]
    pub stderr_limit: usize,

    /// Maximum size of a result as JSON text.
    #[arg(long, env, default_value = "8MiB", value_parser = size)]
    pub result_limit: usize,

    /// Maximum nesting of lists and dicts in a result, and in each argument.
    #[arg(long, env, default_value = "200", value_parser = count)]
    pub result_depth: u32,

    /// Maximum number of files that a script has open at once, including the three standard streams and its
    /// temporary directory.
    #[arg(long, env, default_value = "10", value_parser = count)]
    pub open_files_limit: u32,

    /// Maximum size of a script's temporary directory.
    #[arg(long, env, default_value = "16MiB", value_parser = size)]
    pub disk_limit: usize,

    /// Maximum number of files and directories in a script's temporary directory.
    #[arg(long, env, default_value = "1000", value_parser = entries)]
    pub entries_limit: u32,

    /// Maximum size of all files that a response returns.
    #[arg(long, env, default_value = "8MiB", value_parser = size)]
    pub files_limit: usize,

    /// Maximum number of calls from a script's interpreter to the host: reading a clock, writing, opening a
    /// file.
    #[arg(long, env, default_value_t = 10_000_000)]
    pub host_calls_limit: u64,
}

/// The defaults of the settings, for unit tests.
#[cfg(test)]
impl Default for Limits {
    fn default() -> Self {
        let command = RunLimits::augment_args(clap::Command::new("defaults"));
        let matches = command.get_matches_from(["defaults"]);
        let limits = RunLimits::from_arg_matches(&matches).expect("the defaults are valid");
        limits.limits()
    }
}

impl RunLimits {
    /// Returns the limits in the sandbox's terms.
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
            output_files: self.files_limit,
            host_calls: self.host_calls_limit,
        }
    }

    /// Returns how many bytes of memory a run takes that reaches all its limits. The temporary directory
    /// counts too: in containers it is usually in memory.
    pub(super) fn max_memory(&self) -> u64 {
        let run = self.memory_limit
            + self.stdout_limit
            + self.stderr_limit
            + self.result_limit
            + self.disk_limit
            + self.files_limit;
        run as u64
    }
}
