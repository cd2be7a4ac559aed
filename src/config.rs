//! Every setting of the service: one field is flag, environment variable, default and help text.

use std::env;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use clap::error::{ContextKind, ErrorKind};
use clap::{Parser, ValueEnum};
use tracing::level_filters::LevelFilter;

use crate::machine::Machine;
use crate::sandbox::{ADDRESS_SPACE, FileLimits, Limits};

/// Headings of `--help`.
const SERVICE: &str = "Service";
const RUN: &str = "Limits of one run";
const REQUEST: &str = "Limits of one request";
const CAPACITY: &str = "Capacity";

/// CPython itself, before it has run a line of the script, needs nearly this much.
const LEAST_MEMORY: usize = 20_000_000;
/// 32-bit WebAssembly cannot address more.
const MOST_MEMORY: usize = 4 << 30;

/// Runs are mostly short, or waiting: this many at once keep a core busy and share it fairly.
const RUNS_PER_CORE: u32 = 16;
/// How much deeper the queue is than the service is wide.
const QUEUED_PER_RUN: u32 = 8;
/// How many connections there may be for each request inside; the others get their 503.
const CONNECTIONS_PER_REQUEST: u32 = 4;
/// Directories may all lie in each other, and are removed by a recursive function.
const MOST_ENTRIES: u32 = 2_000;
/// Address space that is not for runs: the program, CPython's code, threads and what they allocate.
const OWN_ADDRESS_SPACE: u64 = 512 << 20;
/// Keeps sums with points in time far from overflow, which would panic.
const MOST_TIME: Duration = Duration::from_hours(365 * 24);
/// Keeps sums of counts far from overflow; no machine comes near it.
const MOST: i64 = 1_000_000;

/// Runs untrusted Python scripts behind one HTTP endpoint: POST /execute.
///
/// Each setting is a flag or an environment variable; the flag wins. Durations are written like
/// 500ms, 10s or 1m; sizes like 50MB (50,000,000 bytes) or 1MiB (1,048,576 bytes).
#[derive(Debug, Clone, Parser)]
#[command(name = "python-executor", version)]
pub struct Config {
    /// Address to listen on. The default is every interface, as containers need it.
    #[arg(long, env, default_value = "0.0.0.0", help_heading = SERVICE)]
    pub host: IpAddr,

    /// Port to listen on. 0 picks a free one, which the log names.
    #[arg(long, env, default_value_t = 8080, help_heading = SERVICE)]
    pub port: u16,

    /// The precompiled CPython, made by `cargo xtask fetch-python`.
    ///
    /// Without this setting it is python.cwasm next to the program, or wasm/python.cwasm in the
    /// current directory or in the checkout that the program was built in.
    #[arg(long, env, value_name = "PYTHON", help_heading = SERVICE)]
    python: Option<PathBuf>,

    /// Directory in which each run gets its temporary directory [default: the system's].
    #[arg(long, env, help_heading = SERVICE)]
    pub temp_root: Option<PathBuf>,

    /// How much to log to standard error: off, error, warn, info, debug or trace.
    #[arg(long, env, default_value = "info", value_parser = level, help_heading = SERVICE)]
    pub log: LevelFilter,

    /// How to write the log: text for people, json for machines.
    #[arg(long, env, default_value = "text", help_heading = SERVICE)]
    pub log_format: LogFormat,

    /// On SIGTERM or Ctrl-C, how long runs in progress may take to end before they are cancelled.
    #[arg(long, env, default_value = "10s", value_parser = duration, help_heading = SERVICE)]
    pub shutdown_grace: Duration,

    /// Processor time a script may use. Waiting does not count.
    #[arg(long, env, default_value = "5s", value_parser = some_time, help_heading = RUN)]
    pub cpu_limit: Duration,

    /// Time a script may take from start to end, waiting included.
    #[arg(long, env, default_value = "10s", value_parser = some_time, help_heading = RUN)]
    pub wall_limit: Duration,

    /// Memory a script may use, that of the Python interpreter included.
    #[arg(long, env, default_value = "50MB", value_parser = memory, help_heading = RUN)]
    pub memory_limit: usize,

    /// How much a script may write to standard output.
    #[arg(long, env, default_value = "1MiB", value_parser = some_bytes, help_heading = RUN)]
    pub stdout_limit: usize,

    /// How much a script may write to standard error.
    #[arg(long, env, default_value = "1MiB", value_parser = some_bytes, help_heading = RUN)]
    pub stderr_limit: usize,

    /// How large the JSON text of a result may be.
    #[arg(long, env, default_value = "8MiB", value_parser = some_bytes, help_heading = RUN)]
    pub result_limit: usize,

    /// How many levels of lists and dicts a result may have.
    #[arg(long, env, default_value = "200", value_parser = count, help_heading = RUN)]
    pub result_depth: u32,

    /// Files a script may have open at once; the three standard streams and its temporary directory
    /// are among them.
    #[arg(long, env, default_value = "10", value_parser = count, help_heading = RUN)]
    pub open_files_limit: u32,

