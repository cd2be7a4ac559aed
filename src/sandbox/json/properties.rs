//! Properties of the validation for any bytes from a guest.

use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::*;
use crate::arbitrary::{bytes, json, space};

proptest! {
    #[test]
    fn json_within_the_depth_passes_unchanged(json in json(), before in space(), after in space(), most in 0..10_usize) {
        let text = before + &json.text + &after;
        match parse(text.into_bytes(), most) {
            Ok(parsed) => {
                prop_assert!(json.depth <= most);
                prop_assert_eq!(parsed.get(), json.text);
            }
            Err(error) => {
                prop_assert!(json.depth > most);
                prop_assert_eq!(error, JsonError::TooDeep);
            }
        }
    }

    #[test]
    fn invalid_json_is_rejected(bytes in bytes()) {
        let known = serde_json::from_slice::<IgnoredAny>(&bytes).is_ok() && std::str::from_utf8(&bytes).is_ok();
        let parsed = parse(bytes.clone(), usize::MAX);
        prop_assert_eq!(parsed.is_ok(), known);
        if let Ok(parsed) = parsed {
            // It becomes a part of a response and must not end its field.
            let response = format!(r#"{{"result":{parsed},"stdout":"x"}}"#);
            let response: std::collections::BTreeMap<&str, &RawValue> = serde_json::from_str(&response)?;
            prop_assert_eq!(response.len(), 2);
            prop_assert_eq!(response["result"].get(), parsed.get());
        }
    }
}
