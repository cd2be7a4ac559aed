//! What holds for any bytes that a guest calls its result.

use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::*;
use crate::arbitrary::{bytes, json, space};

proptest! {
    #[test]
    fn json_within_the_depth_passes_unchanged(json in json(), before in space(), after in space(), most in 0..10_usize) {
        let text = before + &json.text + &after;
        match take(text.into_bytes(), most) {
            Ok(taken) => {
                prop_assert!(json.depth <= most);
                prop_assert_eq!(taken.get(), json.text);
            }
            Err(refusal) => {
                prop_assert!(json.depth > most);
                prop_assert_eq!(refusal, Refusal::TooDeep);
            }
        }
    }

    #[test]
    fn what_serde_json_refuses_is_refused(bytes in bytes()) {
        let known = serde_json::from_slice::<IgnoredAny>(&bytes).is_ok() && std::str::from_utf8(&bytes).is_ok();
        let taken = take(bytes.clone(), usize::MAX);
        prop_assert_eq!(taken.is_ok(), known);
        if let Ok(taken) = taken {
            // It stands in an answer, and must not reach out of its place.
            let answer = format!(r#"{{"result":{taken},"stdout":"x"}}"#);
            let answer: std::collections::BTreeMap<&str, &RawValue> = serde_json::from_str(&answer)?;
            prop_assert_eq!(answer.len(), 2);
            prop_assert_eq!(answer["result"].get(), taken.get());
        }
    }
}