    /// How much a script may keep in its temporary directory.
    #[arg(long, env, default_value = "16MiB", value_parser = some_bytes, help_heading = RUN)]
    pub disk_limit: usize,

    /// Files and directories a script may keep in its temporary directory.
    #[arg(long, env, default_value = "1000", value_parser = entries, help_heading = RUN)]
    pub entries_limit: u32,

    /// Calls a script may make to the world outside of the interpreter: reading a clock, writing,
    /// opening a file.
    #[arg(long, env, default_value_t = 10_000_000, help_heading = RUN)]
    pub host_calls_limit: u64,

    /// How large the body of a request may be.
    #[arg(long, env, default_value = "1MiB", value_parser = some_bytes, help_heading = REQUEST)]
    pub body_limit: usize,

    /// How long the body of a request may take to arrive.
    #[arg(long, env, default_value = "10s", value_parser = some_time, help_heading = REQUEST)]
    pub body_timeout: Duration,

    /// How long a connection may take to send the head of its next request, idle time included.
    #[arg(long, env, default_value = "60s", value_parser = some_time, help_heading = REQUEST)]
    pub header_timeout: Duration,

    /// Scripts that run at once.
    ///
    /// [default: 16 for each core, but no more than fit into three quarters of the available
    /// memory if each of them uses its memory, output and disk limits to the full, and into the
    /// address space, of which each takes 4 GiB, if that is limited]
    #[arg(long, env, value_parser = count, help_heading = CAPACITY)]
    max_concurrent: Option<u32>,

    /// Requests that may wait for their turn. One more is answered 503 at once; 0 means no queue.
    ///
    /// [default: 8 for each script that may run at once]
    #[arg(long, env, value_parser = clap::value_parser!(u32).range(..=MOST), help_heading = CAPACITY)]
    max_queue: Option<u32>,

    /// How long a request may wait for its turn before it is answered 503.
    #[arg(long, env, default_value = "10s", value_parser = duration, help_heading = CAPACITY)]
    pub queue_timeout: Duration,

    /// Connections open at once. The next ones wait in the operating system until one closes.
    ///
    /// [default: 4 for each request that may run or wait]
    #[arg(long, env, value_parser = count, help_heading = CAPACITY)]
    max_connections: Option<u32>,

    /// The settings above whose defaults depend on the machine.
    #[arg(skip)]
    pub capacity: Capacity,
}

/// How much the service takes on at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Scripts that run.
    pub concurrent: u32,
    /// Requests that wait for their turn.
    pub queue: u32,
    /// Connections that are open.
    pub connections: u32,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object per line.
    Json,
}

impl Config {
    /// Reads flags and environment, for a service on `machine`.
    ///
    /// # Errors
    /// When a setting makes no sense; also for `--help` and `--version`, which clap treats alike.
    pub fn load(machine: Machine) -> Result<Self, clap::Error> {
        Self::parse_for(env::args_os(), machine)
    }

