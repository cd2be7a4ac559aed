//! The recipes: which files are compiled and how, as data.
//!
//! Directories and files are named by their paths in a tree of sources. A path without a prefix is in the tree that the
//! recipe is about; `crate:NAME/...`, `archive:NAME/...`, `generated:NAME/...` and `own:...` name others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pinned::Pins;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::places::Places;

/// The recipe of CPython itself, `cpython.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// How C and C++ are compiled.
    pub compiler: CompilerFlags,
    /// How the guest is linked.
    pub link: Link,
    /// The interpreter.
    pub core: Unit,
    /// Libraries that modules need.
    pub libraries: BTreeMap<String, Unit>,
    /// C modules, from `Modules`.
    pub modules: BTreeMap<String, Module>,
    /// The parts of the standard library that are left out.
    pub standard: StandardLibrary,
}

/// How C and C++ are compiled.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompilerFlags {
    /// The compiler's name for the target.
    pub target: String,
    /// Flags for every file of C.
    pub c_flags: Vec<String>,
    /// Flags for every file of C++.
    pub cxx_flags: Vec<String>,
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

/// A set of files that are compiled alike.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Unit {
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
    /// More flags for the files of C++ among them.
    #[serde(default)]
    pub cxx_flags: Vec<String>,
}

impl Unit {
    /// Returns the crate that carries the files, if one does.
    pub fn krate(&self) -> Option<&str> {
        self.directory.strip_prefix("crate:")?.split('/').next()
    }
}

/// A module of C or C++.
#[derive(Deserialize)]
#[serde(from = "ModuleForm")]
pub struct Module {
    /// Its files.
    pub unit: Unit,
    /// Keys of the libraries whose headers it needs.
    pub libraries: Vec<String>,
    /// The function that makes it, if not `PyInit_` and the last part of its name.
    pub init: Option<String>,
}

/// How a module is written down.
#[derive(Deserialize)]
#[serde(untagged)]
enum ModuleForm {
    File(String),
    Files(Vec<String>),
    Table(ModuleTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModuleTable {
    #[serde(default)]
    directory: String,
    sources: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    cxx_flags: Vec<String>,
    #[serde(default)]
    libraries: Vec<String>,
    init: Option<String>,
}

impl From<ModuleForm> for Module {
    fn from(form: ModuleForm) -> Self {
        let plain = |sources| Self {
            unit: Unit {
                sources,
                ..Unit::default()
            },
            libraries: Vec::new(),
            init: None,
        };
        match form {
            ModuleForm::File(file) => plain(vec![file]),
            ModuleForm::Files(files) => plain(files),
            ModuleForm::Table(table) => Self {
                unit: Unit {
                    directory: table.directory,
                    sources: table.sources,
                    include: table.include,
                    flags: table.flags,
                    cxx_flags: table.cxx_flags,
                },
                libraries: table.libraries,
                init: table.init,
            },
        }
    }
}

impl Module {
    /// Returns the name of the function that makes the module called `name`.
    pub fn init(&self, name: &str) -> String {
        let last = name.rsplit('.').next().unwrap_or(name);
        let init = self.init.clone();
        init.unwrap_or_else(|| format!("PyInit_{last}"))
    }
}

/// The parts of `Lib` that are left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardLibrary {
    /// Names of files without `.py` and of directories, at the top of `Lib`.
    pub leave_out: Vec<String>,
}

impl Recipe {
    /// Reads the recipe in the directory `wasm`.
    pub fn read(wasm: &Path, pins: &Pins) -> Result<Self> {
        read(&wasm.join("cpython.toml"), pins)
    }
}

/// The recipe of a package, `packages/NAME/package.toml`. Its own tree is the archive of its name in `pins.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Pinned packages of Python's package index that the steps need.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Steps that make sources. They are run in turn.
    #[serde(default)]
    pub generate: Vec<Step>,
    /// Flags for every file.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Flags for every file of C++.
    #[serde(default)]
    pub cxx_flags: Vec<String>,
    /// Flags for the linker.
    #[serde(default)]
    pub link: Vec<String>,
    /// Libraries that modules need.
    #[serde(default)]
    pub libraries: BTreeMap<String, Unit>,
    /// Modules of C and C++, under their full names.
    #[serde(default)]
    pub modules: BTreeMap<String, Module>,
    /// Python files, and those that they read.
    #[serde(default)]
    pub python: Vec<PythonFiles>,
}

/// A command that makes sources. It is run in the directory `generated:NAME` of the package.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The program and its arguments. `{archive:NAME}`, `{generated:NAME}`, `{own:}` and `{cpython:}` stand for directories.
    pub run: Vec<String>,
}

/// Files that come into the archive beside the standard library, as if they were in site-packages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PythonFiles {
    /// The directory that packages are imported from.
    #[serde(default)]
    pub directory: String,
    /// Patterns of the files; those that start with `!` take away.
    pub files: Vec<String>,
}

impl Package {
    /// Returns the directory of the package called `name` in `wasm`.
    pub fn directory(wasm: &Path, name: &str) -> PathBuf {
        wasm.join("packages").join(name)
    }

    /// Returns the tree that the recipe of the package called `name` is about: its archive, or what is ours if it has
    /// none.
    pub fn root(name: &str, places: &Places) -> Result<PathBuf> {
        let archive = places.tree(&format!("archive:{name}"));
        archive.map_or_else(
            |_| places.resolve(&format!("own:packages/{name}"), Path::new("")),
            |path| Ok(path.to_owned()),
        )
    }

    /// Reads the recipe of the package called `name`.
    pub fn read(wasm: &Path, name: &str, pins: &Pins) -> Result<Self> {
        read(&Self::directory(wasm, name).join("package.toml"), pins)
    }
}

/// Reads a file, in which `{series}` stands for the series of CPython's releases, such as 3.13.
fn read<T: DeserializeOwned>(path: &Path, pins: &Pins) -> Result<T> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let text = text.replace("{series}", pins.cpython.series());
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_a_file_or_files_or_a_table() -> Result<()> {
        let modules: BTreeMap<String, Module> = toml::from_str(
            "
            one = 'one.c'
            two = ['one.c', 'two.c']
            \"a.b._three\" = { directory = 'archive:a/src', sources = ['*.cpp'], init = 'PyInit_3' }
            ",
        )?;
        let three = &modules["a.b._three"];
        assert_eq!(modules["one"].unit.sources, ["one.c"]);
        assert_eq!(modules["two"].unit.sources, ["one.c", "two.c"]);
        assert_eq!(three.unit.directory, "archive:a/src");
        assert_eq!(three.init("a.b._three"), "PyInit_3");
        assert_eq!(modules["one"].init("a.b._one"), "PyInit__one");
        Ok(())
    }
}
