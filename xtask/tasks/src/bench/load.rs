//! Throughput and latency over several connections at once.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use super::process::Process;
use super::report::Report;
use super::scripts::HELLO;
use crate::client::Client;
use crate::service::Service;

/// The duration of the measurement for each number of connections.
const TIME: Duration = Duration::from_secs(5);

/// Measures hello over 1, 8 and 64 connections. The clients share the processor with the service.
pub fn measure(report: &mut Report) -> Result<()> {
    let service = Service::start(&[])?;
    let process = Process::new(service.id());
    let section = "Connections at once";
    report.section(section, &["requests/s", "cpu ms", "p50 ms", "p99 ms"]);
    for connections in [1, 8, 64] {
        let before = process.cpu_ms()?;
        let mut times = busy(&service.url, connections)?;
        let cpu = process.cpu_ms()? - before;
        times.sort_by(f64::total_cmp);
        let count = times.len();
        let values = [
            ("requests/s", count as f64 / TIME.as_secs_f64()),
            ("cpu ms", cpu / count as f64),
            ("p50 ms", times[count / 2]),
            ("p99 ms", times[count * 99 / 100]),
        ];
        report.line(section, &connections.to_string(), &values);
    }
    Ok(())
}

/// Returns the latencies of all requests in milliseconds.
fn busy(url: &str, connections: usize) -> Result<Vec<f64>> {
    let end = Instant::now() + TIME;
    let client = || -> Result<Vec<f64>> {
        let client = Client::new(url);
        let mut times = Vec::new();
        while Instant::now() < end {
            let started = Instant::now();
            let status = client.execute(HELLO)?.status;
            ensure!(status == 200, "the status is {status}");
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        Ok(times)
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..connections).map(|_| scope.spawn(client)).collect();
        let mut all = Vec::new();
        for client in clients {
            all.extend(client.join().map_err(|_| anyhow!("a client panicked"))??);
        }
        Ok(all)
    })
}
