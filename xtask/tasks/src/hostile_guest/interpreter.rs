//! A guest that makes the calls listed in the script.

use super::functions::{FUNCTIONS, import, number, width};

/// The layout of the guest's memory.
pub const NAMES_AT: usize = 0x1000;
pub const NAME_ROOM: usize = 16;
pub const PIECES_AT: usize = 0x2000;
pub const SUBSCRIPTIONS_AT: usize = 0x3000;
const SCRIPT_AT: usize = 0x4_0000;

/// Paths. The first three synchronize with the test, which waits for the second one and creates the third.
pub const NAMES: &[&str] = &[
    "begun", "done", "go", "a", "b", "c", "d", "d/a", "d/b/c", "e/", "d/../a", ".", "../x", "/etc",
    "",
];

/// The descriptor of the directory, which no program closes.
pub const DIRECTORY: u64 = 3;

/// Returns the guest. A call is one letter for the function and then sixteen for each argument, of four bits
/// each. One more letter waits for the test.
pub fn guest() -> String {
    let functions = || FUNCTIONS.iter().enumerate();
    let imports: String = functions()
        .map(|(at, (function, kinds))| import(function, kinds, &format!("$f{at}")))
        .collect();
    let argument = |kind| match width(kind) {
        "i64" => "(call $argument)",
        _ => "(i32.wrap_i64 (call $argument))",
    };
    let calls: String = functions()
        .map(|(at, (_, kinds))| {
            let arguments: String = kinds.chars().map(argument).collect();
            format!(
                "(if (i32.eq (local.get $function) (i32.const {at}))
                    (then (drop (call $f{at} {arguments}))))"
            )
        })
        .collect();
    let names: String = (NAMES_AT..)
        .step_by(NAME_ROOM)
        .zip(NAMES)
        .map(|(at, name)| format!("(data (i32.const {at}) {name:?})"))
        .collect();
    // Iovecs of 100, 3000 and 0 bytes; subscriptions to an elapsed clock, stdin, stdout and descriptor 4.
    let pieces = r"\00\80\00\00\64\00\00\00\00\80\00\00\b8\0b\00\00\00\00\00\00\00\00\00\00";
    let subscriptions: String = [(0, 0), (1, 0), (2, 1), (2, 4)]
        .iter()
        .zip((SUBSCRIPTIONS_AT..).step_by(48))
        .map(|((tag, fd), at)| {
            format!(
                r#"(data (i32.const {}) "\{tag:02x}") (data (i32.const {}) "\{fd:02x}")"#,
                at + 8,
                at + 16
            )
        })
        .collect();
    let (wait, go) = (FUNCTIONS.len(), NAMES_AT + 2 * NAME_ROOM);
    let look = number("path_filestat_get");
    format!(
        r#"(module
            {imports}
            (memory (export "memory") 16)
            (data (i32.const 0) "null") {names} {subscriptions}
            (data (i32.const {PIECES_AT}) "{pieces}")
            (global $at (mut i32) (i32.const 0))
            (func $letter (result i32)
                (i32.sub (i32.load8_u (global.get $at)) (i32.const 48))
                (global.set $at (i32.add (global.get $at) (i32.const 1))))
            (func $argument (result i64) (local $value i64) (local $end i32)
                (local.set $end (i32.add (global.get $at) (i32.const 16)))
                (loop $more
                    (local.set $value (i64.or (i64.shl (local.get $value) (i64.const 4))
                        (i64.extend_i32_u (call $letter))))
                    (br_if $more (i32.lt_u (global.get $at) (local.get $end))))
                (local.get $value))
            (func (export "alloc") (param i32) (result i32) (i32.const {SCRIPT_AT}))
            (func (export "abi_version_2"))
            (func (export "run") (param $script i32) (param $length i32) (param i32 i32) (result i32)
                (local $function i32) (local $end i32)
                (if (i32.ne (i32.load8_u (local.get $script)) (i32.const 33))
                    (then (return (i32.const 0))))
                (global.set $at (i32.add (local.get $script) (i32.const 1)))
                (local.set $end (i32.add (local.get $script) (local.get $length)))
                (loop $next
                    (local.set $function (call $letter))
                    {calls}
                    (if (i32.eq (local.get $function) (i32.const {wait}))
                        (then (loop $again (br_if $again (call $f{look}
                            (i32.const {DIRECTORY}) (i32.const 0)
                            (i32.const {go}) (i32.const 2) (i32.const 0x8000))))))
                    (br_if $next (i32.lt_u (global.get $at) (local.get $end))))
                (i32.const 0))
            (func (export "result_ptr") (result i32) (i32.const 0))
            (func (export "result_len") (result i32) (i32.const 4))
            (func (export "display_ptr") (result i32) (i32.const 0))
            (func (export "display_len") (result i32) (i32.const 0))
            (func (export "pending_output_len") (param i32) (result i32) (i32.const 0))
            (func (export "pending_output_ptr") (result i32) (i32.const 0)))"#
    )
}

/// A script for this guest.
pub struct Program(pub String);

impl Program {
    /// Returns a program without calls.
    pub fn new() -> Self {
        Self("!".into())
    }

    /// Appends a wait for the test.
    pub fn wait(&mut self) {
        self.letter(FUNCTIONS.len());
    }

    /// Appends a call of a function, by its index.
    pub fn call(&mut self, function: usize, arguments: &[u64]) {
        self.letter(function);
        for argument in arguments {
            for place in (0..16).rev() {
                self.letter((argument >> (4 * place)) as usize & 15);
            }
        }
    }

    fn letter(&mut self, number: usize) {
        let letter = u8::try_from(number).expect("there are few") + b'0';
        self.0.push(char::from(letter));
    }
}
