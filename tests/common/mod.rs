//! A running service, and an HTTP/1.1 client for it.

// Each test file uses its own part of this.
#![allow(dead_code)]

pub mod arbitrary;
pub mod cases;
pub mod footprint;
pub mod metrics;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// Longer than any healthy service takes, even on a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(60);

const PROGRAM: &str = env!("CARGO_BIN_EXE_python-executor");

/// A script that ends at once.
pub const HELLO: &str = "def main():\n    return 'hello'\n";

/// A service of the test's own, ended when dropped.
pub struct Server {
    child: Child,
    log: Mutex<Receiver<String>>,
    /// The main address.
    pub address: SocketAddr,
    /// The admin address, if there is one.
    pub admin: Option<SocketAddr>,
}

impl Server {
    /// Starts with these environment variables and waits until it listens.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_as(command(), settings)
    }

    /// Starts with `root` as the place of all temporary directories.
    pub fn start_in(root: &Path, settings: &[(&str, &str)]) -> Self {
        let root = root.to_str().expect("the path is text");
        Self::start(&[&[("TEMP_ROOT", root)], settings].concat())
    }

    /// Starts with a command that runs the service.
    pub fn start_as(mut command: Command, settings: &[(&str, &str)]) -> Self {
        let mut child = command
            .envs([("HOST", "127.0.0.1"), ("PORT", "0"), ("LOG", "debug")])
            .envs(settings.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (lines, log) = mpsc::channel();
        // Reads to the end whether or not the test listens, so that logging never blocks.
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Self {
            child,
            log: Mutex::new(log),
            address: unknown,
            admin: None,
        };
        let lines = server.log_until("listening on http://");
        let address_after = |text| {
            let line = lines.iter().find(|line| line.contains(text))?;
            let (_, address) = line.split_once("http://")?;
            // In JSON the text ends with a quote.
            let address = address.split('"').next().unwrap_or_default();
            Some(address.trim().parse().expect("the address is one"))
        };
        server.address = address_after("listening on").expect("the line has an address");
        server.admin = address_after("metrics are on");
        server
    }

    /// Waits for the next line of the log that contains `text`.
    pub fn wait_for_log(&self, text: &str) -> String {
        self.log_until(text).pop().unwrap_or_default()
    }

    /// Returns the lines of the log up to the next one that contains `text`.
    pub fn log_until(&self, text: &str) -> Vec<String> {
        let deadline = Instant::now() + TIMEOUT;
        let mut seen = Vec::new();
        let log = self.log.lock().expect("no test has panicked here");
        while let Ok(line) = log.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            let found = line.contains(text);
            seen.push(line);
            if found {
                return seen;
            }
        }
        panic!("the log has no line with {text:?}:\n{}", seen.join("\n"));
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Opens a connection.
    pub fn connect(&self) -> Connection {
        Connection::to(self.address)
    }

    /// Sends `request` as it is and reads the response.
    pub fn raw(&self, request: impl AsRef<[u8]>) -> Response {
        let mut connection = self.connect();
        connection.send(request);
        connection.response()
    }

    /// Requests `path`.
    pub fn get(&self, path: &str) -> Response {
        self.raw(get(path))
    }

    /// Requests `path` until the status is `status`, and returns that response.
    pub fn get_until(&self, status: u16, path: &str) -> Response {
        self.raw_until(status, get(path))
    }

    /// Runs a script.
    pub fn execute(&self, script: &str) -> Response {
        self.raw(execute(script))
    }

    /// Starts a script and waits until it has its slot.
    pub fn begin(&self, script: &str) -> Connection {
        static BEGUN: AtomicUsize = AtomicUsize::new(0);
        // The id distinguishes this run from earlier ones whose log lines have not been read yet.
        let id = format!("begun-{}.", BEGUN.fetch_add(1, Ordering::Relaxed));
        let headers = format!("Content-Type: application/json\r\nX-Request-Id: {id}\r\n");
        let mut connection = self.connect();
        connection.send(post(&headers, &json!({ "script": script }).to_string()));
        let line = self.wait_for_log(&id);
        assert!(line.contains("run started"), "{line}");
        connection
    }

    /// Runs a script until the status is `status`, and returns that response.
    pub fn execute_until(&self, status: u16, script: &str) -> Response {
        self.raw_until(status, execute(script))
    }

    /// Sends `request` until the status is `status`, and returns that response.
    pub fn raw_until(&self, status: u16, request: impl AsRef<[u8]>) -> Response {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let response = self.raw(&request);
            if response.status == status {
                return response;
            }
            assert!(
                Instant::now() < deadline,
                "no {status} in time; the last response is {response:?}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends SIGTERM, as an orchestrator does.
    pub fn terminate(&self) {
        let id = i32::try_from(self.child.id()).expect("process ids are small");
        let pid = Pid::from_raw(id).expect("process ids are positive");
        kill_process(pid, Signal::TERM).expect("the service takes signals");
    }

    /// Waits until the service exits.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self
                .child
                .try_wait()
                .expect("the service can be waited for")
            {
                return status;
            }
            assert!(Instant::now() < deadline, "the service does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, with an environment that only says where CPython is.
pub fn command() -> Command {
    bare(Command::new(PROGRAM))
}

/// The program, started with its arguments by a shell that runs `first` before it.
pub fn command_after(first: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("{first} && exec {PROGRAM} \"$@\""), "sh"]);
    bare(shell)
}

fn bare(mut command: Command) -> Command {
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command.envs(std::env::var_os("PYTHON").map(|path| ("PYTHON", path)));
    command
}

/// One connection to the service.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Opens a connection.
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the service accepts");
        stream
            .set_read_timeout(Some(TIMEOUT))
            .expect("a timeout can be set");
        Self(BufReader::new(stream))
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the service reads");
    }

    /// Sends bytes to a service that may have hung up.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.get_mut().write_all(bytes.as_ref())
    }

    /// Reads one response; the connection stays open.
    pub fn response(&mut self) -> Response {
        let mut response = self.head();
        let length = response
            .header("content-length")
            .and_then(|text| text.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).expect("the body is whole");
        response.body = String::from_utf8(body).expect("the body is text");
        response
    }

    /// Reads the head of a response.
    pub fn head(&mut self) -> Response {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let line = self.0.read_until(b'\n', &mut head);
            let count = line.expect("the service responds");
            let shown = String::from_utf8_lossy(&head);
            assert!(count > 0, "the connection was closed after {shown:?}");
        }
        let head = String::from_utf8(head).expect("the head is text");
        let (status_line, fields) = head.split_once("\r\n").expect("the head has lines");
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok());
        let headers = fields.lines().filter_map(|line| line.split_once(": "));
        let headers = headers
            .map(|(name, value)| (name.to_lowercase(), value.into()))
            .collect();
        Response {
            status: status.expect("the response has a status"),
            headers,
            body: String::new(),
        }
    }

    /// Reads the next chunk of a response; none at its end.
    pub fn chunk(&mut self) -> Option<String> {
        let mut size = String::new();
        self.0.read_line(&mut size).expect("the service sends");
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk has a size");
        let mut chunk = vec![0; size + 2];
        self.0.read_exact(&mut chunk).expect("the chunk is whole");
        chunk.truncate(size);
        (size > 0).then(|| String::from_utf8(chunk).expect("the chunk is text"))
    }

    /// Whether a response begins to arrive in time.
    pub fn responds_within(&self, time: Duration) -> bool {
        let stream = self.0.get_ref();
        stream
            .set_read_timeout(Some(time))
            .expect("a timeout can be set");
        let begun = !self.0.buffer().is_empty() || stream.peek(&mut [0]).is_ok();
        stream
            .set_read_timeout(Some(TIMEOUT))
            .expect("a timeout can be set");
        begun
    }

    /// Everything until the service closes the connection.
    pub fn rest(&mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).expect("the rest is text");
        text
    }

    /// Closes the sending side and returns everything that the service sends until the connection ends, in
    /// whatever way.
    pub fn rest_after_half_close(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = self.0.get_ref().shutdown(Shutdown::Write);
        let _ = self.0.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether the service closes the connection without sending more.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0))
    }
}

