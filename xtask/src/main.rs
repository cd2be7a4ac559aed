//! `cargo xtask`: runs the development tasks.
//!
//! This package is small so that it starts soon. Each task is a command of cargo, which shows its progress: the
//! package `python-build` builds CPython, and the package `tasks` has all that needs many crates.

mod background;

use std::env;
use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};

use self::background::Background;

/// Cargo's arguments that select the service.
const SERVICE: [&str; 3] = ["--release", "--package", "python-executor"];

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
    match Xtask::parse().task {
        Task::FetchPython(Forwarded { arguments }) => fetch_python(&arguments, None),
        Task::Serve(Forwarded { arguments }) => {
            fetch_python(&[], Some(cargo("build", &SERVICE)))?;
            run(cargo("run", &SERVICE).arg("--").args(arguments))
        }
        Task::Settings => {
            let mut test = cargo("test", &SERVICE);
            test.args(["--test", "reference"]);
            run(test.env("WRITE_REFERENCE", "1"))
        }
        Task::Soak { requests } => {
            fetch_python(&[], None)?;
            let mut test = cargo("test", &SERVICE);
            test.args(["--test", "soak", "--", "--nocapture"]);
            run(test.env("SOAK_REQUESTS", requests.to_string()))
        }
        Task::Test(Forwarded { arguments }) => {
            let mut tests = cargo("test", &SERVICE);
            tests.arg("--no-run");
            // Arguments may select a test, so that the others need not be built.
            fetch_python(&[], arguments.is_empty().then_some(tests))?;
            run(cargo("test", &SERVICE).args(arguments))?;
            // In one command with `tasks`, the build would be compiled once more with the features of both.
            let build = ["pinned", "python-build", "xtask"].map(|name| format!("--package={name}"));
            run(cargo("test", &["--release"]).args(build))?;
            run(&mut cargo("test", &["--release", "--package", "tasks"]))
        }
        // Their options are those of the program `tasks`, which has the same commands.
        Task::Bench(_)
        | Task::CheckDeploy(_)
        | Task::ComparePython(_)
        | Task::Image(_)
        | Task::ProveLimits(_)
        | Task::Sbom(_)
        | Task::TestPlayground(_)
        | Task::TestPython(_) => {
            let mut tasks = cargo("run", &["--release", "--package", "tasks", "--"]);
            run(tasks.args(env::args_os().skip(1)))
        }
    }
}

/// Builds CPython, unless it is up to date. Another command of cargo runs in the background meanwhile: some steps of
/// the build use only one core.
fn fetch_python(arguments: &[OsString], meanwhile: Option<Command>) -> Result<()> {
    run(&mut cargo(
        "build",
        &["--release", "--package", "python-build"],
    ))?;
    let background = meanwhile.map(Background::start).transpose()?;
    // Cargo would wait for the one in the background. It puts all programs into one directory.
    let program = env::current_exe()?.with_file_name("python-build");
    run(Command::new(program).arg("build").args(arguments))?;
    if let Some(background) = background {
        background.wait();
    }
    Ok(())
}

fn cargo(subcommand: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand).args(arguments);
    command
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let status = command
        .status()
        .with_context(|| format!("starting {}", program.display()))?;
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
