//! Progress on the terminal: something moves all the time. Elsewhere only the lines of the steps are printed.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The interval at which the clock of a step is drawn.
const TICK: Duration = Duration::from_millis(100);

/// All bars, so that those of a step and of a download in it are drawn below each other.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Runs a step of the build, and prints its name and duration.
///
/// # Errors
/// The step's own, with its name.
pub fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("  {name} ...");
    let started = Instant::now();
    let clock = add(ProgressBar::new_spinner(), "    {spinner} {elapsed}");
    clock.enable_steady_tick(TICK);
    let result = work().with_context(|| format!("step \"{name}\""));
    clock.finish_and_clear();
    let result = result?;
    println!("  {name}: {:.1} s", started.elapsed().as_secs_f64());
    Ok(result)
}

/// Returns a bar for `count` things to do.
#[must_use]
pub fn count_bar(count: usize) -> ProgressBar {
    let bar = ProgressBar::new(count as u64);
    add(bar, "    [{bar:40}] {pos}/{len} {msg}")
}

/// Returns a bar for a download, whose size may be unknown.
pub(crate) fn download_bar(bytes: Option<u64>) -> ProgressBar {
    let bar = bytes.map_or_else(ProgressBar::no_length, ProgressBar::new);
    add(bar, "    [{bar:40}] {bytes}/{total_bytes} {eta}")
}

fn add(bar: ProgressBar, template: &str) -> ProgressBar {
    let bar = BARS.add(bar);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
