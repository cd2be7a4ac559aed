//! Mutation tests of the limits: the enforcement of one limit after the other is removed from a copy of the
//! checkout, and a test must fail.

mod checkout;
mod table;

use std::time::Duration;

use anyhow::{Result, ensure};

use self::checkout::{Checkout, Ended};
use self::table::{Limit, Table};
use crate::python;

/// Command-line options.
#[derive(clap::Args)]
pub struct Options {
    /// Limits to prove, by their names in prove_limits.toml [default: all].
    limits: Vec<String>,
    /// Seconds after which a test is killed, which proves nothing.
    #[arg(long, default_value_t = 180)]
    timeout: u64,
}

/// Runs the tests with all limits, and then each one without its limit.
pub fn run(options: &Options) -> Result<()> {
    python::build()?;
    let table = Table::read()?;
    let chosen = table.chosen(&options.limits)?;
    let checkout = Checkout::copy(Duration::from_secs(options.timeout))?;

    println!("With all limits in force:");
    let mut tests: Vec<_> = chosen.iter().map(|limit| &limit.test).collect();
    tests.sort();
    tests.dedup();
    for test in tests {
        let ended = checkout.run(test)?;
        println!("  {test}: {ended}");
        ensure!(
            ended == Ended::Passed,
            "{test} must pass with the limits in force"
        );
    }

    println!("\n{:<26}{:<64}without it", "limit", "test");
    let mut unproved = Vec::new();
    for limit in chosen {
        let ended = without(&checkout, limit)?;
        println!("{:<26}{:<64}{ended}", limit.name, limit.test.to_string());
        if !matches!(ended, Ended::Failed(_)) {
            unproved.push(&*limit.name);
        }
    }
    ensure!(
        unproved.is_empty(),
        "no test fails without {}",
        unproved.join(", ")
    );
    Ok(())
}

/// Runs the test of a limit that is not enforced.
fn without(checkout: &Checkout, limit: &Limit) -> Result<Ended> {
    for edit in &limit.edits {
        checkout.edit(edit)?;
    }
    let ended = checkout.run(&limit.test);
    for edit in &limit.edits {
        checkout.restore(&edit.file)?;
    }
    ended
}
