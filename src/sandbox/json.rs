//! Validation of a result: untrusted JSON text from a guest.

use serde_json::value::RawValue;

/// The reason why a text is not accepted as a result.
#[derive(Debug, PartialEq, Eq)]
pub enum JsonError {
    /// Arrays and objects are nested too deeply.
    TooDeep,
    /// It is not JSON.
    Malformed,
}

/// Checks that `text` is one JSON value of at most `max_depth` levels. It is passed on unchanged, so that
/// numbers keep all their digits and strings their escapes.
pub fn parse(text: Vec<u8>, max_depth: usize) -> Result<Box<RawValue>, JsonError> {
    if json_depth(&text) > max_depth {
        return Err(JsonError::TooDeep);
    }
    let text = String::from_utf8(text).map_err(|_| JsonError::Malformed)?;
    RawValue::from_string(text).map_err(|_| JsonError::Malformed)
}

/// Returns the deepest nesting of arrays and objects. Exact for valid JSON; other text is rejected afterwards.
pub fn json_depth(text: impl AsRef<[u8]>) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut in_string = false;
    let mut bytes = text.as_ref().iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                bytes.next();
            }
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_pass_unchanged() {
        let long = "9".repeat(400);
        for text in [
            "null",
            "[1.0, -0.0, 1e308]",
            r#"{"a": "\ud800", "a": 1}"#,
            &long,
            r#""[[[[""#,
        ] {
            let parsed = parse(text.as_bytes().to_vec(), 1).map(|value| value.get().to_owned());
            assert_eq!(parsed.as_deref(), Ok(text));
        }
    }

    #[test]
    fn depth_is_counted_outside_of_strings() {
        let cases = [
            ("1", 0),
            ("[]", 1),
            (r#"{"a": [1]}"#, 2),
            (r#"["[\"[", []]"#, 2),
            ("[[], [[]]]", 3),
        ];
        for (text, expected) in cases {
            assert_eq!(json_depth(text), expected, "{text}");
        }
        assert_eq!(parse(b"[[]]".to_vec(), 1).unwrap_err(), JsonError::TooDeep);
    }

    #[test]
    fn anything_else_is_malformed() {
        let cases: [&[u8]; 9] = [
            b"", b"{", b"1 2", b"nan", b"'a'", b"\xff", b"[1,]", b"\"\\x\"", b"[1]\0",
        ];
        for text in cases {
            assert_eq!(
                parse(text.to_vec(), 10).unwrap_err(),
                JsonError::Malformed,
                "{text:?}"
            );
        }
    }
}
