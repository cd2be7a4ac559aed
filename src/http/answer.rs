//! What the service answers: the two bodies of the contract, and which of its kinds an error is.

use std::time::Duration;

use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::access::Refusal;
use super::admission::Pass;
use super::kind::Kind;
use super::taking;
use crate::config::Host;
use crate::display::{Bytes, Seconds};
use crate::sandbox::{Failure, Outcome};

/// The header that tells a program which error it has got.
const ERROR_KIND: HeaderName = HeaderName::from_static("x-error-kind");
/// Seconds after which trying again is worth it: most runs are far shorter.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The kind of an answer with a result.
const OK: &str = "ok";

/// What main() returned.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Success<'a> {
    /// The value that main() returned, as json.dumps writes it.
    #[schema(value_type = Value)]
    result: &'a RawValue,
    /// What the script wrote to standard output.
    stdout: &'a str,
}

/// Why there is no result.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault<'a> {
    /// One line for a person.
    error: &'a str,
    /// What the script wrote to standard output before it ended.
    stdout: &'a str,
    /// What the script wrote to standard error before it ended, a traceback for instance.
    stderr: &'a str,
}

/// Why a request was answered without a run.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(test, derive(strum::EnumIter))]
pub(super) enum Error {
    /// The body is not what it should be. Holds what is wrong, and where.
    #[error("{0}")]
    InvalidRequest(String),
    /// The head is malformed, or two readers could understand it differently. Holds the problem.
    #[error("{0}")]
    MalformedHead(String),
    /// The request names a host that is not one of this service's.
    #[error(
        "this service does not answer to the host {0}: add it to ALLOWED_HOSTS, or use localhost or an \
         address of this machine"
    )]
    HostNotAllowed(Host),
    /// The body took too long to arrive.
    #[error("the request body did not arrive within {}", Seconds(*.0))]
    SlowBody(Duration),
    #[error("there is nothing here: send scripts to POST /execute")]
    NotFound,
    #[error("this path does not support the method: see the Allow header")]
    MethodNotAllowed,
    /// The body is too large. Holds the limit in bytes.
    #[error("the request body exceeds the limit of {}: send a shorter script", Bytes(*.0))]
    TooLarge(usize),
    #[error("send the body as it is, with the header Content-Type: application/json")]
    UnsupportedMediaType,
    /// The caller may not send scripts, or not now.
    #[error(transparent)]
    #[cfg_attr(test, strum(disabled))]
    Access(#[from] Refusal),
    #[error(
        "the service is full: it runs at most {running} at once (MAX_CONCURRENT) and lets {waiting} \
         wait (MAX_QUEUE); try again in a moment"
    )]
    Full {
        /// How many may run.
        running: u32,
        /// How many may wait.
        waiting: u32,
    },
    /// Holds how long the request has waited for its turn.
    #[error("its turn did not come within {} (QUEUE_TIMEOUT): try again in a moment", Seconds(*.0))]
    WaitedTooLong(Duration),
    #[error("the service is shutting down: try again in a moment")]
    ShuttingDown,
    /// The service is at fault. The id leads to the details in the log.
    #[error("internal error (request {0})")]
    Internal(String),
}

