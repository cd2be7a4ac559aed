//! ID tokens, and the keys of their issuers.

mod common;
#[path = "oidc/issuer.rs"]
mod issuer;

use std::fs;
use std::net::TcpListener;
use std::time::Instant;

use common::{Response, Server, command, hello_from};
use issuer::{AUDIENCE, Authority, Issuer, SigningKey, hs256, message, name_at, now};
use serde_json::{Value, json};

const KEY: &str = "some-key-0123456789abcdef0123456789";
const UNKNOWN: &str = "unknown-key-0123456789abcdef01234567";

/// Runs hello with a key or token.
fn send(server: &Server, token: &str) -> Response {
    server.raw(hello_from(token))
}

/// Runs hello with a key or token until the response is `status`.
fn send_until(server: &Server, status: u16, token: &str) -> Response {
    server.raw_until(status, hello_from(token))
}

/// A service that accepts the tokens of `issuer`.
fn accepting(issuer: &str, settings: &[(&str, &str)]) -> Server {
    let oidc = [("OIDC_ISSUER", issuer), ("OIDC_AUDIENCE", AUDIENCE)];
    Server::start(&[&oidc, settings].concat())
}

fn challenge(response: &Response) -> &str {
    response.header("www-authenticate").unwrap_or_default()
}

#[test]
fn keys_and_tokens_are_never_logged() {
    let issuer = Issuer::start(&[]);
    let settings = [("API_KEYS", KEY), ("LOG", "trace")];
    let mut server = accepting(&issuer.name(), &settings);
    let token = SigningKey::ec("k").token(&issuer.claims(json!({})));
    assert_eq!(send(&server, KEY).status, 200);
    assert_eq!(send(&server, UNKNOWN).status, 401);
    assert_eq!(send(&server, &token).status, 503);
    server.terminate();
    let log = server.log_until("stopped").join("\n");
    assert!(server.ended().success());
    for secret in [KEY, UNKNOWN, &token] {
        assert!(!log.contains(&secret[10..]), "{log}");
    }

    let help = command().arg("--help").env("API_KEYS", KEY).output();
    let help = help.expect("the program starts").stdout;
    assert!(!String::from_utf8_lossy(&help).contains(KEY));
}

#[test]
fn a_subject_cannot_send_control_characters_to_a_terminal() {
    let key = SigningKey::ec("k");
    let issuer = Issuer::start(&[&key]);
    for format in ["json", "text"] {
        let server = accepting(&issuer.name(), &[("LOG_FORMAT", format)]);
        let subject = "a\u{1b}[31m\u{7f}\u{9b}31m\u{85}b";
        let token = key.token(&issuer.claims(json!({ "sub": subject })));
        send_until(&server, 200, &token);
        let line = server.wait_for_log("script_bytes");
        assert!(!line.chars().any(char::is_control), "{line:?}");
        if format == "json" {
            let entry: Value = serde_json::from_str(&line).expect("the line is JSON");
            assert_eq!(entry["caller"], format!("subject {subject}"));
        }
    }
}

