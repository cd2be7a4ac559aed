//! A running service: built, started on a free port of the loopback interface, and killed when dropped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::{project, python};

/// The text before the address in the log.
const LISTENING: &str = "listening on ";

/// A service process; dropping it kills it.
pub struct Service {
    child: Child,
    /// Its address, as `http://127.0.0.1:PORT`.
    pub url: String,
}

/// Builds the service with the profile `dist`, and CPython if it is missing.
pub fn build() -> Result<()> {
    python::build()?;
    project::cargo(&["build", "--profile", "dist", "--package", "python-executor"])
}

impl Service {
    /// Starts the service, which must be built, with these settings and nothing else of this
    /// environment. `LOG` must be at least `info`, because the address is read from the log.
    pub fn start(settings: &[(&str, &str)]) -> Result<Self> {
        Self::start_as(Command::new(project::program()), settings)
    }

    /// Starts the service with `command`.
    pub fn start_as(mut command: Command, settings: &[(&str, &str)]) -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut child = command
            .env_clear()
            .env("PATH", path)
            .envs([("HOST", "127.0.0.1"), ("PORT", "0")])
            .envs(settings.iter().copied())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = child.stderr.take().context("the log is not piped")?;
        let mut service = Self {
            child,
            url: String::new(),
        };
        let mut lines = BufReader::new(log).lines().map_while(Result::ok);
        let mut seen = Vec::new();
        for line in lines.by_ref() {
            if let Some((_, url)) = line.split_once(LISTENING) {
                service.url = url.trim().to_owned();
                break;
            }
            seen.push(line);
        }
        ensure!(
            !service.url.is_empty(),
            "the service did not start: {}",
            seen.join("\n")
        );
        // The pipe must be drained, or the service would block on it. Warnings are shown.
        thread::spawn(move || {
            for line in lines.filter(|line| line.contains("WARN") || line.contains("ERROR")) {
                eprintln!("{line}");
            }
        });
        Ok(service)
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM, as an orchestrator does, and waits for the exit.
    pub fn stop(mut self) -> Result<()> {
        let id = i32::try_from(self.child.id())?;
        let pid = Pid::from_raw(id).context("process ids are positive")?;
        kill_process(pid, Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the service ended with {status}");
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have exited already; neither error matters.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
