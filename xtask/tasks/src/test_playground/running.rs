//! Runs: every example, errors, hostile output, stopping, keys and curl.

use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::json;

use super::browser::{Browser, key};
use super::{choose, content, ended, no_warnings, open_new, open_script, script, start};

/// Examples: name, status, and the id and a part of an output.
#[rustfmt::skip]
const EXAMPLES: [(&str, &str, &str, &str); 8] = [
    ("hello", "Returned in ", "stdout", "35 letters, 26 different ones\n"),
    ("print", "Returned in ", "stdout", "what\nis\nprinted\n"),
    ("traceback", "exception", "stderr", "File \"script.py\", line 5, in invert"),
    ("files", "Returned in ", "stdout", "Earth,12756"),
    ("asyncio", "Returned in ", "stdout", "task 1 is there\ntask 2 is there"),
    ("cpu", "cpu_limit", "error", "CPU time limit of 0.5 s exceeded"),
    ("memory", "memory_limit", "stdout", "10 MB"),
    ("output", "output_limit", "error", "stdout limit of 1 MiB exceeded"),
];

/// Output of a script that the page must not interpret as HTML.
const HOSTILE: &str = r#"<img src=x onerror="document.title='broken into'"><script>1</script>"#;

/// A key of the service.
const KEY: &str = "a-key-that-is-long-enough-for-this-test";

const MARKED: &str = "[...document.querySelectorAll('.line.marked')].map(line => line.textContent)";
const STATE: &str = "document.getElementById('response').dataset.state";

/// Runs every example of the menu.
pub fn examples(browser: &Browser, url: &str) -> Result<()> {
    open_new(browser, url)?;
    // The sample output before the first run is that of a run.
    let outputs = format!("{} + {}", content("result"), content("stdout"));
    let sample = browser.text(&outputs)?;
    let idle = browser.text(STATE)?;
    ensure!(
        idle == "idle" && sample.contains("26 different"),
        "before the first run there is {sample:?} in state {idle}"
    );
    browser.click("#run")?;
    ended(browser)?;
    let output = browser.text(&outputs)?;
    ensure!(
        output == sample,
        "the sample is {sample}, but the output is {output}"
    );

    let menu = "document.getElementById('example')";
    for (name, status, output, text) in EXAMPLES {
        choose(browser, name)?;
        let chosen = browser.text(&format!("{menu}.value"))?;
        ensure!(chosen == name, "the menu shows {chosen} instead of {name}");
        browser.click("#run")?;
        ended(browser)?;
        let shown = browser.text(&content("status"))?;
        ensure!(shown.contains(status), "{name}: {shown}");
        let shown = browser.text(&content(output))?;
        ensure!(shown.contains(text), "{name}: {output} is {shown:?}");
    }
    let count = browser.value(&format!("{menu}.options.length"))?;
    ensure!(
        count == json!(EXAMPLES.len()),
        "the menu has {count} scripts"
    );
    let facts = browser.text(&content("facts"))?;
    for fact in ["queue", "start", "run", "round trip", "400", "request"] {
        ensure!(facts.contains(fact), "no {fact} in {facts}");
    }
    no_warnings(browser)
}

/// Errors are shown once, with links from their lines to the editor.
pub fn errors(browser: &Browser, url: &str) -> Result<()> {
    open_new(browser, url)?;
    choose(browser, "traceback")?;
    browser.click("#run")?;
    ended(browser)?;
    let marked = browser.value(MARKED)?;
    ensure!(
        marked == json!(["    return 1 / number"]),
        "marked is {marked}"
    );
    // Only in the traceback.
    let seen = browser.text("document.getElementById('output-panel').innerText")?;
    let times = seen.matches("division by zero").count();
    ensure!(times == 1, "the error is shown {times} times in {seen}");
    browser.click("#stderr .goto")?;
    let marked = browser.value(MARKED)?;
    ensure!(
        marked == json!(["    return [invert(number) for number in numbers]"]),
        "after a click on its line, marked is {marked}"
    );
    browser.press(&[], "x")?;
    let edited = script(browser)?;
    ensure!(
        edited.ends_with("    xreturn [invert(number) for number in numbers]\n"),
        "typing after a click on a line gave {edited}"
    );

    // A line far below is scrolled into view.
    let below = "\n".repeat(90);
    run_script(
        browser,
        url,
        &format!("def main():\n    pass\n{below}    def\n"),
    )?;
    browser.click("#stderr .goto")?;
    browser.until(
        "(() => {
            const line = document.querySelector('.marked').getBoundingClientRect();
            const editor = document.querySelector('.editor').getBoundingClientRect();
            return line.top > editor.top && line.bottom < editor.bottom;
        })()",
    )?;
    no_warnings(browser)
}

