//! The limits, the edits that disable each one, and the test that must fail then.

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
    /// Its name in docs/security.md.
    pub name: String,
    /// The test that must fail.
    pub test: Test,
    /// The edits that remove the enforcement.
    pub edits: Vec<Edit>,
}

/// The location of a test.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Its package.
    #[serde(default = "service")]
    pub package: String,
    /// Its file in `tests/`; unit tests have none.
    pub file: Option<String>,
    /// Its full name.
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
    /// The text to replace, which must occur exactly once.
    pub find: String,
    /// The replacement.
    pub replace: String,
}

impl Table {
    /// Reads the table.
    pub fn read() -> Result<Self> {
        toml::from_str(include_str!("prove_limits.toml")).context("prove_limits.toml")
    }

    /// Returns the limits with these names, or all.
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
    /// Returns the text with the change.
    pub fn apply(&self, text: &str) -> Result<String> {
        let count = text.matches(&self.find).count();
        ensure!(
            count == 1,
            "{} has {:?} {count} times instead of once",
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

    /// The table in docs/security.md lists the limits and the files that enforce them.
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
