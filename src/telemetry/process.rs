//! Metrics of this process, under the names that Prometheus clients have in common.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use rustix::time::{ClockId, clock_gettime};

use crate::system;

/// Reads the values from the system at every scrape. Values that the system does not report are left out.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = ConstCounter::new(cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9);
        let metric = encoder.encode_descriptor(
            "process_cpu",
            "Processor time of the whole process",
            Some(&Unit::Seconds),
            cpu.metric_type(),
        )?;
        cpu.encode(metric)?;

        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let gauges = [
            (
                "process_resident_memory",
                "Resident memory of the process",
                Some(Unit::Bytes),
                field(&status, "VmRSS:").map(|kib| kib << 10),
            ),
            (
                "process_threads",
                "Threads of the process",
                None,
                field(&status, "Threads:"),
            ),
            (
                "process_open_fds",
                "Open file descriptors",
                None,
                fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
            ),
            (
                "process_max_fds",
                "File descriptors that may be open",
                None,
                system::open_file_limit().and_then(|limit| usize::try_from(limit).ok()),
            ),
        ];
        for (name, help, unit, value) in gauges {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(value as f64);
            let metric =
                encoder.encode_descriptor(name, help, unit.as_ref(), gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}

/// Returns the number after `name` in the text of `/proc/self/status`.
fn field(status: &str, name: &str) -> Option<usize> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_the_first_number_of_their_line() {
        let status = "Name:\tVmRSS: 3\nVmRSS:\t    2048 kB\nThreads:\t7\nVmPTE:\n";
        let cases = [
            ("VmRSS:", Some(2048)),
            ("Threads:", Some(7)),
            ("VmPTE:", None),
            ("Name:", None),
            ("VmSwap:", None),
        ];
        for (name, number) in cases {
            assert_eq!(field(status, name), number, "{name}");
        }
    }
}
