//! The crates that the service is linked from.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand, Package};

use super::Part;
use crate::project;

/// The beginnings of the names of files with licenses.
const LICENSE_FILES: [&str; 6] = [
    "LICENSE",
    "LICENCE",
    "COPYING",
    "COPYRIGHT",
    "NOTICE",
    "UNLICENSE",
];

/// All crates of Cargo.lock, and the ones that are linked into the service.
pub struct Crates {
    metadata: Metadata,
    linked: BTreeSet<(String, String)>,
}

impl Crates {
    /// Reads them from cargo, which downloads missing ones.
    pub fn read() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .current_dir(project::root())
            .other_options(vec!["--locked".into()])
            .exec()?;
        Ok(Self {
            metadata,
            linked: linked()?,
        })
    }

    /// Returns a crate's directory.
    pub fn directory(&self, name: &str) -> Result<&Path> {
        let package = self
            .metadata
            .packages
            .iter()
            .find(|package| package.name == name);
        let package = package.with_context(|| format!("{name} is not in Cargo.lock"))?;
        directory(package)
    }

    /// Returns the crates in the service except the service itself.
    pub fn parts(&self) -> Result<Vec<Part>> {
        let linked = self.packages().filter(|package| package.source.is_some());
        linked.map(|package| self.part(package)).collect()
    }

    fn packages(&self) -> impl Iterator<Item = &Package> {
        let packages = self.metadata.packages.iter();
        packages.filter(|package| self.linked.contains(&key(package)))
    }

    fn part(&self, package: &Package) -> Result<Part> {
        let license = package.license.clone().unwrap_or_default();
        let mut texts = texts_beside(directory(package)?)?;
        if texts.is_empty() {
            texts = standard_texts(&license)
                .with_context(|| format!("{} has no license text", package.name))?;
        }
        Ok(Part {
            name: package.name.to_string(),
            version: package.version.to_string(),
            license,
            kind: "cargo",
            cpe: None,
            texts,
            in_python: false,
            needs: self.needs(package),
        })
    }

    /// Returns the dependencies of a crate that are in the service.
    fn needs(&self, package: &Package) -> Vec<(String, String)> {
        let nodes = self
            .metadata
            .resolve
            .iter()
            .flat_map(|resolve| &resolve.nodes);
        let node = nodes.into_iter().find(|node| node.id == package.id);
        let needed: BTreeSet<_> = node.iter().flat_map(|node| &node.dependencies).collect();
        self.packages()
            .filter(|package| needed.contains(&package.id))
            .map(key)
            .collect()
    }
}

fn directory(package: &Package) -> Result<&Path> {
    let directory = package.manifest_path.parent();
    Ok(directory
        .context("a manifest has a directory")?
        .as_std_path())
}

fn key(package: &Package) -> (String, String) {
    (package.name.to_string(), package.version.to_string())
}

/// Returns names and versions of the crates that are linked into the service. `cargo metadata` unifies the
/// features of all packages in the workspace, so it lists more.
fn linked() -> Result<BTreeSet<(String, String)>> {
    let tree = [
        "tree",
        "--locked",
        "--package",
        "python-executor",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
    ];
    let text = pinned::output(project::cargo_command().args(tree))?;
    let line = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        let version = rest.split(' ').next()?;
        Some((name.to_owned(), version.to_owned()))
    };
    Ok(text.lines().filter_map(line).collect())
}

fn texts_beside(directory: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut texts = Vec::new();
    for entry in directory.read_dir()? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let upper = name.to_uppercase();
        if path.is_file() && LICENSE_FILES.iter().any(|start| upper.starts_with(start)) {
            texts.push((name.to_owned(), std::fs::read(&path)?));
        }
    }
    texts.sort();
    Ok(texts)
}

/// Returns the standard texts of the licenses in an SPDX expression, for crates without license files.
fn standard_texts(license: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let expression = spdx::Expression::parse_mode(license, spdx::ParseMode::LAX)?;
    let texts = expression.requirements().filter_map(|requirement| {
        let id = requirement.req.license.id()?;
        Some((format!("{}.txt", id.name), id.text().into()))
    });
    let texts: Vec<_> = texts.collect();
    ensure!(!texts.is_empty(), "{license:?} names no license");
    Ok(texts)
}
