//! What a person sees while the build runs.

use std::time::Instant;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// Runs a step of the build and says its name and how long it took.
///
/// # Errors
/// The step's own, with its name.
pub fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("  {name} ...");
    let started = Instant::now();
    let result = work().with_context(|| format!("step \"{name}\""))?;
    println!("  {name}: {:.1} s", started.elapsed().as_secs_f64());
    Ok(result)
}

/// A bar for a download of `bytes`, if that many are known.
pub fn download_bar(bytes: Option<u64>) -> ProgressBar {
    bar(bytes, "    [{bar:40}] {bytes}/{total_bytes} {eta}")
}

/// A bar for `count` things to do.
pub fn count_bar(count: usize) -> ProgressBar {
    bar(Some(count as u64), "    [{bar:40}] {pos}/{len} {msg}")
}

fn bar(length: Option<u64>, template: &str) -> ProgressBar {
    let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
