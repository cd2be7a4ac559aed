//! Errors of requests that did not run, and their responses.

use std::time::Duration;

use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::access::Rejection;
use super::admission::AdmissionError;
use super::kind::Kind;
use super::response::{JsonResponse, internal_error};
use crate::config::Host;
use crate::display::{Bytes, Seconds};

/// An error of a request that did not run, or whose run did not end.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(test, derive(strum::EnumIter))]
pub(super) enum Error {
    /// The body is invalid. Holds the problem, with its position.
    #[error("{0}")]
    InvalidRequest(String),
    /// The head is malformed, or two readers could understand it differently. Holds the problem.
    #[error("{0}")]
    MalformedHead(String),
    /// The Host header names a host that is not in `ALLOWED_HOSTS`.
    #[error(
        "the host {0} is not one of this service (ALLOWED_HOSTS): add it there, or use localhost or \
         an address of this machine"
    )]
    HostNotAllowed(Host),
    /// The page of another origin sent a form, for which browsers do not ask the service beforehand.
    #[error(
        "pages of other origins may not send multipart/form-data: list the origin in CORS_ORIGINS, or send JSON"
    )]
    CrossOriginForm,
    /// The body took too long to arrive.
    #[error(
        "the request body did not arrive within {} (BODY_TIMEOUT): send it faster, or a shorter one",
        Seconds(*.0)
    )]
    SlowBody(Duration),
    #[error("there is nothing at this path: send scripts to POST /execute")]
    NotFound,
    #[error("this path does not support the method: use one of those in the Allow header")]
    MethodNotAllowed,
    /// The body is too large. Holds the limit in bytes.
    #[error(
        "the request body exceeds the limit of {} (BODY_LIMIT): send a shorter one",
        Bytes(*.0)
    )]
    TooLarge(usize),
    /// The script is too large. Holds the limit in bytes.
    #[error(
        "the script exceeds the limit of {} (SCRIPT_LIMIT): send a shorter one, and data in args, stdin or files",
        Bytes(*.0)
    )]
    ScriptTooLarge(usize),
    #[error(
        "the request body is not announced as JSON or multipart/form-data, or is compressed: send it uncompressed, with \
         the header Content-Type: application/json"
    )]
    UnsupportedMediaType,
    /// The caller may not send scripts, or not now.
    #[error(transparent)]
    #[cfg_attr(test, strum(disabled))]
    Access(#[from] Rejection),
    /// The service is full or shutting down.
    #[error(transparent)]
    #[cfg_attr(test, strum(disabled))]
    Admission(#[from] AdmissionError),
    /// The service is at fault. Holds the request id, under which the log has the details.
    #[error("{}", internal_error(.0))]
    Internal(String),
}

impl Error {
    fn kind(&self) -> Kind {
        match self {
            Self::InvalidRequest(_) | Self::MalformedHead(_) | Self::SlowBody(_) => {
                Kind::InvalidRequest
            }
            Self::HostNotAllowed(_) | Self::CrossOriginForm => Kind::Forbidden,
            Self::NotFound => Kind::NotFound,
            Self::MethodNotAllowed => Kind::MethodNotAllowed,
            Self::TooLarge(_) | Self::ScriptTooLarge(_) => Kind::TooLarge,
            Self::UnsupportedMediaType => Kind::UnsupportedMediaType,
            Self::Access(rejection) => rejection.kind(),
            Self::Admission(error) => error.kind(),
            Self::Internal(_) => Kind::Internal,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::SlowBody(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Access(rejection) => rejection.status(),
            _ => self.kind().status(),
        }
    }

    /// Whether the connection cannot be used again: the rest of the request is missing or cannot be
    /// told from the next one, or the client should connect to another replica.
    fn closes_connection(&self) -> bool {
        matches!(
            self,
            Self::MalformedHead(_)
                | Self::SlowBody(_)
                | Self::Admission(AdmissionError::ShuttingDown)
        )
    }
}

/// A response extension of requests that were rejected before a run. Holds the error kind, which the
/// middleware counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct RejectedKind(pub(super) &'static str);

impl From<&Error> for JsonResponse {
    fn from(error: &Error) -> Self {
        Self::error(error.kind(), error.status(), &error.to_string())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let kind = self.kind().name();
        let mut response = JsonResponse::from(&self).into_response(None);
        response.extensions_mut().insert(RejectedKind(kind));
        let headers = response.headers_mut();
        if let Self::Access(rejection) = &self {
            rejection.add_headers(headers);
        }
        if self.closes_connection() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::{IntoEnumIterator, VariantArray};

    use super::*;
    use crate::sandbox::Failure;

    /// The documents are made from `Kind`, the responses from `Error` and `Failure`.
    #[test]
    fn the_kinds_of_all_errors_are_those_that_are_documented() {
        let documented = Kind::VARIANTS
            .iter()
            .flat_map(|kind| kind.statuses().iter().map(|status| (kind.name(), *status)));
        let rejected = Error::iter()
            .chain(Rejection::iter().map(Error::Access))
            .chain(AdmissionError::iter().map(Error::Admission))
            .map(|error| (error.kind().name(), error.status()));
        let failed = Failure::iter().map(|failure| Kind::from(&failure));
        let failed = failed.map(|kind| (kind.name(), kind.status()));
        assert_eq!(
            rejected.chain(failed).collect::<BTreeSet<_>>(),
            documented.collect::<BTreeSet<_>>()
        );
    }
}
