//! `tests.toml`: excluded modules and known failures of CPython's tests.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use glob::Pattern;
use serde::Deserialize;

/// The expected deviations of CPython's tests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// Reasons, and the modules that are excluded for them.
    pub excluded: BTreeMap<String, Vec<String>>,
    /// Modules that skip themselves as a whole although most of their tests can run; they are run.
    pub not_skipped: Vec<String>,
    /// Explained failures.
    #[serde(default)]
    pub known: Vec<Known>,
}

/// A kind of failure and its explanation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The explanation.
    pub why: String,
    /// Patterns of the tests' names.
    #[serde(default = "any_name")]
    tests: Vec<String>,
    /// A pattern of the failure's message.
    #[serde(default = "any_text")]
    message: String,
}

fn any_name() -> Vec<String> {
    vec![any_text()]
}

fn any_text() -> String {
    "*".to_owned()
}

impl Expectations {
    /// Reads the file.
    pub fn read() -> Result<Self> {
        toml::from_str(include_str!("tests.toml"))
            .context("in xtask/tasks/src/test_python/tests.toml")
    }

    /// Returns the reason why `module` is excluded, if it is.
    pub fn exclusion(&self, module: &str) -> Option<&str> {
        let mut reasons = self.excluded.iter();
        reasons
            .find(|(_, modules)| modules.iter().any(|name| name == module))
            .map(|(reason, _)| &**reason)
    }

    /// Returns the index in [`Self::known`] of the explanation for a failure of `test` with this message.
    pub fn explain(&self, test: &str, why: &str) -> Result<Option<usize>> {
        for (number, known) in self.known.iter().enumerate() {
            if known.covers(test, why)? {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

impl Known {
    fn covers(&self, test: &str, why: &str) -> Result<bool> {
        if !Pattern::new(&self.message)?.matches(why) {
            return Ok(false);
        }
        for tests in &self.tests {
            if Pattern::new(tests)?.matches(test) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
