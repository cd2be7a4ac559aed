//! The figures of a benchmark run: printed as they come, and kept for the JSON file.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::native::Native;

/// All figures of one run.
#[derive(Default)]
pub struct Report {
    sections: Map<String, Value>,
}

impl Report {
    /// Prints and keeps the facts about the machine and the programs.
    pub fn machine(&mut self, native: Option<&Native>) -> Result<()> {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo")?;
        let processor = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unknown", |(_, name)| name);
        let native = native
            .map_or("none", |native| &native.description)
            .to_owned();
        let cores = std::thread::available_parallelism()?.get();
        let facts = [
            ("processor", processor.to_owned()),
            ("cores", cores.to_string()),
            ("kernel", first_line("uname", &["-r"])),
            (
                "commit",
                first_line("git", &["describe", "--always", "--dirty"]),
            ),
            ("native", native),
        ];
        for (name, value) in &facts {
            println!("{name:<10} {value}");
        }
        let facts = facts.map(|(name, value)| (name.to_owned(), Value::from(value)));
        self.sections
            .insert("machine".into(), Value::Object(facts.into_iter().collect()));
        Ok(())
    }

    /// Starts a table with these columns.
    pub fn section(&mut self, name: &str, columns: &[&str]) {
        println!("\n{name}");
        let heads: String = columns.iter().map(|head| format!("{head:>15}")).collect();
        println!("{:<34}{heads}", "");
        self.sections.insert(name.into(), json!({}));
    }

    /// Adds a line to the table `section`: a name, and a value for each column.
    pub fn line(&mut self, section: &str, name: &str, values: &[(&str, f64)]) {
        let shown: String = values
            .iter()
            .map(|(_, value)| format!("{:>15}", rounded(*value)))
            .collect();
        println!("{name:<34}{shown}");
        let values = values
            .iter()
            .map(|(name, value)| ((*name).into(), json!(value)));
        if let Some(Value::Object(table)) = self.sections.get_mut(section) {
            table.insert(name.into(), Value::Object(values.collect()));
        }
    }

    /// Returns a value of a table, if it was measured.
    pub fn value(&self, section: &str, line: &str, column: &str) -> Option<f64> {
        self.sections.get(section)?.get(line)?.get(column)?.as_f64()
    }

    /// Returns the names of a table's lines.
    pub fn lines(&self, section: &str) -> impl Iterator<Item = &String> {
        let table = self.sections.get(section).and_then(Value::as_object);
        table.into_iter().flat_map(Map::keys)
    }

    /// Returns a fact about the machine.
    pub fn fact(&self, name: &str) -> &str {
        let fact = self
            .sections
            .get("machine")
            .and_then(|facts| facts.get(name));
        fact.and_then(Value::as_str).unwrap_or("unknown")
    }

    /// Writes everything as JSON.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(std::fs::write(
            path,
            serde_json::to_vec_pretty(&self.sections)?,
        )?)
    }
}

/// Formats `value` with three significant digits.
pub fn rounded(value: f64) -> String {
    if value.is_nan() {
        return "-".into();
    }
    let decimals = match value.abs() {
        1000.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    match text.unwrap_or_default().lines().next() {
        Some(line) => line.to_owned(),
        None => "none".to_owned(),
    }
}
