//! Differential testing: random programs run in the service and in a native CPython of the same version.

mod grammar;
mod native;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use self::grammar::Grammar;
use self::native::Native;
use crate::client::Client;
use crate::service::{self, Service};

/// The number of programs per native process.
const BATCH: u64 = 500;

/// Command-line options.
#[derive(clap::Args)]
pub struct Options {
    /// The number of programs.
    #[arg(long, default_value_t = 1000)]
    programs: u64,
    /// The seed of the first program; the others follow.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The native CPython, of the sandbox's minor version. Texts of another patch release may differ.
    #[arg(long, default_value = "python3.13")]
    python: String,
    /// Only print the programs.
    #[arg(long)]
    print: bool,
}

/// The outcome of a program.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Outcome {
    /// `ok`, or the kind of error as in `X-Error-Kind`.
    kind: String,
    /// The result as JSON, or the error.
    text: String,
    stdout: String,
}

/// Prints every program whose outcomes differ, and fails if there is one.
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
    ensure!(different == 0, "the service differs from CPython");
    Ok(())
}

/// The body of any response.
#[derive(Deserialize)]
struct Body {
    error: Option<String>,
    stdout: String,
}

fn execute(client: &Client, program: &str) -> Result<Outcome> {
    let response = client.execute(program)?;
    let body: Body = serde_json::from_str(&response.body)?;
    let text = match body.error {
        Some(error) => error,
        None => raw_result(&response.body, &body.stdout)
            .context("a response without result or error")?
            .to_owned(),
    };
    let not_serializable = "main() returned a value that is not JSON-serializable: ";
    Ok(Outcome {
        kind: response.kind.unwrap_or_else(|| "ok".to_owned()),
        text: text
            .strip_prefix(not_serializable)
            .unwrap_or(&text)
            .to_owned(),
        stdout: body.stdout,
    })
}

/// Returns the text of the result, as it is in the body of a response.
fn raw_result<'a>(body: &'a str, stdout: &str) -> Option<&'a str> {
    let rest = format!(",\"stdout\":{}}}", serde_json::json!(stdout));
    body.strip_prefix(r#"{"result":"#)?.strip_suffix(&rest)
}
