//! The command line of the build.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use pinned::checkout;
use python_build::{Build, precompile};

/// Builds CPython for the sandbox.
#[derive(Parser)]
enum Command {
    /// Build wasm/python.wasm and wasm/python.cwasm from pinned sources, unless they are up to date.
    #[command(override_usage = "cargo xtask fetch-python [OPTIONS]")]
    Build(Options),
    /// Print the directory of CPython's sources as the interpreter is built from them.
    Sources,
    /// Print the directory of the C compiler, with its libraries.
    Compiler,
    /// Compile a module to machine code for the service.
    Precompile { module: PathBuf, output: PathBuf },
}

#[derive(clap::Args, Default)]
struct Options {
    /// Build everything again, even what is up to date.
    #[arg(long)]
    force: bool,
    /// Leave out a set of edits of CPython that only makes it faster, such as `speed`.
    #[arg(long, value_name = "SET")]
    without: Vec<String>,
    /// The environment to build, a file in wasm/environments [default: python].
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The directory for the finished files, if not wasm/.
    #[arg(long, value_name = "DIRECTORY")]
    to: Option<PathBuf>,
    /// Then build everything once more in another directory and compare; takes as long as the first build.
    #[arg(long, conflicts_with = "force")]
    check_reproducible: bool,
    /// Look for source archives in this directory before anything is downloaded.
    #[arg(long, env = pinned::DOWNLOADS)]
    downloads: Option<PathBuf>,
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::Build(options) if options.check_reproducible => {
            build(options).check_reproducible()
        }
        Command::Build(options) => build(options).run(),
        Command::Sources => {
            println!("{}", build(Options::default()).cpython()?.display());
            Ok(())
        }
        Command::Compiler => {
            println!("{}", build(Options::default()).zig()?.display());
            Ok(())
        }
        Command::Precompile { module, output } => {
            let wasm =
                fs::read(&module).with_context(|| format!("reading {}", module.display()))?;
            let work = tempfile::tempdir()?;
            let code = precompile(&wasm, work.path())?;
            fs::write(&output, code).with_context(|| format!("writing {}", output.display()))
        }
    }
}

/// Returns the build of an interpreter in this checkout.
fn build(options: Options) -> Build {
    let wasm = checkout::root().join("wasm");
    Build {
        environment: options.environment.unwrap_or_else(|| "python".to_owned()),
        without: options.without,
        out: options.to.unwrap_or_else(|| wasm.clone()),
        wasm,
        work: checkout::target().join("python"),
        downloads: options.downloads.or_else(pinned::downloads),
        force: options.force,
    }
}
