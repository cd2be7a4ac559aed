//! Reads `wasm/cpython.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What CPython for the sandbox is made of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// How C is compiled.
    pub compiler: CompilerFlags,
    /// How the guest is linked.
    pub link: Link,
    /// The interpreter.
    pub core: Unit,
    /// Libraries that modules need.
    pub libraries: BTreeMap<String, Unit>,
    /// C modules.
    pub modules: BTreeMap<String, Module>,
    /// What of the standard library is left out.
    pub standard: StandardLibrary,
}

/// How C is compiled.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompilerFlags {
    /// The compiler's name for the target.
    pub target: String,
    /// Flags for every file.
    pub flags: Vec<String>,
    /// More flags for the files of CPython itself.
    pub cpython_flags: Vec<String>,
}

/// How the guest is linked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Flags.
    pub flags: Vec<String>,
    /// Bytes of C stack.
    pub stack: usize,
}

/// A set of C files that are compiled alike.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// The crate that carries the sources; CPython's own tree if there is none.
    #[serde(rename = "crate")]
    pub krate: Option<String>,
    /// The directory that the patterns start from.
    #[serde(default)]
    pub directory: String,
    /// Patterns of the files; those that start with `!` take away.
    pub sources: Vec<String>,
    /// Directories of headers, from `directory`.
    #[serde(default)]
    pub include: Vec<String>,
    /// More flags.
    #[serde(default)]
    pub flags: Vec<String>,
}

/// A C module's sources, from `Modules/`, and the libraries whose headers it needs.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Module {
    /// One file.
    File(String),
    /// Several files.
    Files(Vec<String>),
    /// Files that need libraries.
    WithLibraries {
        /// The files.
        sources: Vec<String>,
        /// Keys of [`Recipe::libraries`].
        libraries: Vec<String>,
    },
}

impl Module {
    /// Its sources.
    pub fn sources(&self) -> &[String] {
        match self {
            Self::File(file) => std::slice::from_ref(file),
            Self::Files(files) | Self::WithLibraries { sources: files, .. } => files,
        }
    }

    /// The libraries it needs.
    pub fn libraries(&self) -> &[String] {
        match self {
            Self::WithLibraries { libraries, .. } => libraries,
            _ => &[],
        }
    }
}

/// What of `Lib/` is left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardLibrary {
    /// Names of files without `.py` and of directories, at the top of `Lib/`.
    pub leave_out: Vec<String>,
}

impl Recipe {
    /// Reads the recipe in `wasm`.
    pub fn read(wasm: &Path) -> Result<Self> {
        let path = wasm.join("cpython.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    }
}
