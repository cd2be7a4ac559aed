//! Responses to callers who are not authorized or exceed a limit.

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use crate::config::RateLimit;
use crate::http::kind::Kind;

/// Seconds after which the keys of the issuer can be fetched again.
const ISSUER_RETRY_SECONDS: u64 = 5;

/// Seconds after which one of the caller's runs has probably ended: most are far shorter.
const RUN_RETRY_SECONDS: u64 = 1;

/// The reason why a caller may not send a script, or not now. The challenges are those of RFC 6750.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(test, derive(strum::EnumIter))]
pub(in crate::http) enum Rejection {
    #[error(
        "the service needs a key or token: send it in the header Authorization: Bearer, followed by the \
         key or token"
    )]
    NoToken,
    /// Holds the problem of the header.
    #[error("the header Authorization is malformed: {0}")]
    Malformed(&'static str),
    /// Holds the problem of the token.
    #[error("the key or token is not accepted: {0}")]
    InvalidToken(&'static str),
    #[error(
        "the token is valid, but its owner may not send scripts: ask the operator of this service to \
         add you to OIDC_ALLOWED_EMAILS or OIDC_ALLOWED_SUBJECTS"
    )]
    NotAllowed,
    #[error(
        "tokens cannot be checked, because the keys of their issuer could not be fetched: try again \
         in a moment"
    )]
    IssuerUnavailable,
    #[error(
        "rate limit of {} (RATE_LIMIT), {} at once (RATE_BURST), exceeded: try again in {seconds} s",
        .limit.rate, .limit.burst
    )]
    RateLimited {
        limit: RateLimit,
        /// The caller may send another request after this time.
        seconds: u64,
    },
    /// Holds the limit.
    #[error(
        "limit of {0} scripts of one caller that run or wait (MAX_CONCURRENT_PER_CALLER) exceeded: try \
         again when one has ended"
    )]
    TooManyAtOnce(u32),
}

impl Rejection {
    /// Returns the error kind of the contract.
    pub(in crate::http) fn kind(&self) -> Kind {
        match self {
            Self::Malformed(_) => Kind::InvalidRequest,
            Self::NoToken | Self::InvalidToken(_) | Self::IssuerUnavailable => Kind::Unauthorized,
            Self::NotAllowed => Kind::Forbidden,
            Self::RateLimited { .. } | Self::TooManyAtOnce(_) => Kind::RateLimited,
        }
    }

    pub(in crate::http) fn status(&self) -> StatusCode {
        match self {
            // Programs that go by the kind need no kind of its own for a caller that cannot be
            // authenticated yet.
            Self::IssuerUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => self.kind().status(),
        }
    }

    /// Adds the challenge, or the time after which the client should try again.
    pub(in crate::http) fn add_headers(&self, headers: &mut HeaderMap) {
        let challenge = match self {
            Self::NoToken => r#"Bearer realm="python-executor""#.into(),
            Self::Malformed(reason) => challenge("invalid_request", reason),
            Self::InvalidToken(reason) => challenge("invalid_token", reason),
            Self::NotAllowed => challenge("insufficient_scope", "its owner is not listed"),
            Self::IssuerUnavailable => return retry_after(headers, ISSUER_RETRY_SECONDS),
            Self::TooManyAtOnce(_) => return retry_after(headers, RUN_RETRY_SECONDS),
            Self::RateLimited { seconds, .. } => return retry_after(headers, *seconds),
        };
        if let Ok(value) = HeaderValue::try_from(challenge) {
            headers.insert(WWW_AUTHENTICATE, value);
        }
    }
}

fn challenge(error: &str, reason: &str) -> String {
    format!(r#"Bearer realm="python-executor", error="{error}", error_description="{reason}""#)
}

fn retry_after(headers: &mut HeaderMap, seconds: u64) {
    headers.insert(RETRY_AFTER, seconds.into());
}
