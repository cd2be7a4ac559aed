//! Arguments of `main()`, and cells, over HTTP.

mod common;

use common::{Server, post};
use serde_json::{Value, json};

/// Sends a request with these fields; returns the status and the body.
fn send(server: &Server, body: &Value) -> (u16, Value) {
    let response = server.raw(post(
        "Content-Type: application/json\r\n",
        &body.to_string(),
    ));
    (response.status, response.json())
}

#[test]
fn main_takes_arguments() {
    let server = Server::start(&[]);
    let script = "import os, sys\n\
        def main(*args, **kwargs):\n    \
            return [args, kwargs, sys.argv[1:], os.environ.get('COLOR')]";
    let big: Value = serde_json::from_str("123456789012345678901234567890").unwrap_or_default();
    let body = json!({
        "script": script,
        "args": [1.5, {"a": [null, "é"]}, big],
        "kwargs": {"name": "x"},
        "options": {"argv": ["-v"], "env": {"COLOR": "red"}},
    });
    let expected = json!([[1.5, {"a": [null, "é"]}, big], {"name": "x"}, ["-v"], "red"]);
    assert_eq!(
        send(&server, &body),
        (200, json!({"result": expected, "stdout": ""}))
    );
}

#[test]
fn arguments_that_do_not_fit_are_errors_of_python() {
    let server = Server::start(&[]);
    let cases = [
        (
            json!({"script": "def main(): pass", "args": [1]}),
            "TypeError: main() takes 0 positional arguments but 1 was given",
        ),
        (
            json!({"script": "def main(x): pass"}),
            "script must define a main() function that can be called without arguments, or the request must have \
             args or kwargs",
        ),
    ];
    for (body, error) in cases {
        let (status, response) = send(&server, &body);
        assert_eq!(status, 400, "{response}");
        let text = response["error"].as_str().unwrap_or_default();
        assert!(text.starts_with(error), "{text}");
    }
}

#[test]
fn the_result_of_a_cell_is_its_last_expression() {
    let server = Server::start(&[]);
    let cases = [
        ("x = 6\nx * 7", json!(42), json!("42")),
        ("x = 1", Value::Null, Value::Null),
        ("{1, 2}", Value::Null, json!("{1, 2}")),
        (
            "import asyncio\nawait asyncio.sleep(0, 'late')",
            json!("late"),
            json!("'late'"),
        ),
    ];
    for (script, result, text) in cases {
        let body = json!({"script": script, "options": {"mode": "cell"}});
        let expected = json!({"result": result, "text": text, "stdout": ""});
        assert_eq!(send(&server, &body), (200, expected), "{script}");
    }
}

#[test]
fn shown_objects_are_returned_on_failures_too() {
    let server = Server::start(&[]);
    let script = "class Page:\n    \
            def _repr_html_(self): return '<b>1</b>'\n    \
            def __repr__(self): return 'page'\n\
        display(Page())\n\
        1 / 0";
    let body = json!({"script": script, "options": {"mode": "cell"}});
    let (status, response) = send(&server, &body);
    assert_eq!(status, 400, "{response}");
    let shown = json!([{"text/plain": "page", "text/html": "<b>1</b>"}]);
    assert_eq!(response["display"], shown);
    assert_eq!(response["error"], "ZeroDivisionError: division by zero");

    // Outside of cells if the request includes it, and an empty array if nothing was shown.
    let include = json!({"include": ["display"]});
    let cases = [
        ("def main(): display(1)", json!([{"text/plain": "1"}])),
        ("def main(): pass", json!([])),
    ];
    for (script, shown) in cases {
        let body = json!({"script": script, "options": include});
        let (status, response) = send(&server, &body);
        assert_eq!((status, &response["display"]), (200, &shown), "{script}");
    }
}
