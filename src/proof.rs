//! Proves that Python runs here, before anybody relies on it.

use std::time::Duration;

use anyhow::bail;

use crate::sandbox::{Failure, Interpreter, Job, Limits};

/// Uses what a machine can lack: randomness, clocks, and a place for temporary directories.
const SCRIPT: &str = r#"
import os, sys, time
def main():
    os.urandom(16), time.time(), time.monotonic(), os.stat("/tmp")
    return "%d.%d.%d" % sys.version_info[:3]
"#;

/// A script as many are. Slots keep the pages that the first run has changed.
const SHORT: &str = "def main():\n    print('hello')\n    return {'answer': 42}\n";

/// What a run has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The version of Python, such as `3.13.2`.
    pub python_version: String,
    /// How long the run took, the start of its interpreter included.
    pub took: Duration,
}

/// Runs a small script.
///
/// # Errors
/// When it does not come to its result; the message says why.
pub async fn prove(interpreter: &Interpreter, limits: &Limits) -> anyhow::Result<Proof> {
    let job = |script: &str| Job {
        script: script.to_owned(),
        limits: limits.clone(),
    };
    interpreter.run_and_clean_up(job(SHORT)).await;
    let outcome = interpreter.run_and_clean_up(job(SCRIPT)).await;
    match outcome.result {
        Ok(version) => Ok(Proof {
            python_version: version.get().trim_matches('"').to_owned(),
            took: outcome.usage.start + outcome.usage.run,
        }),
        // Its text is for strangers; whoever starts the service may know more.
        Err(Failure::Internal(details) | Failure::Unavailable(details)) => {
            bail!("Python does not run here: {details}")
        }
        Err(failure) => bail!("not even a small script runs here: {failure}"),
    }
}
