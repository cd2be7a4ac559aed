//! The contract's names for what can go wrong.

use axum::http::StatusCode;
use strum::{EnumMessage, IntoStaticStr, VariantArray};

/// The value of `X-Error-Kind`. What is said of each here is what the documents say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumMessage, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Kind {
    /// The script is not Python.
    SyntaxError,
    /// The script defines no main() that can be called without arguments.
    NoMain,
    /// The script raised an exception; the traceback is in stderr.
    Exception,
    /// main() returned something that JSON cannot say.
    NotSerializable,
    /// The script used up its processor time.
    CpuLimit,
    /// The script took too long, waiting included.
    WallLimit,
    /// The script needed more memory than it may use.
    MemoryLimit,
    /// The script wrote or returned more than it may; the first part is kept.
    OutputLimit,
    /// The script called the world outside of the interpreter too often.
    HostCallLimit,
    /// The script left before main() returned, with sys.exit() for instance.
    Exited,
    /// The script brought the interpreter down.
    Crashed,
    /// The body is not what it should be, or did not arrive whole (408 if it was too slow).
    InvalidRequest,
    /// The service asks for a key or token, and this is none or not a good one; 503 if it cannot be told now.
    Unauthorized,
    /// The token is good, but its owner may not send scripts; or the Host header names none of ALLOWED_HOSTS.
    Forbidden,
    /// The caller has used up the rate limit, or has as many scripts inside as each caller may.
    RateLimited,
    /// There is nothing at this path.
    NotFound,
    /// The path does not support the method; Allow says which it does.
    MethodNotAllowed,
    /// The body of the request is too large.
    TooLarge,
    /// The body is not announced as JSON, or is compressed.
    UnsupportedMediaType,
    /// The service runs as many scripts as it can, or cannot store their files: try again in a moment.
    Overloaded,
    /// The service is about to end: try again, and reach another one.
    ShuttingDown,
    /// The service is at fault, never the script; the log tells more about this request id.
    Internal,
}

impl Kind {
    /// As the header says it.
    pub(super) fn name(self) -> &'static str {
        self.into()
    }

    /// When it is answered, in a sentence.
    pub(super) fn when(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }

    /// The status codes it comes with, the usual one first.
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
            // 408 is what HTTP clients and proxies understand; for a program that goes by the
            // kind it is a request that is not whole, so the set of kinds stays closed.
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

    /// The usual status code.
    pub(super) fn status(self) -> StatusCode {
        let [usual, ..] = self.statuses() else {
            return StatusCode::INTERNAL_SERVER_ERROR;
        };
        *usual
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
