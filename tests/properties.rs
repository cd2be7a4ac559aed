//! Properties: any input, from a client or a script, gets a well-formed response.

mod common;

use common::arbitrary::{self, string};
use common::cases::{Failure, Success, parse};
use common::{HELLO, Response, Server, execute, post};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

const JSON: &str = "Content-Type: application/json\r\n";

/// Returns its source.
const MIRROR: &str = "import _script\ndef main():\n    return _script.source()\n#";

/// Runs `property` against a service of its own and checks that nothing of the service broke.
fn check(settings: &[(&str, &str)], property: impl FnOnce(&Server)) {
    let mut server = Server::start(settings);
    property(&server);
    assert_eq!(server.execute(HELLO).status, 200);
    server.terminate();
    for line in server.log_until("stopped") {
        assert!(!line.contains("panic") && !line.contains("ERROR"), "{line}");
    }
    assert!(server.ended().success());
}

/// Checks that a response conforms to the contract and is not a 500. Returns its status and kind.
fn proper(response: &Response) -> Result<(u16, &str), TestCaseError> {
    let fail = |reason: String| TestCaseError::fail(format!("{reason}: {response:?}"));
    if response.header("content-type") != Some("application/json") {
        return Err(fail("no JSON".into()));
    }
    if response.header("x-request-id").is_none() {
        return Err(fail("no request id".into()));
    }
    match (response.status, response.kind()) {
        (200, "") => drop(parse::<Success>(response).map_err(fail)?),
        (400 | 404 | 405 | 413 | 415, kind) if !["", "internal"].contains(&kind) => {
            let failure: Failure = parse(response).map_err(fail)?;
            if failure.error.is_empty() || failure.error.contains(['\n', '\r']) {
                return Err(fail("the error is not one line".into()));
            }
        }
        _ => return Err(fail("no such status and kind".into())),
    }
    Ok((response.status, response.kind()))
}

fn request(head: &str, body: &[u8]) -> Vec<u8> {
    let mut request = head.as_bytes().to_vec();
    request.extend(format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes());
    request.extend(body);
    request
}

#[test]
fn any_body() {
    let head = format!("POST /execute HTTP/1.1\r\nHost: localhost\r\n{JSON}");
    check(&[], |server| {
        proptest!(|(body in arbitrary::bytes())| {
            let response = server.raw(request(&head, &body));
            let (status, kind) = proper(&response)?;
            if serde_json::from_slice::<IgnoredAny>(&body).is_err() {
                prop_assert_eq!((status, kind), (400, "invalid_request"));
            }
        });
    });
}

#[test]
fn any_fields_beside_the_script() {
    #[rustfmt::skip]
    let field = select(&[
        "args", "kwargs", "stdin", "files", "options", "options.limits", "options.argv", "options.env", "options.mode",
        "options.environment", "options.seed", "options.time", "options.include", "options.limits.cpu",
    ][..]);
    let accept = select(&["*/*", "text/event-streams", "application/json"][..]);
    check(&[], |server| {
        proptest!(|(field in field, value in arbitrary::json(), accept in accept)| {
            let names: Vec<_> = field.split('.').collect();
            let nested = names.iter().rev().fold(value.text, |value, name| format!("{{{name:?}:{value}}}"));
            let script = serde_json::json!(HELLO);
            let body = format!("{{\"script\":{script},{}", &nested[1..]);
            let response = server.raw(post(&format!("{JSON}Accept: {accept}\r\n"), &body));
            let (status, kind) = proper(&response)?;
            prop_assert!(status == 200 || ["invalid_request", "exception"].contains(&kind), "{body}: {response:?}");
        });
    });
}

