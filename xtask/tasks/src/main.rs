//! Development tasks that need more than cargo; `cargo xtask` starts this program.

mod bench;
mod check_deploy;
mod client;
mod compare_python;
#[cfg(test)]
mod dockerfile;
#[cfg(test)]
mod hostile_guest;
mod image;
mod project;
mod prove_limits;
mod python;
mod sbom;
mod service;
mod test_playground;
mod test_python;

use anyhow::Result;
use clap::Parser;

// Their descriptions are in xtask/src/main.rs, so that listing them needs none of the crates that they need.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    Bench(bench::Options),
    CheckDeploy,
    ComparePython(compare_python::Options),
    Image(image::Options),
    ProveLimits(prove_limits::Options),
    Sbom(sbom::Options),
    TestPlayground(test_playground::Options),
    TestPython(test_python::Options),
}

fn main() -> Result<()> {
    match Task::parse() {
        Task::Bench(options) => bench::run(&options),
        Task::CheckDeploy => check_deploy::run(),
        Task::ComparePython(options) => compare_python::run(&options),
        Task::Image(options) => image::run(&options),
        Task::ProveLimits(options) => prove_limits::run(&options),
        Task::Sbom(options) => sbom::run(&options),
        Task::TestPlayground(options) => test_playground::run(&options),
        Task::TestPython(options) => test_python::run(&options),
    }
}
