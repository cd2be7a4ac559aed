//! The editor: typing, keys, and scripts that do not fit into the pane.

use anyhow::{Result, ensure};
use serde_json::json;

use super::browser::{Browser, key};
use super::{content, ended, no_warnings, open_new, open_script, script};

/// The number of lines of a script that does not fit into any pane.
const LINES: usize = 80;

/// Checks whether the line with the caret is visible, in the editor and in the window.
const CARET_IS_SEEN: &str = "(() => {
    const area = document.getElementById('script');
    const number = area.value.slice(0, area.selectionStart).split('\\n').length;
    const line = document.querySelectorAll('.line')[number - 1].getBoundingClientRect();
    const editor = document.querySelector('.editor').getBoundingClientRect();
    return line.top >= editor.top && line.bottom <= Math.min(editor.bottom, innerHeight);
})()";
/// Checks whether the end of the longest line is visible.
const END_IS_SEEN: &str = "(() => {
    const range = document.createRange();
    const width = (line) => (range.selectNodeContents(line), range.getBoundingClientRect().width);
    const lines = [...document.querySelectorAll('.line')];
    range.selectNodeContents(lines.reduce((one, other) => width(one) > width(other) ? one : other));
    const { right } = range.getBoundingClientRect();
    const editor = document.querySelector('.editor').getBoundingClientRect();
    return right > editor.left && right < Math.min(editor.right, innerWidth);
})()";
/// Measures how far the edited text can scroll apart from the visible text.
const APART: &str =
    "(({ scrollTop, scrollLeft, scrollHeight, scrollWidth, clientHeight, clientWidth }) =>
    scrollTop + scrollLeft + scrollHeight - clientHeight + scrollWidth - clientWidth
)(document.getElementById('script'))";
const SEEN_TEXT: &str =
    "[...document.querySelectorAll('.line')].map((line) => line.textContent).join('\\n')";

/// A script can be reached, edited and run without a pointer.
pub fn keyboard(browser: &Browser, url: &str) -> Result<()> {
    let [tab, enter, escape] = [key::TAB, key::ENTER, key::ESCAPE];
    let [shift, control] = [key::SHIFT, key::CONTROL];
    open_new(browser, url)?;
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
    let typed = script(browser)?;
    ensure!(typed == expected, "the script is {typed:?}");
    let drawn = browser.text(SEEN_TEXT)?;
    ensure!(drawn == expected, "what is seen is {drawn:?}");

    browser.press(&[], &tab.to_string())?;
    browser.press(&[shift], &tab.to_string())?;
    browser.press(&[control], &enter.to_string())?;
    ended(browser)?;
    let result = browser.text(&content("result"))?;
    ensure!(result == "{\n  \"typed\": 6\n}", "the result is {result:?}");
    let announced = browser.text(&content("live"))?;
    ensure!(
        announced.starts_with("Returned") && announced.contains("\"typed\": 6"),
        "announced is {announced:?}"
    );

    browser.press(&[control], "z")?;
    browser.press(&[], &format!("{escape}{tab}"))?;
    let focus = browser.text("document.activeElement.id")?;
    ensure!(
        focus == "output-tab",
        "after Escape and Tab the focus is on {focus:?}"
    );
    browser.press(&[], &key::RIGHT.to_string())?;
    browser.until("!document.getElementById('curl-panel').hidden")?;
    browser.value("document.getElementById('run').focus()")?;
    browser.press(&[], &enter.to_string())?;
    ended(browser)?;
    let focus = browser.text("document.activeElement.id")?;
    ensure!(focus == "run", "after a run the focus is on {focus:?}");
    let hidden = "document.getElementById('output-panel').hidden";
    ensure!(
        browser.value(hidden)? == json!(false),
        "a run does not show its output"
    );
    no_warnings(browser)
}

/// Clicking and typing work in scripts that do not fit into the pane, in wide and narrow windows.
pub fn long_scripts(browser: &Browser, url: &str) -> Result<()> {
    for (width, height) in [(1440, 900), (390, 844)] {
        browser.emulate(width, height, "light")?;
        clicks(browser, url)?;
        typing(browser)?;
    }
    browser.emulate(1280, 800, "light")?;
    no_warnings(browser)
}

/// A click places the caret, also on lines far from each other.
fn clicks(browser: &Browser, url: &str) -> Result<()> {
    let mut lines: Vec<_> = (1..=LINES)
        .map(|line| format!("x{line} = {line}"))
        .collect();
    open_script(browser, url, &lines.join("\n"))?;
    for line in [10, 30, 60, 75] {
        let line_element = format!("document.querySelectorAll('.line')[{line} - 1]");
        // The editor scrolls in the frame after a change, so that frame must have passed.
        frames(browser)?;
        browser.value(&format!(
            "{line_element}.scrollIntoView({{ block: 'center' }})"
        ))?;
        frames(browser)?;
        let point = browser.value(&format!(
            "(() => {{
                const {{ left, top, height }} = {line_element}.getBoundingClientRect();
                return [left + 150, top + height / 2];
            }})()"
        ))?;
        let at = |index: usize| point[index].as_f64().unwrap_or_default();
        browser.click_at(at(0), at(1))?;
        browser.press(&[], "!")?;
        lines[line - 1].push('!');
        let typed = script(browser)?;
        ensure!(
            typed == lines.join("\n"),
            "a click on line {line} gave {typed}"
        );
        browser.until(CARET_IS_SEEN)?;
    }
    Ok(())
}

/// Waits until the browser has drawn two frames.
fn frames(browser: &Browser) -> Result<()> {
    browser.value(
        "(window.drawn = 0, requestAnimationFrame(() => requestAnimationFrame(() => { window.drawn = 2 })), 0)",
    )?;
    browser.until("window.drawn === 2")
}

/// The caret stays visible when moving and typing at both ends and far to the right.
fn typing(browser: &Browser) -> Result<()> {
    let control = [key::CONTROL];
    browser.press(&control, &key::END.to_string())?;
    browser.until(CARET_IS_SEEN)?;
    browser.press(&[], &format!("{}end = 1", key::ENTER).repeat(20))?;
    browser.until(CARET_IS_SEEN)?;
    browser.press(&[], &"long".repeat(60))?;
    browser.until(CARET_IS_SEEN)?;
    browser.until(END_IS_SEEN)?;
    browser.press(&[], &key::PAGE_UP.to_string())?;
    browser.until(CARET_IS_SEEN)?;
    let caret = "document.getElementById('script').selectionStart";
    let (above, end) = (browser.value(caret)?, script(browser)?.len());
    ensure!(
        above.as_u64() < Some(end as u64) && above != json!(0),
        "a page above the end is {above} of {end}"
    );
    browser.press(&[], &key::PAGE_DOWN.to_string())?;
    browser.until(CARET_IS_SEEN)?;
    browser.press(&control, &key::HOME.to_string())?;
    browser.until(CARET_IS_SEEN)?;
    browser.press(&[], &key::DOWN.to_string().repeat(50))?;
    browser.until(CARET_IS_SEEN)?;
    browser.press(&control, "z")?;
    browser.until(CARET_IS_SEEN)?;

    let apart = browser.value(APART)?;
    ensure!(
        apart == json!(0),
        "text and colours are {apart} pixels apart"
    );
    let (typed, seen) = (script(browser)?, browser.text(SEEN_TEXT)?);
    ensure!(typed == seen, "typed is {typed}, seen is {seen}");
    Ok(())
}
