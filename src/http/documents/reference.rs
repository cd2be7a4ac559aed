//! The facts that the documentation and the OpenAPI document share, taken from the code that implements
//! them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use strum::{EnumMessage, IntoStaticStr, VariantArray};
use utoipa::{PartialSchema, ToSchema};

use crate::config::Config;
use crate::display::{Bytes, Seconds};
use crate::http::access::Rejection;
use crate::http::admission::AdmissionError;
use crate::http::error::Error;
use crate::http::kind::Kind;
use crate::http::request::ExecuteRequest;
use crate::sandbox::Failure;

/// A field of the request.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) json_type: String,
    pub(super) required: bool,
    pub(super) description: String,
}

/// A limit of this service.
pub(super) struct Limit {
    pub(super) description: String,
    pub(super) value: String,
    /// The effect of exceeding it.
    pub(super) exceeded: &'static str,
    pub(super) setting: &'static str,
}

/// A row of the table of errors.
pub(super) struct ErrorRow {
    pub(super) kind: &'static str,
    pub(super) statuses: String,
    pub(super) when: &'static str,
    pub(super) text: String,
}

/// A response header.
pub(super) struct Header {
    pub(super) name: &'static str,
    pub(super) on: On,
    pub(super) description: &'static str,
}

/// The responses that have a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// All responses.
    All,
    /// Errors.
    Errors,
    /// Responses to runs that have ended.
    Runs,
    /// Errors after which the client should try again.
    Retry,
    /// Errors of authentication.
    Unauthorized,
    /// Errors for a method that is not supported.
    MethodNotAllowed,
}

/// Another path of the service, for GET requests.
pub(super) struct Address {
    pub(super) path: &'static str,
    /// The default one first.
    pub(super) media_types: &'static [&'static str],
    /// The name of the operation, for clients generated from the OpenAPI document.
    pub(super) operation: &'static str,
    pub(super) tag: Tag,
    pub(super) summary: &'static str,
}

/// A group of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumMessage, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Tag {
    /// Running scripts.
    Scripts,
    /// Documentation of the service.
    Documents,
    /// Endpoints for operators.
    Operation,
}

impl Tag {
    pub(super) fn name(self) -> &'static str {
        self.into()
    }

    pub(super) fn description(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }
}

/// The path that can also return 503.
pub(super) const READYZ: &str = "/readyz";
/// The path that needs authentication where scripts do.
pub(super) const METRICS: &str = "/metrics";

/// The headers of the contract.
pub(super) static HEADERS: [Header; 6] = [
    Header {
        name: "X-Request-Id",
        on: On::All,
        description: "The id of the request, which is also in the log. The id that the request sends is \
                      used if it consists of up to 128 letters, digits, dots, underscores and hyphens; \
                      otherwise the service makes a new one.",
    },
    Header {
        name: "X-Error-Kind",
        on: On::Errors,
        description: "The kind of the error.",
    },
    Header {
        name: "Server-Timing",
        on: On::Runs,
        description: "Milliseconds spent in the queue, on the start of the interpreter, and on the run: \
                      queue;dur=0.012, start;dur=0.1, run;dur=1.2.",
    },
    Header {
        name: "Retry-After",
        on: On::Retry,
        description: "Seconds after which the client should try again.",
    },
    Header {
        name: "WWW-Authenticate",
        on: On::Unauthorized,
        description: "The challenge for a key or token, with the reason why the one that was sent is not accepted.",
    },
    Header {
        name: "Allow",
        on: On::MethodNotAllowed,
        description: "The methods that the path supports.",
    },
];

