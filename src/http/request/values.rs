//! Values of a request body that serde does not parse as strictly: objects, JSON that is passed on, bounded lists.

use std::fmt;
use std::marker::PhantomData;
use std::time::SystemTime;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::value::RawValue;

use super::time;

/// Entries of a list or an object whose entries take memory of their own.
pub(super) const MAX_ENTRIES: usize = 2_000;

/// Parses a value that is not null; a field without one has its default.
pub(super) fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Parses a struct that is written as an object. The derived implementation takes an array of the fields, too.
pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    deserializer.deserialize_map(Object(PhantomData))
}

/// Takes an array as it is written.
pub(super) fn raw_array<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Box<RawValue>>, D::Error> {
    raw(deserializer, b'[', "an array")
}

/// Takes an object as it is written.
pub(super) fn raw_object<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Box<RawValue>>, D::Error> {
    raw(deserializer, b'{', "an object")
}

fn raw<'de, D: Deserializer<'de>>(
    deserializer: D,
    first: u8,
    expected: &'static str,
) -> Result<Option<Box<RawValue>>, D::Error> {
    let value = Box::<RawValue>::deserialize(deserializer)?;
    let found = match value.get().as_bytes().first() {
        Some(byte) if *byte == first => return Ok(Some(value)),
        Some(b'[') => "sequence",
        Some(b'{') => "map",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    };
    Err(D::Error::invalid_type(Unexpected::Other(found), &expected))
}

/// Parses an array of strings.
pub(super) fn strings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Strings;

    impl<'de> Visitor<'de> for Strings {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of strings")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<String>, A::Error> {
            let mut strings = Vec::new();
            while let Some(string) = items.next_element()? {
                push(&mut strings, string)?;
            }
            Ok(strings)
        }
    }

    deserializer.deserialize_seq(Strings)
}

/// Parses an object with any names, in the order in which they are written.
pub(super) fn pairs<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<(String, T)>, D::Error> {
    struct Pairs<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
        type Value = Vec<(String, T)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = fields.next_entry()? {
                push(&mut pairs, pair)?;
            }
            Ok(pairs)
        }
    }

    deserializer.deserialize_map(Pairs(PhantomData))
}

/// Adds an entry, unless there are too many.
fn push<T, E: Error>(entries: &mut Vec<T>, entry: T) -> Result<(), E> {
    if entries.len() == MAX_ENTRIES {
        return Err(E::custom(format_args!("more than {MAX_ENTRIES} entries")));
    }
    entries.push(entry);
    Ok(())
}

/// Parses a seed.
pub(super) fn seed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    struct Seed;

    impl Visitor<'_> for Seed {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a whole number from 0 to {}", u64::MAX)
        }

        fn visit_u64<E: Error>(self, seed: u64) -> Result<u64, E> {
            Ok(seed)
        }
    }

    deserializer.deserialize_u64(Seed).map(Some)
}

/// Parses a point in time.
pub(super) fn time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SystemTime>, D::Error> {
    let text = String::deserialize(deserializer)?;
    time::parse(&text).map(Some).map_err(D::Error::custom)
}

/// The value of a limit, as text for the parser of its setting.
#[derive(Debug)]
pub(super) struct LimitValue(pub(super) String);

impl<'de> Deserialize<'de> for LimitValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = LimitValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string such as \"500ms\" or \"30MB\", or a whole number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<LimitValue, E> {
                Ok(LimitValue(text.to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<LimitValue, E> {
                Ok(LimitValue(number.to_string()))
            }
        }

        deserializer.deserialize_any(Text)
    }
}
