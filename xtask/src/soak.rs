//! The endurance test, for longer than `cargo xtask test` has time.

use anyhow::{Result, ensure};

use crate::{fetch_python, project};

/// Runs `tests/soak.rs` with so many requests; it says every now and then how it goes.
pub fn run(requests: u64) -> Result<()> {
    fetch_python::run(&fetch_python::Options::default())?;
    let test = ["test", "--release", "--package", "python-executor"];
    let status = project::cargo_command()
        .args(test)
        .args(["--test", "soak", "--", "--nocapture"])
        .env("SOAK_REQUESTS", requests.to_string())
        .status()?;
    ensure!(status.success(), "the service did not come through it well");
    Ok(())
}
