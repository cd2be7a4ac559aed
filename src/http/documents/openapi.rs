//! The OpenAPI document.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use strum::VariantArray;
use utoipa::ToSchema;
use utoipa::openapi::info::ContactBuilder;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ComponentsBuilder, Content, Header, InfoBuilder, LicenseBuilder, OpenApi,
    OpenApiBuilder, PathItem, PathsBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
};

use super::document::JSON;
use super::reference::{self, Address, HEADERS, METRICS, On, READYZ, Tag};
use crate::config::Config;
use crate::http::kind::Kind;
use crate::http::live::Format;
use crate::http::request::ExecuteRequest;
use crate::http::response::{ErrorBody, SuccessBody};

const KINDS: &str = "ErrorKind";
const KIND_HEADER: &str = "X-Error-Kind";
/// The name of the response that stands for any error.
const ANY_ERROR: &str = "Error";
const BEARER: &str = "bearer";

/// Returns the document for a service with these settings.
pub(super) fn document(config: &Config) -> OpenApi {
    let info = InfoBuilder::new()
        .title("Python Executor")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Runs a Python script in a fresh interpreter of its own and returns the result of its \
             main().",
        ))
        .contact(Some(
            ContactBuilder::new()
                .name(Some("The operators of this service"))
                .build(),
        ))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT")
                .identifier(Some(env!("CARGO_PKG_LICENSE")))
                .build(),
        ));
    let mut paths = PathsBuilder::new().path("/execute", execute(config));
    for address in reference::addresses(config) {
        paths = paths.path(address.path, get(&address, config));
    }
    OpenApiBuilder::new()
        .info(info)
        // Relative to the URL of the document.
        .servers(Some([ServerBuilder::new()
            .url("/")
            .description(Some("This service."))
            .build()]))
        .tags(Some(Tag::VARIANTS.iter().map(|tag| {
            TagBuilder::new()
                .name(tag.name())
                .description(Some(tag.description()))
                .build()
        })))
        // Operations that need a key or token have a requirement of their own.
        .security(Some([]))
        .paths(paths)
        .components(Some(components()))
        .build()
}

/// `POST /execute`.
fn execute(config: &Config) -> PathItem {
    let limits = reference::limits(config);
    let limits = limits.iter().map(|limit| {
        format!(
            "\n- {}: {}. {}.",
            limit.setting, limit.value, limit.description
        )
    });
    let description = format!(
        "Runs the script's main() and returns its result. The limits of this service:\n{}",
        limits.collect::<String>()
    );
    let example = serde_json::json!({"script": "def main():\n    print('hi')\n    return {'answer': 6 * 7}\n"});
    let body = Content::builder()
        .schema(Some(Ref::from_schema_name(ExecuteRequest::name())))
        .example(Some(example))
        .build();
    let request = Ref::from_schema_name(ExecuteRequest::name());
    let file = ObjectBuilder::new()
        .schema_type(Type::String)
        .content_media_type("application/octet-stream");
    let form = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(
            "The request without files in the part request, and a part for each file, whose filename is its path.",
        ))
        .property("request", request)
        .required("request")
        .additional_properties(Some(file));
    let form = Content::builder().schema(Some(form)).build();
    let body = RequestBodyBuilder::new()
        .content(JSON, body)
        .content("multipart/form-data", form)
        .required(Some(Required::True))
        .build();
    let mut operation = OperationBuilder::new()
        .operation_id(Some("execute"))
        .tag(Tag::Scripts.name())
        .summary(Some("Run a script"))
        .description(Some(description))
        .parameter(request_id())
        .request_body(Some(body))
        .response("200", success());
    if config.access.authenticates() {
        operation = operation.security(bearer());
    }
    for status in error_statuses() {
        operation = operation.response(status.as_str(), Ref::from_response_name(name(status)));
    }
    PathItem::new(HttpMethod::Post, operation.response("default", any_error()))
}

/// A GET operation.
fn get(address: &Address, config: &Config) -> PathItem {
    let response = |description: &str| {
        let mut response =
            with_headers(Response::builder(), |on| on == On::All).description(description);
        for media_type in address.media_types {
            response = response.content(*media_type, Content::builder().build());
        }
        response
    };
    let mut operation = OperationBuilder::new()
        .operation_id(Some(address.operation))
        .tag(address.tag.name())
        .summary(Some(address.summary.trim_end_matches('.')))
        .description(Some(address.summary))
        .response("200", response(address.summary));
    let mut errors = vec![Kind::InvalidRequest.status(), Kind::Forbidden.status()];
    if address.path == READYZ {
        operation = operation.response("503", response("Not ready, with the reason."));
    }
    if address.path == METRICS && config.access.authenticates() {
        operation = operation.security(bearer());
        errors.extend(Kind::Unauthorized.statuses());
    }
    for status in errors {
        operation = operation.response(status.as_str(), Ref::from_response_name(name(status)));
    }
    PathItem::new(HttpMethod::Get, operation.response("default", any_error()))
}

