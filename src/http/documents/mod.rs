//! What explains the service: the playground, the documentation, and the OpenAPI document.
//!
//! All of it is made when the service starts, with the settings it has, and is in the program: no
//! page needs anything from elsewhere.
//!
//! | file | holds |
//! |---|---|
//! | `differences` | what differs from CPython on Linux |
//! | `reference` | what both documents say: errors, headers and limits |
//! | `openapi` | the OpenAPI document |
//! | `pages/` | templates of the pages |
//! | `assets/` | styles and scripts of the pages |

mod differences;
mod openapi;
mod reference;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH,
    REFERRER_POLICY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;

use super::App;
use crate::config::Config;
use crate::display::{Bytes as Size, Seconds};
use differences::{Difference, Part};
use reference::{Address, ErrorRow, Field, Header, Limit};

/// Only what this service itself serves is loaded, run or asked, and no page of somebody else's can
/// frame this one. The last two keep scripts from making markup out of text.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'",
);
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JSON: &str = "application/json";

/// Styles and scripts: path, media type and text.
macro_rules! assets {
    ($($name:literal $media_type:expr,)*) => {
        [$((concat!("/assets/", $name), $media_type, include_str!(concat!("assets/", $name)))),*]
    };
}

const ASSETS: [(&str, &str, &str); 15] = assets![
    "style.css" CSS,
    "playground.css" CSS,
    "icon.svg" SVG,
    "theme.js" SCRIPT,
    "copy.js" SCRIPT,
    "docs.js" SCRIPT,
    "main.js" SCRIPT,
    "editor.js" SCRIPT,
    "examples.js" SCRIPT,
    "json.js" SCRIPT,
    "link.js" SCRIPT,
    "output.js" SCRIPT,
    "python.js" SCRIPT,
    "scripts.js" SCRIPT,
    "tabs.js" SCRIPT,
];

#[derive(Template)]
#[template(path = "playground.html")]
struct Playground {
    playground: bool,
    key_needed: bool,
    cpu: Seconds,
    wall: Seconds,
    memory: Size,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    playground: bool,
    fields: Vec<Field>,
    errors: Vec<ErrorRow>,
    headers: &'static [Header],
    limits: Vec<Limit>,
    differences: Vec<Difference>,
    addresses: Vec<Address>,
}

/// Something to read, as it is sent.
struct Document {
    media_type: &'static str,
    body: Bytes,
    etag: HeaderValue,
}

/// The routes of all documents.
///
/// # Errors
/// When a document cannot be written, which is a bug in it.
pub(super) fn routes(config: &Config) -> anyhow::Result<Router<Arc<App>>> {
    let docs = Docs {
        playground: config.service.playground,
        fields: reference::fields()?,
        errors: reference::errors(config),
        headers: &reference::HEADERS,
        limits: reference::limits(config),
        differences: differences::differences(),
        addresses: reference::addresses(config),
    };
    let mut routes = Router::new()
        .route("/docs", get_document(HTML, docs.render()?)?)
        .route(
            "/openapi.json",
            get_document(JSON, openapi::document(config).to_pretty_json()?)?,
        );
    if config.service.playground {
        let playground = Playground {
            playground: true,
            key_needed: config.access.authenticates(),
            cpu: Seconds(config.run.cpu_limit),
            wall: Seconds(config.run.wall_limit),
            memory: Size(config.run.memory_limit),
        };
        routes = routes.route("/", get_document(HTML, playground.render()?)?);
    }
    for (path, media_type, text) in ASSETS {
        routes = routes.route(path, get_document(media_type, text)?);
    }
    Ok(routes)
}

/// A route that answers with this document.
fn get_document(
    media_type: &'static str,
    body: impl Into<Bytes>,
) -> anyhow::Result<axum::routing::MethodRouter<Arc<App>>> {
    let document = Arc::new(Document::new(media_type, body.into())?);
    Ok(get(async move |headers: HeaderMap| {
        document.answer(&headers)
    }))
}

impl Document {
    fn new(media_type: &'static str, body: Bytes) -> anyhow::Result<Self> {
        // The same in every process of the same build: it does not matter which of many answers.
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let etag = HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish()))?;
        Ok(Self {
            media_type,
            body,
            etag,
        })
    }

    /// The document, or that the client has it already. A client may keep it, but has to ask
    /// whether it is still good: the next version of the service has the same addresses.
    fn answer(&self, asked: &HeaderMap) -> Response {
        let headers = [
            (ETAG, self.etag.clone()),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (CONTENT_SECURITY_POLICY, POLICY),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (OPENER_POLICY, HeaderValue::from_static("same-origin")),
            (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
        ];
        if self.is_known_to(asked) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let media_type = [(CONTENT_TYPE, self.media_type)];
        (headers, media_type, self.body.clone()).into_response()
    }

    fn is_known_to(&self, asked: &HeaderMap) -> bool {
        let known = asked.get_all(IF_NONE_MATCH).iter();
        known
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(|tag| tag.trim_ascii())
            .map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag))
            .any(|tag| tag == b"*" || tag == self.etag.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_sent_once() -> anyhow::Result<()> {
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
        for (known, status) in cases {
            let mut asked = HeaderMap::new();
            asked.insert(IF_NONE_MATCH, HeaderValue::try_from(&known)?);
            assert_eq!(document.answer(&asked).status(), status, "{known}");
        }
        assert_eq!(document.answer(&HeaderMap::new()).status(), 200);
        Ok(())
    }
}
