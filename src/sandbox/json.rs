//! Takes a result that a guest hands over as JSON text. It is untrusted like everything else.

use serde_json::value::RawValue;

/// Why a text is no result.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Arrays and objects lie too deep in each other.
    TooDeep,
    /// It is not JSON.
    Malformed,
}

/// Checks that `text` is one JSON value of at most `max_depth` levels and takes it as it is, so that
/// numbers keep all their digits and strings their escapes.
///
/// # Errors
/// When it is not.
pub fn take(text: Vec<u8>, max_depth: usize) -> Result<Box<RawValue>, Refusal> {
    if depth(&text) > max_depth {
        return Err(Refusal::TooDeep);
    }
    let text = String::from_utf8(text).map_err(|_| Refusal::Malformed)?;
    RawValue::from_string(text).map_err(|_| Refusal::Malformed)
}

/// How many arrays and objects are open at once, at most. Exact for valid JSON; for anything else
/// it does not matter, because that is refused anyway.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut in_string = false;
    let mut bytes = text.iter();
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
            let taken = take(text.as_bytes().to_vec(), 1).map(|value| value.get().to_owned());
            assert_eq!(taken.as_deref(), Ok(text));
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
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(take(b"[[]]".to_vec(), 1).unwrap_err(), Refusal::TooDeep);
    }

    #[test]
    fn anything_else_is_malformed() {
        let cases: [&[u8]; 9] = [
            b"", b"{", b"1 2", b"nan", b"'a'", b"\xff", b"[1,]", b"\"\\x\"", b"[1]\0",
        ];
        for text in cases {
            assert_eq!(
                take(text.to_vec(), 10).unwrap_err(),
                Refusal::Malformed,
                "{text:?}"
            );
        }
    }
}
