//! Paths in the checkout, and cargo commands there.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
pub use pinned::checkout::{root, target};

/// Returns the directory of the guest's sources and of the finished interpreter.
pub fn wasm() -> PathBuf {
    root().join("wasm")
}

/// Returns the path of the service that cargo builds with the profile `dist`.
pub fn program() -> PathBuf {
    target().join("dist/python-executor")
}

/// Returns a cargo command that runs in the checkout.
pub fn cargo_command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(root())
        .env("CARGO_TARGET_DIR", target());
    command
}

/// Runs cargo with these arguments.
pub fn cargo(arguments: &[&str]) -> Result<()> {
    let status = cargo_command().args(arguments).status()?;
    ensure!(
        status.success(),
        "cargo {} failed: {status}",
        arguments.join(" ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_holds_no_compiler() -> Result<()> {
        let tree = [
            "tree",
            "--package",
            "python-executor",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ];
        let tree = pinned::output(cargo_command().args(tree))?;
        assert!(tree.contains("wasmtime v"), "{tree}");
        for compiler in [
            "cranelift-codegen",
            "wasmtime-internal-cranelift",
            "winch-codegen",
        ] {
            assert!(!tree.contains(compiler), "{compiler} is in the service");
        }
        Ok(())
    }
}
