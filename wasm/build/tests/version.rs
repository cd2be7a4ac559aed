//! Tests that the texts which name a version of Python name the pinned one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pinned::Pins;

/// Files and directories, from the root of the checkout.
const TEXTS: [&str; 5] = [
    "wasm/guest",
    "wasm/lib",
    "src",
    "xtask/tasks/src/compare_python",
    "docs",
];

/// Texts of other versions: of what happened, and of measurements.
const HISTORY: [&str; 2] = ["upgrading.md", "performance.md"];

/// The texts that a version comes behind.
const MARKS: [&str; 4] = [
    "python3.",
    "Python 3.",
    "python.org/3.",
    "VERSION: &str = \"3.",
];

#[test]
fn every_text_names_the_pinned_series() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pins = Pins::read(&root.join("wasm"))?;
    let series = pins.cpython.series();
    let mut files = Vec::new();
    for path in TEXTS {
        collect(&root.join(path), &mut files)?;
    }
    let mut found = 0;
    let mut wrong = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        for line in text.lines() {
            for named in MARKS.iter().filter_map(|mark| named(line, mark)) {
                found += 1;
                if named != series {
                    wrong.push(format!("{}: {line}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "not {series}:\n{}", wrong.join("\n"));
    assert!(found > 3, "only {found} texts name a version");
    // Its tables are of other versions, too.
    let readme = fs::read_to_string(root.join("README.md"))?;
    let scripts = format!("Scripts are Python {series} ");
    assert!(readme.contains(&scripts), "README.md: not {scripts:?}");
    Ok(())
}

/// Returns the series that `line` names behind `mark`, which ends with its first number and a dot.
fn named(line: &str, mark: &str) -> Option<String> {
    let (_, rest) = line.split_once(mark)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("3.{digits}"))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        if !HISTORY.iter().any(|name| path.ends_with(name)) {
            files.push(path.to_owned());
        }
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("reading {}", path.display()))? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
