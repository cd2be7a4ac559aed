//! Requests in `multipart/form-data`: the part `request` holds the JSON object, each other part a file.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::future::ready;
use futures_util::stream;
use multer::{Field, Multipart};

use super::files::Contents;
use super::values::MAX_ENTRIES;
use super::{Error, ExecuteRequest, abridge};

/// The name of the part with the JSON object.
const REQUEST: &str = "request";
/// Characters of a boundary, by RFC 2046.
const MAX_BOUNDARY: usize = 70;

/// Returns the boundary that the value of a Content-Type header names.
pub(in crate::http) fn boundary(content_type: &str) -> Result<String, Error> {
    let boundary = multer::parse_boundary(content_type).map_err(malformed)?;
    match boundary.len() {
        1..=MAX_BOUNDARY => Ok(boundary),
        _ => Err(invalid(&format!(
            "the boundary must have 1 to {MAX_BOUNDARY} characters"
        ))),
    }
}

impl ExecuteRequest {
    /// Parses a request body whose parts are separated by `boundary`, in any order.
    pub(in crate::http) async fn parse_multipart(
        body: Bytes,
        boundary: String,
    ) -> Result<Self, Error> {
        let body = stream::once(ready(Ok::<_, Infallible>(body)));
        let mut parts = Multipart::new(body, boundary);
        let mut request = None;
        let mut files = Vec::new();
        while let Some(part) = parts.next_field().await.map_err(malformed)? {
            if part.name() == Some(REQUEST) {
                let repeated = request.replace(Self::parse(&contents(part).await?)?);
                if repeated.is_some() {
                    return Err(invalid("the part `request` is there twice"));
                }
                continue;
            }
            let Some(path) = part.file_name().map(str::to_owned) else {
                let name = part.name().unwrap_or_default();
                return Err(invalid(&format!(
                    "the part {name:?} has no filename, which would be the path of a file"
                )));
            };
            if files.len() == MAX_ENTRIES {
                return Err(invalid(&format!("there are more than {MAX_ENTRIES} files")));
            }
            files.push((path, Contents(contents(part).await?)));
        }
        let Some(mut request) = request else {
            return Err(invalid("there is no part `request` with the JSON object"));
        };
        request.files.append(&mut files);
        Ok(request)
    }
}

/// Returns the contents of a part. They are usually one slice of the body, which is not copied.
async fn contents(mut part: Field<'_>) -> Result<Bytes, Error> {
    let mut contents = Bytes::new();
    while let Some(more) = part.chunk().await.map_err(malformed)? {
        contents = if contents.is_empty() {
            more
        } else {
            [contents, more].concat().into()
        };
    }
    Ok(contents)
}

fn malformed(error: multer::Error) -> Error {
    invalid(&error.to_string())
}

fn invalid(problem: &str) -> Error {
    Error::InvalidRequest(format!("invalid multipart body: {}", abridge(problem)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;

    /// A body with these parts: their headers, and their contents.
    fn body(parts: &[(&str, &str)]) -> Vec<u8> {
        let parts = parts.iter().map(|(head, contents)| {
            format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{contents}\r\n")
        });
        (parts.collect::<String>() + "--b--\r\n").into_bytes()
    }

    const SCRIPT: (&str, &str) = (r#"name="request""#, r#"{"script":"s"}"#);

    async fn parse(body: Vec<u8>) -> Result<ExecuteRequest, Error> {
        ExecuteRequest::parse_multipart(body.into(), "b".to_owned()).await
    }

    #[tokio::test]
    async fn parts_are_found_in_any_order() -> Result<(), Error> {
        let json = r#"{"script":"s","files":{"j":"json"}}"#;
        let request = parse(body(&[
            (r#"name="x"; filename="a/b.txt""#, "one\r\n--two"),
            (r#"name="request"; filename="request.json""#, json),
            (r#"name="y"; filename="é""#, ""),
        ]));
        let request = request.await?;
        assert_eq!(request.script, "s");
        let files = request.files.iter();
        let files: Vec<_> = files
            .map(|(path, Contents(bytes))| (&**path, &**bytes))
            .collect();
        let expected: [(&str, &[u8]); 3] =
            [("j", b"json"), ("a/b.txt", b"one\r\n--two"), ("é", b"")];
        assert_eq!(files, expected);
        Ok(())
    }

    #[tokio::test]
    async fn other_bodies_are_rejected_in_one_line() {
        let whole = body(&[SCRIPT, (r#"name="f"; filename="f""#, "contents")]);
        let many: Vec<_> = (0..=MAX_ENTRIES)
            .map(|_| (r#"name="f"; filename="f""#, ""))
            .collect();
        let cases = [
            (Vec::new(), "multipart"),
            (b"--other--\r\n".to_vec(), "multipart"),
            (body(&[]), "no part `request`"),
            (
                body(&[(r#"name="f"; filename="f""#, "")]),
                "no part `request`",
            ),
            (body(&[SCRIPT, SCRIPT]), "the part `request` is there twice"),
            (
                body(&[SCRIPT, (r#"name="f""#, "")]),
                "the part \"f\" has no filename",
            ),
            (
                body(&[(r#"name="request""#, "{}")]),
                "missing field `script`",
            ),
            (body(&many), "more than 2000 files"),
        ];
        let truncated = (0..whole.len() - 4).map(|end| (whole[..end].to_vec(), "multipart"));
        for (body, expected) in cases.into_iter().chain(truncated) {
            let shown = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
            match parse(body).await {
                Err(Error::InvalidRequest(text)) => {
                    assert!(
                        text.contains(expected) && text.len() < 250,
                        "{shown}: {text}"
                    );
                }
                other => panic!("{shown}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn any_body_is_a_request_or_an_error(
            bytes in arbitrary::bytes(),
            whole in arbitrary::damaged(Just(body(&[SCRIPT, (r#"name="f"; filename="f""#, "x")]))),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            for body in [bytes, whole] {
                if let Err(error) = runtime.block_on(parse(body)) {
                    prop_assert!(!error.to_string().contains('\n'), "{}", error);
                }
            }
        }
    }
}
