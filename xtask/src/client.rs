//! Speaks to a service over HTTP.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::Body;
use ureq::http::Response;

/// The largest answer that is read, in bytes.
const MOST_BYTES: u64 = 256 << 20;

/// One client; its connection stays open.
pub struct Client {
    agent: Agent,
    url: String,
}

/// What the service said.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The contract's kind of error.
    pub kind: Option<String>,
    /// The body as it came.
    pub body: String,
}

impl Client {
    /// A client of the service at `url`, as `http://HOST:PORT`.
    pub fn new(url: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false);
        Self {
            agent: config.build().into(),
            url: url.to_owned(),
        }
    }

    /// Asks whether the service lives.
    pub fn health(&self) -> Result<Answer> {
        Answer::read(self.agent.get(format!("{}/healthz", self.url)).call()?)
    }

    /// Runs a script, whatever comes of it.
    pub fn execute(&self, script: &str) -> Result<Answer> {
        let request = self.agent.post(format!("{}/execute", self.url));
        let body = json!({ "script": script }).to_string();
        Answer::read(request.content_type("application/json").send(body)?)
    }

    /// Runs a script that must not fail, and gives its result.
    pub fn result(&self, script: &str) -> Result<Value> {
        let Answer { status, body, .. } = self.execute(script)?;
        ensure!(status == 200, "the answer is {status}: {body}");
        let mut answer: Value = serde_json::from_str(&body)?;
        Ok(answer["result"].take())
    }
}

impl Answer {
    fn read(mut response: Response<Body>) -> Result<Self> {
        let kind = response.headers().get("x-error-kind");
        let kind = kind.map(|kind| kind.to_str().map(str::to_owned));
        let body = response.body_mut().with_config().limit(MOST_BYTES);
        Ok(Self {
            kind: kind.transpose()?,
            body: body.read_to_string()?,
            status: response.status().as_u16(),
        })
    }
}
