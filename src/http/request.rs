//! The request body of `POST /execute`: its fields, and how it is parsed.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use utoipa::ToSchema;

use super::error::Error;
use crate::sandbox::{Job, Limits};

/// Bytes kept at either end of a long error message.
const MAX_ERROR_PART: usize = 80;

// A field added here is parsed, checked, and described in `/docs` and the OpenAPI document: the doc
// comments are the descriptions.
/// The script to run. Other fields are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ExecuteRequest {
    /// Python source that defines main(), plain or async, without required arguments.
    #[schema(min_length = 1)]
    pub(super) script: String,
}

impl ExecuteRequest {
    /// Parses a request body. An error names the field, the line and the column.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(body).map_err(|error| {
            let at = error.valid_up_to();
            Error::InvalidRequest(format!("the request body is not UTF-8: see byte {at}"))
        })?;
        match serde_json::from_str(text) {
            Ok(Body(request)) => Ok(request),
            Err(error) => Err(invalid(text, &error)),
        }
    }

    /// Returns the job that runs the script within `limits`, those of the service.
    pub(super) fn into_job(self, limits: &Limits) -> Result<Job, Error> {
        let Self { script } = self;
        Ok(Job::new(script, limits.clone()))
    }
}

/// Returns the error for a body with this problem. The field is found by parsing again, so that valid
/// requests do not pay for keeping track of it.
fn invalid(text: &str, error: &serde_json::Error) -> Error {
    let mut json = serde_json::Deserializer::from_str(text);
    let problem = match serde_path_to_error::deserialize::<_, Body>(&mut json) {
        Err(traced) if traced.path().iter().next().is_some() => {
            format!("field `{}`: {error}", traced.path())
        }
        _ => error.to_string(),
    };
    Error::InvalidRequest(format!("invalid request body: {}", abridge(&problem)))
}

/// Makes one short line of `text`, which may quote a whole value or name of the request.
fn abridge(text: &str) -> String {
    let start = text.floor_char_boundary(MAX_ERROR_PART);
    let end = text.ceil_char_boundary(text.len().saturating_sub(MAX_ERROR_PART));
    let short = if start < end {
        format!("{}...{}", &text[..start], &text[end..])
    } else {
        text.to_owned()
    };
    short.replace(char::is_control, " ")
}

/// A request that is written as an object. The derived implementation takes an array of the fields,
/// too.
struct Body(ExecuteRequest);

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Body;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the field `script`")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Body, A::Error> {
        ExecuteRequest::deserialize(MapAccessDeserializer::new(fields)).map(Body)
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_found() {
        let deep = format!(
            r#"{{"x":{}{},"script":"s"}}"#,
            "[".repeat(200_000),
            "]".repeat(200_000)
        );
        let cases = [
            (r#"{"script":"s"}"#, "s"),
            (r#" {"script" : "" } "#, ""),
            (
                r#"{"other":[1,{"script":5}],"script":"s","more":null}"#,
                "s",
            ),
            (
                r#"{"scr\u0069pt":"caf\u00e9\n\u0000\ud83d\ude00"}"#,
                "café\n\0😀",
            ),
            (&deep, "s"),
        ];
        for (body, script) in cases {
            let request = ExecuteRequest::parse(body.as_bytes()).ok();
            assert_eq!(
                request.map(|request| request.script).as_deref(),
                Some(script)
            );
        }
    }

    #[test]
    fn errors_are_short_and_name_the_field_the_line_and_the_column() {
        let deep = format!(r#"{{"script":{}"#, "[".repeat(200_000));
        let long = format!("{:?}", "x".repeat(200_000));
        let long_name = format!("{{{long}: x}}");
        let object = "expected an object with the field `script` at line 1";
        let string = "expected a string at line 1";
        let cases: &[(&[u8], &str)] = &[
            (b"", "EOF while parsing a value at line 1 column 0"),
            (b"main()", "expected value at line 1 column 1"),
            (b"{\n\"script\": 'x'}", "expected value at line 2 column 11"),
            (
                br#"{"script":"x""#,
                "EOF while parsing an object at line 1 column 13",
            ),
            (
                br#"{"script":"x"} {}"#,
                "trailing characters at line 1 column 16",
            ),
            (br#"{"script":"\ud800"}"#, "at line 1 column"),
            (b"{}", "missing field `script` at line 1 column 2"),
            (br#"{"Script":"x"}"#, "missing field `script`"),
            (
                br#"{"script":"x","script":"y"}"#,
                "duplicate field `script` at line 1 column 22",
            ),
            (br#"{"script":null}"#, string),
            (
                br#"{"script":5}"#,
                "field `script`: invalid type: integer `5`, expected a string at line 1 column 11",
            ),
            (
                br#"{"a\nb":x}"#,
                "field `a b`: expected value at line 1 column 9",
            ),
            (
                long_name.as_bytes(),
                "expected value at line 1 column 200006",
            ),
            (br#"{"script":["x"]}"#, string),
            (br#"["x"]"#, object),
            (b"null", object),
            (b"5", object),
            (long.as_bytes(), object),
            (deep.as_bytes(), string),
            (b"{\"script\":\"\xff\"}", "not UTF-8: see byte 11"),
            (b"\xef\xbb\xbf{}", "expected value at line 1 column 1"),
        ];
        for (body, expected) in cases {
            let shown = String::from_utf8_lossy(&body[..body.len().min(50)]);
            match ExecuteRequest::parse(body) {
                Err(Error::InvalidRequest(text)) => {
                    assert!(text.contains(expected), "{shown}: {text}");
                    assert!(text.len() < 200, "{shown}: {} bytes", text.len());
                }
                other => panic!("{shown}: {other:?}"),
            }
        }
    }
}
