//! Processor time, page faults and memory of a process, from /proc.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// A process and its threads.
#[derive(Clone, Debug)]
pub struct Process(PathBuf);

impl Process {
    /// Returns the process with this id.
    pub fn new(id: u32) -> Self {
        Self(format!("/proc/{id}").into())
    }

    /// Returns the processor time of its live threads in milliseconds.
    pub fn cpu_ms(&self) -> Result<f64> {
        let mut sum = 0;
        for thread in fs::read_dir(self.0.join("task"))? {
            // In nanoseconds; the times in `stat` have a resolution of 10 ms.
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            sum += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(sum as f64 / 1e6)
    }

    /// Returns the processor time of its terminated children in milliseconds.
    pub fn children_cpu_ms(&self) -> Result<f64> {
        let ticks = self.stat(16)? + self.stat(17)?;
        Ok(ticks * 1e3 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// Returns the processor time of itself and all its descendants, terminated ones included, in milliseconds.
    pub fn tree_cpu_ms(&self) -> Result<f64> {
        let mut sum = self.cpu_ms()? + self.children_cpu_ms()?;
        for thread in fs::read_dir(self.0.join("task"))? {
            let children = fs::read_to_string(thread?.path().join("children"))?;
            for child in children.split_whitespace() {
                sum += Self::new(child.parse()?).tree_cpu_ms()?;
            }
        }
        Ok(sum)
    }

    /// Returns the number of minor page faults.
    pub fn page_faults(&self) -> Result<f64> {
        self.stat(10)
    }

    /// Returns its private memory in bytes.
    pub fn private_bytes(&self) -> Result<f64> {
        let text = fs::read_to_string(self.0.join("smaps_rollup"))?;
        let kib = text
            .lines()
            .filter(|line| line.starts_with("Private_"))
            .filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        Ok(kib.sum::<f64>() * 1024.0)
    }

    /// Returns a field of `stat`, counted from 1 as in proc(5).
    fn stat(&self, field: usize) -> Result<f64> {
        let text = fs::read_to_string(self.0.join("stat"))?;
        // The second field is a name, which may contain spaces and parentheses.
        let (_, rest) = text.rsplit_once(')').context("stat has a name")?;
        let value = rest
            .split_whitespace()
            .nth(field - 3)
            .context("stat is short")?;
        Ok(value.parse()?)
    }
}
