//! The service itself: where it listens, what it finds and what it says.

use std::env;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use tracing::level_filters::LevelFilter;

use super::Host;
use super::values::{allowed_host, boolean, duration, host, level, origin};

/// Settings of the service as a whole.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Service")]
pub struct Service {
    /// Address to listen on, or a name for it such as localhost. The default is every interface, as
    /// containers need it.
    #[arg(long, env, default_value = "0.0.0.0", value_parser = host)]
    pub host: IpAddr,

    /// Port to listen on. 0 picks a free one, which the log names.
    #[arg(long, env, default_value_t = 8080)]
    pub port: u16,

    /// The precompiled CPython, made by `cargo xtask fetch-python`.
    ///
    /// Without this setting it is python.cwasm next to the program, or wasm/python.cwasm in the
    /// current directory or in the checkout that the program was built in.
    #[arg(long, env, value_name = "PYTHON")]
    python: Option<PathBuf>,

    /// Directory in which each run gets its temporary directory [default: the system's].
    #[arg(long, env)]
    pub temp_root: Option<PathBuf>,

    /// How much to log to standard error: off, error, warn, info, debug or trace.
    #[arg(long, env, default_value = "info", value_parser = level)]
    pub log: LevelFilter,

    /// How to write the log: text for people, json for machines.
    #[arg(long, env, default_value = "text")]
    pub log_format: LogFormat,

    /// Address and port of a second listener, for those who operate the service: GET /metrics, /healthz
    /// and /readyz. The metrics are then served there only. Written like 127.0.0.1:9090 or [::]:9090.
    #[arg(long, env)]
    pub admin_address: Option<SocketAddr>,

    /// Whether GET /metrics tells what the service is doing: true or false. On the main address it asks
    /// for a key or token where POST /execute does.
    #[arg(long, env, default_value = "true", action = ArgAction::Set, value_parser = boolean)]
    pub metrics: bool,

    /// Whether there is a page at / to try scripts on: true or false. The documentation is always there.
    #[arg(long, env, default_value = "true", action = ArgAction::Set, value_parser = boolean)]
    pub playground: bool,

    /// Hosts that requests may name in their Host header, besides localhost and addresses of loopback:
    /// names or addresses without a port, separated by commas; * is every host. GET /healthz and /readyz
    /// answer to any.
    ///
    /// [default: every host, but none besides those where the service listens on loopback only and asks
    /// for no key or token]
    #[arg(long, env, value_delimiter = ',', value_parser = allowed_host)]
    pub allowed_hosts: Option<Vec<Host>>,

    /// Origins whose pages may send scripts from a browser and read the responses, such as
    /// https://app.example.com, separated by commas.
    ///
    /// [default: none]
    #[arg(long, env, value_delimiter = ',', value_parser = origin)]
    pub cors_origins: Vec<String>,

    /// On SIGTERM or Ctrl-C, how long to take on requests as before, only that GET /readyz says no: time
    /// for load balancers to notice.
    #[arg(long, env, default_value = "0s", value_parser = duration)]
    pub shutdown_delay: Duration,

    /// Thereafter, how long runs in progress may take to end before they are cancelled. With the
    /// default the service has ended when Docker or Cloud Run would kill it, 10 s after the signal.
    #[arg(long, env, default_value = "8s", value_parser = duration)]
    pub shutdown_grace: Duration,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object per line.
    Json,
}

impl Service {
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

    /// Refuses what there is not on this machine.
    pub(super) fn check(&self) -> Result<(), String> {
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
