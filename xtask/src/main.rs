//! House chores. `cargo xtask` lists them.

mod compare_python;
mod fetch_python;
mod project;
mod service;

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
    /// Run random programs in the service and in a native CPython, and tell where the two differ.
    ComparePython(compare_python::Options),
    /// Build CPython for the sandbox, from pinned sources to wasm/python.cwasm.
    FetchPython(fetch_python::Options),
    /// Run the service; builds it, and CPython when it is missing.
    Serve {
        /// Arguments for the service; `--help` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run all tests; builds CPython when it is missing.
    Test {
        /// Arguments for `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> Result<()> {
    match Xtask::parse().task {
        Task::ComparePython(options) => compare_python::run(&options),
        Task::FetchPython(options) => fetch_python::run(&options),
        Task::Serve { arguments } => {
            fetch_python::run(&fetch_python::Options::default())?;
            let run = ["run", "--release", "--package", "python-executor", "--"];
            project::cargo(&run, &arguments)
        }
        Task::Test { arguments } => {
            fetch_python::run(&fetch_python::Options::default())?;
            project::cargo(
                &["test", "--release", "--package", "python-executor"],
                &arguments,
            )?;
            project::cargo(&["test", "--release", "--package", "xtask"], &[])
        }
    }
}
