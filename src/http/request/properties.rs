//! Properties of the parser for any request body.

use proptest::collection::vec;
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;
use crate::arbitrary::{self, Json, json, space, string};

/// One field of a body.
#[derive(Debug, Clone)]
enum Field {
    /// `script` with a string, and how name and string are written.
    Script(&'static str, (String, String)),
    /// `script` with anything else.
    NoText(Json),
    /// Anything but `script`.
    Other(String, Json),
}

fn field() -> impl Strategy<Value = Field> {
    let name = prop::sample::select(&[r#""script""#, r#""scr\u0069pt""#][..]);
    let other = string().prop_filter("not the script", |(name, _)| name != "script");
    let no_text = json().prop_filter("not a string", |json| !json.text.starts_with('"'));
    prop_oneof![
        4 => (name, string()).prop_map(|(name, text)| Field::Script(name, text)),
        1 => no_text.prop_map(Field::NoText),
        4 => (other, json()).prop_map(|((_, name), value)| Field::Other(name, value)),
    ]
}

/// The only script among fields, if all is well.
fn script(fields: &[Field]) -> Option<&str> {
    let mut scripts = fields
        .iter()
        .filter(|field| !matches!(field, Field::Other(..)));
    match (scripts.next(), scripts.next()) {
        (Some(Field::Script(_, (script, _))), None) => Some(script),
        _ => None,
    }
}

/// The line of an error, which has to be short however long the body is.
fn line_of(error: Error) -> String {
    let Error::InvalidRequest(line) = error else {
        panic!("{error:?}");
    };
    assert!(
        line.len() < 500 && !line.chars().any(char::is_control),
        "{line:?}"
    );
    line
}

proptest! {
    #[test]
    fn a_body_is_understood_as_it_is_meant(fields in vec((space(), field()), 0..4)) {
        let written = fields.iter().map(|(space, field)| match field {
            Field::Script(name, (_, text)) => format!("{space}{name}:{space}{text}{space}"),
            Field::NoText(json) => format!(r#""script"{space}:{}"#, json.text),
            Field::Other(name, json) => format!("{name}:{space}{}", json.text),
        });
        let body = format!("{{{}}}", written.collect::<Vec<_>>().join(","));
        let fields: Vec<_> = fields.into_iter().map(|(_, field)| field).collect();
        match ExecuteRequest::parse(body.as_bytes()) {
            Ok(request) => prop_assert_eq!(Some(request.script.as_str()), script(&fields)),
            Err(error) => {
                prop_assert_eq!(None, script(&fields), "{}: {}", body, line_of(error));
            }
        }
    }

    #[test]
    fn what_serde_json_rejects_is_rejected(body in arbitrary::bytes()) {
        match ExecuteRequest::parse(&body) {
            Ok(request) => {
                serde_json::from_slice::<IgnoredAny>(&body)?;
                // Ignored fields may be too deep, or hold numbers out of range, for a `Value`.
                if let Ok(value) = serde_json::from_slice::<Value>(&body) {
                    prop_assert_eq!(value["script"].as_str(), Some(request.script.as_str()));
                }
            }
            Err(error) => drop(line_of(error)),
        }
    }
}
