//! The playground and the documentation in a real browser.

mod browser;

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::json;

use crate::service::Service;
use crate::{fetch_python, project};
use browser::{Browser, key};

/// The picture in the README.
const PICTURE: &str = "docs/playground.png";
/// Bytes it may have.
const MOST_PICTURE: usize = 200_000;

/// Each example: its button, what comes of it, and what is in each output.
#[rustfmt::skip]
const EXAMPLES: [(&str, &str, &str, &str); 8] = [
    ("hello", "Returned", "result", "{\n  \"hello\": \"world\",\n  \"answer\": 42\n}"),
    ("print", "Returned", "stdout", "what\nis\nprinted\n"),
    ("traceback", "exception", "stderr", "File \"script.py\", line 5, in invert"),
    ("files", "Returned", "stdout", "Earth,12756"),
    ("asyncio", "Returned", "stdout", "task 1 is there\ntask 2 is there"),
    ("cpu", "cpu_limit", "error", "CPU time limit of 0.5 s exceeded"),
    ("memory", "memory_limit", "stdout", "10 MB"),
    ("output", "output_limit", "error", "stdout limit of 1 MiB exceeded"),
];

/// What a script may say that a page must not believe.
const HOSTILE: &str = r#"<img src=x onerror="document.title='broken into'"><script>1</script>"#;

/// A key of a service that asks for one.
const KEY: &str = "a-key-that-is-long-enough-for-this-test";

/// What can be chosen.
#[derive(Args)]
pub struct Options {
    /// Take the picture in the README anew.
    #[arg(long)]
    picture: bool,
    /// Use the service as the tests have built it.
    #[arg(long)]
    no_build: bool,
}

/// Builds the service and uses its pages as people do.
///
/// # Errors
/// When something does not work, or there is no Chromium.
pub fn run(options: &Options) -> Result<()> {
    if !options.no_build {
        fetch_python::run(&fetch_python::Options::default())?;
        project::cargo(&["build", "--release", "--package", "python-executor"], &[])?;
    }
    let service = start(&[("CPU_LIMIT", "500ms")])?;
    let browser = Browser::start()?;
    test(&browser, &service.url, options)
}

/// Starts the service as the tests have it: how fast it is does not matter here.
fn start(settings: &[(&str, &str)]) -> Result<Service> {
    let program = project::target().join("release/python-executor");
    Service::start_as(Command::new(program), settings)
}

fn test(browser: &Browser, url: &str, options: &Options) -> Result<()> {
    browser.look(1280, 800, "light")?;
    step("every example", examples(browser, url))?;
    step("keyboard alone", keyboard(browser, url))?;
    step("hostile output", hostile(browser, url))?;
    step("stopping", stopping(browser, url))?;
    step("links and curl", links(browser, url))?;
    step("light and dark", themes(browser, url))?;
    step("a key", key_needed(browser))?;
    step("narrow pages", narrow(browser, url))?;
    step("documentation", documentation(browser, url))?;
    if options.picture {
        step("picture", picture(browser))?;
    }
    Ok(())
}

fn step(name: &str, ended: Result<()>) -> Result<()> {
    ended.with_context(|| format!("{name} does not work"))?;
    println!("{name}: works");
    Ok(())
}

fn examples(browser: &Browser, url: &str) -> Result<()> {
    browser.open(url)?;
    for (name, status, output, text) in EXAMPLES {
        browser.click(&format!("[data-example={name}]"))?;
        browser.click("#run")?;
        ended(browser)?;
        let told = browser.text(&content("status"))?;
        ensure!(told.contains(status), "{name}: {told}");
        let shown = browser.text(&content(output))?;
        ensure!(shown.contains(text), "{name}: {output} is {shown:?}");
    }
    browser.click("[data-example=traceback]")?;
    browser.click("#run")?;
    ended(browser)?;
    let marked = "[...document.querySelectorAll('.line.marked')].map(line => line.textContent)";
    let marked = browser.value(marked)?;
    ensure!(
        marked == json!(["    return 1 / number"]),
        "marked is {marked}"
    );
    let facts = browser.text(&content("facts"))?;
    for fact in ["queue", "start", "run", "round trip", "400", "request"] {
        ensure!(facts.contains(fact), "no {fact} in {facts}");
    }
    no_complaints(browser)
}

