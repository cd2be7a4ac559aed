//! A WebDriver client for Chromium.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

/// The error if it is not installed.
const MISSING: &str = "this needs Chromium and its WebDriver: as root, on Debian, \
                       `apt-get install --yes --no-install-recommends chromium chromium-driver`";
/// The time within which an expected state must be reached, even on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The interval between checks of an expected state.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// The key of an element's id in the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys without a letter, as the protocol writes them.
pub mod key {
    #![allow(missing_docs)]
    pub const ENTER: char = '\u{e007}';
    pub const TAB: char = '\u{e004}';
    pub const ESCAPE: char = '\u{e00c}';
    pub const SHIFT: char = '\u{e008}';
    pub const CONTROL: char = '\u{e009}';
    pub const PAGE_UP: char = '\u{e00e}';
    pub const PAGE_DOWN: char = '\u{e00f}';
    pub const END: char = '\u{e010}';
    pub const HOME: char = '\u{e011}';
    pub const RIGHT: char = '\u{e014}';
    pub const DOWN: char = '\u{e015}';
}

/// A headless browser with one page; dropping it closes it.
pub struct Browser {
    agent: Agent,
    session: String,
    _driver: Driver,
    _profile: TempDir,
}

/// The WebDriver process; dropping it kills it.
struct Driver(Child);

impl Browser {
    /// Starts the browser.
    pub fn start() -> Result<Self> {
        let (driver, url) = Driver::start()?;
        let profile = TempDir::new()?;
        let flags = [
            "--headless",
            // Chromium's own sandbox does not work for root, nor in most containers.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": { "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
        }}});
        let config = Agent::config_builder().http_status_as_error(false);
        let agent: Agent = config.build().into();
        let started = send(&agent, &format!("{url}/session"), &wanted).context(MISSING)?;
        let id = started["sessionId"]
            .as_str()
            .context("the session has no id")?;
        Ok(Self {
            agent,
            session: format!("{url}/session/{id}"),
            _driver: driver,
            _profile: profile,
        })
    }

    /// Loads a page.
    pub fn open(&self, url: &str) -> Result<()> {
        // A URL that differs only in the fragment would not be loaded again.
        self.command("url", &json!({"url": "about:blank"}))?;
        self.command("url", &json!({ "url": url }))?;
        Ok(())
    }

    /// Navigates from the current page to `url`, as from the address bar.
    pub fn navigate(&self, url: &str) -> Result<()> {
        self.command("url", &json!({ "url": url }))?;
        Ok(())
    }

    /// Goes back to the previous page or reloads this one: `back` or `refresh`.
    pub fn go(&self, step: &str) -> Result<()> {
        self.command(step, &json!({}))?;
        Ok(())
    }

    /// Returns the value of a JavaScript expression.
    pub fn value(&self, expression: &str) -> Result<Value> {
        let script = json!({"script": format!("return {expression}"), "args": []});
        self.command("execute/sync", &script)
            .with_context(|| expression.to_owned())
    }

    /// Returns the value of a JavaScript expression, which must be a string.
    pub fn text(&self, expression: &str) -> Result<String> {
        match self.value(expression)? {
            Value::String(text) => Ok(text),
            other => bail!("{expression} is {other}"),
        }
    }

    /// Waits until a JavaScript expression is true.
    pub fn until(&self, expression: &str) -> Result<()> {
        let deadline = Instant::now() + TIMEOUT;
        while self.value(expression)? != json!(true) {
            ensure!(Instant::now() < deadline, "never true: {expression}");
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    /// Clicks on the element that matches a CSS selector.
    pub fn click(&self, selector: &str) -> Result<()> {
        let search = json!({"using": "css selector", "value": selector});
        let found = self.command("element", &search)?;
        let element = found[ELEMENT].as_str().context("an element has no id")?;
        self.command(&format!("element/{element}/click"), &json!({}))
            .with_context(|| selector.to_owned())?;
        Ok(())
    }

    /// Clicks on a point of the window, in pixels.
    pub fn click_at(&self, x: f64, y: f64) -> Result<()> {
        let mouse = json!({"type": "pointer", "id": "mouse", "actions": [
            {"type": "pointerMove", "duration": 0, "x": x.round(), "y": y.round()},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]});
        self.command("actions", &json!({"actions": [mouse]}))?;
        Ok(())
    }

    /// Presses one key after the other, while `held` are held down. The focused element receives them.
    pub fn press(&self, held: &[char], keys: &str) -> Result<()> {
        let act = |what: &str, key: char| json!({"type": what, "value": key});
        let (down, up) = (|key| act("keyDown", key), |key| act("keyUp", key));
        let mut actions: Vec<_> = held.iter().copied().map(down).collect();
        actions.extend(keys.chars().flat_map(|key| [down(key), up(key)]));
        actions.extend(held.iter().rev().copied().map(up));
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.command("actions", &json!({"actions": [keyboard]}))?;
        Ok(())
    }

    /// Sets the size of the page in pixels and the preferred color scheme, `light` or `dark`.
    pub fn emulate(&self, width: u32, height: u32, scheme: &str) -> Result<()> {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size)?;
        // Without transitions, colors are final at once.
        let scheme = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.devtools("Emulation.setEmulatedMedia", &scheme)
    }

    /// Returns a screenshot of the page as PNG.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        let url = format!("{}/screenshot", self.session);
        let png = value_of(self.agent.get(url).call()?)?;
        Ok(STANDARD.decode(png.as_str().context("the screenshot is no text")?)?)
    }

    /// Returns errors and warnings logged since the last call: failed scripts, resources that did not load,
    /// violations of the content security policy.
    pub fn warnings(&self) -> Result<Vec<Value>> {
        let Value::Array(mut entries) = self.command("se/log", &json!({"type": "browser"}))? else {
            bail!("the log of the browser is no list");
        };
        entries.retain(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        Ok(entries)
    }

    fn devtools(&self, command: &str, parameters: &Value) -> Result<()> {
        let body = json!({"cmd": command, "params": parameters});
        self.command("goog/cdp/execute", &body)?;
        Ok(())
    }

    fn command(&self, path: &str, body: &Value) -> Result<Value> {
        send(&self.agent, &format!("{}/{path}", self.session), body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Killing the driver, which happens next, would leave the browser running.
        let _ = self.agent.delete(&self.session).call();
    }
}

impl Driver {
    /// Starts the driver on a free port, and returns it and its address.
    fn start() -> Result<(Self, String)> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdout(Stdio::piped());
        let mut child = command.spawn().context(MISSING)?;
        let output = child
            .stdout
            .take()
            .context("the driver's output is not piped")?;
        let driver = Self(child);
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // The pipe must be drained, or the driver would block on it.
        thread::spawn(move || lines.for_each(drop));
        let port = port.context("chromedriver did not print its port")?;
        Ok((driver, format!("http://127.0.0.1:{port}")))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have exited already; neither error matters.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn send(agent: &Agent, url: &str, body: &Value) -> Result<Value> {
    let request = agent.post(url).content_type("application/json");
    value_of(request.send(body.to_string())?)
}

/// Returns the value in a response, or its error.
fn value_of(mut response: ureq::http::Response<ureq::Body>) -> Result<Value> {
    let mut body: Value = serde_json::from_str(&response.body_mut().read_to_string()?)?;
    let value = body["value"].take();
    ensure!(
        response.status().is_success(),
        "{}: {}",
        value["error"].as_str().unwrap_or("error"),
        value["message"].as_str().unwrap_or_default()
    );
    Ok(value)
}
