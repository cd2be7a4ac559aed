//! Random programs from the productions in grammar.toml.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use fastrand::Rng;
use serde::Deserialize;

/// The nesting depth from which on only leaves are chosen.
const DEPTH: u32 = 5;

/// The productions of each kind.
pub struct Grammar(BTreeMap<String, Kind>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    /// Short productions, which end the recursion.
    leaf: Vec<String>,
    #[serde(default)]
    more: Vec<String>,
}

impl Grammar {
    /// Reads the productions.
    pub fn read() -> Result<Self> {
        let kinds = toml::from_str(include_str!("grammar.toml"));
        kinds.map(Self).context("grammar.toml")
    }

    /// Returns the program of `seed`, which is always the same.
    pub fn program(&self, seed: u64) -> String {
        let mut program = String::new();
        self.expand("<program>", DEPTH, &mut Rng::with_seed(seed), &mut program);
        program
    }

    /// Appends `production` to `program`, with each `<kind>` in it replaced.
    fn expand(&self, production: &str, depth: u32, rng: &mut Rng, program: &mut String) {
        let mut rest = production;
        while let Some(open) = rest.find('<') {
            program.push_str(&rest[..open]);
            rest = &rest[open + 1..];
            let found = rest.split_once('>');
            match found.and_then(|(name, after)| Some((self.0.get(name)?, after))) {
                Some((kind, after)) => {
                    self.nested(kind, depth, rng, program);
                    rest = after;
                }
                // A less-than sign of Python.
                None => program.push('<'),
            }
        }
        program.push_str(rest);
    }

    fn nested(&self, kind: &Kind, depth: u32, rng: &mut Rng, program: &mut String) {
        let leaf = kind.more.is_empty() || depth == 0 || rng.u8(..4) == 0;
        let choices = if leaf { &kind.leaf } else { &kind.more };
        let chosen = choices[rng.usize(..choices.len())].trim_start();
        let mut text = String::new();
        self.expand(chosen, depth.saturating_sub(1), rng, &mut text);
        // The lines of a statement have the indentation of its first one.
        let line = program.rsplit('\n').next().unwrap_or_default();
        let indent = &line[..line.len() - line.trim_start().len()];
        let text = text.replace('\n', &format!("\n{indent}"));
        program.push_str(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_program() -> Result<()> {
        let grammar = Grammar::read()?;
        assert_eq!(grammar.program(1), grammar.program(1));
        assert_ne!(grammar.program(1), grammar.program(2));
        Ok(())
    }

    #[test]
    fn all_kinds_are_used() -> Result<()> {
        let Grammar(kinds) = Grammar::read()?;
        for name in kinds.keys().filter(|name| *name != "program") {
            let used = format!("<{name}>");
            let mut all = kinds
                .values()
                .flat_map(|kind| kind.leaf.iter().chain(&kind.more));
            assert!(all.any(|text| text.contains(&used)), "{name}");
        }
        Ok(())
    }
}
