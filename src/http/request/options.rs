//! The `options` of a request.

use std::time::SystemTime;

use serde::Deserialize;
use utoipa::ToSchema;

use super::values::{LimitValue, object, pairs, seed, some, strings, time};
use crate::config;
use crate::http::included::Include;
use crate::sandbox::Limits;

/// How the script is run. Other fields are rejected.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    /// Limits that are lower than those of the service, written like its settings: "500ms", "30MB".
    #[serde(default, deserialize_with = "object")]
    pub(super) limits: LimitOptions,
    /// Strings for sys.argv[1:].
    #[serde(default, deserialize_with = "strings")]
    #[schema(max_items = 2000)]
    pub(super) argv: Vec<String>,
    /// Variables that are added to os.environ.
    #[serde(default, deserialize_with = "pairs")]
    #[schema(value_type = HashMap<String, String>)]
    pub(super) env: Vec<(String, String)>,
    /// How the script is run: "main" calls its main(); "cell" runs it as a notebook cell.
    #[serde(default)]
    pub(super) mode: Mode,
    /// The set of packages that the script can import. There is "python": the standard library.
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = String)]
    pub(super) environment: Option<String>,
    /// The seed of all random numbers. Requests with the same seed and time have the same result.
    #[serde(default, deserialize_with = "seed")]
    #[schema(value_type = u64, minimum = 0)]
    pub(super) seed: Option<u64>,
    /// The time at which the wall clock starts, as RFC 3339 writes it: 2026-01-31T09:30:00Z.
    #[serde(default, deserialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub(super) time: Option<SystemTime>,
    /// More fields of the response to the run, in case of an error, too.
    #[serde(default)]
    pub(super) include: Vec<Included>,
}

/// The way in which a script is run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// As a module that defines main().
    #[default]
    Main,
    /// As a notebook cell: the result is the value of its last expression.
    Cell,
}

/// A field that a response has if the request asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Included {
    /// The text that the script wrote to standard error.
    Stderr,
    /// The resources that the run used.
    Usage,
    /// The files that the script made or changed.
    Files,
    /// "ok", or the kind of the error.
    Kind,
    /// The objects that the script has shown with display(object).
    Display,
}

impl FromIterator<Included> for Include {
    fn from_iter<I: IntoIterator<Item = Included>>(included: I) -> Self {
        let mut include = Self::default();
        for field in included {
            match field {
                Included::Stderr => include.stderr = true,
                Included::Usage => include.usage = true,
                Included::Files => include.files = true,
                Included::Kind => include.kind = true,
                Included::Display => include.display = true,
            }
        }
        include
    }
}

/// Lower limits than those of the service. Other fields are rejected.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitOptions {
    /// Processor time: "500ms".
    #[schema(value_type = String)]
    #[serde(default, deserialize_with = "some")]
    cpu: Option<LimitValue>,
    /// Time from start to end, waiting included: "2s".
    #[schema(value_type = String)]
    #[serde(default, deserialize_with = "some")]
    wall: Option<LimitValue>,
    /// Memory, that of the interpreter included: "30MB".
    #[schema(value_type = String)]
    #[serde(default, deserialize_with = "some")]
    memory: Option<LimitValue>,
    /// Size of standard output: "10kB".
    #[schema(value_type = String)]
    #[serde(default, deserialize_with = "some")]
    stdout: Option<LimitValue>,
    /// Size of standard error: "10kB".
    #[schema(value_type = String)]
    #[serde(default, deserialize_with = "some")]
    stderr: Option<LimitValue>,
    /// Size of the result as JSON text: "1MiB".
    #[schema(value_type = String)]
    #[serde(default, deserialize_with = "some")]
    result: Option<LimitValue>,
    /// Size of all files in the working directory: "1MiB".
    #[schema(value_type = String)]
    #[serde(default, deserialize_with = "some")]
    disk: Option<LimitValue>,
    /// Size of all files in the response: "1MiB".
    #[schema(value_type = String)]
    #[serde(default, deserialize_with = "some")]
    files: Option<LimitValue>,
    /// Files that are open at once, including the three standard streams and the working directory.
    #[schema(value_type = u64, minimum = 1)]
    #[serde(default, deserialize_with = "some")]
    open_files: Option<LimitValue>,
    /// Calls from the interpreter to the host.
    #[schema(value_type = u64, minimum = 1)]
    #[serde(default, deserialize_with = "some")]
    host_calls: Option<LimitValue>,
}

impl LimitOptions {
    /// Lowers `limits`, which are those of the service. An error is the name of the limit and the problem.
    pub(super) fn lower(self, limits: &mut Limits) -> Result<(), (&'static str, String)> {
        let values = [
            ("cpu", self.cpu),
            ("wall", self.wall),
            ("memory", self.memory),
            ("stdout", self.stdout),
            ("stderr", self.stderr),
            ("result", self.result),
            ("disk", self.disk),
            ("files", self.files),
            ("open_files", self.open_files),
            ("host_calls", self.host_calls),
        ];
        for (name, value) in values {
            if let Some(LimitValue(value)) = value {
                config::lower(limits, name, &value).map_err(|problem| (name, problem))?;
            }
        }
        Ok(())
    }
}