/// Output that looks like markup is shown as text.
pub fn hostile(browser: &Browser, url: &str) -> Result<()> {
    let text = format!(
        "def main():\n    \
             text = {HOSTILE:?}\n    \
             print(text)\n    \
             return [text, 123456789012345678901234567890]\n"
    );
    run_script(browser, url, &text)?;
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
    ensure!(
        stderr.ends_with(&format!("\nValueError: {HOSTILE}\n")),
        "stderr is {stderr:?}"
    );
    let made = "document.querySelectorAll('#response img, #response script, .editor img').length";
    ensure!(browser.value(made)? == json!(0), "output became elements");
    ensure!(
        browser.text("document.title")?.starts_with("Python"),
        "output was run"
    );
    no_warnings(browser)
}

/// A run can be stopped.
pub fn stopping(browser: &Browser, url: &str) -> Result<()> {
    open_script(
        browser,
        url,
        "import time\ndef main():\n    time.sleep(60)\n",
    )?;
    browser.click("#run")?;
    browser.click("#stop")?;
    browser.until("document.getElementById('status').textContent === 'Stopped'")?;
    no_warnings(browser)
}

/// An output can be copied, and the curl command can be run.
pub fn copies(browser: &Browser, url: &str) -> Result<()> {
    let text = "def main():\n    print('a' * 150_000)\n    return 'it\\'s ~~~???>>>'\n";
    run_script(browser, url, text)?;
    let shown = browser.text(&content("stdout"))?.len();
    ensure!(shown == 100_000, "{shown} characters are shown");
    browser.click("#copy-stdout")?;
    browser.until("document.getElementById('copy-stdout').textContent === 'Copied'")?;
    browser.click("#script")?;
    browser.press(&[key::CONTROL], "av")?;
    browser.until("document.getElementById('script').value === 'a'.repeat(150_000) + '\\n'")?;
    browser.press(&[key::CONTROL], "z")?;

    browser.click("#curl-tab")?;
    browser.until("document.getElementById('curl').textContent !== ''")?;
    let command = browser.text(&content("curl"))?;
    let output = Command::new("sh").args(["-c", &command]).output()?;
    let response = String::from_utf8_lossy(&output.stdout);
    ensure!(
        response.contains("it's ~~~???>>>"),
        "{command}\nprinted {response}"
    );
    no_warnings(browser)
}

/// The page asks for a key when one is needed, and neither shows nor stores it.
pub fn key_needed(browser: &Browser, _: &str) -> Result<()> {
    let service = start(&[("API_KEYS", KEY)])?;
    open_new(browser, &service.url)?;
    browser.click("#run")?;
    ended(browser)?;
    let status = browser.text(&content("status"))?;
    ensure!(status.contains("unauthorized"), "without a key: {status}");
    // The field is there and has the focus.
    browser.press(&[], KEY)?;
    browser.press(&[key::CONTROL], &key::ENTER.to_string())?;
    browser.until(&format!("{STATE} === 'good'"))?;
    browser.open(&service.url)?;
    browser.click("#run")?;
    browser.until(&format!("{STATE} === 'good'"))?;
    browser.click("#curl-tab")?;
    browser.until("document.getElementById('curl').textContent !== ''")?;
    let shown = browser.text("document.body.textContent + location.href + document.cookie")?;
    ensure!(!shown.contains(KEY), "the key is seen in {shown}");
    let stored = browser.value("JSON.stringify(localStorage)")?;
    ensure!(
        !stored.to_string().contains(KEY),
        "the key is kept in {stored}"
    );
    no_warnings(browser)
}

fn run_script(browser: &Browser, url: &str, script: &str) -> Result<()> {
    open_script(browser, url, script)?;
    browser.click("#run")?;
    ended(browser)
}
