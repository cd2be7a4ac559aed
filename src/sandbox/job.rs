//! A job: one script with everything that belongs to its run.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::files::InputFile;
use super::{Limits, LiveOutput};

/// A script to run, its input, and the limits of the run.
pub struct Job {
    /// The source of a module that defines `main()`, or of a cell.
    pub script: String,
    /// The limits of this run. The memory limit must not exceed the runtime's.
    pub limits: Limits,
    /// Data that the guest decodes.
    pub input: Input,
    /// The contents of stdin.
    pub stdin: Bytes,
    /// Files in the working directory before the script starts. Their paths differ, and none is a directory of another.
    pub files: Vec<InputFile>,
    /// The seed of all random numbers; the system's are used without.
    pub seed: Option<u64>,
    /// The time at which the wall clock starts; the system's is used without.
    pub time: Option<SystemTime>,
    /// Whether the outcome has the files that the script made or changed.
    pub returns_files: bool,
    /// A reader of the output beside the run.
    pub live: Option<LiveOutput>,
}

impl Job {
    /// A job without any input.
    #[must_use]
    pub fn new(script: String, limits: Limits) -> Self {
        Self {
            script,
            limits,
            input: Input::default(),
            stdin: Bytes::new(),
            files: Vec::new(),
            seed: None,
            time: None,
            returns_files: false,
            live: None,
        }
    }
}

/// The part of a job that the guest decodes from JSON.
#[derive(Debug, Default, Serialize)]
pub struct Input {
    /// Positional arguments of `main`: a JSON array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Box<RawValue>>,
    /// Keyword arguments of `main`: a JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kwargs: Option<Box<RawValue>>,
    /// `sys.argv[1:]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// Variables that are added to `os.environ`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Whether the script is a notebook cell: no `main()`, and the value of the last expression is the result.
    #[serde(skip_serializing_if = "is_false")]
    pub cell: bool,
    /// Whether the script may call `display(object)`, as cells may.
    #[serde(skip_serializing_if = "is_false")]
    pub display: bool,
    /// Whether output leaves Python at each write, for a reader beside the run.
    #[serde(skip_serializing_if = "is_false")]
    pub live: bool,
}

impl Input {
    /// Whether the script can show objects.
    pub(super) fn can_display(&self) -> bool {
        self.cell || self.display
    }

    /// Returns the input as the guest reads it; no bytes at all if there is none.
    ///
    /// # Errors
    /// When it has no JSON form.
    pub(super) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = serde_json::to_vec(self)?;
        if json == b"{}" {
            json.clear();
        }
        Ok(json)
    }

    /// Returns the bytes of its texts, which encoding copies.
    pub(super) fn size(&self) -> usize {
        let json = |json: &Option<Box<RawValue>>| json.as_ref().map_or(0, |json| json.get().len());
        let argv: usize = self.argv.iter().map(String::len).sum();
        let env: usize = self
            .env
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        json(&self.args) + json(&self.kwargs) + argv + env
    }
}

fn is_false(value: &bool) -> bool {
    !value
}
