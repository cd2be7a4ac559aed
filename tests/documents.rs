//! The playground, the documentation and the OpenAPI document agree with the service.

mod common;

use std::collections::BTreeSet;

use common::{HELLO, Response, Server, execute, post};
use jsonschema::Validator;
use roas::v3_1::spec::Spec;
use roas::validation::{Options, Validate};
use serde_json::{Value, json};

/// Long enough for a key.
const KEY: &str = "a-key-that-is-long-enough-for-this-test";
const JSON: &str = "Content-Type: application/json\r\n";

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn openapi(server: &Server) -> Value {
    server.raw(get("/openapi.json")).json()
}

/// Checks values against a schema of `document`.
fn validator(document: &Value, schema: &str) -> Validator {
    let whole = json!({
        "$ref": format!("#/components/schemas/{schema}"),
        "components": document["components"],
    });
    jsonschema::draft202012::new(&whole).expect("the schemas can be used")
}

#[test]
fn the_openapi_document_is_valid() {
    let server = Server::start(&[]);
    let response = server.raw(get("/openapi.json"));
    assert_eq!(response.header("content-type"), Some("application/json"));
    let document = response.json();
    assert_eq!(document["openapi"], "3.1.0");
    let spec: Spec = serde_json::from_value(document).expect("it has the right shape");
    // Without keys there is no operation that needs one.
    let unused = Options::IgnoreUnusedSecuritySchemes;
    spec.validate(unused.into(), None).expect("it is valid");
}

#[test]
fn clients_can_be_generated_from_the_document() {
    let document = openapi(&Server::start(&[]));
    assert_eq!(document["servers"][0]["url"], "/");
    assert_eq!(document["security"], json!([]));
    assert!(document["info"]["contact"]["name"].is_string());
    let tags = document["tags"].as_array().expect("there are tags");
    let known: Vec<_> = tags.iter().map(|tag| &tag["name"]).collect();
    assert!(tags.iter().all(|tag| tag["description"].is_string()));
    let mut ids = BTreeSet::new();
    let paths = document["paths"].as_object().expect("there are paths");
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("there are methods") {
            let id = operation["operationId"].as_str();
            assert!(id.is_some_and(|id| ids.insert(id)), "{method} {path}");
            for text in ["summary", "description"] {
                assert!(operation[text].is_string(), "{method} {path}: {text}");
            }
            assert!(known.contains(&&operation["tags"][0]), "{method} {path}");
            let responses = operation["responses"]
                .as_object()
                .expect("it has responses");
            assert!(responses.keys().any(|status| status.starts_with('4')));
            assert!(responses.contains_key("default"), "{method} {path}");
        }
    }
}

