//! Development tasks. `cargo xtask` lists them.

mod bench;
mod check_deploy;
mod client;
mod compare_python;
#[cfg(test)]
mod dockerfile;
mod fetch_python;
#[cfg(test)]
mod hostile_guest;
mod image;
mod project;
mod prove_limits;
mod sbom;
mod service;
mod soak;
mod test_playground;
mod test_python;

use anyhow::Result;
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
    /// Check deploy/ against the schemas of the platforms, and the Dockerfile with a linter.
    CheckDeploy,
    /// Run random programs in the service and in a native CPython, and print differences.
    ComparePython(compare_python::Options),
    /// Build CPython for the sandbox, from pinned sources to wasm/python.cwasm.
    FetchPython(fetch_python::Options),
    /// Make the files of the container image without a container engine.
    Image(image::Options),
    /// Write the SBOM of the container image.
    Sbom(sbom::Options),
    /// Run the service; builds it, and CPython if it is missing.
    Serve {
        /// Arguments for the service; `--help` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Disable one limit after the other and check that a test fails; takes about 15 minutes.
    ProveLimits(prove_limits::Options),
    /// Load the service with requests of every kind for a long time, and check that nothing leaks.
    Soak {
        /// The number of requests; a few hundred are served per second.
        #[arg(long, default_value_t = 200_000)]
        requests: u64,
    },
    /// Measure speed and memory, in comparison with the machine's own Python and other services.
    Bench(bench::Options),
    /// Write docs/settings.md from the settings of the service.
    Settings,
    /// Run all tests; builds CPython if it is missing.
    Test {
        /// Arguments for `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Test the playground in a real browser; needs Chromium and its driver.
    TestPlayground(test_playground::Options),
    /// Run CPython's own tests inside the sandbox; all of them take about ten minutes.
    TestPython(test_python::Options),
}

fn main() -> Result<()> {
    match Xtask::parse().task {
        Task::CheckDeploy => check_deploy::run(),
        Task::ComparePython(options) => compare_python::run(&options),
        Task::FetchPython(options) => fetch_python::run(&options),
        Task::Image(options) => image::run(&options),
        Task::Sbom(options) => sbom::run(&options),
        Task::Serve { arguments } => {
            fetch_python::run(&fetch_python::Options::default())?;
            let run = ["run", "--release", "--package", "python-executor", "--"];
            project::cargo(&run, &arguments)
        }
        Task::ProveLimits(options) => prove_limits::run(&options),
        Task::Soak { requests } => soak::run(requests),
        Task::Bench(options) => bench::run(&options),
        Task::Settings => project::write_settings_reference(),
        Task::Test { arguments } => {
            fetch_python::run(&fetch_python::Options::default())?;
            project::cargo(
                &["test", "--release", "--package", "python-executor"],
                &arguments,
            )?;
            let tasks = [
                "test",
                "--release",
                "--package",
                "xtask",
                "--package",
                "python-build",
                "--package",
                "pinned",
            ];
            project::cargo(&tasks, &[])
        }
        Task::TestPlayground(options) => test_playground::run(&options),
        Task::TestPython(options) => test_python::run(&options),
    }
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
