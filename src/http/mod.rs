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
//! | `health` | `GET /healthz`, `GET /readyz` and `GET /metrics`, for those who operate the service |
//! | `admission` | how many may run and how many may wait |
//! | `taking` | what is held until a client has taken its answer, and for how long |
//! | `answer` | bodies, status codes and kinds of errors |

mod access;
mod admission;
mod answer;
mod body;
mod envelope;
mod execute;
mod health;
mod script;
mod server;
mod taking;
mod workers;

use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Router, middleware};
use tokio::runtime::Handle;

use crate::config::Config;
use crate::sandbox::Sandbox;
use crate::telemetry::Metrics;
use access::Access;
use admission::Admission;
use answer::Error;
pub use answer::{Answer, of_run};
pub use server::{Listeners, Server};

/// What all requests share.
pub struct App {
    config: Config,
    sandbox: Sandbox,
    access: Access,
    admission: Admission,
    metrics: Arc<Metrics>,
    guests: Handle,
}

impl App {
    /// Puts the service together around a sandbox that runs this version of Python. Scripts run in
    /// the runtime `guests`; the keys of an issuer are looked up in the one that this is called in.
    #[must_use]
    pub fn new(config: Config, sandbox: Sandbox, python_version: &str, guests: Handle) -> Self {
        let metrics = Arc::new(Metrics::new(config.capacity, python_version));
        let access = Access::new(&config.access);
        let admission = Admission::new(config.capacity);
        Self {
            config,
            sandbox,
            access,
            admission,
            metrics,
            guests,
        }
    }
}

/// What the main address serves.
fn router(app: &Arc<App>) -> Router {
    let mut execute = post(execute::execute);
    if !app.access.is_open() {
        let guard = middleware::from_fn_with_state(Arc::clone(app), access::guard);
        execute = execute.route_layer(guard);
    }
    let routes = Router::new()
        .route("/execute", execute)
        .merge(health_routes());
    let metrics_are_here = app.config.service.admin_address.is_none();
    enveloped(routes.merge(metrics_routes(app, metrics_are_here)), app)
}

/// What the admin address serves.
fn admin_router(app: &Arc<App>) -> Router {
    enveloped(health_routes().merge(metrics_routes(app, true)), app)
}

fn health_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
}

fn metrics_routes(app: &App, here: bool) -> Router<Arc<App>> {
    if here && app.config.service.metrics {
        Router::new().route("/metrics", get(health::metrics))
    } else {
        Router::new()
    }
}

fn enveloped(routes: Router<Arc<App>>, app: &Arc<App>) -> Router {
    let envelope = middleware::from_fn_with_state(Arc::clone(&app.metrics), envelope::wrap);
    routes
        .fallback(async || Error::NotFound)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(envelope)
        .with_state(Arc::clone(app))
}
