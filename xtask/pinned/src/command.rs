//! Commands whose output is shown only when they fail.

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

/// Runs a command. An error contains its output.
///
/// # Errors
/// When it cannot be started or fails.
pub fn run(command: &mut Command) -> Result<()> {
    execute(command).map(drop)
}

/// Runs a command and returns its stdout. An error contains its output.
///
/// # Errors
/// When it cannot be started, fails, or prints no UTF-8.
pub fn output(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8(execute(command)?.stdout)?)
}

fn execute(command: &mut Command) -> Result<Output> {
    let output = command
        .output()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    ensure!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output)
}
