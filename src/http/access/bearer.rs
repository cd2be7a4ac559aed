//! The credential in the head of a request: `Authorization: Bearer ...`.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::rejection::Rejection;

/// Returns the key or token of a request.
pub(super) fn token(headers: &HeaderMap) -> Result<&str, Rejection> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let value = sent.next().ok_or(Rejection::NoToken)?;
    if sent.next().is_some() {
        // A proxy and the service could each use a different one.
        return Err(Rejection::Malformed("there is more than one"));
    }
    let text = value
        .to_str()
        .map_err(|_| Rejection::Malformed("it is not plain text"))?
        .trim();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Rejection::NoToken);
    }
    match token.trim_start() {
        "" => Err(Rejection::Malformed("nothing follows after Bearer")),
        token => Ok(token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_request_has_exactly_one_token() {
        type Case<'a> = (&'a [&'a [u8]], Result<&'a str, &'a str>);
        let cases: &[Case] = &[
            (&[b"Bearer abc"], Ok("abc")),
            (&[b"bearer   abc "], Ok("abc")),
            (&[b"BEARER a b"], Ok("a b")),
            (&[], Err("unauthorized")),
            (&[b""], Err("unauthorized")),
            (&[b"abc"], Err("unauthorized")),
            (&[b"Basic YTpi"], Err("unauthorized")),
            (&[b"Bearerabc"], Err("unauthorized")),
            (&[b"Bearer"], Err("invalid_request")),
            (&[b"Bearer  "], Err("invalid_request")),
            (&[b"Bearer \xff"], Err("invalid_request")),
            (&[b"Bearer a", b"Bearer a"], Err("invalid_request")),
            (&[b"Basic YTpi", b"Bearer a"], Err("invalid_request")),
        ];
        for (values, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in *values {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    headers.append(AUTHORIZATION, value);
                }
            }
            let found = token(&headers).map_err(|rejection| rejection.kind().name());
            assert_eq!(found, *expected, "{values:?}");
        }
    }
}
