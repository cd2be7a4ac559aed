//! The limits, how each is switched off, and which test must notice.

use std::fmt;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// `prove_limits.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    limit: Vec<Limit>,
}

/// A limit and its proof.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// As docs/security.md calls it.
    pub name: String,
    /// The test that must fail.
    pub test: Test,
    /// What takes the enforcement out.
    pub edits: Vec<Edit>,
}

/// Where a test is.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The crate.
    #[serde(default = "service")]
    pub package: String,
    /// The file in `tests/`; without it, the test is one of the program's own.
    pub file: Option<String>,
    /// The whole name of the test.
    pub name: String,
}

fn service() -> String {
    "python-executor".into()
}

/// A change of a source file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Relative to the checkout.
    pub file: String,
    /// What is there, exactly once.
    pub find: String,
    /// What comes in its place.
    pub replace: String,
}

impl Table {
    /// The table of this checkout.
    pub fn read() -> Result<Self> {
        toml::from_str(include_str!("prove_limits.toml")).context("prove_limits.toml")
    }

    /// The limits with these names, or all.
    pub fn chosen(&self, names: &[String]) -> Result<Vec<&Limit>> {
        for name in names {
            let known = self.limit.iter().any(|limit| limit.name == *name);
            ensure!(known, "prove_limits.toml has no {name:?}");
        }
        let wanted = |limit: &&Limit| names.is_empty() || names.contains(&limit.name);
        Ok(self.limit.iter().filter(wanted).collect())
    }
}

impl Edit {
    /// The text of the file with the change.
    pub fn apply(&self, text: &str) -> Result<String> {
        let count = text.matches(&self.find).count();
        ensure!(
            count == 1,
            "{} has {:?} {count} times, not once",
            self.file,
            self.find
        );
        Ok(text.replacen(&self.find, &self.replace, 1))
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.file.as_deref().unwrap_or(&self.package);
        write!(f, "{place}: {}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::project;

    #[test]
    fn every_edit_fits_the_source() -> Result<()> {
        for edit in Table::read()?.limit.iter().flat_map(|limit| &limit.edits) {
            let text = fs::read_to_string(project::root().join(&edit.file))?;
            assert_ne!(edit.apply(&text)?, text, "{}", edit.file);
        }
        Ok(())
    }

    /// The table of docs/security.md names the limits and where they are enforced.
    #[test]
    fn every_limit_of_the_documents_has_a_proof() -> Result<()> {
        let text = fs::read_to_string(project::root().join("docs/security.md"))?;
        let (_, limits) = text
            .split_once("\n## Limits\n")
            .context("it has the chapter")?;
        let rows = limits.lines().skip_while(|line| !line.starts_with("|--"));
        let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
        let documented: BTreeSet<_> = rows
            .map(|row| {
                let cells: Vec<_> = row.split('|').map(str::trim).collect();
                let file = format!("src/{}", cells[4].trim_matches('`'));
                (cells[1].to_owned(), file)
            })
            .collect();
        let proved = Table::read()?.limit.into_iter();
        let proved = proved.map(|limit| (limit.name, limit.edits[0].file.clone()));
        assert_eq!(documented, proved.collect());
        Ok(())
    }
}