impl Error {
    fn kind(&self) -> Kind {
        match self {
            Self::InvalidRequest(_) | Self::MalformedHead(_) | Self::SlowBody(_) => {
                Kind::InvalidRequest
            }
            Self::HostNotAllowed(_) => Kind::Forbidden,
            Self::NotFound => Kind::NotFound,
            Self::MethodNotAllowed => Kind::MethodNotAllowed,
            Self::TooLarge(_) => Kind::TooLarge,
            Self::UnsupportedMediaType => Kind::UnsupportedMediaType,
            Self::Access(refusal) => refusal.kind(),
            Self::Full { .. } | Self::WaitedTooLong(_) => Kind::Overloaded,
            Self::ShuttingDown => Kind::ShuttingDown,
            Self::Internal(_) => Kind::Internal,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::SlowBody(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Access(refusal) => refusal.status(),
            _ => self.kind().status(),
        }
    }
}

/// Goes with the answer to a request without a run, for those who count. Holds the kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused(pub(super) &'static str);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, kind) = (self.status(), self.kind().name());
        let body = fault(&self.to_string(), "", "");
        let mut response = Answer { kind, status, body }.holding(None);
        response.extensions_mut().insert(Refused(kind));
        let headers = response.headers_mut();
        if let Self::Access(refusal) = &self {
            refusal.describe(headers);
        }
        // The next request would have to wait for the rest of this one, cannot be told from it, or
        // is better sent elsewhere.
        if matches!(
            self,
            Self::MalformedHead(_) | Self::SlowBody(_) | Self::ShuttingDown
        ) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// What is answered to a run, whoever asked for it.
#[derive(Debug)]
pub struct Answer {
    /// The contract's name for what came of the run; `ok` for a result.
    pub kind: &'static str,
    /// The body, as JSON.
    pub body: Vec<u8>,
    pub(super) status: StatusCode,
}

impl Answer {
    /// The answer over HTTP, which has the `pass` of its run as long as it needs it.
    pub(super) fn holding(self, pass: Option<Pass>) -> Response {
        let Self { kind, status, body } = self;
        let content_type = [(CONTENT_TYPE, "application/json")];
        let mut response = (status, content_type, taking::body(body, pass)).into_response();
        if kind != OK {
            let headers = response.headers_mut();
            headers.insert(ERROR_KIND, HeaderValue::from_static(kind));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
        }
        response
    }
}

/// Puts what came of a run into the words of the contract. `request` names it, and leads to the
/// details in the log when the service is at fault.
#[must_use]
pub fn of_run(outcome: &Outcome, request: &str) -> Answer {
    let Outcome {
        result,
        stdout,
        stderr,
        ..
    } = outcome;
    let (kind, status, body) = match result {
        Ok(result) => (OK, StatusCode::OK, json(&Success { result, stdout })),
        Err(failure) => {
            let kind = kind_of(failure);
            let error = match failure {
                Failure::Internal(details) => {
                    tracing::error!(request_id = request, details, "internal error");
                    Error::Internal(request.into()).to_string()
                }
                failure => failure.to_string(),
            };
            (kind.name(), kind.status(), fault(&error, stdout, stderr))
        }
    };
    Answer { kind, body, status }
}

/// The contract's name for a failure.
fn kind_of(failure: &Failure) -> Kind {
    match failure {
        Failure::Syntax(_) => Kind::SyntaxError,
        Failure::NoMain(_) => Kind::NoMain,
        Failure::Exception(_) => Kind::Exception,
        Failure::NotSerializable(_) => Kind::NotSerializable,
        Failure::CpuLimit(_) => Kind::CpuLimit,
        Failure::HostCallLimit(_) => Kind::HostCallLimit,
        Failure::WallLimit(_) => Kind::WallLimit,
        Failure::MemoryLimit(_) => Kind::MemoryLimit,
        Failure::OutputLimit { .. } => Kind::OutputLimit,
        Failure::Exited(_) => Kind::Exited,
        Failure::Crashed(_) => Kind::Crashed,
        Failure::Unavailable(_) => Kind::Overloaded,
        Failure::Internal(_) => Kind::Internal,
    }
}

fn fault(error: &str, stdout: &str, stderr: &str) -> Vec<u8> {
    json(&Fault {
        error,
        stdout,
        stderr,
    })
}

fn json(body: &impl Serialize) -> Vec<u8> {
    // Strings and finished JSON always can be written; if not, an empty body is all that is left.
    serde_json::to_vec(body).unwrap_or_else(|error| {
        tracing::error!(%error, "cannot write an answer");
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::{IntoEnumIterator, VariantArray};

    use super::*;
    use crate::sandbox::Usage;

    /// The documents are made of `Kind`, the answers of `Error` and `Failure`.
    #[test]
    fn what_is_answered_is_what_kind_says() {
        let said = Kind::VARIANTS
            .iter()
            .flat_map(|kind| kind.statuses().iter().map(|status| (kind.name(), *status)));
        let at_the_door = Refusal::iter().map(Error::Access);
        let refused = Error::iter()
            .chain(at_the_door)
            .map(|error| (error.kind().name(), error.status()));
        let failed = Failure::iter().map(|failure| kind_of(&failure));
        let failed = failed.map(|kind| (kind.name(), kind.status()));
        assert_eq!(
            refused.chain(failed).collect::<BTreeSet<_>>(),
            said.collect::<BTreeSet<_>>()
        );
    }

    fn run(result: Result<&str, Failure>) -> Result<Outcome, serde_json::Error> {
        let result = match result {
            Ok(json) => Ok(RawValue::from_string(json.into())?),
            Err(failure) => Err(failure),
        };
        let (stdout, stderr) = ("out".into(), "err".into());
        Ok(Outcome {
            result,
            stdout,
            stderr,
            usage: Usage::default(),
        })
    }

    #[tokio::test]
    async fn every_outcome_has_its_status_kind_and_body() -> Result<(), Box<dyn std::error::Error>>
    {
        let limit = Duration::from_secs(5);
        let cases = [
            (Ok("123456789012345678901234567890.10"), 200, "ok"),
            (
                Err(Failure::Syntax("SyntaxError: x".into())),
                400,
                "syntax_error",
            ),
            (Err(Failure::NoMain(String::new())), 400, "no_main"),
            (
                Err(Failure::Exception("ValueError: x".into())),
                400,
                "exception",
            ),
            (
                Err(Failure::NotSerializable("set".into())),
                400,
                "not_serializable",
            ),
            (Err(Failure::CpuLimit(limit)), 400, "cpu_limit"),
            (Err(Failure::HostCallLimit(1)), 400, "host_call_limit"),
            (Err(Failure::WallLimit(limit)), 400, "wall_limit"),
            (Err(Failure::MemoryLimit(1)), 400, "memory_limit"),
            (
                Err(Failure::OutputLimit {
                    stream: "stdout",
                    limit: 1,
                }),
                400,
                "output_limit",
            ),
            (Err(Failure::Exited(3)), 400, "exited"),
            (Err(Failure::Crashed("trap".into())), 400, "crashed"),
            (
                Err(Failure::Unavailable("secret".into())),
                503,
                "overloaded",
            ),
            (Err(Failure::Internal("secret".into())), 500, "internal"),
        ];
        for (result, status, kind) in cases {
            let outcome = run(result)?;
            let answer = of_run(&outcome, "id-1");
            assert_eq!(answer.kind, kind);
            let response = answer.holding(None);
            assert_eq!(response.status(), status);
            assert_eq!(response.headers().contains_key(RETRY_AFTER), status == 503);
            let header = response.headers().get(ERROR_KIND).cloned();
            let body = axum::body::to_bytes(response.into_body(), 1 << 20).await?;
            let body = std::str::from_utf8(&body)?;
            let expected = match (&outcome.result, kind) {
                (Ok(json), _) => format!(r#"{{"result":{json},"stdout":"out"}}"#),
                (Err(_), "internal") => {
                    r#"{"error":"internal error (request id-1)","stdout":"out","stderr":"err"}"#
                        .into()
                }
                (Err(failure), _) => {
                    format!(r#"{{"error":"{failure}","stdout":"out","stderr":"err"}}"#)
                }
            };
            assert_eq!(body, expected);
            assert_eq!(
                header,
                (kind != "ok").then_some(HeaderValue::from_static(kind))
            );
        }
        Ok(())
    }
}
