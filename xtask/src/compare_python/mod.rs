//! Runs random programs in the service and in a native CPython of the same version, and tells where
//! the two differ.

mod grammar;
mod native;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use self::grammar::Grammar;
use self::native::Native;
use crate::client::Client;
use crate::service::{self, Service};

/// Programs that one native process runs.
const BATCH: u64 = 500;

/// What to compare.
#[derive(clap::Args)]
pub struct Options {
    /// How many programs.
    #[arg(long, default_value_t = 1000)]
    programs: u64,
    /// The first program's seed; the next ones follow it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The native CPython, of the sandbox's minor version. Another patch release may differ in a few
    /// words.
    #[arg(long, default_value = "python3.13")]
    python: String,
    /// Print the programs instead.
    #[arg(long)]
    print: bool,
}

/// What came of a program.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Outcome {
    /// `ok` or the contract's kind of error.
    kind: String,
    /// The result as JSON, or the error.
    text: String,
    stdout: String,
}

/// Compares, and prints every program that is not the same in both.
pub fn run(options: &Options) -> Result<()> {
    let grammar = Grammar::read()?;
    let seeds = options.seed..options.seed + options.programs;
    if options.print {
        for seed in seeds {
            println!("# {seed}\n{}", grammar.program(seed));
        }
        return Ok(());
    }
    let Some(native) = Native::find(&options.python) else {
        println!(
            "skipped: {} is no CPython {}",
            options.python,
            native::VERSION
        );
        return Ok(());
    };
    service::build()?;
    let service = Service::start(&[])?;
    let client = Client::new(&service.url);
    let mut different = 0;
    for first in seeds.clone().step_by(usize::try_from(BATCH)?) {
        let batch = first..seeds.end.min(first + BATCH);
        let programs: Vec<_> = batch.clone().map(|seed| grammar.program(seed)).collect();
        let expected = native.run(&programs)?;
        for ((seed, program), expected) in batch.zip(&programs).zip(&expected) {
            let found = execute(&client, program)?;
            if found != *expected {
                different += 1;
                println!("--- {seed}\n{program}\nnative: {expected:#?}\nservice: {found:#?}");
            }
        }
    }
    println!("{} programs, {different} differ", options.programs);
    ensure!(different == 0, "the service is not Python");
    Ok(())
}

/// The body of any answer.
#[derive(Deserialize)]
struct Answer {
    error: Option<String>,
    stdout: String,
}

fn execute(client: &Client, program: &str) -> Result<Outcome> {
    let told = client.execute(program)?;
    let answer: Answer = serde_json::from_str(&told.body)?;
    let text = match answer.error {
        Some(error) => error,
        None => raw_result(&told.body, &answer.stdout)
            .context("an answer without result or error")?
            .to_owned(),
    };
    let not_serializable = "main() returned a value that is not JSON-serializable: ";
    Ok(Outcome {
        kind: told.kind.unwrap_or_else(|| "ok".to_owned()),
        text: text
            .strip_prefix(not_serializable)
            .unwrap_or(&text)
            .to_owned(),
        stdout: answer.stdout,
    })
}

/// The text of the result, digit by digit: all but the rest of the contract's body.
fn raw_result<'a>(body: &'a str, stdout: &str) -> Option<&'a str> {
    let rest = format!(",\"stdout\":{}}}", serde_json::json!(stdout));
    body.strip_prefix(r#"{"result":"#)?.strip_suffix(&rest)
}
