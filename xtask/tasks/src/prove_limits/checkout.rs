//! A copy of the checkout, in which sources are changed and tests are run.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

use super::table::{Edit, Test};
use crate::project;

/// The interval between checks whether a test has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The longest reason that is shown, in characters.
const MAX_REASON: usize = 100;

/// The copy.
pub struct Checkout {
    root: PathBuf,
    timeout: Duration,
}

/// The outcome of a test.
#[derive(PartialEq, Eq)]
pub enum Ended {
    /// It passed.
    Passed,
    /// It failed, for this reason.
    Failed(String),
    /// It was killed at the timeout.
    TimedOut,
}

impl Checkout {
    /// Copies all files that git tracks or would add.
    pub fn copy(timeout: Duration) -> Result<Self> {
        let place = project::target().join("prove-limits");
        let root = place.join("checkout");
        let files = files()?;
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        for file in &files {
            let (from, to) = (project::root().join(file), root.join(file));
            fs::create_dir_all(to.parent().context("a file has a directory")?)?;
            fs::copy(from, to).with_context(|| format!("copying {file}"))?;
        }
        for file in ["python.wasm", "python.cwasm", "python.manifest.json"] {
            fs::copy(project::wasm().join(file), root.join("wasm").join(file))?;
        }
        // Dependencies are shared with the checkout; the packages themselves are built without optimization.
        let config = place.join(".cargo/config.toml");
        fs::create_dir_all(place.join(".cargo"))?;
        fs::write(config, config_text())?;
        Ok(Self { root, timeout })
    }

    /// Changes a file.
    pub fn edit(&self, edit: &Edit) -> Result<()> {
        let path = self.root.join(&edit.file);
        let text = edit.apply(&fs::read_to_string(&path)?)?;
        Ok(fs::write(path, text)?)
    }

    /// Restores a file.
    pub fn restore(&self, file: &str) -> Result<()> {
        let text = fs::read(project::root().join(file))?;
        Ok(fs::write(self.root.join(file), text)?)
    }

    /// Builds a test and runs it.
    pub fn run(&self, test: &Test) -> Result<Ended> {
        let log = self.root.with_file_name("log");
        let built = self.cargo(test, &["--no-run"], &log)?.wait()?;
        ensure!(built.success(), "{test} does not build:\n{}", read(&log)?);

        let mut running = self.cargo(test, &["--", "--exact", &test.name], &log)?;
        let deadline = Instant::now() + self.timeout;
        let status = loop {
            if let Some(status) = running.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                end(&mut running)?;
                return Ok(Ended::TimedOut);
            }
            thread::sleep(POLL_INTERVAL);
        };
        let output = read(&log)?;
        let line = |end: &str| format!("test {} ... {end}", test.name);
        if status.success() {
            ensure!(
                output.contains(&line("ok")),
                "there is no test {test}:\n{output}"
            );
            return Ok(Ended::Passed);
        }
        ensure!(
            output.contains(&line("FAILED")),
            "{test} cannot be run:\n{output}"
        );
        Ok(Ended::Failed(reason(&output)))
    }

    /// Starts `cargo test` in the copy, in a process group of its own, with its output in `log`.
    fn cargo(&self, test: &Test, arguments: &[&str], log: &Path) -> Result<Child> {
        let log = File::create(log)?;
        let mut cargo = project::cargo_command();
        cargo.args(["test", "--release", "--locked", "--package", &test.package]);
        if let Some(file) = &test.file {
            cargo.args(["--test", file]);
        } else {
            cargo.arg("--bins");
        }
        cargo
            .args(arguments)
            .current_dir(&self.root)
            .env_remove("CARGO_TARGET_DIR")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        Ok(cargo.spawn()?)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => write!(f, "passes"),
            Self::Failed(reason) => write!(f, "fails: {reason}"),
            Self::TimedOut => write!(f, "TIMES OUT"),
        }
    }
}

/// Returns cargo's configuration of the copy, which is merged with that of the checkout.
fn config_text() -> String {
    let build = project::target();
    format!(
        "[build]\nbuild-dir = {:?}\nincremental = true\n\n\
         [profile.release.package.python-executor]\nopt-level = 0\n\n\
         [profile.release.package.tasks]\nopt-level = 0\n",
        build.display().to_string()
    )
}

fn files() -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(project::root()).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let output = git.output().context("git lists the files")?;
    ensure!(output.status.success(), "git does not list the files");
    let names = String::from_utf8(output.stdout)?;
    let names = names.split('\0').filter(|name| !name.is_empty());
    // Git also lists files that have been removed.
    let there = names.filter(|name| project::root().join(name).exists());
    Ok(there.map(str::to_owned).collect())
}

/// Kills cargo, the test and the services that it has started.
fn end(running: &mut Child) -> Result<()> {
    let group = i32::try_from(running.id()).ok().and_then(Pid::from_raw);
    kill_process_group(group.context("it has an id")?, Signal::KILL)?;
    running.wait()?;
    Ok(())
}

/// Reads the output of a test, which need not be UTF-8.
fn read(log: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(log)?).into_owned())
}

/// Returns the reason of a failure: the message of the panic with its two values, or the returned error.
fn reason(output: &str) -> String {
    let begins = |line: &&str| line.contains("panicked at") || line.starts_with("Error:");
    let ends = |line: &&str| {
        let after = ["note:", "stack backtrace:", "failures:"];
        after.iter().any(|start| line.starts_with(start))
    };
    let lines = output.lines().skip_while(|line| !begins(line));
    let lines = lines.filter(|line| !line.contains("panicked at"));
    let lines = lines.take_while(|line| !ends(line));
    let line = lines.map(str::trim).collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_REASON).collect()
}
