//! A copy of the checkout, in which the sources can be changed and the tests run.

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

/// How often one looks whether a test has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Longest reason that is shown, in characters.
const REASON: usize = 100;

/// The copy.
pub struct Checkout {
    root: PathBuf,
    patience: Duration,
}

/// How a test ended.
#[derive(PartialEq, Eq)]
pub enum Ended {
    /// It passed.
    Passed,
    /// It failed. Holds what it said.
    Failed(String),
    /// It did not end in time.
    Never,
}

impl Checkout {
    /// Copies all files that git knows or would add; tests get `patience` to end.
    pub fn copy(patience: Duration) -> Result<Self> {
        let place = project::root().join("target/prove-limits");
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
        // What cargo has built of the dependencies serves here too; our own crates need to be quick to
        // build only.
        let config = place.join(".cargo/config.toml");
        fs::create_dir_all(place.join(".cargo"))?;
        fs::write(config, config_text())?;
        Ok(Self { root, patience })
    }

    /// Changes a file.
    pub fn edit(&self, edit: &Edit) -> Result<()> {
        let path = self.root.join(&edit.file);
        let text = edit.apply(&fs::read_to_string(&path)?)?;
        Ok(fs::write(path, text)?)
    }

    /// Makes a file what it was.
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
        let deadline = Instant::now() + self.patience;
        let status = loop {
            if let Some(status) = running.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                end(&mut running)?;
                return Ok(Ended::Never);
            }
            thread::sleep(LOOK);
        };
        let said = read(&log)?;
        let line = |end: &str| format!("test {} ... {end}", test.name);
        if status.success() {
            ensure!(
                said.contains(&line("ok")),
                "there is no test {test}:\n{said}"
            );
            return Ok(Ended::Passed);
        }
        ensure!(
            said.contains(&line("FAILED")),
            "{test} cannot be run:\n{said}"
        );
        Ok(Ended::Failed(reason(&said)))
    }

    /// `cargo test` in the copy, in a process group of its own, with all it says in a file.
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
            Self::Never => write!(f, "DOES NOT END"),
        }
    }
}

/// Settings for cargo in the copy; it merges them with those of the checkout.
fn config_text() -> String {
    let build = project::root().join("target");
    format!(
        "[build]\nbuild-dir = {:?}\nincremental = true\n\n\
         [profile.release.package.python-executor]\nopt-level = 0\n\n\
         [profile.release.package.xtask]\nopt-level = 0\n",
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
    // Git still knows a file that has been removed.
    let there = names.filter(|name| project::root().join(name).exists());
    Ok(there.map(str::to_owned).collect())
}

/// Ends cargo, the test and the services that it has started.
fn end(running: &mut Child) -> Result<()> {
    let group = i32::try_from(running.id()).ok().and_then(Pid::from_raw);
    kill_process_group(group.context("it has an id")?, Signal::KILL)?;
    running.wait()?;
    Ok(())
}

/// What a test said, which need not be text.
fn read(log: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(log)?).into_owned())
}

/// Why a test failed: the line after the place of the panic, and those with the two values that are not
/// the same; or the error that it ended with.
fn reason(said: &str) -> String {
    let begins = |line: &&str| line.contains("panicked at") || line.starts_with("Error:");
    let ends = |line: &&str| {
        let after = ["note:", "stack backtrace:", "failures:"];
        after.iter().any(|start| line.starts_with(start))
    };
    let told = said.lines().skip_while(|line| !begins(line));
    let told = told.filter(|line| !line.contains("panicked at"));
    let told = told.take_while(|line| !ends(line));
    let line = told.map(str::trim).collect::<Vec<_>>().join(" ");
    line.chars().take(REASON).collect()
}
