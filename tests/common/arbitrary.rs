//! Inputs for property tests: JSON, text that is nearly JSON, and bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A JSON text and what is known of it.
#[derive(Debug, Clone)]
pub struct Json {
    /// The text, with white space and escapes here and there.
    pub text: String,
    /// How many arrays and objects lie in each other.
    pub depth: usize,
}

/// Any JSON value. Strings may hold lone surrogates, numbers may be too large for a float.
pub fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        select(&["null", "true", "false"][..]).prop_map(str::to_owned),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,5})?",
        string().prop_map(|(_, text)| text),
        select(&[r#""\ud800""#, r#""[[{\"\\""#][..]).prop_map(str::to_owned),
    ];
    let leaf = leaf.prop_map(|text| Json { text, depth: 0 });
    leaf.prop_recursive(8, 64, 5, |inner| {
        let array = vec((space(), inner.clone()), 0..5).prop_map(|items| {
            let texts = items.iter().map(|(space, item)| space.clone() + &item.text);
            nested(
                '[',
                texts.collect(),
                ']',
                items.iter().map(|(_, item)| item),
            )
        });
        let object = vec((space(), string(), inner), 0..5).prop_map(|fields| {
            let texts = fields
                .iter()
                .map(|(space, (_, key), value)| format!("{space}{key}{space}:{}", value.text));
            nested(
                '{',
                texts.collect(),
                '}',
                fields.iter().map(|(.., item)| item),
            )
        });
        prop_oneof![array, object]
    })
}

fn nested<'a>(
    open: char,
    texts: Vec<String>,
    close: char,
    inner: impl Iterator<Item = &'a Json>,
) -> Json {
    Json {
        text: format!("{open}{}{close}", texts.join(",")),
        depth: 1 + inner.map(|json| json.depth).max().unwrap_or(0),
    }
}

/// Any text, and a way to write it as a JSON string.
pub fn string() -> impl Strategy<Value = (String, String)> {
    vec(any::<(char, bool)>(), 0..12).prop_map(|chars| {
        let text = chars.iter().map(|(char, _)| char).collect();
        let written: String = chars
            .iter()
            .map(|(char, escape)| written(*char, *escape))
            .collect();
        (text, format!("\"{written}\""))
    })
}

/// A character within a JSON string.
fn written(char: char, escape: bool) -> String {
    if !escape && char >= ' ' && char != '"' && char != '\\' {
        return char.into();
    }
    let units = char.encode_utf16(&mut [0; 2]).to_vec();
    units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// White space between tokens.
pub fn space() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(String::new()), 1 => "[ \t\r\n]{1,3}"]
}

/// Bytes that a reader of JSON may stumble over: tokens in no order, broken JSON, anything.
pub fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(select(TOKENS), 0..40).prop_map(|tokens| tokens.concat()),
        damaged(json().prop_map(|json| json.text.into_bytes())),
        vec(any::<u8>(), 0..100),
    ]
}

/// Values of `whole` with some bytes replaced, removed or repeated.
pub fn damaged(whole: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let damage = vec((any::<Index>(), any::<Option<u8>>(), any::<bool>()), 0..4);
    (whole, damage).prop_map(|(mut bytes, damage)| {
        for (place, byte, insert) in damage {
            let at = place.index(bytes.len() + 1);
            if !insert && at < bytes.len() {
                bytes.remove(at);
            }
            bytes.splice(at..at, byte);
        }
        bytes
    })
}

const TOKENS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b" ",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"\"script\"",
    b"\"script\":",
    b"\"\"",
    b"\"\\ud800\"",
    b"\"\\udc00\\ud800\"",
    b"\"\\x\"",
    b"\"\t\"",
    b"null",
    b"true",
    b"NaN",
    b"Infinity",
    b"-",
    b"0",
    b"01",
    b"1.",
    b".5",
    b"1e999",
    b"1e-999",
    b"-0.0",
    b"0x1",
    b"9999999999999999999",
    b"'",
    b"//",
    b"[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
];
