//! The C compiler for WebAssembly: zig, from PATH or from Python's package index.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use pinned::Wheel;
pub use pinned::run;

use crate::libc::{self, Libc};

/// The time of the build, for `__DATE__` and `__TIME__`, so that the same sources make the same objects: 2026-01-01.
pub const EPOCH: &str = "1767225600";

/// A C compiler and linker for WebAssembly.
pub struct Compiler {
    executable: PathBuf,
    cache: PathBuf,
    libraries: PathBuf,
    /// Names the version, for the names of what it makes.
    pub version: String,
}

/// Checks that all the programs are there which the build will need, and names those that are not,
/// with the command that brings them.
pub fn check_prerequisites(pin: &Wheel) -> Result<()> {
    if zig_on_path(&pin.version).is_some() {
        return Ok(());
    }
    let pip = Command::new("python3")
        .args(["-m", "pip", "--version"])
        .output();
    if pip.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    bail!(
        "building Python needs python3 with pip (once, to bring the C compiler), or zig {} on PATH.\n\
         Debian, Ubuntu: sudo apt-get install python3-pip\n\
         Fedora:         sudo dnf install python3-pip\n\
         macOS:          brew install python3",
        pin.version
    )
}

fn zig_on_path(version: &str) -> Option<PathBuf> {
    let output = Command::new("zig").arg("version").output().ok()?;
    (String::from_utf8_lossy(&output.stdout).trim() == version).then(|| PathBuf::from("zig"))
}

/// The directory of the libraries that come with a compiler.
fn libraries_of(executable: &Path) -> Result<PathBuf> {
    let output = Command::new(executable).arg("env").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = text
        .split_once("lib_dir")
        .and_then(|(_, rest)| rest.split('"').find(|part| part.starts_with('/')));
    Ok(value
        .context("zig does not say where its libraries are")?
        .into())
}

impl Compiler {
    /// Brings the compiler under `work`, unless the pinned version is on PATH, and changes its libc as
    /// `wasm` says.
    pub fn fetch(pin: &Wheel, downloads: Option<&Path>, wasm: &Path, work: &Path) -> Result<Self> {
        let (executable, libraries) = match zig_on_path(&pin.version) {
            Some(executable) => {
                let libraries = libraries_of(&executable)?;
                (executable, libraries)
            }
            None => {
                let package = pinned::install(pin, downloads, work)?.join(&pin.package);
                (package.join("zig"), package.join("lib"))
            }
        };
        let Libc { directory, version } = libc::change(&libraries, wasm, work)?;
        Ok(Self {
            executable,
            cache: work.join("zig-cache"),
            libraries: directory,
            version: format!("{} {version}", pin.version),
        })
    }

    /// A call of the C compiler and linker for `target`.
    pub fn cc(&self, target: &str) -> Command {
        self.call("cc", target)
    }

    /// A call of the C++ compiler for `target`.
    pub fn cxx(&self, target: &str) -> Command {
        self.call("c++", target)
    }

    fn call(&self, language: &str, target: &str) -> Command {
        let mut command = Command::new(&self.executable);
        command
            .env("ZIG_GLOBAL_CACHE_DIR", &self.cache)
            .env("ZIG_LOCAL_CACHE_DIR", &self.cache)
            .env("ZIG_LIB_DIR", &self.libraries);
        command.env("SOURCE_DATE_EPOCH", EPOCH);
        command.args([language, "-target", target]);
        command
    }
}
