//! The outcome of a run.

use std::time::Duration;

use serde_json::value::RawValue;

use super::OutputFile;
use crate::display::{Bytes, Seconds};

/// The result, the output and the usage of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The value that `main()` returned, or that of a cell, or the failure.
    pub result: Result<Value, Failure>,
    /// Text written to stdout, up to the limit.
    pub stdout: String,
    /// Text written to stderr, up to the limit.
    pub stderr: String,
    /// The objects that the script has shown: a JSON array of objects, whose keys are MIME types and whose values are
    /// texts. None when nothing was shown.
    pub display: Option<Box<RawValue>>,
    /// The files that the script made or changed, sorted by path, if the job asks for them.
    pub files: Vec<OutputFile>,
    /// The resources that the run used.
    pub usage: Usage,
}

impl Outcome {
    /// The outcome of a run that the service could not perform. `details` are for the log only.
    pub(super) fn internal(details: String) -> Self {
        Self {
            result: Err(Failure::Internal(details)),
            stdout: String::new(),
            stderr: String::new(),
            display: None,
            files: Vec::new(),
            usage: Usage::default(),
        }
    }
}

/// The value of a run.
#[derive(Debug)]
pub struct Value {
    /// The value as JSON; of a cell `null` if it has no JSON form.
    pub json: Box<RawValue>,
    /// The `repr` of a cell's value, at most 4 KiB; none if that is `None`.
    pub text: Option<String>,
}

/// The resources that a run used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time to start the fresh instance.
    pub start: Duration,
    /// Time from passing the script to the guest until the end of the run.
    pub run: Duration,
    /// Processor time of the guest.
    pub cpu: Duration,
    /// Peak linear memory in bytes.
    pub memory: usize,
    /// Calls from the guest to the host.
    pub host_calls: u64,
    /// Bytes in the scratch directory at the end of the run.
    pub disk: u64,
}

/// The reason why a run has no result. Its text is one line for people; the start of the line is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(test, derive(strum::EnumIter))]
pub enum Failure {
    /// The script does not compile. Holds the whole line.
    #[error("{0}")]
    Syntax(String),
    /// There is no `main` that can be called with the arguments of the job. Holds the end of the sentence: what `main` is instead.
    #[error("script must define a main() function{0}")]
    NoMain(String),
    /// The script raised an exception. Holds the last line of the traceback.
    #[error("{0}")]
    Exception(String),
    /// `main()` returned a value without a JSON form. Holds the reason.
    #[error("main() returned a value that is not JSON-serializable: {0}")]
    NotSerializable(String),
    /// The run exceeded its processor time.
    #[error("CPU time limit of {} exceeded", Seconds(*.0))]
    CpuLimit(Duration),
    /// The run exceeded its wall-clock time, waiting included.
    #[error("wall-clock limit of {} exceeded", Seconds(*.0))]
    WallLimit(Duration),
    /// The run ended for lack of memory.
    #[error("memory limit of {} exceeded", Bytes(*.0))]
    MemoryLimit(usize),
    /// The run exceeded the limit of one of its outputs.
    #[error("{stream} limit of {} exceeded", Bytes(*limit))]
    OutputLimit {
        /// `stdout`, `stderr`, `result` or `display`.
        stream: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// The run exceeded its host calls.
    #[error("host call limit of {0} exceeded")]
    HostCallLimit(u64),
    /// The script exited before `main()` returned.
    #[error("script exited with code {0} before main() returned")]
    Exited(i64),
    /// The interpreter crashed. Holds the reason.
    #[error("script crashed the interpreter: {0}")]
    Crashed(String),
    /// The host could not store data that was within the script's limits. Holds details for the log only.
    #[error("the service cannot store temporary files at the moment: try again later")]
    Unavailable(String),
    /// The service is at fault. Holds details for the log only.
    #[error("internal error")]
    Internal(String),
}
