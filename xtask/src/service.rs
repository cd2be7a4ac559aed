//! A service of a chore's own: built, started on a free port of loopback, ended with the chore.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::{fetch_python, project};

/// What the log says before the address.
const LISTENING: &str = "listening on ";

/// A running service; dropping it ends it.
pub struct Service {
    child: Child,
    /// Where it listens, as `http://127.0.0.1:PORT`.
    pub url: String,
}

/// Builds the service as it is shipped, and CPython when it is missing.
pub fn build() -> Result<()> {
    fetch_python::run(&fetch_python::Options::default())?;
    let build = ["build", "--profile", "dist", "--package", "python-executor"];
    project::cargo(&build, &[])
}

impl Service {
    /// Starts the service, which has been built, with these settings and nothing else of this
    /// environment. `LOG` must not be less than `info`: the log tells the address.
    pub fn start(settings: &[(&str, &str)]) -> Result<Self> {
        Self::start_as(Command::new(project::program()), settings)
    }

    /// Starts with a command that comes to run the service.
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
        // Somebody has to read on, or the service would wait for it. Warnings are worth seeing.
        thread::spawn(move || {
            for line in lines.filter(|line| line.contains("WARN") || line.contains("ERROR")) {
                eprintln!("{line}");
            }
        });
        Ok(service)
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the service to stop, as an orchestrator does, and waits until it has.
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
        // It may have ended by itself; there is nothing to do about either.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
