//! Operator endpoints: liveness, readiness and metrics.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::accept;
use super::app::App;

/// The paths that platforms probe.
pub(super) const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// `GET /healthz`: the service is alive if it responds.
pub(super) async fn live() -> &'static str {
    "ok"
}

/// `GET /readyz`: the service is ready if it would admit another request and could store its files. The
/// self-test has shown that Python runs before the service began to listen.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let reason = match (app.admission.readiness(), app.check_storage()) {
        (Ok(()), Ok(())) => return "ready".into_response(),
        (Err(reason), _) => reason.to_string(),
        (_, Err(reason)) => reason.to_string(),
    };
    (
        StatusCode::SERVICE_UNAVAILABLE,
        format!("not ready: {reason}"),
    )
        .into_response()
}

/// `GET /metrics`, in the format that the request prefers.
pub(super) async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.metrics.set_storage(app.check_storage().is_ok());
    let format = accept::exposition(&headers);
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
        (VARY, HeaderValue::from_name(ACCEPT)),
    ];
    match app.metrics.render(app.admission.load(), format) {
        Ok(text) => (headers, text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot write the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
