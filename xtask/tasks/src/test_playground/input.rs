//! Input and output besides text: arguments, stdin, files, live output, images and HTML.

use anyhow::{Result, ensure};
use serde_json::json;

use super::browser::Browser;
use super::{content, ended, no_warnings, open_script};

/// A picture of one pixel, and a table with a script, made by a script.
const FILES: &str = "\
import base64
def main():
    pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
    open('pixel.png', 'wb').write(base64.b64decode(pixel))
    open('made <b>.txt', 'w').write(open('given.txt').read().upper())
";

/// Chooses files in the page, as a dialog of the system would.
const CHOOSE: &str = "(() => {
    const chosen = new DataTransfer();
    chosen.items.add(new File(['given ü'], 'given.txt'));
    chosen.items.add(new File([new Uint8Array([255, 0])], 'bytes.bin'));
    const picker = document.getElementById('file-picker');
    picker.files = chosen.files;
    picker.dispatchEvent(new Event('change'));
    return true;
})()";

/// Types into a field of the input.
fn fill(browser: &Browser, id: &str, text: &str) -> Result<()> {
    browser.click(&format!("#{id}"))?;
    browser.press(&[], text)
}

/// Standard input and files reach the script; files that it makes can be downloaded, and images are shown.
pub fn files(browser: &Browser, url: &str) -> Result<()> {
    open_script(browser, url, FILES)?;
    let hidden = "document.getElementById('input').hidden";
    ensure!(
        browser.value(hidden)? == json!(true),
        "unused input is shown"
    );
    browser.click("#input-toggle")?;
    browser.value(CHOOSE)?;
    let toggle = content("input-toggle");
    browser.until(&format!("{toggle} === 'Input (2)'"))?;
    browser.click("#run")?;
    ended(browser)?;
    let files = browser.text(&content("files"))?;
    for part in ["made <b>.txt 8 bytes", "pixel.png 70 bytes"] {
        ensure!(files.contains(part), "no {part} in {files}");
    }
    browser.until("document.querySelector('#files img').naturalWidth === 1")?;
    let name = browser.text("document.querySelector('#files a').download")?;
    ensure!(name == "made <b>.txt", "the download is called {name}");

    // The command has the files, too.
    browser.click("#curl-tab")?;
    let command = browser.text(&content("curl"))?;
    ensure!(
        command.contains(r#""bytes.bin":{"base64":"/wA="}"#),
        "{command}"
    );
    browser.click("#input-files button")?;
    browser.until(&format!("{toggle} === 'Input (1)'"))?;
    no_warnings(browser)
}

/// Standard input reaches the script.
pub fn stdin(browser: &Browser, url: &str) -> Result<()> {
    open_script(
        browser,
        url,
        "def main():\n    return input() + '|' + input()\n",
    )?;
    browser.click("#input-toggle")?;
    fill(browser, "stdin", "one\u{e007}two")?;
    browser.click("#run")?;
    ended(browser)?;
    let result = browser.text(&content("result"))?;
    ensure!(result == "\"one|two\"", "the result is {result}");
    no_warnings(browser)
}

/// Arguments reach main(), and what is wrong with them is shown beside them.
pub fn arguments(browser: &Browser, url: &str) -> Result<()> {
    let script = "def main(*args, **kwargs):\n    return [args, kwargs]\n";
    let shown = "document.getElementById('args-problem').hidden ? '' : \
                 document.getElementById('args-problem').textContent";
    open_script(browser, url, script)?;
    browser.click("#input-toggle")?;
    fill(browser, "args", "[1")?;
    browser.click("#run")?;
    let problem = browser.text(shown)?;
    ensure!(problem.contains("not JSON"), "shown is {problem:?}");
    fill(browser, "args", "23456789012345678901]")?;
    ensure!(browser.text(shown)?.is_empty(), "the problem stays");
    browser.click("#run")?;
    ended(browser)?;
    let result = browser.text(&content("result"))?;
    ensure!(
        result.contains("123456789012345678901\n"),
        "the result is {result}"
    );
    no_warnings(browser)
}

/// Output is shown while the script runs.
pub fn live(browser: &Browser, url: &str) -> Result<()> {
    let script = "\
import sys, time
def main():
    print('first', flush=True)
    print('<b>second</b>', file=sys.stderr)
    time.sleep(600)
";
    open_script(browser, url, script)?;
    browser.click("#run")?;
    browser.until(&format!("{} === 'first\\n'", content("stdout")))?;
    browser.until(&format!("{} === '<b>second</b>\\n'", content("stderr")))?;
    let state = browser.text("document.getElementById('response').dataset.state")?;
    ensure!(state == "running", "the state is {state}");
    browser.click("#stop")?;
    browser.until("document.getElementById('status').textContent === 'Stopped'")?;
    no_warnings(browser)
}

/// A cell needs no main(), and its HTML is shown in a frame that can do nothing.
pub fn cells(browser: &Browser, url: &str) -> Result<()> {
    let script = "\
class Table:
    def _repr_html_(self):
        return '<p>cell</p><script>parent.document.title = 1</script><img src=x onerror=\"top.location=1\">'
display(Table())
{1, 1}
";
    open_script(browser, url, script)?;
    browser.click("#cell")?;
    browser.click("#run")?;
    ended(browser)?;
    let result = browser.text(&content("result"))?;
    ensure!(result == "{1}", "the result is {result}");
    let frame = "document.querySelector('#display iframe')";
    ensure!(
        browser
            .text(&format!("{frame}.getAttribute('sandbox')"))?
            .is_empty(),
        "the frame may do something"
    );
    ensure!(
        browser.value(&format!("{frame}.contentDocument"))? == json!(null),
        "the frame has the origin of the page"
    );
    ensure!(
        browser.text("document.title")?.starts_with("Python"),
        "HTML was run"
    );
    Ok(())
}
