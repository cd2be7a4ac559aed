//! Documents about the service: the playground, the documentation and the OpenAPI document.
//!
//! They are written once, when the service starts, with its settings. Everything is part of the program:
//! no page loads anything from elsewhere.
//!
//! | file | holds |
//! |---|---|
//! | `document` | a document as it is sent: security headers, ETag |
//! | `reference` | the facts of both documents: fields, errors, headers, limits, addresses |
//! | `openapi` | the OpenAPI document |
//! | `differences` | the differences from CPython on Linux |
//! | `pages/` | templates of the pages |
//! | `assets` | styles and scripts of the pages |

mod assets;
mod differences;
mod document;
mod openapi;
mod reference;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{MethodRouter, get};
use bytes::Bytes;

use super::app::App;
use crate::config::Config;
use crate::display::{Bytes as Size, Seconds};
use assets::ASSETS;
use differences::{Difference, Part};
use document::{Document, HTML, JSON};
use reference::{Address, ErrorRow, Field, Header, Limit};

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

/// Returns the routes of all documents.
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

/// Returns a route that serves this document.
fn get_document(
    media_type: &'static str,
    body: impl Into<Bytes>,
) -> anyhow::Result<MethodRouter<Arc<App>>> {
    let document = Arc::new(Document::new(media_type, body.into())?);
    Ok(get(async move |headers: HeaderMap| {
        document.response(&headers)
    }))
}