/// A response of the service.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: String,
}

impl Response {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The machine-readable kind of an error.
    pub fn kind(&self) -> &str {
        self.header("x-error-kind").unwrap_or("")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    /// The text of an error. Checks that the body has the contract's keys in the contract's order.
    pub fn error(&self) -> String {
        let body = self.json();
        let text = |key: &str| body[key].as_str().expect("every key has a text").to_owned();
        let [error, stdout, stderr] = ["error", "stdout", "stderr"].map(text);
        let [e, o, r] = [&error, &stdout, &stderr].map(|text| json!(text));
        assert_eq!(
            self.body,
            format!(r#"{{"error":{e},"stdout":{o},"stderr":{r}}}"#)
        );
        error
    }
}

/// A request that runs a script.
pub fn execute(script: &str) -> String {
    post(
        "Content-Type: application/json\r\n",
        &json!({ "script": script }).to_string(),
    )
}

/// A request for `path`.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// A request to `/execute` with these header lines and this body.
pub fn post(headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /execute HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// A request to run hello with these header lines.
pub fn hello(headers: &str) -> String {
    let headers = format!("Content-Type: application/json\r\n{headers}");
    post(&headers, &json!({ "script": HELLO }).to_string())
}

/// A request to run hello with a key or token.
pub fn hello_from(token: &str) -> String {
    hello(&format!("Authorization: Bearer {token}\r\n"))
}