fn keyboard(browser: &Browser, url: &str) -> Result<()> {
    let [tab, enter, escape] = [key::TAB, key::ENTER, key::ESCAPE];
    let [shift, control] = [key::SHIFT, key::CONTROL];
    browser.open(url)?;
    let mut stops = Vec::new();
    while stops.last().is_none_or(|stop| stop != "script") {
        ensure!(stops.len() < 30, "Tab does not reach the editor: {stops:?}");
        browser.press(&[], &tab.to_string())?;
        let visible = "document.activeElement.matches(':focus-visible')";
        ensure!(
            browser.value(visible)? == json!(true),
            "no focus to see after {stops:?}"
        );
        stops.push(browser.text("document.activeElement.id")?);
    }
    browser.press(&[control], "a")?;
    // Enter indents after a colon, and goes back after a return.
    let typed =
        format!("def main():{enter}x = 6{enter}if x:{enter}return {{'typed': x}}{enter}x = 7");
    browser.press(&[], &typed)?;
    let expected = "def main():\n    x = 6\n    if x:\n        return {'typed': x}\n    x = 7";
    let script = browser.text("document.getElementById('script').value")?;
    ensure!(script == expected, "the script is {script:?}");
    let drawn = "[...document.querySelectorAll('.line')].map(line => line.textContent).join('\\n')";
    let drawn = browser.text(drawn)?;
    ensure!(drawn == expected, "what is seen is {drawn:?}");

    browser.press(&[], &tab.to_string())?;
    browser.press(&[shift], &tab.to_string())?;
    browser.press(&[control], &enter.to_string())?;
    ended(browser)?;
    let result = browser.text(&content("result"))?;
    ensure!(result == "{\n  \"typed\": 6\n}", "the result is {result:?}");

    browser.press(&[control], "z")?;
    browser.press(&[], &format!("{escape}{tab}"))?;
    let focus = browser.text("document.activeElement.id")?;
    ensure!(
        focus == "run",
        "after Escape and Tab the focus is on {focus:?}"
    );
    browser.press(&[], &enter.to_string())?;
    ended(browser)?;
    let focus = browser.text("document.activeElement.id")?;
    ensure!(focus == "run", "after a run the focus is on {focus:?}");
    no_complaints(browser)
}

fn hostile(browser: &Browser, url: &str) -> Result<()> {
    let script = format!(
        "def main():\n    \
             text = {HOSTILE:?}\n    \
             print(text)\n    \
             return [text, 123456789012345678901234567890]\n"
    );
    run_script(browser, url, &script)?;
    let shown = browser.text(&content("stdout"))?;
    ensure!(shown == format!("{HOSTILE}\n"), "stdout is {shown:?}");
    let result = browser.text(&content("result"))?;
    ensure!(
        result.contains("123456789012345678901234567890"),
        "{result}"
    );
    run_script(
        browser,
        url,
        &format!("def main():\n    raise ValueError({HOSTILE:?})\n"),
    )?;
    let stderr = browser.text(&content("stderr"))?;
    ensure!(stderr.contains(HOSTILE), "stderr is {stderr:?}");
    let error = browser.text(&content("error"))?;
    ensure!(
        error == format!("ValueError: {HOSTILE}"),
        "the error is {error:?}"
    );
    let made = "document.querySelectorAll('#answer img, #answer script, .editor img').length";
    ensure!(browser.value(made)? == json!(0), "output became elements");
    ensure!(
        browser.text("document.title")?.starts_with("Python"),
        "output was run"
    );
    no_complaints(browser)
}

fn stopping(browser: &Browser, url: &str) -> Result<()> {
    open_script(
        browser,
        url,
        "import time\ndef main():\n    time.sleep(60)\n",
    )?;
    browser.click("#run")?;
    browser.click("#stop")?;
    browser.until("document.getElementById('status').textContent === 'Stopped'")?;
    no_complaints(browser)
}

fn links(browser: &Browser, url: &str) -> Result<()> {
    // Neither alphabet of Base64 nor the fragment may change it.
    let script = "def main():\n    return 'grüße, it\\'s ~~~???>>> \u{1f40d}'\n";
    open_script(browser, url, script)?;
    let loaded = browser.text("document.getElementById('script').value")?;
    ensure!(loaded == script, "the link gave {loaded:?}");
    let status = browser.text(&content("status"))?;
    ensure!(status == "Not run yet", "a link ran its script: {status}");

    browser.click("#run")?;
    ended(browser)?;
    let result = browser.text(&content("result"))?;
    ensure!(result.contains("grüße"), "the result is {result}");
    browser.click("#curl-panel summary")?;
    browser.until("document.getElementById('curl').textContent !== ''")?;
    let command = browser.text(&content("curl"))?;
    let output = Command::new("sh").args(["-c", &command]).output()?;
    let answer = String::from_utf8_lossy(&output.stdout);
    ensure!(
        answer.contains("it's ~~~???>>>"),
        "{command}\nanswered {answer}"
    );
    no_complaints(browser)
}