#[test]
fn responses_match_the_document() {
    let server = Server::start(&[("CPU_LIMIT", "200ms")]);
    let document = openapi(&server);
    let [success, fault] = ["SuccessBody", "ErrorBody"].map(|schema| validator(&document, schema));
    let responses = &document["paths"]["/execute"]["post"]["responses"];
    let mut seen = BTreeSet::new();

    let mut check = |response: &Response| {
        let body = response.json();
        let status = response.status.to_string();
        if response.status == 200 {
            assert!(
                success.is_valid(&body) && !fault.is_valid(&body),
                "{response:?}"
            );
            assert_eq!(
                required_headers(&responses["200"]),
                ["server-timing", "x-request-id"]
            );
            return;
        }
        assert!(
            fault.is_valid(&body) && !success.is_valid(&body),
            "{response:?}"
        );
        let described = resolve(&document, &responses[&status]);
        let kinds = &described["headers"]["X-Error-Kind"]["schema"]["enum"];
        let kinds = kinds.as_array().expect("the kinds are listed");
        assert!(kinds.contains(&json!(response.kind())), "{response:?}");
        seen.insert(response.kind().to_owned());
        for name in ["x-request-id", "retry-after", "www-authenticate", "allow"] {
            let documented = required_headers(described)
                .iter()
                .any(|known| known == name);
            assert_eq!(
                response.header(name).is_some(),
                documented,
                "{name}: {response:?}"
            );
        }
        if response.header("server-timing").is_some() {
            assert!(
                required_headers(described)
                    .iter()
                    .any(|known| known == "server-timing")
            );
        }
    };

    check(&server.execute(HELLO));
    let scripts = [
        "def main(:",
        "x = 1",
        "def main():\n    raise ValueError('no')",
        "def main():\n    return {1, 2}",
        "def main():\n    while True: pass",
        "def main():\n    return bytearray(100_000_000)",
        "def main():\n    print('x' * 2_000_000)",
        "import sys\ndef main():\n    sys.exit(3)",
        "import os\ndef main():\n    os.abort()",
    ];
    for script in scripts {
        check(&server.execute(script));
    }
    let include = ["stderr", "usage", "files", "kind"];
    let made = "def main():\n    open('a', 'w').write('x')\n    open('b', 'wb').write(b'\\xff')\n";
    for script in [made.to_owned(), format!("{made}    raise ValueError")] {
        let body = json!({"script": script, "options": {"include": include}});
        check(&server.raw(post(JSON, &body.to_string())));
    }
    let requests = [
        post(JSON, "{}"),
        post(JSON, &"x".repeat(9 << 20)),
        post("", "{}"),
    ];
    for request in requests {
        check(&server.raw(request));
    }
    let server = Server::start(&[("WALL_LIMIT", "300ms"), ("BODY_TIMEOUT", "300ms")]);
    check(&server.execute("import time\ndef main():\n    time.sleep(60)"));
    let slow = execute(HELLO);
    check(&server.raw(&slow[..slow.len() - 1]));
    let server = Server::start(&[("MAX_CONCURRENT", "1"), ("MAX_QUEUE", "0")]);
    let _running = server.begin("import time\ndef main():\n    time.sleep(60)");
    check(&server.execute(HELLO));

    let server = Server::start(&[("API_KEYS", KEY), ("RATE_LIMIT", "1/h")]);
    check(&server.execute(HELLO));
    let with_key = post(
        &format!("{JSON}Authorization: Bearer {KEY}\r\n"),
        r#"{"script":"x"}"#,
    );
    for _ in 0..2 {
        check(&server.raw(&with_key));
    }

    // The others need an issuer, a service of their own, a bug, or another method or path.
    let kinds = document["components"]["schemas"]["ErrorKind"]["enum"].as_array();
    let kinds = kinds.expect("all kinds are listed").iter();
    let all: BTreeSet<_> = kinds
        .filter_map(|kind| kind.as_str().map(str::to_owned))
        .collect();
    let unseen: Vec<_> = all.difference(&seen).map(String::as_str).collect();
    assert_eq!(
        unseen,
        [
            "forbidden",
            "host_call_limit",
            "internal",
            "method_not_allowed",
            "not_found",
            "shutting_down"
        ]
    );
    assert!(seen.is_subset(&all), "{seen:?}");
}

