//! Counts of outcomes, and the report in Markdown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::AddAssign;

use anyhow::{Result, bail};

use super::expectations::Expectations;
use super::session::{Kind, Test};

/// Numbers of tests by outcome.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Counts {
    /// Returns the percentage of passed tests among those that ran.
    fn percent(self) -> f64 {
        let ran = self.passed + self.failed;
        if ran == 0 {
            return 0.0;
        }
        // Rounded down, so that 100 means all.
        (self.passed * 1000 / ran) as f64 / 10.0
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// A test module and the outcomes of its tests.
pub struct Module {
    /// Its name, such as `test_json`.
    pub name: String,
    counts: Counts,
    /// Reasons for skipped tests, and their numbers.
    skips: BTreeMap<String, usize>,
    failures: Vec<Failure>,
}

struct Failure {
    test: Test,
    /// The index of its explanation.
    known: Option<usize>,
}

impl Module {
    /// Counts `tests`.
    pub fn new(name: &str, tests: Vec<Test>, expectations: &Expectations) -> Result<Self> {
        let mut module = Self {
            name: name.to_owned(),
            counts: Counts::default(),
            skips: BTreeMap::new(),
            failures: Vec::new(),
        };
        for test in tests {
            match test.kind {
                Kind::Passed => module.counts.passed += 1,
                Kind::Skipped => {
                    module.counts.skipped += 1;
                    *module.skips.entry(test.why).or_default() += 1;
                }
                Kind::Failed => {
                    module.counts.failed += 1;
                    let known = expectations.explain(&test.name, &test.why)?;
                    module.failures.push(Failure { test, known });
                }
            }
        }
        Ok(module)
    }

    /// Returns a line for people, and one more for each unexplained failure.
    pub fn line(&self) -> String {
        let Counts {
            passed,
            failed,
            skipped,
        } = self.counts;
        let mut text = format!(
            "{}: {passed} passed, {failed} failed, {skipped} skipped",
            self.name
        );
        if let Some(reason) = self.skipped_whole() {
            let _ = write!(text, " as a whole: {reason}");
        }
        for failure in self.unexplained() {
            let why = failure.test.why.lines().next().unwrap_or_default();
            let _ = write!(text, "\n    {}: {why}", failure.test.name);
        }
        text
    }

    /// Returns all failures with their tracebacks.
    pub fn details(&self) -> String {
        let mut text = String::new();
        for failure in &self.failures {
            let known = if failure.known.is_some() {
                " (explained)"
            } else {
                ""
            };
            let Test {
                name, why, trace, ..
            } = &failure.test;
            let _ = writeln!(text, "=== {name}{known}\n{why}\n{trace}");
        }
        text
    }

    /// Returns the reason why no test of the module ran, if none did.
    fn skipped_whole(&self) -> Option<&str> {
        let ran = self.counts.passed + self.counts.failed;
        let (reason, _) = self.skips.iter().max_by_key(|(_, count)| **count)?;
        (ran == 0).then_some(reason)
    }

    fn unexplained(&self) -> impl Iterator<Item = &Failure> {
        self.failures
            .iter()
            .filter(|failure| failure.known.is_none())
    }
}

/// The outcomes of all modules.
pub struct Report<'a> {
    modules: Vec<Module>,
    expectations: &'a Expectations,
    counts: Counts,
}

impl<'a> Report<'a> {
    /// Returns the report of `modules`, which are sorted by name.
    pub fn new(modules: Vec<Module>, expectations: &'a Expectations) -> Self {
        let mut counts = Counts::default();
        for module in &modules {
            counts += module.counts;
        }
        Self {
            modules,
            expectations,
            counts,
        }
    }

    /// Returns the counts as a line for people.
    pub fn summary(&self) -> String {
        let Counts {
            passed,
            failed,
            skipped,
        } = self.counts;
        format!(
            "{} modules: {passed} tests passed ({:.1} % of those that ran), {failed} failed ({} without an \
             explanation), {skipped} were skipped",
            self.modules.len(),
            self.counts.percent(),
            self.unexplained(),
        )
    }

