//! The HTTP side: translates between the contract and the sandbox.
//!
//! | file | holds |
//! |---|---|
//! | `server` | connections: accepting, bounding and draining them |
//! | `workers` | the threads that serve them |
//! | `envelope` | what is true of every answer: request id, headers, no panic gets through |
//! | `access` | who may send scripts, and how often |
//! | `execute` | `POST /execute`, from request to answer |
//! | `body` | reading a request body within bounds |
//! | `script` | finding the script in the body |
//! | `admission` | how many may run and how many may wait |
//! | `answer` | bodies, status codes and kinds of errors |

mod access;
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
use access::Access;
use admission::Admission;
use answer::Error;
pub use server::Server;

/// What all requests share.
pub struct App {
    config: Config,
    sandbox: Sandbox,
    access: Access,
    admission: Admission,
    guests: Handle,
}

impl App {
    /// Puts the service together; scripts run in the runtime `guests`, everything else in the one
    /// that this is called in.
    #[must_use]
    pub fn new(config: Config, sandbox: Sandbox, guests: Handle) -> Self {
        let access = Access::new(&config.access);
        let admission = Admission::new(config.capacity);
        Self {
            config,
            sandbox,
            access,
            admission,
            guests,
        }
    }
}

fn router(app: Arc<App>) -> Router {
    let mut execute = post(execute::execute);
    if !app.access.is_open() {
        let guard = middleware::from_fn_with_state(Arc::clone(&app), access::guard);
        execute = execute.route_layer(guard);
    }
    Router::new()
        .route("/execute", execute)
        .route("/healthz", get(async || "ok"))
        .fallback(async || Error::NotFound)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(middleware::from_fn(envelope::wrap))
        .with_state(app)
}
