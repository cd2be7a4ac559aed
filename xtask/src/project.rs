//! Where things lie in the checkout, and how to run cargo there.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

/// The root of the checkout.
pub fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// What the guest is made of, and where the finished interpreter goes.
pub fn wasm() -> PathBuf {
    root().join("wasm")
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    root().join(target.unwrap_or_else(|| "target".into()))
}

/// The service as it is shipped, when cargo has built it with the profile `dist`.
pub fn program() -> PathBuf {
    target().join("dist/python-executor")
}

/// A cargo command, in the checkout.
pub fn cargo_command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs cargo with `arguments` and then `more` of them.
///
/// # Errors
/// When it cannot be started or does not succeed.
pub fn cargo(arguments: &[&str], more: &[String]) -> Result<()> {
    let status = cargo_command().args(arguments).args(more).status()?;
    ensure!(
        status.success(),
        "cargo {} failed: {status}",
        arguments.join(" ")
    );
    Ok(())
}

/// Lets the test that compares docs/settings.md with the settings write it instead.
///
/// # Errors
/// When the test cannot be built or run.
pub fn write_settings_reference() -> Result<()> {
    let test = [
        "test",
        "--release",
        "--package",
        "python-executor",
        "--test",
        "reference",
    ];
    let status = cargo_command()
        .args(test)
        .env("WRITE_REFERENCE", "1")
        .status()?;
    ensure!(status.success(), "the settings could not be written down");
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
        let output = cargo_command().args(tree).output()?;
        let tree = String::from_utf8(output.stdout)?;
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