    fn parse_for<I, T>(args: I, machine: Machine) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let mut config = Self::try_parse_from(args)?;
        config.capacity = config.capacity_on(machine);
        config
            .check(machine)
            .map_err(|problem| clap::Error::raw(ErrorKind::ValueValidation, problem))?;
        Ok(config)
    }

    /// The limits of one run, in the sandbox's terms.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            cpu: self.cpu_limit,
            wall: self.wall_limit,
            memory: self.memory_limit,
            stdout: self.stdout_limit,
            stderr: self.stderr_limit,
            result: self.result_limit,
            result_depth: self.result_depth as usize,
            files: FileLimits {
                open: self.open_files_limit as usize,
                bytes: self.disk_limit as u64,
                entries: self.entries_limit as usize,
            },
            host_calls: self.host_calls_limit,
        }
    }

    /// Finds the precompiled CPython.
    ///
    /// # Errors
    /// When there is none; the message says how to get it.
    pub fn python(&self) -> anyhow::Result<PathBuf> {
        if let Some(set) = &self.python {
            anyhow::ensure!(
                set.is_file(),
                "PYTHON is {}, where there is no file; `cargo xtask fetch-python` makes one",
                set.display()
            );
            return Ok(set.clone());
        }
        let program = env::current_exe().unwrap_or_default();
        let places = [
            program.with_file_name("python.cwasm"),
            PathBuf::from("wasm/python.cwasm"),
            // The program is in target/release of the checkout.
            program.with_file_name("../../wasm/python.cwasm"),
        ];
        places
            .into_iter()
            .find(|place| place.is_file())
            .ok_or_else(|| {
                anyhow::anyhow!(
                    "no CPython: there is neither python.cwasm next to the program nor \
                 wasm/python.cwasm here; run `cargo xtask fetch-python` or set PYTHON to the file"
                )
            })
    }

    fn capacity_on(&self, machine: Machine) -> Capacity {
        let concurrent = self.max_concurrent.unwrap_or_else(|| {
            let fit = machine.memory / 4 * 3 / self.run_memory();
            let fit = u32::try_from(fit).unwrap_or(u32::MAX);
            let wanted = machine.cores.saturating_mul(RUNS_PER_CORE);
            wanted.min(fit).min(runs_addressable(machine)).max(1)
        });
        let queue = self
            .max_queue
            .unwrap_or(concurrent.saturating_mul(QUEUED_PER_RUN));
        let inside = concurrent.saturating_add(queue);
        let connections = self
            .max_connections
            .unwrap_or(inside.saturating_mul(CONNECTIONS_PER_REQUEST));
        Capacity {
            concurrent,
            queue,
            connections,
        }
    }

    /// Bytes of memory that a run takes which uses its limits to the full. The temporary directory
    /// counts too: in containers it is mostly in memory.
    fn run_memory(&self) -> u64 {
        let run = self.memory_limit
            + self.stdout_limit
            + self.stderr_limit
            + self.result_limit
            + self.disk_limit;
        run as u64
    }

    /// Whether the memory of the machine is enough for all runs at once, each at its limits.
    #[must_use]
    pub fn fits_into_memory(&self, machine: Machine) -> bool {
        u64::from(self.capacity.concurrent) * self.run_memory() <= machine.memory
    }

    /// What no single value can tell.
    fn check(&self, machine: Machine) -> Result<(), String> {
        let Capacity {
            concurrent,
            queue,
            connections,
        } = self.capacity;
        if connections < concurrent.saturating_add(queue) {
            return Err(format!(
                "MAX_CONNECTIONS is {connections}, too few for {concurrent} running scripts \
                 (MAX_CONCURRENT) and {queue} waiting requests (MAX_QUEUE)"
            ));
        }
        if self.run_memory() > machine.memory {
            return Err(format!(
                "there is {} of memory, but a single script may use {}: lower MEMORY_LIMIT, \
                 DISK_LIMIT or RESULT_LIMIT",
                ByteSize::b(machine.memory),
                ByteSize::b(self.run_memory())
            ));
        }
        let addressable = runs_addressable(machine);
        if concurrent > addressable {
            let space = ByteSize::b(machine.address_space.unwrap_or(u64::MAX));
            let each = ByteSize::b(ADDRESS_SPACE);
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
        if let Some(root) = &self.temp_root
            && !root.is_dir()
        {
            return Err(format!(
                "TEMP_ROOT is {}, which is not a directory",
                root.display()
            ));
        }
        Ok(())
    }
}

/// How many runs the address space has room for.
fn runs_addressable(machine: Machine) -> u32 {
    let space = machine.address_space.unwrap_or(u64::MAX);
    let runs = space.saturating_sub(OWN_ADDRESS_SPACE) / ADDRESS_SPACE;
    u32::try_from(runs).unwrap_or(u32::MAX)
}

/// The one line that says what is wrong with a setting; clap spreads it over several.
#[must_use]
pub fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    // From the end, because the values that are quoted before can hold any text.
    let before = |text: &str, end| text.rsplit_once(end).map_or(text, |(text, _)| text).len();
    let mut telling = &text[..before(&text, "For more information")];
    if error.get(ContextKind::Usage).is_some() {
        telling = &telling[..before(telling, "Usage:")];
    }
    let parts = telling.split(char::is_control).map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time <= MOST_TIME => Ok(time),
        Ok(_) => Err("must be at most 365days".into()),
        Err(error) => Err(format!("{error}; write 500ms, 10s or 1m")),
    }
}

fn some_time(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be more than zero".into()),
        time => Ok(time),
    }
}

fn some_bytes(text: &str) -> Result<usize, String> {
    let size = ByteSize::from_str(text).map_err(|_| "not a size; write 500kB, 50MB or 1MiB")?;
    match usize::try_from(size.as_u64()) {
        Ok(0) => Err("must be more than zero".into()),
        // Every size is of something that must fit into memory; this keeps sums from overflowing.
        Ok(bytes) if bytes <= 1 << 40 => Ok(bytes),
        _ => Err("must be at most 1TiB".into()),
    }
}

fn memory(text: &str) -> Result<usize, String> {
    match some_bytes(text)? {
        ..LEAST_MEMORY => Err("CPython needs at least 20MB to start".into()),
        bytes if bytes > MOST_MEMORY => Err("must be at most 4GiB".into()),
        bytes => Ok(bytes),
    }
}

fn count(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(number) if (1..=MOST).contains(&i64::from(number)) => Ok(number),
        _ => Err(format!("must be a whole number from 1 to {MOST}")),
    }
}

fn entries(text: &str) -> Result<u32, String> {
    match count(text)? {
        number if number <= MOST_ENTRIES => Ok(number),
        _ => Err(format!("must be at most {MOST_ENTRIES}")),
    }
}

fn level(text: &str) -> Result<LevelFilter, String> {
    text.parse()
        .map_err(|_| "must be off, error, warn, info, debug or trace".into())
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
