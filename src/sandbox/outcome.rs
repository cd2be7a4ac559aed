//! What a run came to, in the sandbox's own words.

use std::time::Duration;

use serde_json::value::RawValue;

use crate::units::{Bytes, Seconds};

/// Everything there is to know about a run that has ended.
#[derive(Debug)]
pub struct Outcome {
    /// What `main()` returned, as JSON text, or why there is nothing.
    pub result: Result<Box<RawValue>, Failure>,
    /// What the script wrote to standard output, up to the limit.
    pub stdout: String,
    /// What the script wrote to standard error, up to the limit.
    pub stderr: String,
    /// What the run used.
    pub usage: Usage,
}

/// What a run used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time to make the fresh interpreter.
    pub start: Duration,
    /// Time from handing the script over to the end of the run.
    pub run: Duration,
    /// Processor time of the guest.
    pub cpu: Duration,
    /// Most linear memory in use at once, in bytes.
    pub memory: usize,
}

/// Why a run gave no result. The text of each is one line for a person; its start is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(test, derive(strum::EnumIter))]
pub enum Failure {
    /// The source is not Python. Holds the whole line.
    #[error("{0}")]
    Syntax(String),
    /// There is no `main` that can be called without arguments. Holds what `main` is instead, if there is one.
    #[error("script must define a main() function{0}")]
    NoMain(String),
    /// The script raised. Holds the last line of Python's traceback.
    #[error("{0}")]
    Exception(String),
    /// `main()` returned something that JSON cannot say. Holds why.
    #[error("main() returned a value that is not JSON-serializable: {0}")]
    NotSerializable(String),
    /// The run used up its processor time.
    #[error("CPU time limit of {} exceeded", Seconds(*.0))]
    CpuLimit(Duration),
    /// The run took too long, waiting included.
    #[error("wall-clock limit of {} exceeded", Seconds(*.0))]
    WallLimit(Duration),
    /// The run died of lack of memory.
    #[error("memory limit of {} exceeded", Bytes(*.0))]
    MemoryLimit(usize),
    /// The run said more than it may.
    #[error("{stream} limit of {} exceeded", Bytes(*limit))]
    OutputLimit {
        /// Which of its outputs: `stdout`, `stderr` or `result`.
        stream: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// The run asked too much of the host.
    #[error("host call limit of {0} exceeded")]
    HostCallLimit(u64),
    /// The script left before `main()` returned.
    #[error("script exited with code {0} before main() returned")]
    Exited(i64),
    /// The interpreter itself died. Holds of what.
    #[error("script crashed the interpreter: {0}")]
    Crashed(String),
    /// The host could not store what the script wrote, within its limits. Holds details for the log only.
    #[error("the service cannot store temporary files at the moment: try again later")]
    Unavailable(String),
    /// The service is at fault. Holds details for the log only.
    #[error("internal error")]
    Internal(String),
}
