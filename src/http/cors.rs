//! Cross-origin resource sharing (CORS): which pages of other origins may read responses, by the Fetch
//! standard.
//!
//! The service does not use credentials of the browser, such as cookies, so
//! `Access-Control-Allow-Credentials` is never sent. Pages set the Authorization header themselves.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST,
    ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::Error;

/// The paths that pages of other origins may read; all others are for people and operators.
const PATHS: [&str; 2] = ["/execute", "/openapi.json"];
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, traceparent, x-request-id");
/// The response headers of the contract.
const RESPONSE_HEADERS: HeaderValue =
    HeaderValue::from_static("X-Error-Kind, X-Request-Id, Server-Timing, Retry-After");
/// Seconds for which a browser may cache a preflight: the maximum of Chromium.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Middleware that lets pages of these origins read responses.
pub(super) async fn share(
    State(origins): State<Arc<[String]>>,
    request: Request,
    next: Next,
) -> Response {
    if !PATHS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let Some(origin) = listed_origin(request.headers(), &origins).cloned() else {
        let mut response = next.run(request).await;
        response.headers_mut().append(VARY, ORIGIN.into());
        return response;
    };
    let preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight {
        let headers = [
            (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
            (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ];
        (StatusCode::NO_CONTENT, headers).into_response()
    } else {
        let mut response = next.run(request).await;
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
        response
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(VARY, ORIGIN.into());
    response
}

/// Rejects requests from pages of other origins that are not in `origins`. Browsers send forms without asking the service
/// beforehand, as they do for JSON.
pub(super) fn require_same_origin(headers: &HeaderMap, origins: &[String]) -> Result<(), Error> {
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    let same = |origin: &HeaderValue| {
        let origin = origin.as_bytes();
        let start = origin.windows(3).position(|window| window == b"://");
        let authority = start.and_then(|start| origin.get(start + 3..));
        authority
            .is_some_and(|authority| host.is_some_and(|host| authority.eq_ignore_ascii_case(host)))
    };
    let others = headers.get_all(ORIGIN).iter().any(|origin| !same(origin));
    if others && listed_origin(headers, origins).is_none() {
        return Err(Error::CrossOriginForm);
    }
    Ok(())
}

/// Returns the origin of the request if it is one of `origins`.
fn listed_origin<'a>(headers: &'a HeaderMap, origins: &[String]) -> Option<&'a HeaderValue> {
    let mut sent = headers.get_all(ORIGIN).iter();
    let (origin, None) = (sent.next()?, sent.next()) else {
        return None;
    };
    let listed = origins.iter().any(|known| known.as_bytes() == origin);
    listed.then_some(origin)
}
