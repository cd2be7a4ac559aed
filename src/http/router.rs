//! The routes of both listeners, and the middleware around each of them.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::app::App;
use super::error::Error;
use super::head::Hosts;
use super::middleware::{self, Common};
use super::{cors, documents, execute, health};

/// Returns the routes of the main listener, which is bound to `address`.
///
/// # Errors
/// When a document of the service cannot be written.
pub(super) fn main_routes(app: &Arc<App>, address: IpAddr) -> anyhow::Result<Router> {
    let mut execute = post(execute::execute);
    if !app.access.is_open() {
        let authorize = from_fn_with_state(Arc::clone(app), middleware::authorize);
        execute = execute.route_layer(authorize);
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
        // The network decides who reaches the admin listener; this one is public.
        let authenticate = from_fn_with_state(Arc::clone(app), middleware::authenticate);
        routes = routes.route("/metrics", get(health::metrics).route_layer(authenticate));
    }
    let mut routes = with_fallbacks(routes);
    if !service.cors_origins.is_empty() {
        let origins: Arc<[String]> = service.cors_origins.clone().into();
        routes = routes.layer(from_fn_with_state(origins, cors::share));
    }
    Ok(with_common(routes, app, hosts))
}

/// Returns the routes of the admin listener, which is bound to `address`.
pub(super) fn admin_routes(app: &Arc<App>, address: IpAddr) -> Router {
    let mut routes = health_routes();
    let allowed = app.config.service.allowed_hosts.as_deref();
    let hosts = Hosts::for_listener(allowed, address, false);
    if app.config.service.metrics {
        routes = routes.route("/metrics", get(health::metrics));
    }
    with_common(with_fallbacks(routes), app, hosts)
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

fn with_common(routes: Router<Arc<App>>, app: &Arc<App>, hosts: Hosts) -> Router {
    let common = Common {
        metrics: Arc::clone(&app.metrics),
        hosts,
    };
    let common = from_fn_with_state(Arc::new(common), middleware::common);
    routes.layer(common).with_state(Arc::clone(app))
}