/// `body` in chunks as `cuts` say, with `extension`s, and `trailer`s at the end.
fn chunked(body: &str, cuts: &[Index], extension: &str, trailer: &str) -> Vec<u8> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(body.len())).collect();
    cuts.extend([0, body.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    let mut chunks = Vec::new();
    for cut in cuts.windows(2) {
        chunks.extend(format!("{:X}{extension}\r\n", cut[1] - cut[0]).into_bytes());
        chunks.extend(&body.as_bytes()[cut[0]..cut[1]]);
        chunks.extend(b"\r\n");
    }
    chunks.extend(format!("0{extension}\r\n{trailer}\r\n").into_bytes());
    chunks
}

#[test]
fn a_script_arrives_as_it_was_sent_however_it_is_cut() {
    check(&[], |server| {
        proptest!(|(
            comment in "\\PC{0,200}",
            cuts in vec(any::<Index>(), 0..20),
            writes in vec(any::<Index>(), 0..5),
            extension in select(&["", ";a", "; a=b", ";a=\"b c\""][..]),
            trailer in select(&["", "X: y\r\n", "Content-Length: 3\r\n"][..]),
        )| {
            let script = format!("{MIRROR}{comment}");
            let body = serde_json::json!({ "script": script }).to_string();
            let head = "POST /execute HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n";
            let mut bytes = format!("{head}{JSON}\r\n").into_bytes();
            bytes.extend(chunked(&body, &cuts, extension, trailer));

            let mut connection = server.connect();
            let mut writes: Vec<_> = writes.iter().map(|at| at.index(bytes.len())).collect();
            writes.sort_unstable();
            let mut sent = 0;
            for at in writes.into_iter().chain([bytes.len()]) {
                connection.send(&bytes[sent..at]);
                sent = at;
            }
            let response = connection.response();
            proper(&response)?;
            prop_assert_eq!(&response.json()["result"], &script);
            // The whole body was taken: the next request is understood.
            connection.send(execute(HELLO));
            prop_assert_eq!(connection.response().status, 200);
        });
    });
}

#[test]
fn any_content_type() {
    let types = prop_oneof![
        "[ \t]{0,2}[Aa]pplication/[Jj]son[ \t]{0,2}(;[ -~]{0,20})?",
        "(application/json|text/json|json|\\*/\\*|application/[a-z+.]{0,10})[,; -~]{0,5}",
        "[ -~\t]{0,20}",
    ];
    check(&[], |server| {
        proptest!(|(value in types)| {
            let media_type = value.split(';').next().unwrap_or_default();
            let json = media_type.trim().eq_ignore_ascii_case("application/json");
            let response = server.raw(post(&format!("Content-Type: {value}\r\n"), "{}"));
            let expected = if json { (400, "invalid_request") } else { (415, "unsupported_media_type") };
            prop_assert_eq!(proper(&response)?, expected);
        });
    });
}

#[test]
fn any_other_headers() {
    // These say how the request is to be read; see the next test.
    let framing = [
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    let name = "(X-Request-Id|Accept|Cookie|Range|If-None-Match|[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20})";
    let name = name.prop_filter("framing", move |name| {
        !framing.contains(&&*name.to_lowercase())
    });
    let value = prop_oneof![vec(32..127_u8, 0..200), vec(128..=255_u8, 0..200)];
    check(&[], |server| {
        proptest!(|(headers in vec((name, value), 0..50))| {
            let mut head = format!("POST /execute HTTP/1.1\r\nHost: localhost\r\n{JSON}").into_bytes();
            for (name, value) in headers {
                head.extend(name.as_bytes());
                head.extend(b": ");
                head.extend(value);
                head.extend(b"\r\n");
            }
            let body = serde_json::json!({ "script": HELLO }).to_string();
            head.extend(format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes());
            let response = server.raw(head);
            prop_assert_eq!(proper(&response)?, (200, ""));
        });
    });
}

#[test]
fn requests_that_are_framed_oddly_do_no_harm() {
    let line = prop_oneof![
        4 => select(&[JSON, "Connection: close\r\n", "Expect: 100-continue\r\n"][..]).prop_map(str::to_owned),
        2 => "Content-Length: [-+ ]?[0-9]{0,25}(,[ 0-9]{1,3})?\r\n",
        2 => "Transfer-Encoding: (chunked|gzip|identity|, ){1,3}\r\n",
        1 => "[ -~]{0,30}\r?\n",
    ];
    let body = prop_oneof![
        arbitrary::bytes(),
        "[0-9A-Fa-f]{1,20}[;a-z ]{0,3}\r?\n[ -~]{0,40}\r?\n(0\r\n\r\n)?"
            .prop_map(String::into_bytes),
    ];
    check(&[], |server| {
        proptest!(|(lines in vec(line, 0..5), body in body)| {
            let mut connection = server.connect();
            let head = format!("POST /execute HTTP/1.1\r\nHost: localhost\r\n{}\r\n", lines.concat());
            // The service may have closed the connection, after a response that may be its HTTP library's own.
            let sent = connection.try_send(head).and_then(|()| connection.try_send(body));
            if sent.is_ok() {
                let response = connection.rest_after_half_close();
                prop_assert!(!response.contains(" 500 "), "{}", response);
            }
        });
    });
}

#[test]
fn any_method_and_path() {
    let method = "(GET|POST|PUT|DELETE|OPTIONS|PATCH|TRACE|[A-Z]{1,10})"
        .prop_filter("HEAD has no body, CONNECT no path", |method| {
            !["HEAD", "CONNECT"].contains(&&**method)
        });
    let path = prop_oneof![
        select(
            &[
                "/execute",
                "/execute?",
                "/execute?script=x",
                "//execute",
                "/Execute",
                "/execute/",
                "/%65xecute",
                "/./execute",
                "http://localhost/execute",
                "/healthz/",
                "*"
            ][..]
        )
        .prop_map(str::to_owned),
        "/[!$-;=?-Z_a-z~]{0,50}",
    ];
    let there = ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"];
    check(&[("PLAYGROUND", "false")], |server| {
        proptest!(|(method in method, path in path)| {
            prop_assume!(!there.contains(&path.split('?').next().unwrap_or_default()));
            let response = server.raw(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            let found = ["/execute", "http://localhost/execute"].contains(&path.split('?').next().unwrap_or_default());
            let expected = match (found, &*method) {
                (false, _) => (404, "not_found"),
                (true, "POST") => (415, "unsupported_media_type"),
                (true, _) => (405, "method_not_allowed"),
            };
            prop_assert_eq!(proper(&response)?, expected);
        });
    });
}

#[test]
fn any_source() {
    #[rustfmt::skip]
    let tokens = select(&[
        "def main():", "return ", "\n", "\n    ", "\n\t", "\r", "\r\n", "\x0c", "\u{feff}", "\u{2028}",
        "\\\n", "(", ")", "[", "]", "{", "}", "\"", "'''", "f'", "f\"\"\"", "{x!r:>{", "}}", "b'\\xff'", "r\"\\\"",
        "'\\N{DIGIT ONE}'", "'\\ud800'", "lambda *, x=1: ", "x", "é", "ﬁ", "1", "0x", "1_000", "1e999", "1j", "0777",
        "+", "**", ":=", "->", "...", "@", "!", "$", "?", "# coding: latin-1\n", "class A[T: int]:", "match x:", "case {**r}:",
        "try:", "except* E:", "with (a as b):", "async ", "await ", "yield ", "global x", "nonlocal x", "del ",
        "import ", "from . import *", "from __future__ import annotations\n", "type X = ", "assert ", "raise ", "if 1:", "else:",
    ][..]);
    let source = prop_oneof![
        vec(tokens, 0..30).prop_map(|tokens| tokens.concat()),
        any::<String>()
    ];
    check(&[], |server| {
        proptest!(|(source in source)| {
            let response = server.execute(&source);
            let (_, kind) = proper(&response)?;
            prop_assert!(["", "syntax_error", "no_main", "exception", "not_serializable"].contains(&kind), "{response:?}");
            // Python names no line for this one.
            if kind == "syntax_error" && !source.contains('\0') {
                prop_assert!(response.error().contains(" (script.py, line "), "{response:?}");
            }
        });
    });
}

/// A Python literal.
fn literal(text: &str) -> String {
    let escapes = text
        .chars()
        .map(|char| format!("\\U{:08x}", u32::from(char)));
    format!("\"{}\"", escapes.collect::<String>())
}

#[test]
fn any_reply_of_a_compromised_harness() {
    let status = prop_oneof![8 => 0..9_i32, 1 => any::<i32>()];
    check(&[], |server| {
        proptest!(|(status in status, (text, _) in string(), surrogate in prop::bool::weighted(0.1))| {
            let mut words = literal(&text);
            if surrogate {
                words += "'\\ud800'";
            }
            let response = server.execute(&format!(
                "import _sandbox.failure\ndef main():\n    \
                 _sandbox.failure.describe.__code__ = (lambda *x, **y: ({status}, {words})).__code__\n    \
                 raise ValueError('message')\n"
            ));
            let first = text.split(['\r', '\n']).next().unwrap_or_default();
            // After an unexpected reply of the harness, the C part names the exception.
            let forged = !surrogate && status != 0;
            let expected = match status {
                _ if !forged => "exception",
                1 => "syntax_error",
                2 => "no_main",
                3 => "exception",
                4 => "not_serializable",
                5 => "memory_limit",
                6 => "exited",
                _ => "crashed",
            };
            prop_assert_eq!((response.status, response.kind()), (400, expected));
            let error = response.error();
            match status {
                _ if !forged => prop_assert_eq!(error, "ValueError"),
                1 | 3 => prop_assert_eq!(error, first),
                4 => prop_assert!(error.ends_with(first), "{}", error),
                _ => prop_assert!(!error.contains(['\r', '\n']), "{}", error),
            }
        });
    });
}

/// Makes a bytearray that spans all of memory from address 16 on, and with it changes where the C part of the harness
/// says that the result lies. `CLAIM` has to be the place and the length.
const FORGER: &str = r#"
import atexit
import dis
import struct

def all_of_memory(size):
    forged = struct.pack("<IIIIIII", 1000, id(bytearray), size, size, 16, 16, 0)
    address = struct.pack("<I", id(forged) + bytes.__basicsize__ - 1)
    constants = (1, 2, 3)
    distance = id(address) + bytes.__basicsize__ - 1 - id(constants) - tuple.__basicsize__
    index = distance // 4 & 0xffff_ffff
    op = dis.opmap
    code = [op["RESUME"], 0]
    for shift in (24, 16, 8):
        code += [op["EXTENDED_ARG"], index >> shift & 255]
    code += [op["LOAD_CONST"], index & 255, op["RETURN_VALUE"], 0]
    def forge():
        pass
    forge.__code__ = forge.__code__.replace(co_code=bytes(code), co_consts=constants, co_stacksize=4)
    return forge(), forged, address

@atexit.register
def forge():
    memory, *kept = all_of_memory(15_000_000)
    result = b'"' + b"true " * 5 + b'"'
    at = -1
    while (at := memory.find(result, at + 1)) >= 0:
        # Variables of C lie between the types, which are among them, and the heap.
        words = struct.pack("<II", at + 16, len(result))
        told = memory.find(words, id(bytearray), id(words) - 16)
        if told >= 0:
            memory[told:told + 8] = struct.pack("<II", *CLAIM)
            print("forged", flush=True)
            break

def main():
    return "true " * 5
"#;

/// The location of the result that a hostile guest reports.
#[derive(Debug)]
enum Claim {
    /// At this address, with this length.
    Place(u32, u32),
    /// Where these bytes are.
    Bytes(Vec<u8>),
}

#[test]
fn any_result_location_of_a_compromised_guest() {
    let number = || prop_oneof![0..70_000_000_u32, any::<u32>(), u32::MAX - 300..=u32::MAX];
    let length = prop_oneof![0..100_u32, number()];
    let claim = prop_oneof![
        (number(), length).prop_map(|(place, length)| Claim::Place(place, length)),
        arbitrary::bytes().prop_map(Claim::Bytes),
    ];
    check(&[], |server| {
        proptest!(|(claim in claim)| {
                    let claimed = match &claim {
                        Claim::Place(place, length) => format!("CLAIM = {place}, {length}"),
                        Claim::Bytes(bytes) => format!(
                            "BYTES = bytes({bytes:?})\nCLAIM = id(BYTES) + bytes.__basicsize__ - 1, len(BYTES)"
                        ),
                    };
                    let response = server.execute(&format!("{claimed}{FORGER}"));
                    let found = proper(&response)?;
                    prop_assert!(response.body.contains(r#""stdout":"forged\n""#), "{response:?}");
                    match claim {
                        Claim::Place(_, length) if length > 8 << 20 => {
                            prop_assert_eq!(found, (400, "output_limit"));
                        }
                        Claim::Place(place, length) if u64::from(place) + u64::from(length) > 50_000_000 => {
                            prop_assert_eq!(found, (400, "crashed"));
                        }
                        Claim::Place(..) => {
                            prop_assert!(["", "not_serializable", "crashed"].contains(&found.1), "{response:?}");
                        }
                        Claim::Bytes(bytes) => match serde_json::from_slice::<&RawValue>(&bytes) {
                            Ok(value) => {
         let success: Success = parse(&response).map_err(TestCaseError::fail)?;
         prop_assert_eq!(success.result.get(), value.get());
        }
                            Err(_) => prop_assert_eq!(found, (400, "not_serializable")),
                        },
                    }
                });
    });
}
