//! `cargo xtask`: runs the development tasks.
//!
//! This package is small so that it starts at once. Each task is a command of cargo, which shows how it gets on:
//! the package `python-build` builds CPython, the package `tasks` contains all that needs many crates.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};

/// Development tasks of Python Executor.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure speed and memory, in comparison with the machine's own Python and other services.
    Bench(Forwarded),
    /// Check deploy/ against the schemas of the platforms, and the Dockerfile with a linter.
    CheckDeploy(Forwarded),
    /// Run random programs in the service and in a native CPython, and print differences.
    ComparePython(Forwarded),
    /// Build CPython for the sandbox, from pinned sources to wasm/python.cwasm.
    FetchPython(Forwarded),
    /// Make the files of the container image without a container engine.
    Image(Forwarded),
    /// Disable one limit after the other and check that a test fails; takes about 15 minutes.
    ProveLimits(Forwarded),
    /// Write the SBOM of the container image.
    Sbom(Forwarded),
    /// Run the service; builds it, and CPython if it is missing. Arguments are the service's.
    Serve(Forwarded),
    /// Write docs/settings.md from the settings of the service.
    Settings,
    /// Load the service with requests of every kind for a long time, and check that nothing leaks.
    Soak {
        /// The number of requests; a few hundred are served per second.
        #[arg(long, default_value_t = 200_000)]
        requests: u64,
    },
    /// Run all tests; builds CPython if it is missing. Arguments are those of `cargo test`.
    Test(Forwarded),
    /// Test the playground in a real browser; needs Chromium and its driver.
    TestPlayground(Forwarded),
    /// Run CPython's own tests inside the sandbox; all of them take about ten minutes.
    TestPython(Forwarded),
}

/// Arguments for the program that does the work, `--help` included.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
struct Forwarded {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

fn main() -> Result<()> {
    let service_tests = || cargo(&["test", "--release", "--package", "python-executor"]);
    match Xtask::parse().task {
        Task::FetchPython(Forwarded { arguments }) => fetch_python(&arguments),
        Task::Serve(Forwarded { arguments }) => {
            fetch_python(&[])?;
            let mut service = cargo(&["run", "--release", "--package", "python-executor", "--"]);
            run(service.args(arguments))
        }
        Task::Settings => {
            let mut test = service_tests();
            test.args(["--test", "reference"]);
            run(test.env("WRITE_REFERENCE", "1"))
        }
        Task::Soak { requests } => {
            fetch_python(&[])?;
            let mut test = service_tests();
            test.args(["--test", "soak", "--", "--nocapture"]);
            run(test.env("SOAK_REQUESTS", requests.to_string()))
        }
        Task::Test(Forwarded { arguments }) => {
            fetch_python(&[])?;
            run(service_tests().args(arguments))?;
            // Together with the build, `tasks` would have the build's crates compiled once more.
            let build = ["pinned", "python-build", "xtask"].map(|name| format!("--package={name}"));
            run(cargo(&["test", "--release"]).args(build))?;
            run(&mut cargo(&["test", "--release", "--package", "tasks"]))
        }
        // Their options are those of the other program, which has the same commands.
        Task::Bench(_)
        | Task::CheckDeploy(_)
        | Task::ComparePython(_)
        | Task::Image(_)
        | Task::ProveLimits(_)
        | Task::Sbom(_)
        | Task::TestPlayground(_)
        | Task::TestPython(_) => {
            let mut tasks = cargo(&["run", "--release", "--package", "tasks", "--"]);
            run(tasks.args(env::args_os().skip(1)))
        }
    }
}

/// Builds CPython, unless it is up to date.
fn fetch_python(arguments: &[OsString]) -> Result<()> {
    let mut build = cargo(&[
        "run",
        "--release",
        "--package",
        "python-build",
        "--",
        "build",
    ]);
    run(build.args(arguments))
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().context("starting cargo")?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn contributing_lists_every_task() {
        let text = include_str!("../../CONTRIBUTING.md");
        for task in Xtask::command().get_subcommands() {
            let row = format!("\n| `cargo xtask {}`", task.get_name());
            assert!(text.contains(&row), "there is no {row}");
        }
    }
}
