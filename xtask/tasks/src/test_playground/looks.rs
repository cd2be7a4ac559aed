//! Appearance: themes, contrast, narrow windows, and the screenshot in the README.

use std::fs;

use anyhow::{Result, bail, ensure};
use serde_json::json;

use super::browser::Browser;
use super::{choose, ended, no_warnings, open_new, start};
use crate::project;

/// The screenshot in the README.
const PICTURE: &str = "docs/playground.png";
/// Its maximum size in bytes.
const MAX_PICTURE: usize = 150_000;

/// Lists texts whose contrast with their background is below 4.5, as required by WCAG level AA.
const FAINT: &str = "(() => {
    const numbers = (color) => {
        const [red, green, blue, alpha = 1] = color.match(/[\\d.]+/g).map(Number);
        return { alpha, color: color.startsWith('rgb') ? [red / 255, green / 255, blue / 255] : [red, green, blue] };
    };
    const light = ({ color }) => color
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const background = (element) => {
        for (let at = element; at !== null; at = at.parentElement) {
            const color = numbers(getComputedStyle(at).backgroundColor);
            if (color.alpha === 1) return color;
        }
    };
    const faint = [];
    for (const element of document.querySelectorAll('body *')) {
        const texts = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim() !== '');
        if (texts.length === 0 || !element.checkVisibility() || element.id === 'script') continue;
        const [one, other] = [light(numbers(getComputedStyle(element).color)), light(background(element))];
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (contrast < 4.5) faint.push(`${texts[0].data.trim()}: ${contrast.toFixed(2)}`);
    }
    return faint;
})()";

/// The theme follows the system and the choice of the visitor.
pub fn themes(browser: &Browser, url: &str) -> Result<()> {
    let paper = "getComputedStyle(document.body).backgroundColor";
    let mut seen = Vec::new();
    for scheme in ["light", "dark"] {
        browser.emulate(1280, 800, scheme)?;
        open_new(browser, url)?;
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
    browser.emulate(1280, 800, "light")?;
    no_warnings(browser)
}

/// All text has enough contrast, in both themes and in every state.
pub fn contrast(browser: &Browser, url: &str) -> Result<()> {
    for scheme in ["light", "dark"] {
        browser.emulate(1280, 800, scheme)?;
        open_new(browser, url)?;
        legible(browser)?;
        for example in ["traceback", "files", "output"] {
            choose(browser, example)?;
            legible(browser)?;
            browser.click("#run")?;
            ended(browser)?;
            legible(browser)?;
        }
        browser.navigate(&format!("{url}/#script="))?;
        browser.until("!document.getElementById('notice').hidden")?;
        legible(browser)?;
        browser.open(&format!("{url}/docs"))?;
        legible(browser)?;
    }
    browser.emulate(1280, 800, "light")?;
    no_warnings(browser)
}

fn legible(browser: &Browser) -> Result<()> {
    let faint = browser.value(FAINT)?;
    ensure!(faint == json!([]), "too little contrast: {faint}");
    Ok(())
}

/// Nothing is wider than the window, and the bar with the Run button stays.
pub fn narrow(browser: &Browser, url: &str) -> Result<()> {
    for width in [320, 390] {
        browser.emulate(width, 740, "light")?;
        open_new(browser, url)?;
        fits(browser)?;
        for example in ["traceback", "output", "asyncio"] {
            choose(browser, example)?;
            browser.click("#run")?;
            ended(browser)?;
            let bottom = "document.getElementById('status').getBoundingClientRect().bottom";
            browser.until(&format!("{bottom} <= innerHeight"))?;
            fits(browser)?;
        }
        browser.value("scrollTo(0, document.body.scrollHeight)")?;
        let run = "document.getElementById('run').getBoundingClientRect()";
        browser.until(&format!("{run}.top >= 0 && {run}.bottom <= 60"))?;
        browser.click("#curl-tab")?;
        fits(browser)?;
        browser.open(&format!("{url}/docs"))?;
        fits(browser)?;
    }
    browser.emulate(1280, 800, "light")?;
    no_warnings(browser)
}

fn fits(browser: &Browser) -> Result<()> {
    let width = browser
        .value("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")?;
    let path = browser.text("location.pathname")?;
    ensure!(width == json!(0), "{path} is {width} pixels too wide");
    // A table scrolls by itself where it must, which hides a part of it.
    let tables = "[...document.querySelectorAll('.table')].every((table) => table.scrollWidth <= table.clientWidth)";
    ensure!(
        browser.value(tables)? == json!(true),
        "a table of {path} is too wide"
    );
    Ok(())
}

/// In wide windows the panes fill the window, and nothing is below it.
pub fn wide(browser: &Browser, url: &str) -> Result<()> {
    for (width, height) in [(1440, 900), (1280, 720)] {
        browser.emulate(width, height, "light")?;
        open_new(browser, url)?;
        choose(browser, "output")?;
        browser.click("#run")?;
        ended(browser)?;
        let below = browser.value("document.scrollingElement.scrollHeight - innerHeight")?;
        ensure!(
            below == json!(0),
            "{below} pixels are below a window of {width} by {height}"
        );
        fits(browser)?;
    }
    browser.emulate(1280, 800, "light")?;
    no_warnings(browser)
}

/// The examples in the documentation can be copied.
pub fn documentation(browser: &Browser, url: &str) -> Result<()> {
    browser.open(&format!("{url}/docs"))?;
    browser.until("document.querySelectorAll('figure .copy').length > 3")?;
    let example = browser.text("document.querySelector('figure pre').textContent")?;
    ensure!(
        example.contains(&format!("curl {url}/execute")),
        "{example}"
    );
    no_warnings(browser)
}

/// Takes the screenshot in the README.
pub fn picture(browser: &Browser) -> Result<()> {
    // It shows the default limits.
    let service = start(&[])?;
    browser.emulate(1280, 720, "light")?;
    open_new(browser, &service.url)?;
    choose(browser, "files")?;
    browser.click("#run")?;
    ended(browser)?;
    let picture = browser.screenshot()?;
    ensure!(
        picture.len() < MAX_PICTURE,
        "the picture has {} bytes",
        picture.len()
    );
    fs::write(project::root().join(PICTURE), picture)?;
    Ok(())
}
