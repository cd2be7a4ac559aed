//! Tests of the Dockerfile's layers: each copies the files that it needs and no others, so that an edit
//! repeats only the layers that depend on it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::project;

/// A layer that runs a command.
struct Layer {
    /// The paths that are copied before it, which are the same in the checkout and in the image.
    paths: Vec<String>,
    command: String,
}

/// Returns the layers of the build stage in their order.
fn layers() -> Result<Vec<Layer>> {
    let text = fs::read_to_string(project::root().join("Dockerfile"))?.replace("\\\n", " ");
    let (_, after) = text.split_once("WORKDIR /src\n").context("no WORKDIR")?;
    let (build, _) = after.split_once("\nFROM ").context("no last stage")?;
    let mut layers = Vec::new();
    let mut paths = Vec::new();
    for line in build.lines() {
        if let Some(copy) = line.strip_prefix("COPY ") {
            let mut words: Vec<_> = copy.split_whitespace().map(str::to_owned).collect();
            words.pop();
            paths.extend(words);
        } else if let Some(command) = line.strip_prefix("RUN ") {
            let (paths, command) = (std::mem::take(&mut paths), command.to_owned());
            layers.push(Layer { paths, command });
        }
    }
    Ok(layers)
}

/// Copies a file or a directory.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_file() {
        fs::create_dir_all(to.parent().context("a file has a directory")?)?;
        fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
        return Ok(());
    }
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Runs cargo in `directory`, a copy of the checkout, with this checkout's target directory.
fn cargo(directory: &Path, arguments: &[&str]) -> Result<()> {
    let mut cargo = project::cargo_command();
    cargo.args(arguments).args(["--offline", "--locked"]);
    pinned::run(cargo.current_dir(directory))
}

#[test]
fn every_layer_has_the_files_that_it_needs() -> Result<()> {
    let image = tempfile::tempdir()?;
    for Layer { paths, command } in layers()? {
        for path in &paths {
            let (from, to) = (project::root().join(path), image.path().join(path));
            copy(&from, &to)?;
        }
        for step in command.split(" && ").map(str::trim) {
            if step.starts_with("mkdir ") || step.starts_with("touch ") {
                let mut shell = Command::new("/bin/sh");
                let status = shell
                    .args(["-c", step])
                    .current_dir(image.path())
                    .status()?;
                ensure!(status.success(), "{step}");
            } else if step.contains("--package pinned") {
                cargo(image.path(), &["check", "--release", "--package", "pinned"])?;
            } else if step == "cargo xtask fetch-python" {
                let packages = ["--package", "python-build", "--package", "xtask"];
                cargo(
                    image.path(),
                    &[&["check", "--release"][..], &packages].concat(),
                )?;
            } else if step == "cargo xtask image --dependencies" {
                cargo(image.path(), &["check", "--release", "--package", "tasks"])?;
            }
        }
    }
    // The licenses and what templates need are read at the very end.
    cargo(
        image.path(),
        &["metadata", "--format-version", "1", "--no-deps"],
    )?;
    for file in ["LICENSE", "askama.toml", "src/main.rs", "wasm/pins.toml"] {
        assert!(image.path().join(file).is_file(), "{file} is missing");
    }
    Ok(())
}

#[test]
fn an_edit_repeats_only_what_depends_on_it() -> Result<()> {
    let layers = layers()?;
    let copied_until = |step: &str| -> Result<Vec<&str>> {
        let end = layers.iter().position(|layer| layer.command.contains(step));
        let end = end.with_context(|| format!("nothing runs {step}"))?;
        let paths = layers[..=end].iter().flat_map(|layer| &layer.paths);
        Ok(paths.map(String::as_str).collect())
    };
    let manifests = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo"];
    let downloads = [
        "xtask/Cargo.toml",
        "xtask/pinned",
        "xtask/tasks/Cargo.toml",
        "wasm/build/Cargo.toml",
        "wasm/pins.toml",
    ];
    let downloads = [&manifests[..], &downloads].concat();
    assert_eq!(copied_until("--package pinned")?, downloads);
    let interpreter = ["xtask/src", "wasm", "src/sandbox/module_config.rs"];
    let interpreter = [&downloads[..], &interpreter].concat();
    assert_eq!(copied_until("fetch-python")?, interpreter);
    let dependencies = [&interpreter[..], &["xtask/tasks"]].concat();
    assert_eq!(copied_until("--dependencies")?, dependencies);
    let service = [&dependencies[..], &["LICENSE", "askama.toml", "src"]].concat();
    assert_eq!(copied_until("--to /image")?, service);
    Ok(())
}
