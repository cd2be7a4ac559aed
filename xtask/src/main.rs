//! House chores. `cargo xtask` lists them.

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
mod inventory;
mod project;
mod prove_limits;
mod service;
mod soak;
mod test_playground;
mod test_python;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Chores of the Python Executor's developers.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check deploy/ and the Dockerfile against the schemas of the platforms that read them.
    CheckDeploy,
    /// Run random programs in the service and in a native CPython, and tell where the two differ.
    ComparePython(compare_python::Options),
    /// Build CPython for the sandbox, from pinned sources to wasm/python.cwasm.
    FetchPython(fetch_python::Options),
    /// Make the files of the container's image, without a container engine.
    Image(image::Options),
    /// Write the bill of materials of the container's image.
    Sbom(inventory::Options),
    /// Run the service; builds it, and CPython when it is missing.
    Serve {
        /// Arguments for the service; `--help` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Take the enforcement of each limit out and see that a test fails; takes about a quarter of an hour.
    ProveLimits(prove_limits::Options),
    /// Load the service with requests of every kind for long and see that nothing of them stays.
    Soak {
        /// How many requests; a few hundred are served in a second.
        #[arg(long, default_value_t = 200_000)]
        requests: u64,
    },
    /// Measure speed and memory, against the machine's own Python and other services.
    Bench(bench::Options),
    /// Write docs/settings.md anew, from the settings of the service.
    Settings,
    /// Run all tests; builds CPython when it is missing.
    Test {
        /// Arguments for `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Use the playground in a real browser; needs Chromium and its driver.
    TestPlayground(test_playground::Options),
    /// Run the tests that come with CPython inside the sandbox; all of them take about ten minutes.
    TestPython(test_python::Options),
}

fn main() -> Result<()> {
    match Xtask::parse().task {
        Task::CheckDeploy => check_deploy::run(),
        Task::ComparePython(options) => compare_python::run(&options),
        Task::FetchPython(options) => fetch_python::run(&options),
        Task::Image(options) => image::run(&options),
        Task::Sbom(options) => inventory::run(&options),
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
            let chores = [
                "test",
                "--release",
                "--package",
                "xtask",
                "--package",
                "python-build",
                "--package",
                "pinned",
            ];
            project::cargo(&chores, &[])
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
    fn contributing_names_every_chore() {
        let text = include_str!("../../CONTRIBUTING.md");
        for chore in Xtask::command().get_subcommands() {
            let row = format!("\n| `cargo xtask {}`", chore.get_name());
            assert!(text.contains(&row), "there is no {row}");
        }
    }
}
