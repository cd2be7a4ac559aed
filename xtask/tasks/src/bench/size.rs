//! Sizes of the shipped files, and the time until the first response.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::median;
use super::report::Report;
use crate::client::Client;
use crate::project;
use crate::service::Service;

/// Measures the files of the image, plain and compressed as in registries, and the time from the start of
/// the process to the first result.
pub fn measure(report: &mut Report, rounds: usize) -> Result<()> {
    let section = "Size";
    report.section(section, &["MB", "MB packed"]);
    let files = [
        ("python-executor", project::program()),
        ("python.cwasm", project::wasm().join("python.cwasm")),
    ];
    for (name, path) in files {
        let (size, packed) = sizes(&path)?;
        report.line(section, name, &[("MB", size), ("MB packed", packed)]);
    }
    let mut times = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        let service = Service::start(&[])?;
        Client::new(&service.url).result("def main(): return 1")?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let section = "Start of the service";
    report.section(section, &["ms"]);
    report.line(
        section,
        "to the first result",
        &[("ms", median(&mut times))],
    );
    Ok(())
}

fn sizes(path: &Path) -> Result<(f64, f64)> {
    let bytes = std::fs::read(path)?;
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&bytes)?;
    let packed = packed.finish()?;
    Ok((bytes.len() as f64 / 1e6, packed.len() as f64 / 1e6))
}