#[test]
fn only_valid_tokens_are_accepted() {
    let (rsa, ec, foreign) = (
        SigningKey::rsa("r"),
        SigningKey::ec("e"),
        SigningKey::rsa("x"),
    );
    let issuer = Issuer::start(&[&rsa, &ec]);
    let server = accepting(&issuer.name(), &[("API_KEYS", KEY)]);
    // From here on the keys are known.
    let good = issuer.claims(json!({}));
    send_until(&server, 200, &rsa.token(&good));

    let accepted = [
        ec.token(&good),
        rsa.token(&issuer.claims(json!({"aud": ["other", AUDIENCE]}))),
        rsa.token(&issuer.claims(json!({"exp": now() - 5, "nbf": now() + 5}))),
        rsa.token(&issuer.claims(json!({"iat": null}))),
        rsa.token_with(&json!({"alg": "RS256"}), &good),
        ec.token_with(&json!({"alg": "ES256"}), &good),
        KEY.into(),
    ];
    for token in accepted {
        let response = send(&server, &token);
        assert_eq!(response.status, 200, "{token}: {response:?}");
    }

    let with = |claims: Value| rsa.token(&issuer.claims(claims));
    let none = json!({"alg": "none", "kid": "r"});
    let hs = json!({"alg": "HS256", "kid": "r"});
    let published = rsa.published();
    let n = published["n"].as_str().unwrap_or_default();
    let pieces = rsa.token(&good);
    let (head, signature) = pieces.rsplit_once('.').expect("a token has three parts");
    let other = message(
        &json!({"alg": "RS256", "kid": "r"}),
        &issuer.claims(json!({"sub": "x"})),
    );
    let own_key = json!({"alg": "RS256", "kid": "x", "jwk": foreign.published()});
    let own_set = json!({"alg": "RS256", "kid": "r", "jku": "http://127.0.0.1:1/keys"});
    let rejected = [
        (with(json!({"exp": now() - 60})), "expired"),
        (with(json!({"nbf": now() + 60})), "not valid yet"),
        (with(json!({"iat": now() + 60})), "not valid yet"),
        (
            with(json!({"aud": "https://other.example"})),
            "another audience",
        ),
        (with(json!({"aud": ["a", "b"]})), "another audience"),
        (with(json!({"aud": []})), "another audience"),
        (
            with(json!({"iss": "https://other.example"})),
            "another issuer",
        ),
        (with(json!({"iss": issuer.name() + "/"})), "another issuer"),
        (with(json!({"iss": [issuer.name()]})), "malformed"),
        (with(json!({"aud": null})), "lacks"),
        (with(json!({"exp": null})), "lacks"),
        (with(json!({"iss": null})), "lacks"),
        (with(json!({"exp": "tomorrow"})), "lacks"),
        (with(json!({"nbf": "now"})), "malformed"),
        (with(json!({"sub": null})), "malformed"),
        (with(json!({"sub": ""})), "malformed"),
        (with(json!({"sub": "x".repeat(256)})), "malformed"),
        (foreign.token(&good), "key its issuer does not have"),
        (
            foreign.token_with(&own_key, &good),
            "key its issuer does not have",
        ),
        (foreign.token_with(&own_set, &good), "signature is wrong"),
        (
            foreign.token_with(&json!({"alg": "RS256", "kid": "r"}), &good),
            "signature is wrong",
        ),
        (
            foreign.token_with(&json!({"alg": "RS256"}), &good),
            "signature is wrong",
        ),
        (
            rsa.token_with(&json!({"alg": "ES256", "kid": "r"}), &good),
            "key its issuer does not have",
        ),
        (
            rsa.token_with(&json!({"alg": "RS512", "kid": "r"}), &good),
            "key its issuer does not have",
        ),
        (format!("{other}.{signature}"), "signature is wrong"),
        (format!("{head}."), "signature is wrong"),
        (message(&none, &good) + ".", "neither a key nor an ID token"),
        (
            format!("{}.{signature}", message(&none, &good)),
            "neither a key nor an ID token",
        ),
        (
            hs256(&rsa.public_bytes(), &hs, &good),
            "algorithm is not accepted",
        ),
        (hs256(n.as_bytes(), &hs, &good), "algorithm is not accepted"),
        (
            hs256(published.to_string().as_bytes(), &hs, &good),
            "algorithm is not accepted",
        ),
        (
            hs256(
                &rsa.public_bytes(),
                &json!({"alg": "RS256", "kid": "r"}),
                &good,
            ),
            "signature is wrong",
        ),
        (
            rsa.token_with(
                &json!({"alg": "RS256", "kid": "r", "crit": ["exp"], "exp": now() + 60}),
                &good,
            ),
            "critical extensions",
        ),
        (
            rsa.token_with(&json!({"alg": "RS256", "kid": "r", "crit": []}), &good),
            "critical extensions",
        ),
        (head.into(), "neither a key nor an ID token"),
        (format!("{pieces}.x"), "neither a key nor an ID token"),
        ("..".into(), "neither a key nor an ID token"),
        (
            format!("{{}}.{{}}.{signature}"),
            "neither a key nor an ID token",
        ),
        ("a.b.c".repeat(2000), "neither a key nor an ID token"),
        (UNKNOWN.into(), "neither a key nor an ID token"),
    ];
    for (token, words) in rejected {
        let response = send(&server, &token);
        let error = response.error();
        assert_eq!(
            (response.status, response.kind()),
            (401, "unauthorized"),
            "{words}: {error}"
        );
        assert!(error.contains(words), "{words}: {error}");
        let challenge = challenge(&response);
        assert!(
            challenge.contains(r#"error="invalid_token""#),
            "{challenge}"
        );
    }
}

#[test]
fn only_listed_holders_may_call() {
    let key = SigningKey::ec("k");
    let issuer = Issuer::start(&[&key]);
    let settings = [
        (
            "OIDC_ALLOWED_EMAILS",
            "Robot@project.example, other@project.example",
        ),
        ("OIDC_ALLOWED_SUBJECTS", "1234"),
    ];
    let server = accepting(&issuer.name(), &settings);
    let email =
        |verified: Value| json!({"email": "robot@Project.example", "email_verified": verified});
    send_until(
        &server,
        200,
        &key.token(&issuer.claims(json!({"sub": "1234"}))),
    );
    let cases = [
        (email(json!(true)), 200),
        (email(json!("true")), 200),
        (email(json!(false)), 403),
        (email(json!(null)), 403),
        (
            json!({"email": "stranger@project.example", "email_verified": true}),
            403,
        ),
        (json!({"sub": "robot@project.example"}), 403),
        (json!({"sub": "12345"}), 403),
    ];
    for (claims, status) in cases {
        let response = send(&server, &key.token(&issuer.claims(claims.clone())));
        assert_eq!(response.status, status, "{claims}: {response:?}");
        if status == 403 {
            assert_eq!(response.kind(), "forbidden");
            assert!(
                response.error().contains("OIDC_ALLOWED_EMAILS"),
                "{response:?}"
            );
            assert!(
                challenge(&response).contains("insufficient_scope"),
                "{response:?}"
            );
        }
    }
}

#[test]
fn keys_are_rotated_and_fetched_at_a_bounded_rate() {
    let (old, new) = (SigningKey::rsa("old"), SigningKey::rsa("new"));
    let stranger = SigningKey::ec("stranger");
    let issuer = Issuer::start(&[&old]);
    let begun = Instant::now();
    let server = accepting(&issuer.name(), &[]);
    let claims = issuer.claims(json!({}));
    send_until(&server, 200, &old.token(&claims));

    issuer.publish(&[&new]);
    // Nobody has needed the new key yet.
    assert_eq!(send(&server, &old.token(&claims)).status, 200);
    let unknown = stranger.token(&claims);
    for _ in 0..50 {
        assert_eq!(send(&server, &unknown).status, 401);
    }
    send_until(&server, 200, &new.token(&claims));
    assert_eq!(send(&server, &old.token(&claims)).status, 401);
    // One every five seconds, and the first.
    let most = begun.elapsed().as_secs() / 5 + 2;
    assert!(
        issuer.looked_up() <= most,
        "{} look-ups",
        issuer.looked_up()
    );
}

#[test]
fn the_service_starts_without_its_issuer_and_recovers() {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = address.expect("a port is free");
    let server = accepting(&name_at(address), &[("API_KEYS", KEY)]);
    server.wait_for_log("cannot fetch the keys of OIDC_ISSUER");

    let key = SigningKey::ec("k");
    let claims = json!({
        "iss": name_at(address), "aud": AUDIENCE, "sub": "someone", "exp": now() + 600,
    });
    let token = key.token(&claims);
    let response = send(&server, &token);
    assert_eq!((response.status, response.kind()), (503, "unauthorized"));
    assert!(response.error().contains("issuer"), "{response:?}");
    assert!(response.header("retry-after").is_some(), "{response:?}");
    assert_eq!(send(&server, KEY).status, 200);

    let _issuer = Issuer::start_at(address, &[&key]);
    send_until(&server, 200, &token);
}

#[test]
fn an_issuer_with_a_certificate_from_a_trusted_authority_is_accepted() {
    let [known, unknown] = [Authority::new(), Authority::new()];
    let key = SigningKey::ec("k");
    let issuer = Issuer::start_secured(&known, &[&key]);
    let token = key.token(&issuer.claims(json!({})));
    let trusting = |authority: &Authority| {
        let file = tempfile::NamedTempFile::new().expect("there is room for a file");
        fs::write(&file, &authority.certificate).expect("the file can be written");
        let path = file.path().to_str().expect("the path is text");
        accepting(&issuer.name(), &[("SSL_CERT_FILE", path)])
    };

    send_until(&trusting(&known), 200, &token);
    assert_eq!(issuer.looked_up(), 1);
    for server in [trusting(&unknown), accepting(&issuer.name(), &[])] {
        server.wait_for_log("cannot fetch the keys of OIDC_ISSUER");
        assert_eq!(send(&server, &token).status, 503);
    }
    assert_eq!(issuer.looked_up(), 1);
}

#[test]
fn an_issuer_that_is_not_the_configured_one_is_rejected() {
    let key = SigningKey::ec("k");
    let issuer = Issuer::start(&[&key]);
    let other_name = format!("http://localhost:{}", issuer.address.port());
    let server = accepting(&other_name, &[]);
    server.wait_for_log("set OIDC_ISSUER to it");
    let token = key.token(&issuer.claims(json!({"iss": other_name})));
    assert_eq!(send(&server, &token).status, 503);
}

#[test]
fn each_subject_has_a_rate_limit_of_its_own() {
    let key = SigningKey::ec("k");
    let issuer = Issuer::start(&[&key]);
    let settings = [("RATE_LIMIT", "1/h"), ("LOG_FORMAT", "json")];
    let server = accepting(&issuer.name(), &settings);
    let token = |subject: &str| key.token(&issuer.claims(json!({"sub": subject})));
    send_until(&server, 200, &token("first"));
    let line = server.wait_for_log("queue_ms");
    assert!(line.contains(r#""caller":"subject first""#), "{line}");
    assert_eq!(send(&server, &token("first")).status, 429);
    assert_eq!(send(&server, &token("second")).status, 200);
}
