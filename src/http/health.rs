//! What those ask who operate the service: is it alive, may it get requests, how is it doing.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{App, accept};

/// The paths that platforms probe.
pub(super) const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// The service is alive as long as it answers.
pub(super) async fn live() -> &'static str {
    "ok"
}

/// The service is ready when another request would get a place and could store its files. That Python runs has been proven
/// before the service began to listen.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let why = match (app.admission.readiness(), app.check_storage()) {
        (Ok(()), Ok(())) => return "ready".into_response(),
        (Err(why), _) => why.to_string(),
        (_, Err(why)) => why.to_string(),
    };
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}")).into_response()
}

pub(super) async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.metrics.set_storage(app.check_storage().is_ok());
    let format = accept::exposition(&headers);
    let described = [
        (CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
        (VARY, HeaderValue::from_name(ACCEPT)),
    ];
    match app.metrics.render(app.admission.load(), format) {
        Ok(text) => (described, text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot write the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
