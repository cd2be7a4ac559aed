//! The HTTP side: translates between the contract and the sandbox.
//!
//! | file | holds |
//! |---|---|
//! | `server` | connections: accepting, bounding and draining them |
//! | `workers` | the threads that serve them |
//! | `envelope` | what is true of every answer: request id, headers, no panic gets through |
//! | `execute` | `POST /execute`, from request to answer |
//! | `body` | reading a request body within bounds |
//! | `script` | finding the script in the body |
//! | `admission` | how many may run and how many may wait |
//! | `answer` | bodies, status codes and kinds of errors |

mod admission;
mod answer;
mod body;
mod envelope;
mod execute;
mod script;
mod server;
mod workers;

use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Router, middleware};
use tokio::runtime::Handle;

use crate::config::Config;
use crate::sandbox::Sandbox;
use admission::Admission;
use answer::Error;
pub use server::Server;

/// What all requests share.
pub struct App {
    config: Config,
    sandbox: Sandbox,
    admission: Admission,
    guests: Handle,
}

impl App {
    /// Puts the service together; scripts run in the runtime `guests`.
    #[must_use]
    pub fn new(config: Config, sandbox: Sandbox, guests: Handle) -> Self {
        let admission = Admission::new(config.capacity);
        Self {
            config,
            sandbox,
            admission,
            guests,
        }
    }
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/execute", post(execute::execute))
        .route("/healthz", get(async || "ok"))
        .fallback(async || Error::NotFound)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(middleware::from_fn(envelope::wrap))
        .with_state(app)
}
