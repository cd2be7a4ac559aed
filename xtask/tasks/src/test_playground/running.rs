//! Runs: every example, errors, outputs that no page may believe, stopping, keys and curl.

use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::json;

use super::browser::{Browser, key};
use super::{choose, content, ended, no_complaints, open_new, open_script, script, start};

/// Each example: its name, what comes of it, and what is in each output.
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

/// Output of a script that a page must not take for its own.
const HOSTILE: &str = r#"<img src=x onerror="document.title='broken into'"><script>1</script>"#;

/// A key of a service that asks for one.
const KEY: &str = "a-key-that-is-long-enough-for-this-test";

const MARKED: &str = "[...document.querySelectorAll('.line.marked')].map(line => line.textContent)";
const STATE: &str = "document.getElementById('response').dataset.state";

/// Runs every example of the menu.
pub fn examples(browser: &Browser, url: &str) -> Result<()> {
    open_new(browser, url)?;
    // The output that is there before anything is run is the one that a run gives.
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
    ensure!(output == sample, "said was {sample}, but it is {output}");

    let menu = "document.getElementById('example')";
    for (name, status, output, text) in EXAMPLES {
        choose(browser, name)?;
        let chosen = browser.text(&format!("{menu}.value"))?;
        ensure!(chosen == name, "{name} is chosen, the menu says {chosen}");
        browser.click("#run")?;
        ended(browser)?;
        let told = browser.text(&content("status"))?;
        ensure!(told.contains(status), "{name}: {told}");
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
    no_complaints(browser)
}

/// Shows an error once, with lines that lead into the editor.
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
    // Once, as the traceback says it.
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

    // A line far below is brought into view; the error of a limit is in no traceback.
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
    no_complaints(browser)
}

/// Shows output that looks like markup as text.
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
    no_complaints(browser)
}

/// Stops a run.
pub fn stopping(browser: &Browser, url: &str) -> Result<()> {
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

/// Copies an output, which is pasted to see it, and the command for a terminal, which is run.
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
    let answer = String::from_utf8_lossy(&output.stdout);
    ensure!(
        answer.contains("it's ~~~???>>>"),
        "{command}\nanswered {answer}"
    );
    no_complaints(browser)
}

/// Asks for a key, and keeps it to itself.
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
    no_complaints(browser)
}

fn run_script(browser: &Browser, url: &str, script: &str) -> Result<()> {
    open_script(browser, url, script)?;
    browser.click("#run")?;
    ended(browser)
}
