//! Tests of the playground and the documentation in a real browser.

mod browser;
mod editing;
mod input;
mod keeping;
mod looks;
mod running;

use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;

use crate::service::Service;
use crate::{project, python};
use browser::Browser;

/// Command-line options.
#[derive(Args)]
pub struct Options {
    /// Write the screenshot in the README.
    #[arg(long)]
    picture: bool,
    /// Use the service that the tests have built.
    #[arg(long)]
    no_build: bool,
    /// Only run the steps whose names contain this text.
    #[arg(long, default_value = "")]
    only: String,
}

/// A step of the test, with the address of the service.
type Step = fn(&Browser, &str) -> Result<()>;

/// Builds the service and uses its pages as a visitor does.
pub fn run(options: &Options) -> Result<()> {
    if !options.no_build {
        python::build()?;
        project::cargo(&["build", "--release", "--package", "python-executor"])?;
    }
    let service = start(&[("CPU_LIMIT", "500ms")])?;
    let browser = Browser::start()?;
    test(&browser, &service.url, options)
}

/// Starts the service of the profile `release`, as the tests build it.
fn start(settings: &[(&str, &str)]) -> Result<Service> {
    let program = project::target().join("release/python-executor");
    Service::start_as(Command::new(program), settings)
}

fn test(browser: &Browser, url: &str, options: &Options) -> Result<()> {
    browser.emulate(1280, 800, "light")?;
    let steps: [(&str, Step); 20] = [
        ("every example", running::examples),
        ("errors", running::errors),
        ("hostile output", running::hostile),
        ("stopping", running::stopping),
        ("copies", running::copies),
        ("a key", running::key_needed),
        ("input and files", input::files),
        ("stdin", input::stdin),
        ("live output", input::live),
        ("arguments", input::arguments),
        ("cells", input::cells),
        ("keyboard alone", editing::keyboard),
        ("long scripts", editing::long_scripts),
        ("a script that stays", keeping::scripts),
        ("links", keeping::links),
        ("light and dark", looks::themes),
        ("contrast", looks::contrast),
        ("wide pages", looks::wide),
        ("narrow pages", looks::narrow),
        ("documentation", looks::documentation),
    ];
    for (name, step) in steps {
        if name.contains(&options.only) {
            step(browser, url).with_context(|| format!("{name} does not work"))?;
            println!("{name}: works");
        }
    }
    if options.picture {
        looks::picture(browser)?;
    }
    Ok(())
}

/// Opens the playground as in a new tab, without a stored script.
fn open_new(browser: &Browser, url: &str) -> Result<()> {
    // The playground would store its script on leaving the page.
    browser.open(&format!("{url}/docs"))?;
    browser.value("sessionStorage.clear()")?;
    browser.open(url)
}

/// Opens the playground with `script` in it.
fn open_script(browser: &Browser, url: &str, script: &str) -> Result<()> {
    browser.open(&link(url, script))
}

/// Returns the URL of the playground with `script` in it, encoded independently of the page.
fn link(url: &str, script: &str) -> String {
    format!("{url}/#script={}", URL_SAFE_NO_PAD.encode(script))
}

/// Selects a script in the menu.
fn choose(browser: &Browser, name: &str) -> Result<()> {
    browser.click(&format!("#example option[value={name}]"))
}

/// Returns the script in the editor.
fn script(browser: &Browser) -> Result<String> {
    browser.text("document.getElementById('script').value")
}

/// Waits for the end of a run.
fn ended(browser: &Browser) -> Result<()> {
    browser.until("['good', 'bad'].includes(document.getElementById('response').dataset.state)")
}

/// Returns the expression for the text of an element.
fn content(id: &str) -> String {
    format!("document.getElementById('{id}').textContent")
}

/// Checks that the browser logged no warnings, except for responses to scripts that are not a 200.
fn no_warnings(browser: &Browser) -> Result<()> {
    let mut warnings = browser.warnings()?;
    warnings.retain(|entry| {
        let text = entry["message"].as_str().unwrap_or_default();
        !(entry["source"] == "network" && text.contains("/execute - Failed to load resource"))
    });
    ensure!(warnings.is_empty(), "the browser logged {warnings:#?}");
    Ok(())
}
