//! The example clients, run unchanged against the service.

mod common;

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use common::Server;

/// A client, and the tools that it needs.
struct Client {
    program: &'static [&'static str],
    needs: &'static [&'static str],
}

const CLIENTS: [Client; 3] = [
    Client {
        program: &["sh", "examples/run.sh"],
        needs: &["curl", "jq"],
    },
    Client {
        program: &["python3", "examples/run.py"],
        needs: &["python3"],
    },
    Client {
        program: &["node", "examples/run.mjs"],
        needs: &["node"],
    },
];

impl Client {
    fn name(&self) -> &str {
        self.program[1]
    }

    /// Whether the machine has the client's tool. Without it the test fails in CI and prints a note elsewhere.
    fn is_possible(&self) -> bool {
        let missing = self.needs.iter().find(|tool| {
            let version = Command::new(tool).arg("--version").output();
            !version.is_ok_and(|output| output.status.success())
        });
        let Some(tool) = missing else { return true };
        let line = format!(
            "{} was not tested: there is no {tool} on this machine",
            self.name()
        );
        assert!(std::env::var_os("CI").is_none(), "{line}");
        // Not through eprintln!, which is only seen when the test fails.
        let _ = writeln!(std::io::stderr(), "{line}");
        false
    }

    /// The client with a script, for the service at `url`.
    fn command(&self, url: &str, script: &Path) -> Command {
        let mut command = Command::new(self.program[0]);
        command
            .args(&self.program[1..])
            .arg(script)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("PYTHON_EXECUTOR_URL", url)
            .env_remove("PYTHON_EXECUTOR_KEY")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.program[0] == "python3" {
            command.env("PYTHONPATH", requests());
        }
        command
    }
}

/// The directory with `requests`, as examples/requirements.txt pins it.
fn requests() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let requirements = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/requirements.txt");
        let mut name = DefaultHasher::new();
        fs::read(requirements)
            .expect("the pins are there")
            .hash(&mut name);
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let directory = cache.join(format!("requests-{:x}", name.finish()));
        if !directory.exists() {
            let fresh = tempfile::tempdir_in(cache).expect("there is room");
            let pip = Command::new("python3")
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                ])
                .args([
                    "--require-hashes",
                    "--requirement",
                    requirements,
                    "--target",
                ])
                .arg(fresh.path())
                .status();
            assert!(
                pip.is_ok_and(|status| status.success()),
                "pip cannot install requests"
            );
            fs::rename(fresh.keep(), &directory).expect("the directory can be named");
        }
        directory
    })
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("clients write text");
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// Calls `test` for each client that is possible here, with a file that holds `script`.
fn each(script: &str, test: impl Fn(&Client, &Path)) {
    let file = tempfile::NamedTempFile::new().expect("there is room");
    fs::write(file.path(), script).expect("the file can be written");
    for client in CLIENTS.iter().filter(|client| client.is_possible()) {
        test(client, file.path());
    }
}

fn url(server: &Server) -> String {
    format!("http://{}", server.address)
}

fn run(client: &Client, server: &Server, script: &Path) -> Ran {
    let output = client.command(&url(server), script).output();
    output.expect("the client starts").into()
}

#[test]
fn a_result_goes_to_stdout_and_what_was_printed_to_stderr() {
    let server = Server::start(&[]);
    let script =
        "def main():\n\tprint('a \"quoted\" \\\\ word: ä')\n\treturn {'n': 6 * 7, 's': 'ü'}\n";
    each(script, |client, script| {
        let ran = run(client, &server, script);
        assert_eq!(ran.code, Some(0), "{}: {}", client.name(), ran.stderr);
        let result: serde_json::Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
        assert_eq!(
            result,
            serde_json::json!({"n": 42, "s": "ü"}),
            "{}",
            client.name()
        );
        assert_eq!(ran.stderr, "a \"quoted\" \\ word: ä\n", "{}", client.name());
    });
}

#[test]
fn an_error_of_the_script_has_its_kind_and_traceback() {
    let server = Server::start(&[("CPU_LIMIT", "100ms")]);
    let cases = [
        (
            "def main():\n    print('before')\n    return 1 / 0\n",
            "exception: ZeroDivisionError: division by zero",
        ),
        (
            "def main():\n    while True: pass\n",
            "cpu_limit: CPU time limit of 0.1 s exceeded",
        ),
        ("def main(:\n", "syntax_error: SyntaxError"),
        ("", "no_main: script must define a main() function"),
    ];
    for (script, expected) in cases {
        each(script, |client, file| {
            let ran = run(client, &server, file);
            assert_eq!(
                (ran.code, ran.stdout.as_str()),
                (Some(1), ""),
                "{}: {}",
                client.name(),
                ran.stderr
            );
            assert!(
                ran.stderr.contains(expected),
                "{}: {}",
                client.name(),
                ran.stderr
            );
            if script.contains("before") {
                assert!(
                    ran.stderr.starts_with("before\nTraceback"),
                    "{}: {}",
                    client.name(),
                    ran.stderr
                );
            }
        });
    }
}

