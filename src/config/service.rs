//! Settings of the service itself: addresses, files, log and shutdown.

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
    /// Address to listen on, or a name that resolves to one, such as localhost. The default is every
    /// interface, as containers need it.
    #[arg(long, env, default_value = "0.0.0.0", value_parser = host)]
    pub host: IpAddr,

    /// Port to listen on. 0 picks a free port, which is logged.
    #[arg(long, env, default_value_t = 8080)]
    pub port: u16,

    /// File with the precompiled CPython, built by `cargo xtask fetch-python`.
    ///
    /// By default it is python.cwasm next to the program, or wasm/python.cwasm in the current directory or
    /// in the checkout that the program was built in.
    #[arg(long, env, value_name = "PYTHON")]
    python: Option<PathBuf>,

    /// Directory in which the temporary directories of runs are created [default: the system's].
    #[arg(long, env)]
    pub temp_root: Option<PathBuf>,

    /// Log level on standard error: off, error, warn, info, debug or trace.
    #[arg(long, env, default_value = "info", value_parser = level)]
    pub log: LevelFilter,

    /// Log format: text for people, json for programs.
    #[arg(long, env, default_value = "text")]
    pub log_format: LogFormat,

    /// Address and port of a second listener for operators, such as 127.0.0.1:9090 or [::]:9090. It serves
    /// GET /metrics, /healthz and /readyz; the metrics are then served there only.
    #[arg(long, env)]
    pub admin_address: Option<SocketAddr>,

    /// Whether GET /metrics is served: true or false. On the main address it requires a key or token if POST
    /// /execute does.
    #[arg(long, env, default_value = "true", action = ArgAction::Set, value_parser = boolean)]
    pub metrics: bool,

    /// Whether the playground is served at /: true or false. The documentation is always served.
    #[arg(long, env, default_value = "true", action = ArgAction::Set, value_parser = boolean)]
    pub playground: bool,

    /// Hosts that are accepted in the Host header, besides localhost and loopback addresses: names or
    /// addresses without a port, separated by commas; * is every host. GET /healthz and /readyz accept any.
    ///
    /// [default: every host; none if the service listens on loopback only and requires no key or token]
    #[arg(long, env, value_delimiter = ',', value_parser = allowed_host)]
    pub allowed_hosts: Option<Vec<Host>>,

    /// Origins whose pages may send scripts and read the responses, such as https://app.example.com,
    /// separated by commas.
    ///
    /// [default: none]
    #[arg(long, env, value_delimiter = ',', value_parser = origin)]
    pub cors_origins: Vec<String>,

    /// How long requests are still accepted after SIGTERM or Ctrl-C, while GET /readyz already returns 503,
    /// so that load balancers notice.
    #[arg(long, env, default_value = "0s", value_parser = duration)]
    pub shutdown_delay: Duration,

    /// How long runs in progress may continue after that before they are cancelled. With the default the
    /// service ends before Docker or Cloud Run kill it, 10 s after the signal.
    #[arg(long, env, default_value = "8s", value_parser = duration)]
    pub shutdown_grace: Duration,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people, one line per event.
    Text,
    /// A JSON object per line.
    Json,
}

impl Service {
    /// Finds the precompiled CPython.
    ///
    /// # Errors
    /// When the file does not exist; the message says how to build it.
    pub fn python(&self) -> anyhow::Result<PathBuf> {
        if let Some(set) = &self.python {
            anyhow::ensure!(
                set.is_file(),
                "PYTHON is {}, which does not exist; `cargo xtask fetch-python` builds the file",
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
                    "CPython not found: there is neither python.cwasm next to the program nor \
                 wasm/python.cwasm here; run `cargo xtask fetch-python`, or set PYTHON to the file"
                )
            })
    }

    /// Checks that the directory for temporary files exists.
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
