//! The limits of one run.

use std::time::Duration;

/// The limits of one run, all enforced by the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Processor time of the thread that runs the guest; waiting does not count.
    pub cpu: Duration,
    /// Time from the start of the run to its end, waiting included.
    pub wall: Duration,
    /// Bytes of linear memory, the interpreter's own included.
    pub memory: usize,
    /// Bytes of stdout.
    pub stdout: usize,
    /// Bytes of stderr.
    pub stderr: usize,
    /// Bytes of the result as JSON text.
    pub result: usize,
    /// Levels of arrays and objects in the result.
    pub result_depth: usize,
    /// Limits of the scratch directory.
    pub files: FileLimits,
    /// Bytes of the contents of all files that are returned.
    pub output_files: usize,
    /// Calls from the guest to the host: reading a clock, writing, opening a file...
    pub host_calls: u64,
}

/// The limits of a scratch directory and of open descriptors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileLimits {
    /// Open descriptors; standard streams and the directory itself are among them.
    pub open: usize,
    /// Sum of the sizes of all files in bytes, holes included.
    pub bytes: u64,
    /// Files and directories.
    pub entries: usize,
}
