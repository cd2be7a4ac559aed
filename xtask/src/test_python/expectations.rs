//! Reads `tests.toml`: what is left out and which failures are known.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use glob::Pattern;
use serde::Deserialize;

/// What is expected of CPython's tests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// Reasons and the modules that are left out for them.
    pub left_out: BTreeMap<String, Vec<String>>,
    /// Modules that skip themselves as a whole for what only parts of them need; here they run.
    pub insist: Vec<String>,
    /// Failures that are explained.
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
    #[serde(default = "anything")]
    tests: Vec<String>,
    /// A pattern of what the failure says.
    #[serde(default = "anything_at_all")]
    says: String,
}

fn anything() -> Vec<String> {
    vec![anything_at_all()]
}

fn anything_at_all() -> String {
    "*".to_owned()
}

impl Expectations {
    /// Reads them.
    pub fn read() -> Result<Self> {
        toml::from_str(include_str!("tests.toml")).context("in xtask/src/test_python/tests.toml")
    }

    /// Why `module` is left out, if it is.
    pub fn left_out(&self, module: &str) -> Option<&str> {
        let mut reasons = self.left_out.iter();
        reasons
            .find(|(_, modules)| modules.iter().any(|name| name == module))
            .map(|(reason, _)| &**reason)
    }

    /// The number of the explanation in [`Self::known`] for a failure of `test` that says `why`.
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
        if !Pattern::new(&self.says)?.matches(why) {
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
