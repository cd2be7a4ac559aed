//! Sources that are generated: the steps of a package's recipe, run before anything is compiled.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache::mark_used;
use crate::compiler;
use crate::digest::{Fingerprint, directory_digest};
use crate::places::Places;
use crate::recipe::Step;

/// The name that a package's directory of generated sources has in `places`.
pub fn place(package: &str) -> String {
    format!("generated:{package}")
}

/// Runs `steps` of `package` in a new directory under `work`, and returns that. `own` is the package's directory with its
/// recipe; `tools` are directories of Python packages that the steps can import. What is there is used again
/// while steps, tools, recipe and sources are the same.
pub fn run(
    package: &str,
    steps: &[Step],
    tools: &[PathBuf],
    own: &Path,
    places: &Places,
    work: &Path,
) -> Result<PathBuf> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.add(directory_digest(own)?);
    for tree in places.paths().chain(tools.iter().map(PathBuf::as_path)) {
        // The names of trees tell what is in them.
        fingerprint.add(tree.file_name().unwrap_or_default().as_encoded_bytes());
    }
    let made = work.join(format!("{package}-generated-{}", fingerprint.name()));
    if made.exists() {
        mark_used(&made)?;
        return Ok(made);
    }
    let directory = tempfile::tempdir_in(work)?;
    let path = std::env::join_paths(tools)?;
    for step in steps {
        let name = format!("{{{}}}", place(package));
        let mut words = step.run.iter().map(|word| {
            let word = word.replace(&name, &directory.path().to_string_lossy());
            places.expanded(&word)
        });
        let program = words.next().context("a step without a program")?;
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(directory.path())
            .env("PYTHONPATH", &path)
            // The same sources make the same files.
            .env("PYTHONHASHSEED", "0")
            .env("SOURCE_DATE_EPOCH", compiler::EPOCH);
        compiler::run(&mut command).with_context(|| format!("generating sources of {package}"))?;
    }
    std::fs::rename(directory.keep(), &made)?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_make_files_once() -> Result<()> {
        let root = tempfile::tempdir()?;
        let (own, work) = (root.path().join("own"), root.path().join("work"));
        std::fs::create_dir(&own)?;
        std::fs::create_dir(&work)?;
        std::fs::write(own.join("template.c"), "int x;\n")?;
        let mut places = Places::default();
        places.add("own:", &own);
        let steps = [
            Step {
                run: vec!["cp".into(), "{own:}/template.c".into(), "a.c".into()],
            },
            Step {
                run: vec!["cp".into(), "a.c".into(), "{generated:numpy}/b.c".into()],
            },
        ];
        let run = || run("numpy", &steps, &[], &own, &places, &work);
        let made = run()?;
        assert_eq!(std::fs::read_to_string(made.join("b.c"))?, "int x;\n");
        std::fs::remove_file(made.join("a.c"))?;
        assert_eq!(run()?, made);
        assert!(!made.join("a.c").exists());
        std::fs::write(own.join("template.c"), "int y;\n")?;
        assert_ne!(run()?, made);
        Ok(())
    }
}
