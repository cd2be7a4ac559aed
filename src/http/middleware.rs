//! Middleware: request ids, common headers, caught panics and metrics for every route;
//! authentication and authorization for some.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderName, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use super::app::App;
use super::body::Lingering;
use super::error::{Error, RejectedKind};
use super::head::{self, Hosts};
use crate::telemetry::{self, Metrics};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of a client's request id; a longer one is replaced.
const MAX_REQUEST_ID: usize = 128;

/// The id of a request, which is in the response and in the log.
#[derive(Debug, Clone)]
pub(super) struct RequestId(Arc<str>);

impl RequestId {
    /// Returns the client's id if it is valid, or else a new one.
    fn of(headers: &HeaderMap) -> Self {
        let sent = headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok());
        match sent.filter(|id| is_valid(id)) {
            Some(id) => Self(id.into()),
            None => Self::new(),
        }
    }

    fn new() -> Self {
        Self(format!("{:032x}", telemetry::random_id()).into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `id` can be written into logs, shells and URLs without escapes.
fn is_valid(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(allowed)
}

/// The state of the middleware around all routes.
pub(super) struct Common {
    pub(super) metrics: Arc<Metrics>,
    pub(super) hosts: Hosts,
}

/// Middleware around all routes: checks the head of the request, catches panics, counts the response,
/// and adds the headers that every response has.
pub(super) async fn common(
    State(common): State<Arc<Common>>,
    request: Request,
    next: Next,
) -> Response {
    let id = RequestId::of(request.headers());
    let mut request = request.map(Lingering::wrap);
    request.extensions_mut().insert(id.clone());

    let response = async {
        match head::check(&request, &common.hosts) {
            Ok(()) => next.run(request).await,
            Err(error) => error.into_response(),
        }
    };
    let response = AssertUnwindSafe(response).catch_unwind().await;
    let mut response = response.unwrap_or_else(|_| {
        tracing::error!(request_id = %id, "a handler panicked");
        Error::Internal(id.to_string()).into_response()
    });

    let rejected = response.extensions().get().map(|RejectedKind(kind)| *kind);
    let status = response.status().as_u16();
    common.metrics.count_response(status, rejected);
    if let Some(kind) = rejected {
        tracing::debug!(request_id = %id, status, kind, "rejected");
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(X_REQUEST_ID, value);
    }
    // Responses to scripts are private; handlers of documents set the header themselves.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Middleware that authenticates and rate-limits. Adds the caller to the request's extensions.
pub(super) async fn authorize(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let (mut head, body) = request.into_parts();
    let caller = app.access.authorize(&head).await?;
    head.extensions.insert(caller);
    Ok(next.run(Request::from_parts(head, body)).await)
}

/// Middleware that authenticates but does not rate-limit.
pub(super) async fn authenticate(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let (head, body) = request.into_parts();
    app.access.authenticate(&head).await?;
    Ok(next.run(Request::from_parts(head, body)).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_ids_are_kept_and_others_replaced() -> Result<(), Box<dyn std::error::Error>> {
        let long = "a".repeat(MAX_REQUEST_ID);
        let cases = [
            ("a", true),
            ("Trace-1.2_x", true),
            (long.as_str(), true),
            (&format!("{long}a"), false),
            ("", false),
            ("two words", false),
            ("a\tb", false),
            ("<script>", false),
            ("ä", false),
        ];
        for (given, kept) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(given.as_bytes())?);
            let id = RequestId::of(&headers);
            assert_eq!(id.as_str() == given, kept, "{given:?}");
            assert!(is_valid(id.as_str()), "{id}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error() -> Result<(), Box<dyn std::error::Error>> {
        use axum::{Router, body, middleware, routing::get};
        use tower_service::Service;

        use crate::config::Capacity;

        let routes = Router::new().route("/", get(async || -> () { panic!("a handler's bug") }));
        let state = Arc::new(Common {
            metrics: Arc::new(Metrics::new(Capacity::default(), "3")),
            hosts: Hosts::Any,
        });
        let mut routes = routes.layer(middleware::from_fn_with_state(state, common));
        let request = Request::builder().header("host", "here");
        let request = request.body(axum::body::Body::empty())?;
        let response = routes.call(request).await?;
        assert_eq!(response.status(), 500);
        let id = response.headers().get(X_REQUEST_ID).cloned();
        let body = body::to_bytes(response.into_body(), 1 << 20).await?;
        let id = id
            .as_ref()
            .map(HeaderValue::to_str)
            .transpose()?
            .unwrap_or("none");
        let expected =
            format!(r#"{{"error":"internal error (request {id})","stdout":"","stderr":""}}"#);
        assert_eq!(body, expected);
        Ok(())
    }
}
