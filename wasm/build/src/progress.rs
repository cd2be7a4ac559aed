//! What a person sees while the build runs.

use std::time::Instant;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// Runs a step of the build and says its name and how long it took.
pub fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("  {name} ...");
    let started = Instant::now();
    let result = work().with_context(|| format!("step \"{name}\""))?;
    println!("  {name}: {:.1} s", started.elapsed().as_secs_f64());
    Ok(result)
}

/// A bar for `count` things to do.
pub fn count_bar(count: usize) -> ProgressBar {
    let bar = ProgressBar::new(count as u64);
    if let Ok(style) = ProgressStyle::with_template("    [{bar:40}] {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar
}
