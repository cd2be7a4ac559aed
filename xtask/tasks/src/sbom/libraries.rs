//! Software in the image besides crates: CPython, its C libraries, and the runtimes of compilers.
//! `libraries.toml` lists them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use serde::Deserialize;

use super::Part;
use super::crates::Crates;
use crate::{project, python};

#[derive(Deserialize)]
struct Libraries {
    library: Vec<Library>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Library {
    name: String,
    root: String,
    version: (String, String),
    license: String,
    cpe: Option<String>,
    #[serde(default)]
    texts: Vec<String>,
    #[serde(default)]
    comments: Vec<String>,
    #[cfg_attr(not(test), allow(dead_code))]
    #[serde(default)]
    builds: Vec<String>,
}

fn listed() -> Result<Vec<Library>> {
    let Libraries { library } = toml::from_str(include_str!("libraries.toml"))?;
    Ok(library)
}

/// Returns all of them; the sources of some are in `crates`.
pub fn parts(crates: &Crates) -> Result<Vec<Part>> {
    let part = |library: &Library| {
        part(library, crates).with_context(|| format!("in libraries.toml: {}", library.name))
    };
    listed()?.iter().map(part).collect()
}

fn part(library: &Library, crates: &Crates) -> Result<Part> {
    let root = root(&library.root, crates)?;
    let version = version(&root, &library.version.0, &library.version.1)?;
    let mut texts = Vec::new();
    for pattern in &library.texts {
        for path in files(&root, pattern)? {
            texts.push((file_name(&path), fs::read(&path)?));
        }
    }
    for pattern in &library.comments {
        for path in files(&root, pattern)? {
            let comment = first_comment(&fs::read_to_string(&path)?)?;
            texts.push((format!("{}.txt", file_name(&path)), comment.into_bytes()));
        }
    }
    ensure!(!texts.is_empty(), "there is no license text");
    let cpe = library.cpe.as_ref();
    Ok(Part {
        kind: "generic",
        cpe: cpe.map(|product| format!("cpe:2.3:a:{product}:{version}:*:*:*:*:*:*:*")),
        name: library.name.clone(),
        license: library.license.clone(),
        in_python: !["rust", "system"].contains(&library.root.as_str()),
        needs: Vec::new(),
        version,
        texts,
    })
}

fn root(name: &str, crates: &Crates) -> Result<PathBuf> {
    Ok(match name {
        "cpython" => python::sources()?,
        "zig" => python::compiler()?,
        "rust" => {
            let output = Command::new("rustc")
                .args(["--print", "sysroot"])
                .current_dir(project::root())
                .output()?;
            String::from_utf8(output.stdout)?.trim().into()
        }
        "system" => "/".into(),
        name => crates.directory(name)?.to_owned(),
    })
}

fn files(root: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let path = root.join(pattern);
    let found: Vec<_> = glob::glob(&path.to_string_lossy())?.collect::<Result<_, _>>()?;
    ensure!(!found.is_empty(), "{} is not there", path.display());
    Ok(found)
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn version(root: &Path, file: &str, pattern: &str) -> Result<String> {
    let path = files(root, file)?.remove(0);
    let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
    let text = format!("{}\n{text}", path.display());
    let found = Regex::new(pattern)?.captures(&text);
    let found = found.with_context(|| format!("{} has no version", path.display()))?;
    let groups = found.iter().skip(1).flatten().map(|group| group.as_str());
    Ok(groups.collect::<Vec<_>>().join("."))
}

/// Returns the text of the first comment in a C file.
fn first_comment(source: &str) -> Result<String> {
    let comment = source
        .split_once("/*")
        .and_then(|(_, rest)| rest.split_once("*/"));
    let (comment, _) = comment.context("there is no comment")?;
    let lines = comment
        .lines()
        .map(|line| line.trim_start_matches([' ', '*']).trim_end());
    Ok(lines.collect::<Vec<_>>().join("\n").trim().to_owned() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_of_the_recipe_is_listed() -> Result<()> {
        let recipe: toml::Table =
            toml::from_str(&fs::read_to_string(project::wasm().join("cpython.toml"))?)?;
        let recipe = recipe["libraries"].as_table().context("a table")?;
        let mut built: Vec<_> = recipe.keys().cloned().collect();
        let mut listed: Vec<_> = listed()?
            .into_iter()
            .flat_map(|library| library.builds)
            .collect();
        built.sort();
        listed.sort();
        assert_eq!(built, listed);
        Ok(())
    }

    #[test]
    fn a_comment_is_plain_text() -> Result<()> {
        let source = "#pragma once\n/*\n** One\n **\n * Two */ int x; /* three */";
        assert_eq!(first_comment(source)?, "One\n\nTwo\n");
        Ok(())
    }
}
