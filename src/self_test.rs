//! Self-test at the start: runs a small script before the service listens.

use std::time::Duration;

use anyhow::bail;

use crate::sandbox::{Failure, Interpreter, Job, Limits};

/// Uses everything that a host can lack: randomness, clocks, and a place for temporary directories.
const SCRIPT: &str = r#"
import os, sys, time
def main():
    os.urandom(16), time.time(), time.monotonic(), os.stat("/tmp")
    return "%d.%d.%d" % sys.version_info[:3]
"#;

/// A typical script. It runs first because slots keep the pages that their first run has changed.
const SHORT: &str = "def main():\n    print('hello')\n    return {'answer': 42}\n";

/// The result of the self-test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTest {
    /// The version of Python, such as `3.13.15`.
    pub python_version: String,
    /// Duration of the run, the start of its interpreter included.
    pub duration: Duration,
}

/// Runs a small script.
///
/// # Errors
/// When the script does not return its result; the message says why.
pub async fn run(interpreter: &Interpreter, limits: &Limits) -> anyhow::Result<SelfTest> {
    let job = |script: &str| Job::new(script.to_owned(), limits.clone());
    interpreter.run_and_clean_up(job(SHORT)).await;
    let outcome = interpreter.run_and_clean_up(job(SCRIPT)).await;
    match outcome.result {
        Ok(version) => Ok(SelfTest {
            python_version: version.json.get().trim_matches('"').to_owned(),
            duration: outcome.usage.start + outcome.usage.run,
        }),
        // The failure's own text hides the details from clients; the operator may see them.
        Err(Failure::Internal(details) | Failure::Unavailable(details)) => {
            bail!("Python does not run: {details}")
        }
        Err(failure) => bail!("Python does not run a small script: {failure}"),
    }
}