fn components() -> Components {
    let kinds = kinds(Kind::VARIANTS).description(Some(meanings(Kind::VARIANTS)));
    let any_kind = Header::builder()
        .description(Some("The kind of the error."))
        .schema(Some(Ref::from_schema_name(KINDS)))
        .build();
    let mut any = with_headers(Response::builder(), |_| true)
        .description("An error.")
        .content(
            JSON,
            Content::new(Some(Ref::from_schema_name(ErrorBody::name()))),
        )
        .build();
    any.headers.insert(KIND_HEADER.into(), any_kind.into());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A key or token, if the service needs one."))
        .build();
    let mut components = ComponentsBuilder::new()
        .schemas_from_iter(schemas::<ExecuteRequest>())
        .schemas_from_iter(schemas::<SuccessBody>())
        .schemas_from_iter(schemas::<ErrorBody>())
        .schema(KINDS, kinds)
        .response(ANY_ERROR, any)
        .security_scheme(BEARER, SecurityScheme::Http(bearer));
    for status in error_statuses() {
        components = components.response(name(status), error(status));
    }
    components.build()
}

/// The schema of a type, and those that it refers to.
fn schemas<T: ToSchema>() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    schemas
}

fn success() -> Response {
    let mut response = with_headers(Response::builder(), |on| matches!(on, On::All | On::Runs))
        .description(
            "The script has a result. A request that accepts one of the other media types gets its output as events \
             while it runs: stdout and stderr with the field text, and last response with the fields status and body, \
             which are those of the ordinary response. Headers of runs are left out then.",
        )
        .content(
            JSON,
            Content::new(Some(Ref::from_schema_name(SuccessBody::name()))),
        );
    for format in Format::ALL {
        let text = ObjectBuilder::new().schema_type(Type::String);
        response = response.content(format.media_type(), Content::new(Some(text)));
    }
    response.build()
}

/// The response for errors with this status.
fn error(status: StatusCode) -> Response {
    let kinds_here: Vec<Kind> = Kind::VARIANTS
        .iter()
        .copied()
        .filter(|kind| kind.statuses().contains(&status))
        .collect();
    let here = |on| match on {
        On::All | On::Errors => true,
        On::Runs => matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::INTERNAL_SERVER_ERROR
        ),
        On::Retry => [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ]
        .contains(&status),
        On::Unauthorized => [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status),
        On::MethodNotAllowed => status == StatusCode::METHOD_NOT_ALLOWED,
    };
    let mut response = with_headers(Response::builder(), here)
        .description(meanings(&kinds_here))
        .content(
            JSON,
            Content::new(Some(Ref::from_schema_name(ErrorBody::name()))),
        )
        .build();
    // Only the kinds that occur with this status.
    let kind = Header::builder()
        .description(Some("The kind of the error."))
        .schema(Some(kinds(&kinds_here)))
        .build();
    response.headers.insert(KIND_HEADER.into(), kind.into());
    response
}

fn with_headers(mut response: ResponseBuilder, here: impl Fn(On) -> bool) -> ResponseBuilder {
    for header in HEADERS.iter().filter(|header| here(header.on)) {
        let described = Header::builder()
            .description(Some(header.description))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        response = response.header(header.name, described.build());
    }
    response
}

/// The requirement of a key or token.
fn bearer() -> SecurityRequirement {
    SecurityRequirement::new(BEARER, Vec::<String>::new())
}

fn request_id() -> Parameter {
    ParameterBuilder::new()
        .name("X-Request-Id")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "An id for the request, which is returned and logged: up to 128 letters, digits, dots, \
             underscores and hyphens. An invalid one is ignored.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

fn kinds(kinds: &[Kind]) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(kinds.iter().map(|kind| kind.name())))
}

/// A list of these kinds with their descriptions.
fn meanings(kinds: &[Kind]) -> String {
    let lines = kinds
        .iter()
        .map(|kind| format!("- {}: {}", kind.name(), kind.when()));
    lines.collect::<Vec<_>>().join("\n")
}

/// Any other error at the same path, for example for an unsupported method.
fn any_error() -> Ref {
    Ref::from_response_name(ANY_ERROR)
}

/// The status codes of the errors of `POST /execute`.
fn error_statuses() -> BTreeSet<StatusCode> {
    let elsewhere = [Kind::NotFound, Kind::MethodNotAllowed];
    Kind::VARIANTS
        .iter()
        .filter(|kind| !elsewhere.contains(kind))
        .flat_map(|kind| kind.statuses())
        .copied()
        .collect()
}

/// The name of the response with this status in the document.
fn name(status: StatusCode) -> String {
    let words = status.canonical_reason().unwrap_or("Error").split(' ');
    words.collect()
}
