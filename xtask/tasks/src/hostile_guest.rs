//! Tests with an adversarial guest in place of CPython. A script that takes over the interpreter can make host
//! calls that no libc makes and return values that the harness never returns.

mod functions;
#[cfg(target_os = "linux")]
mod interpreter;
// The resources of a run are read from /proc.
#[cfg(target_os = "linux")]
mod random_calls;

use anyhow::{Context, Result};

use self::functions::{FUNCTIONS, import, number, width};
use crate::client::{Client, Response};
use crate::python;
use crate::service::{self, Service};

/// The script that triggers the attack. The guest recognizes it by its length, because the service's
/// self-test runs first.
const TRIGGER: &str = "attack";

/// A call of the guest's `run` by itself.
const CALL_RUN: &str = "(call $run (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";

/// The bodies of the guest's functions during the attack, as WebAssembly text.
struct Guest<'a> {
    import: String,
    alloc: &'a str,
    run: String,
    result_ptr: &'a str,
    result_len: &'a str,
    pending_output_len: &'a str,
    pending_output_ptr: &'a str,
}

impl Default for Guest<'_> {
    fn default() -> Self {
        Self {
            import: String::new(),
            alloc: "(i32.const 16)",
            run: "(i32.const 0)".into(),
            result_ptr: "(i32.const 0)",
            result_len: "(i32.const 4)",
            pending_output_len: "(i32.const 0)",
            pending_output_ptr: "(i32.const 0)",
        }
    }
}

impl Guest<'_> {
    fn text(&self) -> String {
        let Self {
            import,
            alloc,
            run,
            result_ptr,
            result_len,
            pending_output_len,
            pending_output_ptr,
        } = self;
        let trigger = TRIGGER.len();
        let hostile = |hostile: &str, proper: &str| {
            format!("(if (result i32) (global.get $hostile) (then {hostile}) (else {proper}))")
        };
        let run = hostile(run, "(i32.const 0)");
        let alloc = hostile(alloc, "(i32.const 16)");
        let result_ptr = hostile(result_ptr, "(i32.const 0)");
        let result_len = hostile(result_len, "(i32.const 4)");
        format!(
            r#"(module
                {import}
                (memory (export "memory") 16)
                (data (i32.const 0) "null")
                (global $hostile (mut i32) (i32.const 0))
                (func (export "alloc") (param i32) (result i32)
                    (global.set $hostile (i32.eq (local.get 0) (i32.const {trigger}))) {alloc})
                (func (export "abi_version_2"))
                (func $run (export "run") (param i32 i32 i32 i32) (result i32) {run})
                (func (export "result_ptr") (result i32) {result_ptr})
                (func (export "result_len") (result i32) {result_len})
                (func (export "display_ptr") (result i32) (i32.const 0))
                (func (export "display_len") (result i32) (i32.const 0))
                (func (export "pending_output_len") (param i32) (result i32) {pending_output_len})
                (func (export "pending_output_ptr") (result i32) {pending_output_ptr}))"#
        )
    }

    /// Returns a guest that calls `function` in its `run`, with these arguments followed by zeros. `run`
    /// turns the text of the call into the body.
    fn calling(function: &str, arguments: &[i64], run: impl FnOnce(&str) -> String) -> Self {
        let (_, kinds) = FUNCTIONS[number(function)];
        let given = |at: usize| arguments.get(at).copied().unwrap_or_default();
        let values = kinds
            .chars()
            .enumerate()
            .map(|(at, kind)| format!("({}.const {})", width(kind), given(at)));
        Self {
            import: import(function, kinds, "$attack"),
            run: run(&format!("(call $attack {})", values.collect::<String>())),
            ..Self::default()
        }
    }

    /// Returns the response of a service with this guest as its interpreter, which must survive.
    fn respond(&self, settings: &[(&str, &str)]) -> Result<Response> {
        let service = start(&self.text(), settings)?;
        let client = Client::new(&service.url);
        let response = client.execute(TRIGGER)?;
        assert_eq!(client.health()?.body, "ok");
        Ok(response)
    }
}

