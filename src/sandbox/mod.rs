//! The sandbox: runs untrusted scripts in fresh CPython instances inside wasmtime.
//!
//! Only this module knows WebAssembly. The order of a run: [`Interpreter::run`] starts a [`Program`] (an instance in
//! a slot of the [`Runtime`]'s pool), [`Program::step`] passes it the script of a [`Job`] through the `guest` ABI
//! under the limits of `memory`, `cpu_time`, `wasi` and `output`, and `classify` turns its end into an [`Outcome`].

mod classify;
mod cpu_time;
mod engine;
mod epoch;
mod files;
mod guest;
mod host;
mod interpreter;
mod job;
mod json;
mod limits;
mod live;
mod memory;
mod module_config;
mod outcome;
mod output;
#[cfg_attr(not(target_os = "linux"), path = "no_page_map.rs")]
mod page_map;
mod processor;
mod program;
mod runtime;
mod scratch;
mod slots;
mod turn;
mod wasi;

pub use engine::{ADDRESS_SPACE, page_scan_available};
pub use files::{DATA_DIRECTORY, FilePath, InputFile, OutputFile, PathError};
pub use interpreter::Interpreter;
pub use job::{Input, Job};
pub use json::json_depth;
pub use limits::{FileLimits, Limits};
pub use live::{LiveOutput, NewOutput, Position};
pub use outcome::{Failure, Outcome, Usage, Value};
pub use program::Program;
pub use runtime::Runtime;
pub use scratch::Unavailable as StorageUnavailable;
pub use turn::SHORT_TEXT;
