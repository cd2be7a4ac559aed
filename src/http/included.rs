//! Fields that a response has if the request includes them: the usage of the run, and its files.

use std::borrow::Cow;
use std::time::Duration;

use base64::display::Base64Display;
use base64::prelude::BASE64_STANDARD;
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::sandbox::{OutputFile, Usage};
use crate::telemetry::millis;

/// Text that is longer than this is sent in base64 if more than an eighth of it is control characters, of which each
/// takes six bytes in JSON.
const MAX_CONTROL_TEXT: usize = 4 << 10;

/// The fields that a request includes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Include {
    /// The text of stderr; errors have it anyway.
    pub stderr: bool,
    /// The usage of the run.
    pub usage: bool,
    /// The files that the script made or changed.
    pub files: bool,
    /// The kind of the response.
    pub kind: bool,
    /// The objects that the script has shown; cells have them anyway if there are any.
    pub display: bool,
    /// The text of the value: that of a cell has one.
    pub text: bool,
}

/// The resources that a run used.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Usage)]
pub(super) struct UsageBody {
    /// Processor time in milliseconds.
    cpu_ms: f64,
    /// Time from the start of the script to its end in milliseconds.
    wall_ms: f64,
    /// Time in the queue in milliseconds.
    queue_ms: f64,
    /// Time to start the interpreter in milliseconds.
    start_ms: f64,
    /// The most memory that the interpreter used at once, in bytes.
    peak_memory_bytes: usize,
    /// Calls from the interpreter to the host.
    host_calls: u64,
    /// The size of the working directory at the end, in bytes.
    disk_bytes: u64,
}

impl UsageBody {
    pub(super) fn new(usage: &Usage, queue: Duration) -> Self {
        Self {
            cpu_ms: millis(usage.cpu),
            wall_ms: millis(usage.run),
            queue_ms: millis(queue),
            start_ms: millis(usage.start),
            peak_memory_bytes: usage.memory,
            host_calls: usage.host_calls,
            disk_bytes: usage.disk,
        }
    }
}

/// Files by their paths, in the shape of the request's.
pub(super) struct Files<'a>(pub(super) &'a [OutputFile]);

impl Serialize for Files<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .iter()
                .map(|file| (&file.path, Contents::of(&file.contents))),
        )
    }
}

/// The contents of a file, or its size.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Contents<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes that are not text.
    Bytes {
        #[serde(serialize_with = "encode")]
        base64: &'a [u8],
    },
    /// There was no room for the contents.
    Omitted { omitted: &'static str, bytes: u64 },
}

impl<'a> Contents<'a> {
    fn of(contents: &'a Result<Vec<u8>, u64>) -> Self {
        match contents {
            Ok(bytes) => match str::from_utf8(bytes) {
                Ok(text) if is_short_as_json(text) => Self::Text(text),
                _ => Self::Bytes { base64: bytes },
            },
            Err(bytes) => Self::Omitted {
                omitted: "too_large",
                bytes: *bytes,
            },
        }
    }
}

/// Whether text is not much longer as a JSON string: the size of a response is bounded by the size of its files.
fn is_short_as_json(text: &str) -> bool {
    let escaped = |byte: &u8| *byte < b' ' && !b"\n\r\t".contains(byte);
    text.len() <= MAX_CONTROL_TEXT || text.bytes().filter(escaped).count() <= text.len() / 8
}

fn encode<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(bytes, &BASE64_STANDARD))
}

impl PartialSchema for Contents<'_> {
    fn schema() -> RefOr<Schema> {
        let string = || ObjectBuilder::new().schema_type(Type::String);
        let object = || {
            ObjectBuilder::new()
                .schema_type(Type::Object)
                .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        };
        let bytes = object()
            .description(Some("Bytes that are not text, in base64."))
            .property("base64", string().content_encoding("base64"))
            .required("base64");
        let omitted = object()
            .description(Some(
                "The size of a file whose contents exceed the limit of all files.",
            ))
            .property("omitted", string().enum_values(Some(["too_large"])))
            .property("bytes", ObjectBuilder::new().schema_type(Type::Integer))
            .required("omitted")
            .required("bytes");
        OneOfBuilder::new()
            .item(string().description(Some("Text.")))
            .item(bytes)
            .item(omitted)
            .into()
    }
}

impl ToSchema for Contents<'_> {
    fn name() -> Cow<'static, str> {
        "ReturnedFile".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_shape_of_the_requests() -> serde_json::Result<()> {
        let binary = "\0".repeat(MAX_CONTROL_TEXT + 3).into_bytes();
        let cases = [
            (
                Ok(b"text\n\"\x00".to_vec()),
                r#""text\n\"\u0000""#.to_owned(),
            ),
            (Ok(Vec::new()), r#""""#.to_owned()),
            (Ok("é".into()), r#""é""#.to_owned()),
            (Ok(vec![255, 0]), r#"{"base64":"/wA="}"#.to_owned()),
            (
                Ok(binary.clone()),
                format!(
                    r#"{{"base64":"{}"}}"#,
                    Base64Display::new(&binary, &BASE64_STANDARD)
                ),
            ),
            (Err(7), r#"{"omitted":"too_large","bytes":7}"#.to_owned()),
        ];
        for (contents, expected) in cases {
            let file = OutputFile {
                path: "a/\"b".to_owned(),
                contents,
            };
            let json = serde_json::to_string(&Files(&[file]))?;
            assert_eq!(json, format!(r#"{{"a/\"b":{expected}}}"#));
        }
        Ok(())
    }
}
