//! WASI preview 1 for the guest: wasmtime-wasi's implementation behind a guard.
//!
//! wasmtime-wasi bounds neither descriptors nor bytes nor directory entries, and has functions whose work is not
//! charged to the guest. Every call of the guest passes three files: `linker` counts it and converts its arguments,
//! `preview1` decides about it, and `context` holds wasmtime's own state.
//!
//! | file | holds |
//! |---|---|
//! | `linker` | the table of all functions that a guest may import |
//! | `preview1` | every function of preview 1: passed on, guarded, or our own |
//! | `files`, `paths`, `blocking` | the checks of `preview1`: descriptors and sizes, names, time |
//! | `state` | the state of one instance, and the beginning and end of its runs |
//! | `quota` | the accounting of descriptors, bytes and directory entries |
//! | `context` | wasmtime's state, and the scratch directory that comes with its first use |
//! | `stdin` | the stream behind descriptor 0 |
//! | `clocks`, `random` | the run's own clocks and random bytes |
//! | `limits` | the limits that a script may ask for |

mod blocking;
mod clocks;
mod context;
mod files;
mod limits;
mod linker;
mod paths;
mod preview1;
mod quota;
mod random;
mod state;
mod stdin;
#[cfg(test)]
mod tests;

pub use self::linker::add_to_linker;
pub use self::state::WasiState;
