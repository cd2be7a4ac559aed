//! A Chromium to test with, through its WebDriver.

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

/// What to do when there is none.
const MISSING: &str = "this needs Chromium and its WebDriver: as root, on Debian, \
                       `apt-get install --yes --no-install-recommends chromium chromium-driver`";
/// What no page takes, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a page is asked whether it is done.
const PERIOD: Duration = Duration::from_millis(20);
/// The name of an element in the protocol.
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

/// A browser with one page, which nobody sees. Dropping it ends it.
pub struct Browser {
    agent: Agent,
    session: String,
    _driver: Driver,
    _profile: TempDir,
}

/// The process that drives it.
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

    /// Opens a page.
    pub fn open(&self, url: &str) -> Result<()> {
        // A page that differs in the fragment alone would not be loaded again.
        self.command("url", &json!({"url": "about:blank"}))?;
        self.command("url", &json!({ "url": url }))?;
        Ok(())
    }

    /// Opens `url` in the page as it is, as a person does who pastes it into the address bar.
    pub fn follow(&self, url: &str) -> Result<()> {
        self.command("url", &json!({ "url": url }))?;
        Ok(())
    }

    /// Goes back to the page before, or loads this one again: `back` or `refresh`.
    pub fn go(&self, step: &str) -> Result<()> {
        self.command(step, &json!({}))?;
        Ok(())
    }

    /// What a JavaScript expression is worth.
    pub fn value(&self, expression: &str) -> Result<Value> {
        let script = json!({"script": format!("return {expression}"), "args": []});
        self.command("execute/sync", &script)
            .with_context(|| expression.to_owned())
    }

    /// The text that a JavaScript expression gives.
    pub fn text(&self, expression: &str) -> Result<String> {
        match self.value(expression)? {
            Value::String(text) => Ok(text),
            other => bail!("{expression} is {other}"),
        }
    }

    /// Waits until a JavaScript expression is true.
    pub fn until(&self, expression: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.value(expression)? != json!(true) {
            ensure!(Instant::now() < deadline, "never true: {expression}");
            thread::sleep(PERIOD);
        }
        Ok(())
    }

    /// Clicks on the element that a CSS selector finds.
    pub fn click(&self, selector: &str) -> Result<()> {
        let search = json!({"using": "css selector", "value": selector});
        let found = self.command("element", &search)?;
        let element = found[ELEMENT].as_str().context("an element has no name")?;
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

    /// Presses one key after the other, while `held` are held. They go to where the focus is.
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

    /// Makes the page so many pixels large, and has the system prefer `scheme`, `light` or `dark`.
    pub fn look(&self, width: u32, height: u32, scheme: &str) -> Result<()> {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size)?;
        // Without transitions, colours are at once as they will stay.
        let scheme = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.devtools("Emulation.setEmulatedMedia", &scheme)
    }

    /// A picture of the page as PNG.
    pub fn picture(&self) -> Result<Vec<u8>> {
        let url = format!("{}/screenshot", self.session);
        let picture = value_of(self.agent.get(url).call()?)?;
        Ok(STANDARD.decode(picture.as_str().context("the picture is no text")?)?)
    }

    /// What the browser complained of since it was asked last: scripts that fail, resources that do
    /// not load, breaches of the security policy.
    pub fn complaints(&self) -> Result<Vec<Value>> {
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
        // The driver, which is ended next, would leave the browser behind.
        let _ = self.agent.delete(&self.session).call();
    }
}

impl Driver {
    /// Starts the driver on a free port; gives its address too.
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
        // Reads on, so that the driver never has to wait for a reader.
        thread::spawn(move || lines.for_each(drop));
        let port = port.context("chromedriver did not say its port")?;
        Ok((driver, format!("http://127.0.0.1:{port}")))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about either.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn send(agent: &Agent, url: &str, body: &Value) -> Result<Value> {
    let request = agent.post(url).content_type("application/json");
    value_of(request.send(body.to_string())?)
}

/// What the driver answered, or what it complains of.
fn value_of(mut response: ureq::http::Response<ureq::Body>) -> Result<Value> {
    let mut answer: Value = serde_json::from_str(&response.body_mut().read_to_string()?)?;
    let value = answer["value"].take();
    ensure!(
        response.status().is_success(),
        "{}: {}",
        value["error"].as_str().unwrap_or("error"),
        value["message"].as_str().unwrap_or_default()
    );
    Ok(value)
}
