//! An HTTP client of the service.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use ureq::{Agent, Body, http};

/// The largest response body that is read, in bytes.
const MAX_BODY: u64 = 256 << 20;

/// A client with a connection that stays open.
pub struct Client {
    agent: Agent,
    url: String,
}

/// A response of the service.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The kind of error, as in `X-Error-Kind`.
    pub kind: Option<String>,
    /// The body.
    pub body: String,
}

impl Client {
    /// Returns a client of the service at `url`, as `http://HOST:PORT`.
    pub fn new(url: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false);
        Self {
            agent: config.build().into(),
            url: url.to_owned(),
        }
    }

    /// Requests `/healthz`.
    pub fn health(&self) -> Result<Response> {
        Response::read(self.agent.get(format!("{}/healthz", self.url)).call()?)
    }

    /// Runs a script and returns the response, whatever its status.
    pub fn execute(&self, script: &str) -> Result<Response> {
        let request = self.agent.post(format!("{}/execute", self.url));
        let body = json!({ "script": script }).to_string();
        Response::read(request.content_type("application/json").send(body)?)
    }

    /// Runs a script that must not fail and returns its result.
    pub fn result(&self, script: &str) -> Result<Value> {
        let Response { status, body, .. } = self.execute(script)?;
        ensure!(status == 200, "the status is {status}: {body}");
        let mut body: Value = serde_json::from_str(&body)?;
        Ok(body["result"].take())
    }
}

impl Response {
    fn read(mut response: http::Response<Body>) -> Result<Self> {
        let kind = response.headers().get("x-error-kind");
        let kind = kind.map(|kind| kind.to_str().map(str::to_owned));
        let body = response.body_mut().with_config().limit(MAX_BODY);
        Ok(Self {
            kind: kind.transpose()?,
            body: body.read_to_string()?,
            status: response.status().as_u16(),
        })
    }
}