    /// Checks that every failure is explained.
    pub fn check(&self) -> Result<()> {
        match self.unexplained() {
            0 => Ok(()),
            count => {
                bail!(
                    "{count} failures are not explained in xtask/tasks/src/test_python/tests.toml"
                )
            }
        }
    }

    fn unexplained(&self) -> usize {
        let modules = self.modules.iter();
        modules.map(|module| module.unexplained().count()).sum()
    }

    /// Returns the explanations of failures that did not occur.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        let failures = self.modules.iter().flat_map(|module| &module.failures);
        let used: BTreeSet<usize> = failures.filter_map(|failure| failure.known).collect();
        let known = self.expectations.known.iter().enumerate();
        known
            .filter(move |(number, _)| !used.contains(number))
            .map(|(_, known)| &*known.why)
    }

    /// Returns the report in Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = String::from(
            "# CPython's own tests\n\n\
             Written by `cargo xtask test-python`, which sends the tests that come with CPython to the service, \
             module by module, with higher limits than scripts have. A test is a test method; it counts as \
             failed when any part of it fails. Tests that skip themselves count for nothing.\n\n",
        );
        let _ = writeln!(text, "{}.\n", self.summary());
        self.write_modules(&mut text);
        self.write_failures(&mut text);
        self.write_skips(&mut text);
        self.write_excluded(&mut text);
        text
    }

    fn write_modules(&self, text: &mut String) {
        text.push_str(
            "## Modules\n\n| module | passed | failed | skipped |\n|---|---:|---:|---:|\n",
        );
        for module in &self.modules {
            let Counts {
                passed,
                failed,
                skipped,
            } = module.counts;
            if module.skipped_whole().is_none() {
                let name = &module.name;
                let _ = writeln!(text, "| {name} | {passed} | {failed} | {skipped} |");
            }
        }
        text.push('\n');
    }

    fn write_failures(&self, text: &mut String) {
        /// Longer lists of names are replaced by a number.
        const SHORT: usize = 6;
        let mut reasons: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
        for module in &self.modules {
            for failure in &module.failures {
                let known = failure.known.map(|number| &self.expectations.known[number]);
                let reason = known.map_or("Not explained.", |known| &known.why);
                let modules = reasons.entry(reason).or_default();
                let names = modules.entry(&module.name).or_default();
                names.push(&failure.test.name);
            }
        }
        text.push_str("## Failures\n\n");
        for (reason, modules) in reasons {
            let count: usize = modules.values().map(Vec::len).sum();
            let _ = write!(text, "{reason} ({count})\n\n");
            for (module, names) in modules {
                let _ = match names.len() {
                    ..=SHORT => writeln!(text, "- `{}`", names.join("`, `")),
                    count => writeln!(text, "- {count} tests of {module}"),
                };
            }
            text.push('\n');
        }
    }

    fn write_skips(&self, text: &mut String) {
        /// Rarer reasons are not listed.
        const OFTEN: usize = 10;
        let mut skips: BTreeMap<&str, usize> = BTreeMap::new();
        for (reason, count) in self.modules.iter().flat_map(|module| &module.skips) {
            *skips.entry(reason).or_default() += count;
        }
        let mut skips: Vec<_> = skips.into_iter().collect();
        skips.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let _ = write!(
            text,
            "## Skipped\n\nReasons that at least {OFTEN} tests or modules give.\n\n| reason | times |\n|---|---:|\n"
        );
        for (reason, count) in skips.iter().filter(|(_, count)| *count >= OFTEN) {
            let _ = writeln!(text, "| {} | {count} |", one_line(reason));
        }
        text.push_str("\nModules of which nothing ran:\n\n| module | reason |\n|---|---|\n");
        for module in &self.modules {
            if let Some(reason) = module.skipped_whole() {
                let _ = writeln!(text, "| {} | {} |", module.name, one_line(reason));
            }
        }
        text.push('\n');
    }

    fn write_excluded(&self, text: &mut String) {
        text.push_str("## Left out\n\n");
        for (reason, modules) in &self.expectations.excluded {
            let _ = writeln!(text, "- {reason}: {}", modules.join(", "));
        }
    }
}

/// Escapes `text` for a cell of a table.
fn one_line(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
