//! Requests in `multipart/form-data`.

mod common;

use common::{HELLO, Response, Server, post};
use serde_json::json;

const FORM: &str = "Content-Type: multipart/form-data; boundary=\"a b\"\r\n";

/// A body with these parts: their names, filenames and contents.
fn body(parts: &[(&str, Option<&str>, &str)]) -> String {
    let parts = parts.iter().map(|(name, file, contents)| {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        format!(
            "--a b\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\
             Content-Type: application/octet-stream\r\n\r\n{contents}\r\n"
        )
    });
    parts.collect::<String>() + "--a b--\r\n"
}

fn send(server: &Server, parts: &[(&str, Option<&str>, &str)]) -> Response {
    server.raw(post(FORM, &body(parts)))
}

#[test]
fn files_are_parts() {
    let server = Server::start(&[]);
    let script = "import os\ndef main():\n    \
        return [open(path, newline='').read() for path in ['a/b.txt', 'c', 'd']] + [os.read(0, 9).decode()]\n";
    let request = json!({"script": script, "files": {"d": "json"}, "stdin": "in"}).to_string();
    let response = send(
        &server,
        &[
            ("x", Some("/mnt/data/a/b.txt"), "é\r\n--a c"),
            ("request", None, &request),
            ("x", Some("./c"), ""),
        ],
    );
    let expected = json!({"result": ["é\r\n--a c", "", "json", "in"], "stdout": ""});
    assert_eq!(response.json(), expected);
    // Large ones, too.
    let large = "0123456789".repeat(100_000);
    let script = "def main():\n    return len(open('large').read())\n";
    let request = json!({ "script": script }).to_string();
    let parts = [("request", None, &*request), ("f", Some("large"), &*large)];
    assert_eq!(send(&server, &parts).json()["result"], 1_000_000);
}

#[test]
fn wrong_forms_are_rejected() {
    let server = Server::start(&[("BODY_LIMIT", "1MB")]);
    let request = json!({ "script": HELLO }).to_string();
    let with_file = json!({"script": HELLO, "files": {"a": ""}}).to_string();
    let unknown = json!({"script": HELLO, "options": {"x": 1}}).to_string();
    let script = ("request", None, &*request);
    let large = "x".repeat(1_000_000);
    let whole = body(&[script, ("f", Some("f"), "contents")]);
    let cut = &whole[..whole.len() - 8];
    let cases = [
        (body(&[]), 400, "no part `request`"),
        (body(&[("f", Some("f"), "x")]), 400, "no part `request`"),
        (
            body(&[script, script]),
            400,
            "the part `request` is there twice",
        ),
        (
            body(&[script, ("f", None, "x")]),
            400,
            "the part \"f\" has no filename",
        ),
        (
            body(&[script, ("f", Some("../x"), "")]),
            400,
            "contains '..'",
        ),
        (body(&[script, ("f", Some("/x"), "")]), 400, "absolute"),
        (
            body(&[script, ("f", Some("a"), ""), ("g", Some("./a"), "")]),
            400,
            "there twice",
        ),
        (
            body(&[("request", None, &with_file), ("g", Some("a"), "")]),
            400,
            "there twice",
        ),
        (
            body(&[script, ("f", Some("a"), ""), ("g", Some("a/b"), "")]),
            400,
            "is a file and also a directory",
        ),
        (body(&[("request", None, "[]")]), 400, "expected an object"),
        (
            body(&[("request", None, &unknown)]),
            400,
            "field `options.x`: unknown field",
        ),
        (body(&[script, ("f", Some("f"), &large)]), 413, "BODY_LIMIT"),
        (cut.to_owned(), 400, "multipart"),
        (String::new(), 400, "multipart"),
        (request.clone(), 400, "multipart"),
    ];
    for (body, status, expected) in cases {
        let shown = &body[..body.len().min(300)];
        let response = server.raw(post(FORM, &body));
        let error = response.error();
        assert_eq!(response.status, status, "{shown}: {error}");
        assert!(
            error.contains(expected) && !error.contains('\n'),
            "{shown}: {error}"
        );
    }
    for content_type in ["multipart/form-data", "multipart/form-data; boundary="] {
        let headers = format!("Content-Type: {content_type}\r\n");
        let response = server.raw(post(&headers, &whole));
        assert_eq!(
            (response.status, response.kind()),
            (400, "invalid_request"),
            "{content_type}"
        );
    }
}

#[test]
fn pages_of_other_origins_cannot_send_forms() {
    let server = Server::start(&[("CORS_ORIGINS", "https://app.example")]);
    let request = json!({ "script": HELLO }).to_string();
    let form = body(&[("request", None, &request)]);
    for (origin, status) in [
        ("http://localhost", 200),
        ("https://app.example", 200),
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
    ] {
        let response = server.raw(post(&format!("{FORM}Origin: {origin}\r\n"), &form));
        assert_eq!(response.status, status, "{origin}: {response:?}");
    }
}
