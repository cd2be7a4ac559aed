//! The HTTP side: translates between the contract and the sandbox.
//!
//! | file | holds |
//! |---|---|
//! | `server` | connections: accepting, bounding and draining them |
//! | `workers` | the threads that serve them |
//! | `idle` | which connections wait for a request, and closes the one that has waited longest |
//! | `head` | the checks of the request head that hold for every route |
//! | `envelope` | what is true of every answer: request id, headers, no panic gets through |
//! | `cors` | which pages of other origins may read responses |
//! | `access` | who may send scripts, and how often |
//! | `execute` | `POST /execute`, from request to answer |
//! | `body` | reading a request body within bounds |
//! | `request` | the fields of a request body, and parsing it |
//! | `health` | `GET /healthz`, `GET /readyz` and `GET /metrics`, for those who operate the service |
//! | `accept` | which format of the metrics a request prefers |
//! | `admission` | how many may run and how many may wait |
//! | `taking` | what is held until a client has taken its answer, and for how long |
//! | `answer` | bodies, and which kind an error is |
//! | `kind` | the kinds of errors, and their status codes |
//! | `documents` | the playground, the documentation and the OpenAPI document |

mod accept;
mod access;
mod admission;
mod answer;
mod body;
mod cors;
mod documents;
mod envelope;
mod execute;
mod head;
mod health;
mod idle;
mod kind;
mod request;
mod server;
mod taking;
mod workers;

use std::net::IpAddr;
use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Router, middleware};
use tokio::runtime::Handle;

use crate::config::Config;
use crate::sandbox::{Interpreter, Limits, StorageUnavailable};
use crate::telemetry::Metrics;
use access::Access;
use admission::Admission;
use answer::Error;
pub use answer::{Answer, of_run};
use envelope::Envelope;
use head::Hosts;
pub use server::{Listeners, Server};

/// What all requests share.
pub struct App {
    config: Config,
    interpreter: Interpreter,
    limits: Limits,
    access: Access,
    admission: Admission,
    metrics: Arc<Metrics>,
    guests: Handle,
}

impl App {
    /// Puts the service together around an interpreter of this version of Python. Scripts run in
    /// the runtime `guests`; the keys of an issuer are looked up in the one that this is called in.
    #[must_use]
    pub fn new(
        config: Config,
        interpreter: Interpreter,
        python_version: &str,
        guests: Handle,
    ) -> Self {
        let metrics = Arc::new(Metrics::new(config.capacity, python_version));
        let access = Access::new(&config.access);
        let admission = Admission::new(config.capacity);
        Self {
            limits: config.run.limits(),
            config,
            interpreter,
            access,
            admission,
            metrics,
            guests,
        }
    }

    /// Checks that the host can store what a run may write.
    fn check_storage(&self) -> Result<(), StorageUnavailable> {
        let runtime = self.interpreter.runtime();
        runtime.check_storage(self.limits.files.bytes)
    }
}

/// The routes of the main address, whose listener is bound to `address`.
fn router(app: &Arc<App>, address: IpAddr) -> anyhow::Result<Router> {
    let mut execute = post(execute::execute);
    if !app.access.is_open() {
        let guard = middleware::from_fn_with_state(Arc::clone(app), access::guard);
        execute = execute.route_layer(guard);
    }
    let mut routes = Router::new()
        .route("/execute", execute)
        .merge(documents::routes(&app.config)?)
        .merge(health_routes());
    let service = &app.config.service;
    let hosts = Hosts::for_listener(
        service.allowed_hosts.as_deref(),
        address,
        app.config.access.authenticates(),
    );
    if service.metrics && service.admin_address.is_none() {
        // Who reaches the admin address is for the network to say; here they are strangers.
        let guard = middleware::from_fn_with_state(Arc::clone(app), access::known);
        routes = routes.route("/metrics", get(health::metrics).route_layer(guard));
    }
    let mut routes = with_fallbacks(routes);
    if !service.cors_origins.is_empty() {
        let origins: Arc<[String]> = service.cors_origins.clone().into();
        routes = routes.layer(middleware::from_fn_with_state(origins, cors::share));
    }
    Ok(enveloped(routes, app, hosts))
}

/// The routes of the admin address, whose listener is bound to `address`.
fn admin_router(app: &Arc<App>, address: IpAddr) -> Router {
    let mut routes = health_routes();
    let allowed = app.config.service.allowed_hosts.as_deref();
    let hosts = Hosts::for_listener(allowed, address, false);
    if app.config.service.metrics {
        routes = routes.route("/metrics", get(health::metrics));
    }
    enveloped(with_fallbacks(routes), app, hosts)
}

fn health_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
}

/// Adds the responses to requests for which there is no route.
fn with_fallbacks(routes: Router<Arc<App>>) -> Router<Arc<App>> {
    routes
        .fallback(async || Error::NotFound)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
}

fn enveloped(routes: Router<Arc<App>>, app: &Arc<App>, hosts: Hosts) -> Router {
    let envelope = Envelope {
        metrics: Arc::clone(&app.metrics),
        hosts,
    };
    let envelope = middleware::from_fn_with_state(Arc::new(envelope), envelope::wrap);
    routes.layer(envelope).with_state(Arc::clone(app))
}
