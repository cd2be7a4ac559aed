//! Properties of the parser for any request body.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;
use crate::arbitrary::{self, Json, json, space, string};
use crate::sandbox::Limits;

/// The optional fields of a request, and those of its options.
const FIELDS: [&str; 5] = ["args", "kwargs", "stdin", "files", "options"];
const OPTIONS: [&str; 8] = [
    "limits",
    "argv",
    "env",
    "mode",
    "environment",
    "seed",
    "time",
    "include",
];

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

    #[test]
    fn any_values_of_the_other_fields_are_a_job_or_an_error(
        fields in vec((select(&FIELDS[..]), json()), 0..3),
        options in vec((select(&OPTIONS[..]), json()), 0..3),
    ) {
        let list = |fields: &[(&str, Json)]| {
            let fields = fields.iter().map(|(name, value)| format!("{name:?}:{}", value.text));
            fields.collect::<Vec<_>>().join(",")
        };
        let mut fields = list(&fields);
        if !options.is_empty() {
            fields = format!("\"options\":{{{}}}", list(&options));
        }
        let body = format!(r#"{{"script":"s"{}{fields}}}"#, if fields.is_empty() { "" } else { "," });
        let parsed = ExecuteRequest::parse(body.as_bytes());
        match parsed.and_then(|request| request.into_job(&Limits::default(), 10)) {
            Ok((job, _)) => {
                for arguments in [&job.input.args, &job.input.kwargs].into_iter().flatten() {
                    prop_assert!(body.contains(arguments.get()));
                }
            }
            Err(error) => drop(line_of(error)),
        }
    }

    #[test]
    fn files_arrive_as_they_are_sent(files in vec(("[a-z]{1,9}(/[a-z]{1,3}){0,2}", vec(any::<u8>(), 0..20)), 0..5)) {
        let values = files.iter().map(|(path, contents)| {
            let base64 = BASE64_STANDARD.encode(contents);
            match std::str::from_utf8(contents) {
                Ok(text) if contents.len() % 2 == 0 => (path.clone(), Value::from(text)),
                _ => (path.clone(), serde_json::json!({ "base64": base64 })),
            }
        });
        let files: BTreeMap<_, _> = files.iter().cloned().collect();
        let values: BTreeMap<_, _> = values.collect();
        let body = serde_json::json!({"script": "s", "files": values}).to_string();
        let request = ExecuteRequest::parse(body.as_bytes());
        if let Ok((job, _)) = request.and_then(|request| request.into_job(&Limits::default(), 10)) {
            let arrived = job.files.iter().map(|file| (file.path.to_string(), file.contents.to_vec()));
            prop_assert_eq!(arrived.collect::<BTreeMap<_, _>>(), files);
        } else {
            // One of them is a directory of another.
            prop_assert!(files.keys().any(|path| files.contains_key(path.rsplit_once('/').map_or("", |(parent, _)| parent))
                || files.contains_key(path.split_once('/').map_or("", |(parent, _)| parent))));
        }
    }
}