/// Returns the paths for GET requests.
pub(super) fn addresses(config: &Config) -> Vec<Address> {
    let service = &config.service;
    let metrics = service.metrics && service.admin_address.is_none();
    let address = |path, media_types, operation, tag, summary| Address {
        path,
        media_types,
        operation,
        tag,
        summary,
    };
    let mut addresses = vec![
        address(
            "/healthz",
            &["text/plain"],
            "live",
            Tag::Operation,
            "Liveness: ok.",
        ),
        address(
            READYZ,
            &["text/plain"],
            "ready",
            Tag::Operation,
            "Readiness: 503 if the service is full, is shutting down or cannot store files.",
        ),
    ];
    if metrics {
        addresses.push(address(
            METRICS,
            &["text/plain", "application/openmetrics-text"],
            "metrics",
            Tag::Operation,
            "Metrics for Prometheus; needs a key or token if scripts do.",
        ));
    }
    addresses.extend([
        address(
            "/openapi.json",
            &["application/json"],
            "openapi",
            Tag::Documents,
            "This interface as an OpenAPI document.",
        ),
        address(
            "/docs",
            &["text/html"],
            "docs",
            Tag::Documents,
            "This documentation.",
        ),
    ]);
    if service.playground {
        addresses.push(address(
            "/",
            &["text/html"],
            "playground",
            Tag::Documents,
            "The playground: a page for trying scripts.",
        ));
    }
    addresses
}

/// Returns the fields of the request, the required ones first, from its OpenAPI schema. A field of an object has the
/// object's name before its own.
///
/// # Errors
/// When the schema cannot be written as JSON.
pub(super) fn fields() -> serde_json::Result<Vec<Field>> {
    let mut referred = Vec::new();
    ExecuteRequest::schemas(&mut referred);
    let referred = serde_json::to_value(BTreeMap::from_iter(referred))?;
    let mut fields = Vec::new();
    let request = serde_json::to_value(ExecuteRequest::schema())?;
    add_fields("", &request, &referred, &mut fields);
    fields.sort_by_key(|field| !field.required);
    Ok(fields)
}

/// Adds the fields of an object with this schema, which may refer to others.
fn add_fields(prefix: &str, schema: &Value, referred: &Value, fields: &mut Vec<Field>) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let reference = property["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next());
        let described = reference.map_or(property, |name| &referred[name]);
        let name = format!("{prefix}{name}");
        let prefix = format!("{name}.");
        fields.push(Field {
            json_type: match &described["type"] {
                Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
                one => text(one),
            },
            required: required.iter().any(|required| *required == name),
            description: text(&property["description"]),
            name,
        });
        add_fields(&prefix, described, referred, fields);
    }
}

/// Returns all errors.
pub(super) fn errors(config: &Config) -> Vec<ErrorRow> {
    let row = |kind: &Kind| {
        let statuses = kind.statuses().iter().map(|status| status.as_str());
        ErrorRow {
            kind: kind.name(),
            statuses: statuses.collect::<Vec<_>>().join(", "),
            when: kind.when(),
            text: text(*kind, config),
        }
    };
    Kind::VARIANTS.iter().map(row).collect()
}

/// Returns the text of an error of this kind, with placeholders in angle brackets.
fn text(kind: Kind, config: &Config) -> String {
    let limits = config.run.limits();
    let failure = |failure: Failure| failure.to_string();
    let error = |error: Error| error.to_string();
    match kind {
        Kind::SyntaxError => failure(Failure::Syntax(
            "SyntaxError: <message> (script.py, line <line>)".into(),
        )),
        Kind::NoMain => failure(Failure::NoMain(String::new())),
        Kind::Exception => failure(Failure::Exception("<type>: <message>".into())),
        Kind::NotSerializable => failure(Failure::NotSerializable("<reason>".into())),
        Kind::CpuLimit => failure(Failure::CpuLimit(limits.cpu)),
        Kind::WallLimit => failure(Failure::WallLimit(limits.wall)),
        Kind::MemoryLimit => failure(Failure::MemoryLimit(limits.memory)),
        Kind::OutputLimit => failure(Failure::OutputLimit {
            stream: "stdout",
            limit: limits.stdout,
        }),
        Kind::HostCallLimit => failure(Failure::HostCallLimit(limits.host_calls)),
        Kind::Exited => failure(Failure::Exited(1)),
        Kind::Crashed => failure(Failure::Crashed("<reason>".into())),
        Kind::InvalidRequest => error(Error::InvalidRequest("<problem and position>".into())),
        Kind::Unauthorized => error(Rejection::NoToken.into()),
        Kind::Forbidden => error(Rejection::NotAllowed.into()),
        Kind::RateLimited => match config.access.rate {
            Some(limit) => error(Rejection::RateLimited { limit, seconds: 1 }.into()),
            None => "rate limit of <rate> exceeded".into(),
        },
        Kind::NotFound => error(Error::NotFound),
        Kind::MethodNotAllowed => error(Error::MethodNotAllowed),
        Kind::TooLarge => error(Error::TooLarge(config.request.body_limit)),
        Kind::UnsupportedMediaType => error(Error::UnsupportedMediaType),
        Kind::Overloaded => error(
            AdmissionError::Full {
                max_running: config.capacity.concurrent,
                max_waiting: config.capacity.queue,
            }
            .into(),
        ),
        Kind::ShuttingDown => error(AdmissionError::ShuttingDown.into()),
        Kind::Internal => error(Error::Internal("<request id>".into())),
    }
}