#[test]
fn other_errors_are_distinguished_from_errors_of_the_script() {
    let server = Server::start(&[("BODY_LIMIT", "1kB")]);
    each(&"#".repeat(2000), |client, script| {
        let ran = run(client, &server, script);
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(2), ""),
            "{}: {}",
            client.name(),
            ran.stderr
        );
        assert!(
            ran.stderr.contains("413 (too_large, request "),
            "{}: {}",
            client.name(),
            ran.stderr
        );
    });
    let unused = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = unused.local_addr().expect("it has an address");
    drop(unused);
    each("", |client, script| {
        let output = client
            .command(&format!("http://{address}"), script)
            .output();
        let ran = Ran::from(output.expect("the client starts"));
        assert_eq!(ran.code, Some(2), "{}: {}", client.name(), ran.stderr);
        assert!(
            !ran.stderr.contains("Traceback"),
            "{}: {}",
            client.name(),
            ran.stderr
        );
    });
}

#[test]
fn without_a_script_nothing_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener
        .set_nonblocking(true)
        .expect("the listener can be asked");
    let address = listener.local_addr().expect("it has an address");
    let url = format!("http://{address}");
    each("", |client, script| {
        let missing = client.command(&url, Path::new("/nonexistent/script.py"));
        let directory = client.command(&url, Path::new("/"));
        let mut surplus = client.command(&url, script);
        surplus.arg("more");
        for (mut command, expected) in [
            (missing, "/nonexistent/script.py"),
            (directory, "irectory"),
            (surplus, "usage: "),
        ] {
            let ran = Ran::from(command.output().expect("the client starts"));
            let name = client.name();
            assert_eq!(ran.code, Some(2), "{name}: {}", ran.stderr);
            assert_eq!(ran.stdout, "", "{name}");
            assert!(ran.stderr.contains(expected), "{name}: {}", ran.stderr);
            assert!(!ran.stderr.contains("Traceback"), "{name}: {}", ran.stderr);
            assert!(listener.accept().is_err(), "{name} has sent something");
        }
    });
}

/// A proxy, say, that has no `X-Error-Kind` and other keys in its JSON.
#[test]
fn an_error_of_something_else_is_not_the_fault_of_the_script() {
    each("", |client, script| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let mut command = client.command(&format!("http://{address}"), script);
        let child = command.spawn().expect("the client starts");
        let (stream, _) = listener.accept().expect("the client connects");
        let mut reader = BufReader::new(&stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader
                .read_line(&mut head)
                .expect("the client sends a head");
        }
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, length)| length.trim().parse().ok());
        let mut body = vec![0; length.expect("the client sends a length")];
        reader
            .read_exact(&mut body)
            .expect("the client sends a body");
        (&stream)
            .write_all(
                b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\
                  Content-Length: 16\r\nConnection: close\r\n\r\n{\"message\":\"no\"}",
            )
            .expect("the client reads");
        drop((listener, stream));
        let ran = Ran::from(child.wait_with_output().expect("the client ends"));
        assert_eq!(ran.code, Some(2), "{}: {}", client.name(), ran.stderr);
        assert!(!ran.stderr.contains("Traceback"), "{}", ran.stderr);
    });
}

#[test]
fn requests_to_a_busy_service_are_retried() {
    let server = Server::start(&[
        ("MAX_CONCURRENT", "1"),
        ("MAX_QUEUE", "0"),
        ("WALL_LIMIT", "60s"),
    ]);
    each(common::HELLO, |client, script| {
        let running = server.begin("import time\ndef main():\n    time.sleep(60)\n");
        let mut child = client
            .command(&url(&server), script)
            .spawn()
            .expect("the client starts");
        let said = first_line(&mut child);
        assert!(
            said.contains("again") || said.contains("retry"),
            "{}: {said}",
            client.name()
        );
        // Its run is cancelled, and there is room.
        drop(running);
        let ran = Ran::from(child.wait_with_output().expect("the client ends"));
        assert_eq!(
            (ran.code, ran.stdout.trim()),
            (Some(0), "\"hello\""),
            "{}: {}",
            client.name(),
            ran.stderr
        );
    });
}

/// The first line that a client writes to standard error.
#[expect(
    clippy::unbuffered_bytes,
    reason = "what comes after the line must still be there for others"
)]
fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let stderr = child.stderr.as_mut().expect("it is piped");
    for byte in stderr.bytes().map_while(Result::ok) {
        if byte == b'\n' {
            break;
        }
        line.push(byte.into());
    }
    line
}

#[test]
fn a_key_is_sent_as_a_bearer_token() {
    each("", |client, script| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let mut command = client.command(&format!("http://{address}"), script);
        let child = command
            .env("PYTHON_EXECUTOR_KEY", "a-key")
            .spawn()
            .expect("the client starts");
        let (stream, _) = listener.accept().expect("the client connects");
        let lines = BufReader::new(&stream).lines().map_while(Result::ok);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        let found = head
            .iter()
            .any(|line| line.eq_ignore_ascii_case("authorization: bearer a-key"));
        drop((listener, stream));
        assert!(found, "{}: {head:?}", client.name());
        let ran = Ran::from(child.wait_with_output().expect("the client ends"));
        assert_eq!(ran.code, Some(2), "{}: {}", client.name(), ran.stderr);
    });
}
