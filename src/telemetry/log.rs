//! How the log is written: on standard error, as text or as JSON.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogFormat, Service};

/// Starts logging.
pub fn init(config: &Service) {
    // A script must not be able to fill the log through the warnings of a library.
    let filter = Targets::new()
        .with_target(env!("CARGO_CRATE_NAME"), config.log)
        .with_default(config.log.min(LevelFilter::ERROR));
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match config.log_format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
}
