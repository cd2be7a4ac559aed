//! What is true of every answer: it has a request id and safe headers, it is counted, and a panic
//! becomes a 500.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderName, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use super::answer::{Error, Refused};
use super::body::Lingering;
use super::head::{self, Hosts};
use crate::telemetry::{self, Metrics};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer ids of clients are not worth carrying around.
const LONGEST_ID: usize = 128;

/// Names a request, in the answer and in the log.
#[derive(Debug, Clone)]
pub(super) struct RequestId(Arc<str>);

impl RequestId {
    /// The client's id if it is harmless, or else a new one.
    fn of(headers: &HeaderMap) -> Self {
        let given = headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok());
        match given.filter(|id| is_sane(id)) {
            Some(id) => Self(id.into()),
            None => Self::fresh(),
        }
    }

    fn fresh() -> Self {
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

/// Letters, digits and `._-` can go into logs, shells and addresses as they are.
fn is_sane(id: &str) -> bool {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(harmless)
}

/// The state of the layer.
pub(super) struct Envelope {
    pub(super) metrics: Arc<Metrics>,
    pub(super) hosts: Hosts,
}

/// The layer around all routes.
pub(super) async fn wrap(
    State(envelope): State<Arc<Envelope>>,
    request: Request,
    next: Next,
) -> Response {
    let id = RequestId::of(request.headers());
    let mut request = request.map(Lingering::wrap);
    request.extensions_mut().insert(id.clone());

    let answer = async {
        match head::check(&request, &envelope.hosts) {
            Ok(()) => next.run(request).await,
            Err(error) => error.into_response(),
        }
    };
    let answer = AssertUnwindSafe(answer).catch_unwind().await;
    let mut response = answer.unwrap_or_else(|_| {
        tracing::error!(request_id = %id, "a handler panicked");
        Error::Internal(id.to_string()).into_response()
    });

    let refusal = response.extensions().get().map(|Refused(kind)| *kind);
    let status = response.status().as_u16();
    envelope.metrics.count_response(status, refusal);
    if let Some(kind) = refusal {
        tracing::debug!(request_id = %id, status, kind, "refused");
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(X_REQUEST_ID, value);
    }
    // Answers about scripts are nobody else's; what may be kept says so itself.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sane_ids_are_kept_and_others_replaced() -> Result<(), Box<dyn std::error::Error>> {
        let long = "a".repeat(LONGEST_ID);
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
            assert!(is_sane(id.as_str()), "{id}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error() -> Result<(), Box<dyn std::error::Error>> {
        use axum::{Router, body, middleware, routing::get};
        use tower_service::Service;

        use crate::config::Capacity;

        let routes = Router::new().route("/", get(async || -> () { panic!("a handler's bug") }));
        let envelope = Arc::new(Envelope {
            metrics: Arc::new(Metrics::new(Capacity::default(), "3")),
            hosts: Hosts::Any,
        });
        let mut routes = routes.layer(middleware::from_fn_with_state(envelope, wrap));
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
