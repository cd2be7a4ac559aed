//! A long load test.

use anyhow::{Result, ensure};

use crate::{fetch_python, project};

/// Runs `tests/soak.rs` with this number of requests and prints its progress.
pub fn run(requests: u64) -> Result<()> {
    fetch_python::run(&fetch_python::Options::default())?;
    let test = ["test", "--release", "--package", "python-executor"];
    let status = project::cargo_command()
        .args(test)
        .args(["--test", "soak", "--", "--nocapture"])
        .env("SOAK_REQUESTS", requests.to_string())
        .status()?;
    ensure!(status.success(), "the load test failed: {status}");
    Ok(())
}
