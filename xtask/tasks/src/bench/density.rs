//! Memory of a guest that sleeps.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::process::Process;
use super::report::Report;
use crate::client::Client;
use crate::service::Service;

/// The number of guests that sleep at once.
const SLEEPERS: usize = 1000;
/// The time within which all of them must be asleep.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Measures the private memory of the service per sleeping guest.
pub fn measure(report: &mut Report) -> Result<()> {
    let service = Service::start(&[("MAX_CONCURRENT", "1001"), ("WALL_LIMIT", "10m")])?;
    let process = Process::new(service.id());
    let client = Client::new(&service.url);
    client.result("def main(): return 1")?;
    let before = process.private_bytes()?;
    for _ in 0..SLEEPERS {
        let sleeper = Client::new(&service.url);
        // Ends when the service is killed.
        thread::spawn(move || sleeper.execute("import time\ndef main(): time.sleep(600)"));
    }
    // All of them sleep once the service uses no processor time.
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let then = process.cpu_ms()?;
        thread::sleep(Duration::from_millis(500));
        if process.cpu_ms()? - then < 50.0 {
            break;
        }
        ensure!(Instant::now() < deadline, "the guests do not fall asleep");
    }
    client.result("def main(): return 1")?;
    let each = (process.private_bytes()? - before) / SLEEPERS as f64 / 1e6;
    let section = "Guests asleep";
    report.section(section, &["MB each"]);
    report.line(section, &SLEEPERS.to_string(), &[("MB each", each)]);
    Ok(())
}