/// Resolves a reference in `document`.
fn resolve<'a>(document: &'a Value, response: &'a Value) -> &'a Value {
    match response["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix('#'))
    {
        Some(path) => document
            .pointer(path)
            .expect("the reference leads somewhere"),
        None => response,
    }
}

/// The headers of a response in the document, in lower case and in order.
fn required_headers(response: &Value) -> Vec<String> {
    let headers = response["headers"].as_object().expect("there are headers");
    let mut names: Vec<_> = headers.keys().map(|name| name.to_lowercase()).collect();
    names.sort();
    names
}

#[test]
fn requests_match_the_document() {
    let server = Server::start(&[]);
    let request = validator(&openapi(&server), "ExecuteRequest");
    let cases = [
        (json!({"script": HELLO}), true),
        (json!({"script": HELLO, "more": [1]}), true),
        (json!({}), false),
        (json!({"script": 1}), false),
        (json!({"script": ""}), false),
        (json!({"script": null}), false),
        (
            json!({"script": HELLO, "stdin": "", "files": {"a": "text", "b": {"base64": "AA=="}}}),
            true,
        ),
        (
            json!({"script": HELLO, "options": {
                "limits": {"cpu": "500ms", "open_files": 8, "memory": "30MB"},
                "mode": "main",
                "environment": "python",
                "seed": u64::MAX,
                "time": "2026-01-31T09:30:00Z",
                "include": ["stderr", "usage", "files", "kind"],
            }}),
            true,
        ),
        (json!({"script": HELLO, "args": {}}), false),
        (json!({"script": HELLO, "kwargs": []}), false),
        (json!({"script": HELLO, "stdin": null}), false),
        (json!({"script": HELLO, "files": {"a": {}}}), false),
        (
            json!({"script": HELLO, "files": {"a": {"base64": "", "more": 1}}}),
            false,
        ),
        (json!({"script": HELLO, "options": null}), false),
        (json!({"script": HELLO, "options": {"unknown": 1}}), false),
        (
            json!({"script": HELLO, "options": {"limits": {"unknown": 1}}}),
            false,
        ),
        (json!({"script": HELLO, "options": {"seed": -1}}), false),
        (
            json!({"script": HELLO, "options": {"mode": "other"}}),
            false,
        ),
        (
            json!({"script": HELLO, "options": {"env": {"A": 1}}}),
            false,
        ),
        (
            json!({"script": HELLO, "options": {"include": ["result"]}}),
            false,
        ),
        (json!([HELLO]), false),
        (json!(HELLO), false),
    ];
    for (body, accepted) in cases {
        assert_eq!(request.is_valid(&body), accepted, "{body}");
        let response = server.raw(post(JSON, &body.to_string()));
        assert_eq!(response.status == 200, accepted, "{body}");
    }
}

#[test]
fn everything_that_the_document_names_exists() {
    for (playground, root) in [("true", true), ("false", false)] {
        let server = Server::start(&[("PLAYGROUND", playground)]);
        let document = openapi(&server);
        let paths = document["paths"].as_object().expect("there are paths");
        assert_eq!(paths.contains_key("/"), root);
        for (path, item) in paths.iter().filter(|(_, item)| item["get"].is_object()) {
            let response = server.raw(get(path));
            assert_eq!(response.status, 200, "{path}");
            let content = item["get"]["responses"]["200"]["content"].as_object();
            let media_type = response
                .header("content-type")
                .and_then(|text| text.split(';').next());
            let described = media_type.zip(content);
            let described = described.map(|(name, content)| content.contains_key(name));
            assert_eq!(described, Some(true), "{path}: {media_type:?}");
        }
    }
}

#[test]
fn the_documentation_has_the_settings_of_the_service() {
    let settings = [
        ("CPU_LIMIT", "1500ms"),
        ("MEMORY_LIMIT", "64MB"),
        ("HOST_CALLS_LIMIT", "1234567"),
    ];
    let server = Server::start(&settings);
    let page = server.raw(get("/docs")).body;
    for text in [
        "CPU time limit of 1.5 s exceeded",
        "memory limit of 64 MB exceeded",
        "1,234,567",
        "Python source that defines main()",
        "Maximum size of a request body",
        "&#60;message&#62;",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let document = openapi(&server);
    let kinds = document["components"]["schemas"]["ErrorKind"]["enum"].as_array();
    for kind in kinds.expect("all kinds are listed") {
        let cell = format!(
            "<td><code>{}</code></td>",
            kind.as_str().unwrap_or_default()
        );
        assert!(page.contains(&cell), "{kind}");
    }
    let playground = server.raw(get("/")).body;
    assert!(playground.contains("1.5 s of CPU time"), "{playground}");
}

/// The values of these attributes of a page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    let parts = page.split(start.as_str()).skip(1);
    parts.filter_map(|part| part.split('"').next()).collect()
}

#[test]
fn pages_load_nothing_from_elsewhere_and_nothing_inline() {
    let server = Server::start(&[]);
    for path in ["/", "/docs"] {
        let response = server.raw(get(path));
        let policy = response
            .header("content-security-policy")
            .unwrap_or_default();
        let directives: BTreeSet<_> = policy.split("; ").collect();
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob:",
            "frame-src blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(directives.contains(directive), "{directive}: {policy}");
        }
        assert!(
            !policy.contains("unsafe") && !policy.contains("http"),
            "{policy}"
        );
        assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));

        assert!(!response.body.contains("style=") && !response.body.contains("<style"));
        assert!(
            response.body.matches("<script").count()
                == response.body.matches("<script src=").count()
                    + response
                        .body
                        .matches("<script type=\"module\" src=")
                        .count()
        );
        for name in ["src", "href"] {
            for link in attributes(&response.body, name) {
                let local = link.split('#').next().unwrap_or_default();
                let local = local.trim_start_matches('.').trim_start_matches('/');
                assert!(!link.contains("//"), "{link}");
                if !local.is_empty() {
                    assert_eq!(server.raw(get(&format!("/{local}"))).status, 200, "{link}");
                }
            }
        }
    }
}

