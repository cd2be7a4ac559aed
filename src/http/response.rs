//! Responses to runs: the two JSON bodies of the contract, and the headers that belong to them.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::admission::Permit;
use super::included::{Contents, Files, Include, UsageBody};
use super::kind::Kind;
use super::permit_body::PermitBody;
use crate::sandbox::{Failure, Outcome};

/// The header with the error kind.
const ERROR_KIND: HeaderName = HeaderName::from_static("x-error-kind");
/// Seconds after which a client should try again: most runs are far shorter.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The kind of a response with a result.
const OK: &str = "ok";

/// The body when the script has a result.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SuccessBody<'a> {
    /// The value that main() returned, as json.dumps writes it.
    #[schema(value_type = Value)]
    result: &'a RawValue,
    /// The repr of a cell's value, at most 4 KiB; null if that is None.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    text: Option<Option<&'a str>>,
    /// The text that the script wrote to standard output.
    stdout: &'a str,
    /// The objects that the script has shown, in order, if there are any in a cell or the request includes them: each
    /// has texts by their MIME types, in base64 where the type is one of bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<HashMap<String, String>>)]
    display: Option<&'a RawValue>,
    /// The text that the script wrote to standard error, if the request includes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    stderr: Option<&'a str>,
    /// The resources that the run used, if the request includes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = UsageBody)]
    usage: Option<UsageBody>,
    /// The files that the script made or changed, by their paths, if the request includes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = HashMap<String, Contents>)]
    files: Option<Files<'a>>,
    /// "ok", if the request includes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    kind: Option<&'static str>,
}

/// The body when there is no result.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ErrorBody<'a> {
    /// The error in one line, for people.
    error: &'a str,
    /// The text that the script wrote to standard output before it ended.
    stdout: &'a str,
    /// The text that the script wrote to standard error before it ended, such as a traceback.
    stderr: &'a str,
    /// The objects that the script has shown, as in the body of a result.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<HashMap<String, String>>)]
    display: Option<&'a RawValue>,
    /// The resources that the run used, if the request includes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = UsageBody)]
    usage: Option<UsageBody>,
    /// The files that the script made or changed, by their paths, if the request includes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = HashMap<String, Contents>)]
    files: Option<Files<'a>>,
    /// The kind of the error, if the request includes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    kind: Option<&'static str>,
}

/// A response of the contract: a status, a kind and a JSON body.
#[derive(Debug)]
pub struct JsonResponse {
    /// The error kind of the contract; `ok` for a result.
    pub kind: &'static str,
    /// The body, as JSON text.
    pub body: Vec<u8>,
    pub(super) status: StatusCode,
}

impl JsonResponse {
    /// Returns the response to a run with this outcome, which waited in the queue for `queue`. When the service is at
    /// fault, the error names `request_id`, under which the log has the details.
    #[must_use]
    pub fn from_outcome(
        outcome: &Outcome,
        include: Include,
        queue: Duration,
        request_id: &str,
    ) -> Self {
        let Outcome {
            result,
            stdout,
            stderr,
            display,
            files,
            usage,
        } = outcome;
        let none_shown = include.display.then(no_display).flatten();
        let display = display.as_deref().or(none_shown);
        let usage = include.usage.then(|| UsageBody::new(usage, queue));
        let files = include.files.then_some(Files(files));
        match result {
            Ok(result) => Self {
                kind: OK,
                status: StatusCode::OK,
                body: json(&SuccessBody {
                    result: &result.json,
                    text: include.text.then_some(result.text.as_deref()),
                    stdout,
                    display,
                    stderr: include.stderr.then_some(stderr),
                    usage,
                    files,
                    kind: include.kind.then_some(OK),
                }),
            },
            Err(failure) => {
                let kind = Kind::from(failure);
                let error = match failure {
                    Failure::Internal(details) => {
                        tracing::error!(request_id, details, "internal error");
                        internal_error(request_id)
                    }
                    failure => failure.to_string(),
                };
                Self {
                    kind: kind.name(),
                    status: kind.status(),
                    body: json(&ErrorBody {
                        error: &error,
                        stdout,
                        stderr,
                        display,
                        usage,
                        files,
                        kind: include.kind.then_some(kind.name()),
                    }),
                }
            }
        }
    }

    /// Returns the response for an error of a request that did not run.
    pub(super) fn error(kind: Kind, status: StatusCode, error: &str) -> Self {
        Self {
            kind: kind.name(),
            status,
            body: json(&ErrorBody {
                error,
                stdout: "",
                stderr: "",
                display: None,
                usage: None,
                files: None,
                kind: None,
            }),
        }
    }

    /// Returns the HTTP response. A large body holds `permit` until it is written.
    pub(super) fn into_response(self, permit: Option<Arc<Permit>>) -> Response {
        let Self { kind, status, body } = self;
        let content_type = [(CONTENT_TYPE, "application/json")];
        let body = PermitBody::wrap(body, permit);
        let mut response = (status, content_type, body).into_response();
        let headers = response.headers_mut();
        if kind != OK {
            headers.insert(ERROR_KIND, HeaderValue::from_static(kind));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_SECONDS);
        }
        response
    }
}

/// The error text when the service is at fault.
pub(super) fn internal_error(request_id: &str) -> String {
    format!("internal error (request {request_id})")
}

/// An empty array.
fn no_display() -> Option<&'static RawValue> {
    serde_json::from_str("[]").ok()
}

fn json(body: &impl Serialize) -> Vec<u8> {
    // Strings and finished JSON can always be written; if not, an empty body is all that is left.
    serde_json::to_vec(body).unwrap_or_else(|error| {
        tracing::error!(%error, "cannot write a response body");
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Usage, Value};

    fn outcome_of(result: Result<&str, Failure>) -> Result<Outcome, serde_json::Error> {
        let result = match result {
            Ok(json) => Ok(Value {
                json: RawValue::from_string(json.into())?,
                text: None,
            }),
            Err(failure) => Err(failure),
        };
        let (stdout, stderr) = ("out".into(), "err".into());
        Ok(Outcome {
            result,
            stdout,
            stderr,
            display: None,
            files: Vec::new(),
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
            let outcome = outcome_of(result)?;
            let response =
                JsonResponse::from_outcome(&outcome, Include::default(), Duration::ZERO, "id-1");
            assert_eq!(response.kind, kind);
            let response = response.into_response(None);
            assert_eq!(response.status(), status);
            assert_eq!(response.headers().contains_key(RETRY_AFTER), status == 503);
            let header = response.headers().get(ERROR_KIND).cloned();
            let body = axum::body::to_bytes(response.into_body(), 1 << 20).await?;
            let body = std::str::from_utf8(&body)?;
            let expected = match (&outcome.result, kind) {
                (Ok(value), _) => format!(r#"{{"result":{},"stdout":"out"}}"#, value.json),
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
