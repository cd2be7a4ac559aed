//! The script is kept over reloads, other pages and examples. Links can be opened in an open tab.

use anyhow::{Result, ensure};
use serde_json::json;

use super::browser::{Browser, key};
use super::{choose, content, link, no_warnings, open_new, script};

const OWN: &str = "def main():\n    return 'mine'";
const CHOSEN: &str = "document.getElementById('example').selectedOptions[0].textContent";
const NOTICE: &str = "document.getElementById('notice').hidden ? '' : \
                      document.getElementById('notice').textContent";

/// The script is kept over reloads, other pages and examples.
pub fn scripts(browser: &Browser, url: &str) -> Result<()> {
    open_new(browser, url)?;
    expect(browser, "Hello", None)?;
    browser.click("#script")?;
    browser.press(&[key::CONTROL], "a")?;
    browser.press(
        &[],
        &OWN.replace("    ", "")
            .replace('\n', &key::ENTER.to_string()),
    )?;
    expect(browser, "Your script", Some(OWN))?;

    browser.go("refresh")?;
    expect(browser, "Your script", Some(OWN))?;
    browser.click("nav a[href=docs]")?;
    browser.until("location.pathname === '/docs'")?;
    browser.go("back")?;
    expect(browser, "Your script", Some(OWN))?;
    browser.click("nav a[href=docs]")?;
    browser.until("location.pathname === '/docs'")?;
    browser.click("nav a[href='.']")?;
    browser.until("location.pathname === '/'")?;
    expect(browser, "Your script", Some(OWN))?;

    choose(browser, "files")?;
    expect(browser, "Files", None)?;
    browser.go("refresh")?;
    expect(browser, "Files", None)?;
    choose(browser, "own")?;
    expect(browser, "Your script", Some(OWN))?;
    no_warnings(browser)
}

/// Links can be opened in an open tab; damaged ones show a notice.
pub fn links(browser: &Browser, url: &str) -> Result<()> {
    open_new(browser, url)?;
    browser.click("#script")?;
    browser.press(&[key::CONTROL], "a")?;
    browser.press(&[], "mine = 1")?;

    // Neither alphabet of Base64 nor the fragment may change it.
    let shared = "def main():\n    return 'grüße, it\\'s ~~~???>>> \u{1f40d}'\n";
    browser.navigate(&link(url, shared))?;
    expect(browser, "Shared script", Some(shared))?;
    let status = browser.text(&content("status"))?;
    ensure!(status == "Not run yet", "a link ran its script: {status}");
    browser.go("refresh")?;
    expect(browser, "Shared script", Some(shared))?;
    browser.go("back")?;
    expect(browser, "Your script", Some("mine = 1"))?;

    // The link that the page makes holds the script, and knows whether it is whole.
    choose(browser, "link")?;
    browser.click("#copy-link")?;
    browser.until("document.getElementById('copy-link').textContent === 'Copied'")?;
    let made = browser.text("location.href")?;
    browser.navigate(url)?;
    browser.navigate(&made)?;
    expect(browser, "Shared script", Some(shared))?;
    choose(browser, "own")?;
    ensure!(
        browser.text("location.hash")?.is_empty(),
        "the address has a script that is not there"
    );
    let cut = &made[..made.len() - 4];
    for broken in [
        cut,
        &format!("{url}/#script="),
        &format!("{url}/#script=_w"),
        &format!("{url}/#script=%"),
    ] {
        browser.navigate(broken)?;
        browser.until(&format!("({NOTICE}).includes('damaged')"))?;
        expect(browser, "Your script", Some("mine = 1"))?;
        browser.open(broken)?;
        browser.until(&format!("({NOTICE}).includes('damaged')"))?;
        expect(browser, "Your script", Some("mine = 1"))?;
        choose(browser, "link")?;
        ensure!(browser.text(NOTICE)?.is_empty(), "the notice stays");
        choose(browser, "own")?;
    }
    // Other fragments belong to the page.
    browser.navigate(&format!("{url}/#main"))?;
    expect(browser, "Your script", Some("mine = 1"))?;
    ensure!(
        browser.text(NOTICE)?.is_empty(),
        "#main is taken for a script"
    );
    no_warnings(browser)
}

/// Waits until the menu shows `chosen`, and checks that the editor contains `text`.
fn expect(browser: &Browser, chosen: &str, text: Option<&str>) -> Result<()> {
    browser.until("document.readyState === 'complete'")?;
    browser.until(&format!("{CHOSEN} === {}", json!(chosen)))?;
    let held = script(browser)?;
    ensure!(text.is_none_or(|text| held == text), "{chosen} is {held:?}");
    Ok(())
}
