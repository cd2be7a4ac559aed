//! Several connections at once: how many requests a second, and how long the slow ones take.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use super::process::Process;
use super::report::Report;
use super::scripts::HELLO;
use crate::client::Client;
use crate::service::Service;

/// How long each number of connections is kept busy.
const TIME: Duration = Duration::from_secs(5);

/// Measures hello over 1, 8 and 64 connections. The clients take their share of the same processor.
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

/// The times of all requests in milliseconds.
fn busy(url: &str, connections: usize) -> Result<Vec<f64>> {
    let end = Instant::now() + TIME;
    let client = || -> Result<Vec<f64>> {
        let client = Client::new(url);
        let mut times = Vec::new();
        while Instant::now() < end {
            let started = Instant::now();
            let answer = client.execute(HELLO)?;
            ensure!(answer.status == 200, "the answer is {}", answer.status);
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
