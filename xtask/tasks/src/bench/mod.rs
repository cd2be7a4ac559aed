//! Benchmarks of the service and of the programs that it is compared with, in one run: machines are noisy,
//! so only ratios are meaningful.

mod density;
mod fairness;
mod load;
mod native;
mod process;
mod programs;
mod report;
mod rivals;
mod scripts;
mod size;
mod summary;

use std::path::PathBuf;

use anyhow::Result;

use self::native::Native;
use self::report::Report;
use crate::project;
use crate::service;

/// Command-line options.
#[derive(clap::Args)]
pub struct Options {
    /// The parts to measure [default: all].
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// The number of repetitions of each measurement; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The Python to compare with; name a fast one, such as a distribution's own.
    #[arg(long, value_name = "COMMAND", default_value = "python3")]
    native: String,
    /// Another service with `POST /execute`, to be measured in turns with this one.
    #[arg(long, value_name = "NAME=URL,PID")]
    rival: Vec<scripts::Rival>,
    /// The file to write the figures to, as JSON.
    #[arg(long, default_value = project::target().join("bench.json").into_os_string())]
    json: PathBuf,
}

/// A part of the benchmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Short scripts: processor time for each request.
    Scripts,
    /// Hello here and elsewhere: Flask, processes, pydantic-monty and Pyodide, brought from the package registries.
    Rivals,
    /// Importing each module of the standard library.
    Imports,
    /// Programs of pyperformance, against the machine's own Python.
    Programs,
    /// Several connections at once.
    Load,
    /// Short scripts beside guests that compute without end.
    Fairness,
    /// Memory of guests that sleep.
    Density,
    /// Sizes of files, and the time until the first response.
    Size,
}

/// Measures, prints tables and writes the figures as JSON.
pub fn run(options: &Options) -> Result<()> {
    service::build()?;
    let mut report = Report::default();
    let native = Native::find(&options.native);
    report.machine(native.as_ref())?;
    let wanted = |part| options.parts.is_empty() || options.parts.contains(&part);
    if wanted(Part::Scripts) {
        scripts::measure(&mut report, options.rounds, &options.rival)?;
    }
    if wanted(Part::Rivals) {
        rivals::measure(&mut report, options.rounds, native.as_ref())?;
    }
    if wanted(Part::Imports) {
        scripts::measure_imports(&mut report, options.rounds)?;
    }
    if wanted(Part::Load) {
        load::measure(&mut report)?;
    }
    if wanted(Part::Fairness) {
        fairness::measure(&mut report)?;
    }
    if wanted(Part::Density) {
        density::measure(&mut report)?;
    }
    if wanted(Part::Size) {
        size::measure(&mut report, options.rounds)?;
    }
    if wanted(Part::Programs) {
        programs::measure(&mut report, options.rounds, native.as_ref())?;
    }
    let path = project::root().join(&options.json);
    report.write(&path)?;
    println!("\n{}", summary::table(&report));
    println!("\nThe figures are in {}.", path.display());
    Ok(())
}

/// Returns the median.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
