//! The request body of `POST /execute`: its fields, how it is parsed, and the job that it becomes.
//!
//! | file | holds |
//! |---|---|
//! | `options` | the fields of `options` |
//! | `files` | contents and paths of `files` |
//! | `values` | values that serde does not parse as strictly |
//! | `multipart` | requests in `multipart/form-data` |
//! | `time` | points in time as RFC 3339 writes them |
//! | `job` | checks of all fields, and the job |

mod files;
mod job;
mod multipart;
mod options;
mod time;
mod values;

use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::error::Error;
use files::Contents;
pub(super) use multipart::boundary;
use options::Options;
use values::{object, pairs, raw_array, raw_object, some};

/// Bytes kept at either end of a long error message.
const MAX_ERROR_PART: usize = 80;

// A field added here is parsed, checked, and described in `/docs` and the OpenAPI document: the doc
// comments are the descriptions.
/// The script to run and its input. Other fields are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ExecuteRequest {
    /// Python source that defines main(), plain or async.
    #[schema(min_length = 1)]
    pub(super) script: String,
    /// Positional arguments of main().
    #[serde(default, deserialize_with = "raw_array")]
    #[schema(value_type = Vec<Value>)]
    args: Option<Box<RawValue>>,
    /// Keyword arguments of main().
    #[serde(default, deserialize_with = "raw_object")]
    #[schema(value_type = Object)]
    kwargs: Option<Box<RawValue>>,
    /// The text that the script reads from standard input.
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = String)]
    stdin: Option<String>,
    /// Files in the working directory before the script starts, by their paths. The contents are text, or bytes as
    /// {"base64": "..."}.
    #[serde(default, deserialize_with = "pairs")]
    #[schema(value_type = HashMap<String, Contents>)]
    files: Vec<(String, Contents)>,
    /// How the script is run, and what the response has. Unknown options are rejected.
    #[serde(default, deserialize_with = "object")]
    options: Options,
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
}

/// Returns the error for a body with this problem. The field is found by parsing again, so that valid
/// requests do not pay for keeping track of it.
fn invalid(text: &str, error: &serde_json::Error) -> Error {
    let mut json = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, Body>(&mut json) {
        Err(traced) if traced.path().iter().next().is_some() => {
            invalid_field(&traced.path().to_string(), &error.to_string())
        }
        _ => Error::InvalidRequest(format!(
            "invalid request body: {}",
            abridge(&error.to_string())
        )),
    }
}

/// Returns the error for a field with this problem.
fn invalid_field(field: &str, problem: &str) -> Error {
    let problem = abridge(&format!("field `{field}`: {problem}"));
    Error::InvalidRequest(format!("invalid request body: {problem}"))
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

/// A request that is written as an object.
#[derive(Deserialize)]
#[serde(transparent)]
struct Body(#[serde(deserialize_with = "object")] ExecuteRequest);

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
        let object = "expected an object at line 1";
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
