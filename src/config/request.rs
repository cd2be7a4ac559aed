//! The limits of one request.

use std::time::Duration;

use clap::Args;

use super::values::{positive_duration, size};

/// Limits of one request.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits of one request")]
pub struct RequestLimits {
    /// Maximum size of a request body.
    #[arg(long, env, default_value = "8MiB", value_parser = size)]
    pub body_limit: usize,

    /// Maximum size of a script.
    #[arg(long, env, default_value = "1MiB", value_parser = size)]
    pub script_limit: usize,

    /// How long the body of a request may take to arrive.
    #[arg(long, env, default_value = "10s", value_parser = positive_duration)]
    pub body_timeout: Duration,

    /// How long a connection may take to send the head of its next request, idle time included.
    #[arg(long, env, default_value = "60s", value_parser = positive_duration)]
    pub header_timeout: Duration,

    /// How long a client may take to receive a response.
    #[arg(long, env, default_value = "30s", value_parser = positive_duration)]
    pub answer_timeout: Duration,
}
