//! Finds the script in the body of a request.

use std::fmt;

use serde::de::{
    Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Unexpected, Visitor,
};

use super::answer::Error;

/// The body of a request. Fields that are not known are skipped, however deep they are: serde_json
/// skips without recursion.
struct Submission(String);

/// Takes the script out of `{"script": "..."}`.
pub(super) fn parse(body: &[u8]) -> Result<String, Error> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        Error::InvalidRequest(format!("the request body is not UTF-8: see byte {at}"))
    })?;
    match serde_json::from_str(text) {
        Ok(Submission(script)) => Ok(script),
        // The error says at which line and column.
        Err(error) => Err(Error::InvalidRequest(format!(
            "invalid request body: {error}"
        ))),
    }
}

impl<'de> Deserialize<'de> for Submission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A derived implementation would take `["..."]` as well, and would not name the field
        // when its value is of the wrong type.
        deserializer.deserialize_any(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Submission;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the field `script`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Submission, A::Error> {
        let mut script = None;
        while let Some(name) = fields.next_key::<String>()? {
            if name != "script" {
                fields.next_value::<IgnoredAny>()?;
            } else if script.is_none() {
                script = Some(fields.next_value::<Source>()?.0);
            } else {
                // Readers differ in which one they would take: better none than the wrong one.
                return Err(A::Error::duplicate_field("script"));
            }
        }
        script
            .map(Submission)
            .ok_or_else(|| A::Error::missing_field("script"))
    }

    /// Without this the error would repeat the whole string.
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Submission, E> {
        Err(E::invalid_type(Unexpected::Other("string"), &self))
    }
}

/// The value of the field.
struct Source(String);

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(Text).map(Source)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`script` to be a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.into())
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<String, E> {
        Ok(text)
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
            assert_eq!(parse(body.as_bytes()).ok().as_deref(), Some(script));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let deep = format!(r#"{{"script":{}"#, "[".repeat(200_000));
        let long = format!("{:?}", "x".repeat(200_000));
        let object = "expected an object with the field `script` at line 1";
        let string = "expected `script` to be a string at line 1";
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
            (br#"{"script":5}"#, string),
            (br#"{"script":["x"]}"#, string),
            (br#"["x"]"#, object),
            (b"null", object),
            (b"5", object),
            (long.as_bytes(), object),
            (deep.as_bytes(), string),
            (b"{\"script\":\"\xff\"}", "not UTF-8: see byte 11"),
            (b"\xef\xbb\xbf{}", "expected value at line 1 column 1"),
        ];
        for (body, telling) in cases {
            let shown = String::from_utf8_lossy(&body[..body.len().min(50)]);
            match parse(body) {
                Err(Error::InvalidRequest(text)) => {
                    assert!(text.contains(telling), "{shown}: {text}");
                    assert!(text.len() < 200, "{shown}: {} bytes", text.len());
                }
                other => panic!("{shown}: {other:?}"),
            }
        }
    }
}
