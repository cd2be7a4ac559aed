//! A native CPython on this machine.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};

use super::Outcome;

/// The minor version of the sandbox's CPython.
pub const VERSION: &str = "3.13";

/// The program that runs the others.
const RUNNER: &str = include_str!("native.py");

/// A native interpreter.
pub struct Native(String);

impl Native {
    /// Returns `python`, if it exists and has the right version.
    pub fn find(python: &str) -> Option<Self> {
        let version = "import sys; print('%d.%d' % sys.version_info[:2])";
        let output = Command::new(python).args(["-c", version]).output().ok()?;
        let right = output.stdout.trim_ascii() == VERSION.as_bytes();
        right.then(|| Self(python.to_owned()))
    }

    /// Runs programs in one process, isolated from the user's settings, and returns their outcomes.
    pub fn run(&self, programs: &[String]) -> Result<Vec<Outcome>> {
        let mut child = Command::new(&self.0)
            .args(["-I", "-W", "ignore", "-c", RUNNER])
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = child.stdin.take().context("standard input is piped")?;
        let programs_json = serde_json::to_vec(programs)?;
        let writer = thread::spawn(move || input.write_all(&programs_json));
        let output = child.wait_with_output()?;
        let written = writer
            .join()
            .map_err(|_| anyhow::anyhow!("the writer panicked"))?;
        written.context("the native Python did not read the programs")?;
        let lines = std::str::from_utf8(&output.stdout)?.lines();
        let outcomes: Vec<_> = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
        ensure!(
            outcomes.len() == programs.len(),
            "the native Python ended after {} of {} programs",
            outcomes.len(),
            programs.len()
        );
        Ok(outcomes)
    }
}
