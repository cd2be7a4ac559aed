//! What a guest costs that is there and does nothing.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::client::{Client, execute};
use super::process::Process;
use super::report::Report;
use crate::service::Service;

/// How many sleep at once.
const SLEEPERS: usize = 1000;
/// The longest that they may take to begin.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures the private memory of the service for each guest that sleeps.
///
/// # Errors
/// When the guests cannot be started.
pub fn measure(report: &mut Report) -> Result<()> {
    let service = Service::start(&[
        ("MAX_CONCURRENT", "1001"),
        ("WALL_LIMIT", "10m"),
        ("LOG", "info"),
    ])?;
    let process = Process::new(service.id());
    let mut client = Client::connect(&service.address)?;
    client.result("def main(): return 1")?;
    let before = process.private_bytes()?;

    let sleep = execute("import time\ndef main():\n    time.sleep(600)\n");
    let mut sleepers = Vec::new();
    for _ in 0..SLEEPERS {
        let mut sleeper = Client::connect(&service.address)?;
        sleeper.begin(&sleep)?;
        sleepers.push(sleeper);
    }
    // All of them sleep when the service has nothing to do any more.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let then = process.cpu_ms()?;
        std::thread::sleep(Duration::from_millis(500));
        if process.cpu_ms()? - then < 50.0 {
            break;
        }
        ensure!(Instant::now() < deadline, "the guests do not come to rest");
    }
    client.result("def main(): return 1")?;
    let asleep = process.private_bytes()?;
    let section = "Guests asleep";
    report.section(section, &["MB each"]);
    let each = (asleep - before) / SLEEPERS as f64 / 1e6;
    report.line(section, &SLEEPERS.to_string(), &[("MB each", each)]);
    Ok(())
}