/// Starts a service with this WebAssembly text as its interpreter.
fn start(text: &str, settings: &[(&str, &str)]) -> Result<Service> {
    let work = tempfile::tempdir()?;
    let [module, code] = ["hostile.wasm", "hostile.cwasm"].map(|name| work.path().join(name));
    std::fs::write(
        &module,
        wat::parse_str(text).with_context(|| text.to_owned())?,
    )?;
    python::precompile(&module, &code)?;
    let python = code.to_str().context("the path is text")?;
    Service::start(&[&[("PYTHON", python)], settings].concat())
}

/// Returns the error number of a call as the result: 10, followed by its two digits.
fn error_number(call: &str) -> String {
    let digit =
        |place, digit| format!("(i32.store8 (i32.const {place}) (i32.add (i32.const 48) {digit}))");
    format!(
        "(local.set 0 {call}) (i32.store16 (i32.const 0) (i32.const 0x3031)) {} {} (i32.const 0)",
        digit(2, "(i32.div_u (local.get 0) (i32.const 10))"),
        digit(3, "(i32.rem_u (local.get 0) (i32.const 10))"),
    )
}

#[test]
fn calls_that_no_libc_makes() -> Result<()> {
    service::build()?;
    let (success, badf, inval, long, notsock, perm) = (0, 8, 28, 37, 57, 63);
    // Zeros are the subscription to a clock that is due at once.
    let poll = |count| [0x1_0000, 0x8_0000, count, 0xf_0000];
    let cases: &[(&str, &[i64], u32)] = &[
        ("random_get", &[0x1000, 64 << 10], success),
        ("random_get", &[0x1000, (64 << 10) + 1], inval),
        ("random_get", &[0x1000, -1], inval),
        ("poll_oneoff", &poll(64), success),
        ("poll_oneoff", &poll(65), inval),
        ("poll_oneoff", &poll(0), inval),
        ("poll_oneoff", &poll(-1), inval),
        ("fd_sync", &[1], success),
        ("fd_sync", &[4], badf),
        ("path_create_directory", &[3, 0, 5000], long),
        ("path_filestat_get", &[3, 0, 0, 5000, 0x4000], long),
        ("path_filestat_set_times", &[3, 0, 0, 5000], long),
        ("path_open", &[3, 0, 0, 5000, 1, 0, 0, 0, 0x4000], long),
        ("path_readlink", &[3, 0, 5000], long),
        ("path_remove_directory", &[3, 0, 5000], long),
        ("path_rename", &[3, 0, 4, 3, 0, 5000], long),
        ("path_rename", &[3, 0, 5000, 3, 0, 4], long),
        ("path_unlink_file", &[3, 0, -1], long),
        ("path_link", &[3, 0, 0, 1, 3, 1, 1], perm),
        ("path_symlink", &[0, 1, 3, 1, 1], perm),
        // Values that their types do not have.
        ("clock_res_get", &[99, 0x4000], inval),
        ("clock_time_get", &[99, 0, 0x4000], inval),
        ("clock_time_get", &[-1, 0, 0x4000], inval),
        ("fd_advise", &[3, 0, 0, 99], inval),
        ("fd_filestat_set_times", &[3, 0, 0, 99], inval),
        ("fd_seek", &[3, 0, 99, 0x4000], inval),
        ("fd_seek", &[3, 0, 300, 0x4000], inval),
        ("path_filestat_get", &[3, 99, 0, 4, 0x4000], inval),
        ("path_filestat_set_times", &[3, 0, 0, 4, 0, 0, 99], inval),
        ("path_open", &[3, 99, 0, 4, 1, 0, 0, 0, 0x4000], inval),
        ("sock_accept", &[3], notsock),
        ("sock_recv", &[3], notsock),
        ("sock_send", &[3], notsock),
        ("sock_shutdown", &[3], notsock),
    ];
    for (function, arguments, error) in cases {
        let response = Guest::calling(function, arguments, error_number).respond(&[])?;
        let expected = format!(r#"{{"result":10{error:02},"stdout":""}}"#);
        assert_eq!(response.body, expected, "{function} {arguments:?}");
    }
    Ok(())
}

#[test]
fn every_call_counts() -> Result<()> {
    service::build()?;
    for (function, _) in FUNCTIONS {
        let guest = Guest::calling(function, &[], |call| {
            format!("(loop $again (drop {call}) (br $again)) (i32.const 0)")
        });
        let response = guest.respond(&[("HOST_CALLS_LIMIT", "1000"), ("CPU_LIMIT", "20s")])?;
        let kind = response.kind.as_deref();
        assert_eq!(
            kind,
            Some("host_call_limit"),
            "{function}: {}",
            response.body
        );
    }
    Ok(())
}

/// A host call must have room on the stack even in the deepest frame that a guest can reach.
#[test]
fn every_call_has_room_on_the_stack() -> Result<()> {
    service::build()?;
    // The name of a file is what lies at 0.
    let cases: &[(&str, &[i64])] = &[
        ("fd_readdir", &[3, 0x1000, 0x1000, 0, 0x800]),
        ("fd_write", &[1, 0x2000, 1, 0x800]),
        ("path_filestat_get", &[3, 0, 0, 4, 0x1000]),
        ("path_open", &[3, 0, 0, 4, 1, 0, 0, 0, 0x800]),
        ("path_rename", &[3, 0, 4, 3, 0, 4]),
        ("path_unlink_file", &[3, 0, 4]),
        ("poll_oneoff", &[0x1_0000, 0x8_0000, 64, 0x800]),
        ("random_get", &[0x1000, 256]),
    ];
    for (function, arguments) in cases {
        let guest = Guest::calling(function, arguments, |call| {
            format!("(drop {call}) {CALL_RUN}")
        });
        let response = guest.respond(&[("CPU_LIMIT", "1m"), ("WALL_LIMIT", "5m")])?;
        let overflown = response.body.contains("stack overflow");
        assert!(overflown, "{function}: {}", response.body);
    }
    Ok(())
}

#[test]
fn results_that_no_harness_returns() -> Result<()> {
    service::build()?;
    let forever = "(loop $again (br $again)) unreachable";
    let until_refused =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))";
    let running = |run: &str| Guest {
        run: run.into(),
        ..Guest::default()
    };
    #[rustfmt::skip]
    let cases = [
        (Guest::default(), None),
        (Guest { alloc: "(i32.const -1)", ..Guest::default() }, Some("crashed")),
        (Guest { alloc: "(i32.const 0)", ..Guest::default() }, Some("memory_limit")),
        (Guest { alloc: forever, ..Guest::default() }, Some("cpu_limit")),
        (Guest { result_ptr: "(i32.const -1)", ..Guest::default() }, Some("crashed")),
        (Guest { result_ptr: forever, ..Guest::default() }, Some("cpu_limit")),
        (Guest { result_len: "(i32.const -1)", ..Guest::default() }, Some("output_limit")),
        (Guest { result_len: "(i32.const 3)", ..Guest::default() }, Some("not_serializable")),
        (Guest { result_len: forever, ..Guest::default() }, Some("cpu_limit")),
        (running("(i32.const 99)"), Some("crashed")),
        (running("(i32.const -1)"), Some("crashed")),
        (running("unreachable"), Some("crashed")),
        (running(forever), Some("cpu_limit")),
        (running(CALL_RUN), Some("crashed")),
        (running("(loop $more (drop (memory.grow (i32.const 1))) (br $more)) unreachable"), Some("memory_limit")),
        (running(&format!("{until_refused} unreachable")), Some("memory_limit")),
        (running(&format!("{until_refused} (i32.load (i32.const -1))")), Some("crashed")),
        (running("(drop (memory.grow (i32.const 30000))) unreachable"), Some("crashed")),
        (Guest { pending_output_len: forever, ..running("unreachable") }, Some("crashed")),
        (Guest { pending_output_len: "(i32.const -1)", ..running("unreachable") }, Some("crashed")),
        (Guest { pending_output_len: "(i32.const -1)", pending_output_ptr: "(i32.const -1)", ..running(forever) }, Some("cpu_limit")),
    ];
    for (guest, kind) in cases {
        let response = guest.respond(&[("CPU_LIMIT", "300ms")])?;
        let found = response.kind.as_deref();
        assert_eq!(found, kind, "{}: {}", guest.text(), response.body);
    }
    Ok(())
}
