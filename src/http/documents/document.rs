//! A static document as it is sent: with security headers, and with an ETag for conditional requests.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH,
    REFERRER_POLICY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Allows resources and requests of this service only, and no framing by other pages. Images and frames may come from a
/// blob that the page makes, for files and displays of a run; documents in such frames inherit this policy. The last
/// two directives keep scripts from turning text into markup.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; frame-src blob:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'",
);
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const CSS: &str = "text/css; charset=utf-8";
pub(super) const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
pub(super) const SVG: &str = "image/svg+xml";
pub(super) const JSON: &str = "application/json";

/// A document as it is sent.
pub(super) struct Document {
    media_type: &'static str,
    body: Bytes,
    etag: HeaderValue,
}

impl Document {
    /// Returns a document whose ETag is its digest.
    pub(super) fn new(media_type: &'static str, body: Bytes) -> anyhow::Result<Self> {
        let etag = HeaderValue::try_from(format!("\"{:x}\"", Sha256::digest(&body)))?;
        Ok(Self {
            media_type,
            body,
            etag,
        })
    }

    /// Returns the document, or 304 if the client has it already. A client may store it, but has to
    /// revalidate it: the next version of the service has the same paths.
    pub(super) fn response(&self, request: &HeaderMap) -> Response {
        let headers = [
            (ETAG, self.etag.clone()),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (OPENER_POLICY, HeaderValue::from_static("same-origin")),
            (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
        ];
        if self.matches(request) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let media_type = [(CONTENT_TYPE, self.media_type)];
        (headers, media_type, self.body.clone()).into_response()
    }

    /// Whether the client has this version of the document.
    fn matches(&self, request: &HeaderMap) -> bool {
        let tags = request.get_all(IF_NONE_MATCH).iter();
        tags.flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(|tag| tag.trim_ascii())
            .map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag))
            .any(|tag| tag == b"*" || tag == self.etag.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_with_the_document_gets_304() -> anyhow::Result<()> {
        let document = Document::new(HTML, Bytes::from_static(b"text"))?;
        let etag = document.etag.to_str()?;
        let cases = [
            (String::new(), 200),
            ("\"other\"".into(), 200),
            (etag.into(), 304),
            (format!("W/{etag}"), 304),
            (format!("\"other\" ,  {etag}"), 304),
            ("*".into(), 304),
            (etag.trim_matches('"').into(), 200),
        ];
        for (tags, status) in cases {
            let mut request = HeaderMap::new();
            request.insert(IF_NONE_MATCH, HeaderValue::try_from(&tags)?);
            assert_eq!(document.response(&request).status(), status, "{tags}");
        }
        assert_eq!(document.response(&HeaderMap::new()).status(), 200);
        Ok(())
    }
}