/// Returns the limits of this service, with the help texts of their settings.
pub(super) fn limits(config: &Config) -> Vec<Limit> {
    let limits = config.run.limits();
    let time = |time: Duration| Seconds(time).to_string();
    let size = |bytes: usize| Bytes(bytes).to_string();
    let rows = [
        (
            "CPU_LIMIT",
            time(limits.cpu),
            "cpu_limit; waiting does not count",
        ),
        ("WALL_LIMIT", time(limits.wall), "wall_limit"),
        (
            "MEMORY_LIMIT",
            size(limits.memory),
            "MemoryError, or memory_limit when the script does not catch it",
        ),
        (
            "STDOUT_LIMIT",
            size(limits.stdout),
            "output_limit; the first part is kept",
        ),
        (
            "STDERR_LIMIT",
            size(limits.stderr),
            "output_limit; the first part is kept",
        ),
        ("RESULT_LIMIT", size(limits.result), "output_limit"),
        (
            "RESULT_DEPTH",
            limits.result_depth.to_string(),
            "not_serializable",
        ),
        (
            "OPEN_FILES_LIMIT",
            limits.files.open.to_string(),
            "OSError: [Errno 24] Too many open files",
        ),
        (
            "DISK_LIMIT",
            size(usize::try_from(limits.files.bytes).unwrap_or(usize::MAX)),
            "OSError: [Errno 28] No space left on device",
        ),
        (
            "ENTRIES_LIMIT",
            limits.files.entries.to_string(),
            "OSError: [Errno 28] No space left on device",
        ),
        (
            "HOST_CALLS_LIMIT",
            grouped(limits.host_calls),
            "host_call_limit",
        ),
        (
            "FILES_LIMIT",
            size(limits.output_files),
            "the file is listed as omitted, with its size",
        ),
        ("BODY_LIMIT", size(config.request.body_limit), "too_large"),
        (
            "SCRIPT_LIMIT",
            size(config.request.script_limit),
            "too_large",
        ),
        (
            "BODY_TIMEOUT",
            time(config.request.body_timeout),
            "invalid_request (408)",
        ),
        (
            "QUEUE_TIMEOUT",
            time(config.capacity.queue_timeout),
            "overloaded",
        ),
    ];
    let settings = config.settings();
    let help = |name| {
        let setting = settings.iter().find(|setting| setting.name == name);
        setting.map_or_else(String::new, |setting| setting.help.clone())
    };
    rows.map(|(setting, value, exceeded)| Limit {
        description: help(setting),
        value,
        exceeded,
        setting,
    })
    .into()
}

/// Formats a number in groups of three digits.
fn grouped(number: u64) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{},{rest:03}", grouped(thousands)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_grouped() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (10_000_023, "10,000,023"),
        ];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
    }
}