fn themes(browser: &Browser, url: &str) -> Result<()> {
    let paper = "getComputedStyle(document.body).backgroundColor";
    let mut seen = Vec::new();
    for scheme in ["light", "dark"] {
        browser.look(1280, 800, scheme)?;
        browser.open(url)?;
        seen.push(browser.text(paper)?);
        browser.click("#theme")?;
        seen.push(browser.text(paper)?);
        let pressed = browser.text("document.getElementById('theme').ariaPressed")?;
        ensure!(
            (pressed == "true") == (scheme == "light"),
            "{scheme}: pressed is {pressed}"
        );
        browser.value("localStorage.clear()")?;
    }
    let [light, to_dark, dark, to_light] = &seen[..] else {
        bail!("two themes, twice: {seen:?}");
    };
    ensure!(
        light != dark && light == to_light && dark == to_dark,
        "{seen:?}"
    );
    browser.look(1280, 800, "light")?;
    no_complaints(browser)
}

fn key_needed(browser: &Browser) -> Result<()> {
    let service = start(&[("API_KEYS", KEY)])?;
    browser.open(&service.url)?;
    browser.click("#run")?;
    ended(browser)?;
    let status = browser.text(&content("status"))?;
    ensure!(status.contains("unauthorized"), "without a key: {status}");
    // The field is there and has the focus.
    browser.press(&[], KEY)?;
    browser.press(&[key::CONTROL], &key::ENTER.to_string())?;
    browser.until("document.getElementById('answer').dataset.state === 'good'")?;
    browser.open(&service.url)?;
    browser.click("#run")?;
    browser.until("document.getElementById('answer').dataset.state === 'good'")?;
    browser.click("#curl-panel summary")?;
    browser.until("document.getElementById('curl').textContent !== ''")?;
    let shown = browser.text("document.body.textContent + location.href + document.cookie")?;
    ensure!(!shown.contains(KEY), "the key is seen in {shown}");
    let stored = browser.value("JSON.stringify(localStorage)")?;
    ensure!(
        !stored.to_string().contains(KEY),
        "the key is kept in {stored}"
    );
    no_complaints(browser)
}

fn narrow(browser: &Browser, url: &str) -> Result<()> {
    browser.look(360, 740, "light")?;
    for path in ["/", "/docs"] {
        browser.open(&format!("{url}{path}"))?;
        if path == "/" {
            browser.click("[data-example=traceback]")?;
            browser.click("#run")?;
            ended(browser)?;
            let bottom = "document.getElementById('status').getBoundingClientRect().bottom";
            browser.until(&format!("{bottom} <= innerHeight"))?;
        }
        let fits = "document.scrollingElement.scrollWidth <= innerWidth";
        ensure!(browser.value(fits)? == json!(true), "{path} is too wide");
    }
    browser.look(1280, 800, "light")?;
    no_complaints(browser)
}

fn documentation(browser: &Browser, url: &str) -> Result<()> {
    browser.open(&format!("{url}/docs"))?;
    browser.until("document.querySelectorAll('figure .copy').length > 3")?;
    let example = browser.text("document.querySelector('figure pre').textContent")?;
    ensure!(
        example.contains(&format!("curl {url}/execute")),
        "{example}"
    );
    no_complaints(browser)
}

fn picture(browser: &Browser) -> Result<()> {
    // It shows limits: those that people will find.
    let service = start(&[])?;
    browser.look(1280, 800, "light")?;
    browser.open(&service.url)?;
    browser.click("[data-example=files]")?;
    browser.click("#run")?;
    ended(browser)?;
    let picture = browser.picture()?;
    ensure!(
        picture.len() < MOST_PICTURE,
        "the picture has {} bytes",
        picture.len()
    );
    fs::write(project::root().join(PICTURE), picture)?;
    Ok(())
}

/// Opens the playground with `script` in it.
fn open_script(browser: &Browser, url: &str, script: &str) -> Result<()> {
    use base64::Engine;
    let code = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(script);
    browser.open(&format!("{url}/#script={code}"))
}

fn run_script(browser: &Browser, url: &str, script: &str) -> Result<()> {
    open_script(browser, url, script)?;
    browser.click("#run")?;
    ended(browser)
}

/// Waits for the end of a run.
fn ended(browser: &Browser) -> Result<()> {
    browser.until("['good', 'bad'].includes(document.getElementById('answer').dataset.state)")
}

/// The text of an element.
fn content(id: &str) -> String {
    format!("document.getElementById('{id}').textContent")
}

/// That a script failed is no complaint: the browser logs every answer that is not a 200.
fn no_complaints(browser: &Browser) -> Result<()> {
    let mut complaints = browser.complaints()?;
    complaints.retain(|entry| {
        let text = entry["message"].as_str().unwrap_or_default();
        !(entry["source"] == "network" && text.contains("/execute - Failed to load resource"))
    });
    ensure!(
        complaints.is_empty(),
        "the browser complains: {complaints:#?}"
    );
    Ok(())
}
