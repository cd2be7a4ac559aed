//! Capacity: how much the service runs and queues at once, from the settings or the machine.

use std::time::Duration;

use clap::Args;

use super::values::{MAX_COUNT, count, duration};
use crate::display::RoundedBytes;
use crate::sandbox::ADDRESS_SPACE;
use crate::system::SystemResources;

/// Most runs are short or waiting: this many at once keep a core busy and share it fairly.
const RUNS_PER_CORE: u32 = 16;
/// Queue slots for each script that may run at once.
const QUEUED_PER_RUN: u32 = 8;
/// Connections for each request that may run or wait; requests on the others are rejected with 503.
const CONNECTIONS_PER_REQUEST: u32 = 4;
/// Address space that is not for runs: the program, CPython's code, threads and their allocations.
const OWN_ADDRESS_SPACE: u64 = 512 << 20;

/// The settings. Most defaults depend on the machine.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Capacity")]
pub(super) struct CapacitySettings {
    /// Scripts that run at once.
    ///
    /// [default: 16 for each core, but no more than fit into three quarters of the available memory if
    /// each reaches its memory, output and disk limits, and no more than fit into a limited address
    /// space at 4 GiB each]
    #[arg(long, env, value_parser = count)]
    max_concurrent: Option<u32>,

    /// Requests that wait in the queue. Further ones are rejected with 503 at once; 0 disables the queue.
    ///
    /// [default: 8 for each script that may run at once]
    #[arg(long, env, value_parser = clap::value_parser!(u32).range(..=MAX_COUNT))]
    max_queue: Option<u32>,

    /// How long a request may wait in the queue before it is rejected with 503.
    #[arg(long, env, default_value = "10s", value_parser = duration)]
    queue_timeout: Duration,

    /// Connections open at once. To accept another one, the service closes the one that has been idle
    /// longest; if none is idle, the new one waits.
    ///
    /// [default: 4 for each request that may run or wait, as far as the limit of open files (ulimit -n)
    /// allows]
    #[arg(long, env, value_parser = count)]
    max_connections: Option<u32>,
}

/// How much the service runs and queues at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Scripts that run at once.
    pub concurrent: u32,
    /// Requests that wait in the queue.
    pub queue: u32,
    /// The longest time in the queue.
    pub queue_timeout: Duration,
    /// Connections open at once.
    pub connections: u32,
}

impl CapacitySettings {
    /// Returns the capacity that is set, with defaults that suit `resources` if each run takes `run_memory`
    /// bytes. `files` returns how many files may be open besides connections, for a number of runs.
    pub(super) fn on(
        &self,
        resources: SystemResources,
        run_memory: u64,
        files: impl Fn(u32) -> u64,
    ) -> Capacity {
        let concurrent = self.max_concurrent.unwrap_or_else(|| {
            let fit = resources.memory / 4 * 3 / run_memory;
            let fit = u32::try_from(fit).unwrap_or(u32::MAX);
            let wanted = resources.cores.saturating_mul(RUNS_PER_CORE);
            wanted.min(fit).min(runs_addressable(resources)).max(1)
        });
        let files_left = resources.open_files.unwrap_or(u64::MAX);
        let files_left = files_left.saturating_sub(files(concurrent));
        let files_left = u32::try_from(files_left).unwrap_or(u32::MAX);
        let queue = self.max_queue.unwrap_or_else(|| {
            let fit = match self.max_connections {
                Some(_) => u32::MAX,
                None => files_left.saturating_sub(concurrent),
            };
            concurrent.saturating_mul(QUEUED_PER_RUN).min(fit)
        });
        let inside = concurrent.saturating_add(queue);
        let connections = self.max_connections.unwrap_or_else(|| {
            let wanted = inside.saturating_mul(CONNECTIONS_PER_REQUEST);
            wanted.min(files_left).max(inside)
        });
        Capacity {
            concurrent,
            queue,
            queue_timeout: self.queue_timeout,
            connections,
        }
    }
}

impl Capacity {
    /// Checks that the settings are consistent, whatever the machine.
    pub(super) fn check(&self) -> Result<(), String> {
        let Self {
            concurrent,
            queue,
            connections,
            ..
        } = *self;
        if connections < concurrent.saturating_add(queue) {
            return Err(format!(
                "MAX_CONNECTIONS is {connections}, too few for {concurrent} running scripts \
                 (MAX_CONCURRENT) and {queue} waiting requests (MAX_QUEUE)"
            ));
        }
        Ok(())
    }

    /// Checks that the runs fit into the address space.
    pub(super) fn check_address_space(&self, resources: SystemResources) -> Result<(), String> {
        let concurrent = self.concurrent;
        let addressable = runs_addressable(resources);
        if concurrent > addressable {
            let space = RoundedBytes(resources.address_space.unwrap_or(u64::MAX));
            let each = RoundedBytes(ADDRESS_SPACE);
            return Err(match addressable {
                0 => format!(
                    "this process may use {space} of address space (ulimit -v), too little even for \
                     one script, which takes {each}: raise that limit"
                ),
                most => format!(
                    "this process may use {space} of address space (ulimit -v), too little for \
                     {concurrent} scripts at once, of which each takes {each}: raise that limit or \
                     lower MAX_CONCURRENT to {most}"
                ),
            });
        }
        Ok(())
    }
}

/// Returns how many runs the address space has room for.
fn runs_addressable(resources: SystemResources) -> u32 {
    let space = resources.address_space.unwrap_or(u64::MAX);
    let runs = space.saturating_sub(OWN_ADDRESS_SPACE) / ADDRESS_SPACE;
    u32::try_from(runs).unwrap_or(u32::MAX)
}
