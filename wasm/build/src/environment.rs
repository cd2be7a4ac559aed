//! Environments: interpreters with the packages that they have, as data in `environments/NAME.toml`.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// An interpreter.
#[derive(Deserialize, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The environment that has all that comes before what is listed here.
    extends: Option<String>,
    /// Packages, by the names of their directories in `packages`. One comes after those that it needs.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Modules that are imported before the snapshot.
    #[serde(default)]
    pub preload: Vec<String>,
    /// Directories with Python files of ours. A file replaces one of the same path in an earlier directory.
    #[serde(default)]
    pub library: Vec<String>,
    /// The C files of ours.
    pub guest: Option<Guest>,
}

/// The C files in the directory `guest`, as patterns in the linker's order.
#[derive(Deserialize, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    /// Those that are linked into everything.
    pub sources: Vec<String>,
    /// Those that make a guest of CPython.
    pub main: Vec<String>,
    /// Those that make the build's own compiler of Python of it.
    pub compiler: Vec<String>,
}

impl Environment {
    /// Reads the environment called `name` in the directory `wasm`, and those that it extends.
    pub fn read(wasm: &Path, name: &str) -> Result<Self> {
        let path = wasm.join("environments").join(format!("{name}.toml"));
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading {}", path.display()))?;
        let mut environment: Self =
            toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        if let Some(base) = environment.extends.take() {
            let base = Self::read(wasm, &base)?;
            for (own, base) in [
                (&mut environment.packages, base.packages),
                (&mut environment.preload, base.preload),
                (&mut environment.library, base.library),
            ] {
                own.splice(..0, base);
            }
            environment.guest = environment.guest.or(base.guest);
        }
        Ok(environment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_has_all_that_the_one_before_has() -> Result<()> {
        let wasm = tempfile::tempdir()?;
        let directory = wasm.path().join("environments");
        std::fs::create_dir(&directory)?;
        std::fs::write(
            directory.join("a.toml"),
            "preload = ['re']\nguest = { sources = [], main = ['a.c'], compiler = [] }\n",
        )?;
        std::fs::write(
            directory.join("b.toml"),
            "extends = 'a'\npackages = ['numpy']\npreload = ['numpy']\n",
        )?;
        let environment = Environment::read(wasm.path(), "b")?;
        assert_eq!(environment.packages, ["numpy"]);
        assert_eq!(environment.preload, ["re", "numpy"]);
        let guest = environment.guest.context("a guest")?;
        assert_eq!(guest.main, ["a.c"]);
        Ok(())
    }
}
