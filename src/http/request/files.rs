//! Files of a request: their contents, and the checks of their paths and sizes.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::display::Bytes as Size;
use crate::sandbox::{FileLimits, FilePath, InputFile};

/// The contents of a file.
#[derive(Debug)]
pub(super) struct Contents(pub(super) Bytes);

impl<'de> Deserialize<'de> for Contents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentsVisitor)
    }
}

impl PartialSchema for Contents {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Text, which is stored as UTF-8."));
        let encoded = ObjectBuilder::new()
            .schema_type(Type::String)
            .content_encoding("base64");
        let bytes = ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("Bytes in base64."))
            .property("base64", encoded)
            .required("base64")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
        OneOfBuilder::new().item(text).item(bytes).into()
    }
}

impl ToSchema for Contents {
    fn name() -> Cow<'static, str> {
        "FileContents".into()
    }
}

struct ContentsVisitor;

impl<'de> Visitor<'de> for ContentsVisitor {
    type Value = Contents;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or {\"base64\": \"...\"}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Contents, E> {
        Ok(Contents(text.to_owned().into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Contents, A::Error> {
        let Encoded { base64 } = Encoded::deserialize(MapAccessDeserializer::new(fields))?;
        Ok(Contents(base64.0))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    base64: Decoded,
}

/// The bytes of a string in base64.
struct Decoded(Bytes);

impl<'de> Deserialize<'de> for Decoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64;

        impl Visitor<'_> for Base64 {
            type Value = Decoded;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string in base64")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Decoded, E> {
                let bytes = BASE64_STANDARD.decode(text);
                let bytes =
                    bytes.map_err(|error| E::custom(format_args!("not base64: {error}")))?;
                Ok(Decoded(bytes.into()))
            }
        }

        deserializer.deserialize_str(Base64)
    }
}

/// Checks that `files` can be written into an empty directory within `limits`.
pub(super) fn check(
    files: Vec<(String, Bytes)>,
    limits: &FileLimits,
) -> Result<Vec<InputFile>, String> {
    let bytes: u64 = files
        .iter()
        .map(|(_, contents)| contents.len() as u64)
        .sum();
    if bytes > limits.bytes {
        let limit = Size(usize::try_from(limits.bytes).unwrap_or(usize::MAX));
        return Err(format!(
            "the files have {bytes} bytes, more than the limit of {limit} for the working directory (DISK_LIMIT)"
        ));
    }
    let mut checked = Vec::with_capacity(files.len());
    for (path, contents) in files {
        let parsed = FilePath::parse(&path);
        let path = parsed.map_err(|error| format!("the path {path:?} is invalid: {error}"))?;
        checked.push(InputFile { path, contents });
    }
    check_tree(&checked, limits.entries)?;
    Ok(checked)
}

/// Checks that each path is there once, that none is a directory of another, and that there are at most `max` files
/// and directories.
fn check_tree(files: &[InputFile], max: usize) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for InputFile { path, .. } in files {
        if !names.insert(path.as_str()) {
            return Err(format!("the path {:?} is there twice", path.as_str()));
        }
    }
    let mut directories = BTreeSet::new();
    for InputFile { path, .. } in files {
        let mut below = path.as_str();
        // From the inside, so that directories that are known already are not visited again for each file.
        while let Some((directory, _)) = below.rsplit_once('/')
            && directories.insert(directory)
        {
            if names.contains(directory) {
                return Err(format!(
                    "{directory:?} is a file and also a directory of {:?}",
                    path.as_str()
                ));
            }
            if names.len() + directories.len() > max {
                return Err(too_many(max));
            }
            below = directory;
        }
    }
    if names.len() > max {
        return Err(too_many(max));
    }
    Ok(())
}

fn too_many(max: usize) -> String {
    format!("there are more files and directories than the limit of {max} (ENTRIES_LIMIT)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(paths: &[&str], entries: usize) -> Result<Vec<String>, String> {
        let limits = FileLimits {
            open: 10,
            bytes: 10,
            entries,
        };
        let files = paths
            .iter()
            .map(|path| ((*path).to_owned(), Bytes::from_static(b"ab")));
        let files = check(files.collect(), &limits)?;
        Ok(files.iter().map(|file| file.path.to_string()).collect())
    }

    #[test]
    fn paths_that_fit_together_are_normalized() {
        let cases: [(&[&str], &[&str]); 4] = [
            (&[], &[]),
            (&["a", "b/c", "b/d"], &["a", "b/c", "b/d"]),
            (&["/mnt/data/x", "./y"], &["x", "y"]),
            (&["a.b", "a/b"], &["a.b", "a/b"]),
        ];
        for (paths, expected) in cases {
            let expected = expected.iter().map(|path| (*path).to_owned()).collect();
            assert_eq!(checked(paths, 4), Ok(expected));
        }
    }

    #[test]
    fn other_files_are_rejected() {
        let cases: [(&[&str], &str); 9] = [
            (&["../x"], r#"the path "../x" is invalid: it contains '..'"#),
            (&["/x"], "absolute"),
            (&[""], r#"the path "" is invalid: it names no file"#),
            (&["a", "./a"], r#"the path "a" is there twice"#),
            (&["a", "/mnt/data/a"], r#"the path "a" is there twice"#),
            (
                &["a", "a/b"],
                r#""a" is a file and also a directory of "a/b""#,
            ),
            (
                &["a/b/c", "a/b"],
                r#""a/b" is a file and also a directory of "a/b/c""#,
            ),
            (
                &["1", "2", "3", "4", "5"],
                "more files and directories than the limit of 4",
            ),
            (
                &["a/b/c/d/e"],
                "more files and directories than the limit of 4",
            ),
        ];
        for (paths, expected) in cases {
            let error = checked(paths, 4).expect_err("they are rejected");
            assert!(error.contains(expected), "{paths:?}: {error}");
        }
        let six = ["1", "2", "3", "4", "5", "6"];
        let error = checked(&six, 10).expect_err("they are too large");
        assert!(
            error.contains("12 bytes, more than the limit of 10 bytes"),
            "{error}"
        );
    }
}