#[test]
fn scripts_import_files_that_exist() {
    let server = Server::start(&[]);
    let mut files = vec!["main.js".to_owned(), "docs.js".into()];
    let mut seen = BTreeSet::new();
    while let Some(file) = files.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        let response = server.raw(get(&format!("/assets/{file}")));
        assert_eq!(response.status, 200, "{file}");
        assert_eq!(
            response.header("content-type"),
            Some("text/javascript; charset=utf-8")
        );
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!response.body.contains(forbidden), "{file}: {forbidden}");
        }
        let imports = response.body.split(" from \"./").skip(1);
        files.extend(
            imports
                .filter_map(|rest| rest.split('"').next())
                .map(str::to_owned),
        );
    }
    assert!(seen.len() > 5, "{seen:?}");
}

#[test]
fn documents_are_cached_and_revalidated() {
    let server = Server::start(&[]);
    for path in ["/", "/docs", "/openapi.json", "/assets/style.css"] {
        let response = server.raw(get(path));
        assert_eq!(response.header("cache-control"), Some("no-cache"), "{path}");
        let etag = response.header("etag").expect("there is a tag");
        let again =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {etag}\r\n\r\n");
        let again = server.raw(again);
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
        let another = Server::start(&[]).raw(get(path));
        assert_eq!(another.header("etag"), Some(etag), "{path}");
    }
    assert_eq!(
        server.execute(HELLO).header("cache-control"),
        Some("no-store")
    );
}

#[test]
fn without_the_playground_the_documents_stay() {
    let server = Server::start(&[("PLAYGROUND", "false")]);
    let root = server.raw(get("/"));
    assert_eq!((root.status, root.kind()), (404, "not_found"));
    let docs = server.raw(get("/docs")).body;
    assert!(docs.contains("assets/style.css") && !docs.contains("Playground"));
    assert_eq!(server.raw(get("/openapi.json")).status, 200);
    assert_eq!(server.raw(execute(HELLO)).status, 200);
}

#[test]
fn the_document_says_whether_a_key_is_needed_and_needs_none() {
    for (settings, needed) in [(&[][..], false), (&[("API_KEYS", KEY)][..], true)] {
        let server = Server::start(settings);
        let document = openapi(&server);
        let security = &document["paths"]["/execute"]["post"]["security"];
        assert_eq!(*security == json!([{"bearer": []}]), needed, "{security}");
        let metrics = &document["paths"]["/metrics"]["get"];
        assert_eq!(metrics["security"], *security);
        assert_eq!(metrics["responses"]["401"].is_object(), needed);
        for path in ["/", "/docs", "/assets/main.js"] {
            assert_eq!(server.raw(get(path)).status, 200, "{path}");
        }
    }
}
