//! The error kinds of the contract, and their status codes.

use axum::http::StatusCode;
use strum::{EnumMessage, IntoStaticStr, VariantArray};

use crate::sandbox::Failure;

/// The value of `X-Error-Kind`. The doc comments are the descriptions in `/docs` and the OpenAPI
/// document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumMessage, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Kind {
    /// The script is not valid Python.
    SyntaxError,
    /// The script defines no main() that can be called without arguments.
    NoMain,
    /// The script raised an exception; the traceback is in stderr.
    Exception,
    /// main() returned a value that cannot be written as JSON.
    NotSerializable,
    /// The script used up its CPU time.
    CpuLimit,
    /// The script took too long from start to end, waiting included.
    WallLimit,
    /// The script needed more memory than the limit allows.
    MemoryLimit,
    /// The script wrote or returned more than the limits allow; the first part of the output is kept.
    OutputLimit,
    /// The script made too many calls to the host, such as reading a clock or a file.
    HostCallLimit,
    /// The script exited before main() returned, for example with sys.exit().
    Exited,
    /// The script crashed the interpreter.
    Crashed,
    /// The request is malformed, or its body is invalid or incomplete (408 if it arrived too slowly).
    InvalidRequest,
    /// The key or token is missing or invalid; 503 if it cannot be checked right now.
    Unauthorized,
    /// The token is valid, but its owner may not send scripts; or the Host header names a host that is not in ALLOWED_HOSTS, or the page of another origin sent a form.
    Forbidden,
    /// The caller has used up its rate limit, or has as many scripts running or waiting as each caller may.
    RateLimited,
    /// There is nothing at this path.
    NotFound,
    /// The path does not support the method; the Allow header lists those that it supports.
    MethodNotAllowed,
    /// The request body or its script is too large.
    TooLarge,
    /// The request body is not announced as JSON or multipart/form-data, or is compressed.
    UnsupportedMediaType,
    /// The service is full, or cannot store files: try again in a moment.
    Overloaded,
    /// The service is shutting down: try again, which reaches another replica if there is one.
    ShuttingDown,
    /// The service is at fault, never the script; its log has the details under the request id.
    Internal,
}

impl Kind {
    /// Returns the value of the header.
    pub(super) fn name(self) -> &'static str {
        self.into()
    }

    /// Returns a sentence that says when this error occurs.
    pub(super) fn when(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }

    /// Returns the status codes of this kind, the usual one first.
    pub(super) fn statuses(self) -> &'static [StatusCode] {
        match self {
            Self::SyntaxError
            | Self::NoMain
            | Self::Exception
            | Self::NotSerializable
            | Self::CpuLimit
            | Self::WallLimit
            | Self::MemoryLimit
            | Self::OutputLimit
            | Self::HostCallLimit
            | Self::Exited
            | Self::Crashed => &[StatusCode::BAD_REQUEST],
            // HTTP clients and proxies understand 408. Programs that go by the kind need no kind of
            // its own for an incomplete request.
            Self::InvalidRequest => &[StatusCode::BAD_REQUEST, StatusCode::REQUEST_TIMEOUT],
            Self::Unauthorized => &[StatusCode::UNAUTHORIZED, StatusCode::SERVICE_UNAVAILABLE],
            Self::Forbidden => &[StatusCode::FORBIDDEN],
            Self::RateLimited => &[StatusCode::TOO_MANY_REQUESTS],
            Self::NotFound => &[StatusCode::NOT_FOUND],
            Self::MethodNotAllowed => &[StatusCode::METHOD_NOT_ALLOWED],
            Self::TooLarge => &[StatusCode::PAYLOAD_TOO_LARGE],
            Self::UnsupportedMediaType => &[StatusCode::UNSUPPORTED_MEDIA_TYPE],
            Self::Overloaded | Self::ShuttingDown => &[StatusCode::SERVICE_UNAVAILABLE],
            Self::Internal => &[StatusCode::INTERNAL_SERVER_ERROR],
        }
    }

    /// Returns the usual status code.
    pub(super) fn status(self) -> StatusCode {
        let [usual, ..] = self.statuses() else {
            return StatusCode::INTERNAL_SERVER_ERROR;
        };
        *usual
    }
}

impl From<&Failure> for Kind {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Syntax(_) => Self::SyntaxError,
            Failure::NoMain(_) => Self::NoMain,
            Failure::Exception(_) => Self::Exception,
            Failure::NotSerializable(_) => Self::NotSerializable,
            Failure::CpuLimit(_) => Self::CpuLimit,
            Failure::HostCallLimit(_) => Self::HostCallLimit,
            Failure::WallLimit(_) => Self::WallLimit,
            Failure::MemoryLimit(_) => Self::MemoryLimit,
            Failure::OutputLimit { .. } => Self::OutputLimit,
            Failure::Exited(_) => Self::Exited,
            Failure::Crashed(_) => Self::Crashed,
            Failure::Unavailable(_) => Self::Overloaded,
            Failure::Internal(_) => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_a_sentence_and_a_status() {
        for kind in Kind::VARIANTS {
            let name = kind.name();
            assert!(
                name.bytes()
                    .all(|byte| byte == b'_' || byte.is_ascii_lowercase())
            );
            assert!(kind.when().ends_with('.'), "{}", kind.when());
            assert!(!kind.statuses().is_empty(), "{name}");
        }
        assert_eq!(Kind::HostCallLimit.name(), "host_call_limit");
    }
}
