//! A connection that does as little as possible beside what it measures.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// One connection, kept open.
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// A request as it goes over the wire.
pub fn execute(script: &str) -> Vec<u8> {
    let body = json!({ "script": script }).to_string();
    format!(
        "POST /execute HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

impl Client {
    /// Connects to `address`, as `HOST:PORT`.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("nobody at {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends a request and leaves it at that.
    ///
    /// # Errors
    /// When the connection is closed.
    pub fn begin(&mut self, request: &[u8]) -> Result<()> {
        Ok(self.stream.get_mut().write_all(request)?)
    }

    /// Sends a request and gives the status and the body of the answer.
    ///
    /// # Errors
    /// When the answer is not HTTP.
    pub fn send(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>)> {
        self.begin(request)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).context("no status")?.parse()?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }

    /// Runs a script that must not fail, and gives its result.
    ///
    /// # Errors
    /// When it fails.
    pub fn result(&mut self, script: &str) -> Result<Value> {
        let (status, body) = self.send(&execute(script))?;
        let text = String::from_utf8_lossy(&body);
        ensure!(status == 200, "the answer is {status}: {text}");
        let mut answer: Value = serde_json::from_str(&text)?;
        Ok(answer["result"].take())
    }
}
