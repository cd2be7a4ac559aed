//! The playground and the documentation in a real browser.

mod browser;
mod editing;
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

/// What can be chosen.
#[derive(Args)]
pub struct Options {
    /// Take the picture in the README anew.
    #[arg(long)]
    picture: bool,
    /// Use the service as the tests have built it.
    #[arg(long)]
    no_build: bool,
    /// Take only the steps whose names contain this text.
    #[arg(long, default_value = "")]
    only: String,
}

/// A part of the test: uses the pages of the service at this address.
type Step = fn(&Browser, &str) -> Result<()>;

/// Builds the service and uses its pages as people do.
pub fn run(options: &Options) -> Result<()> {
    if !options.no_build {
        python::build()?;
        project::cargo(&["build", "--release", "--package", "python-executor"])?;
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
    let steps: [(&str, Step); 15] = [
        ("every example", running::examples),
        ("errors", running::errors),
        ("hostile output", running::hostile),
        ("stopping", running::stopping),
        ("copies", running::copies),
        ("a key", running::key_needed),
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

/// Opens the playground as in a tab of its own, which has kept no script yet.
fn open_new(browser: &Browser, url: &str) -> Result<()> {
    // The playground itself would store its script when it is left.
    browser.open(&format!("{url}/docs"))?;
    browser.value("sessionStorage.clear()")?;
    browser.open(url)
}

/// Opens the playground with `script` in it.
fn open_script(browser: &Browser, url: &str, script: &str) -> Result<()> {
    browser.open(&link(url, script))
}

/// The address of the playground with `script` in it, as other programs make it.
fn link(url: &str, script: &str) -> String {
    format!("{url}/#script={}", URL_SAFE_NO_PAD.encode(script))
}

/// Chooses a script from the menu.
fn choose(browser: &Browser, name: &str) -> Result<()> {
    browser.click(&format!("#example option[value={name}]"))
}

/// The script in the editor.
fn script(browser: &Browser) -> Result<String> {
    browser.text("document.getElementById('script').value")
}

/// Waits for the end of a run.
fn ended(browser: &Browser) -> Result<()> {
    browser.until("['good', 'bad'].includes(document.getElementById('response').dataset.state)")
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
