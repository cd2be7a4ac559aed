//! Puts the functions that short scripts call side by side.
//!
//! Cranelift lays machine code out in the order of a module's functions, which is that of the linker: a hello calls a
//! tenth of them, spread over 20 MB. So some scripts are run here in a copy of the module that notes the order in
//! which functions are called for the first time, and the functions are put into this order.

use std::path::Path;

use anyhow::{Result, ensure};
use wasm_encoder::Module;
use wasm_encoder::reencode::Reencode;
use wasmparser::Parser;
use wasmtime_wasi::WasiCtxBuilder;

use crate::cache::cached;
use crate::digest::Fingerprint;
use crate::guest::Program;

mod order;
mod trace;

/// The scripts, each for a fresh interpreter. Whatever only the later ones call comes later.
const SCRIPTS: &[&str] = &[
    "def main():\n    print('hello')\n    return {'hello': 'world', 'numbers': [1, 2.5, None, True]}\n",
    "import datetime, json, math, re\ndef main():\n    for n in range(10):\n        print('line', n)\n    \
     text = re.match(r'(\\w+) (\\d+)', 'abc 123').group(1) + f'{math.pi:.3f}'\n    \
     return [json.loads(json.dumps({'three': 3.0})), text, datetime.date(2024, 1, 2).isoformat()]\n",
    "def fail(value):\n    return 1 / value\n\ndef main():\n    fail(0)\n",
    "from collections import Counter\nfrom dataclasses import dataclass\nfrom enum import Enum\n\
     class Color(Enum):\n    RED = 1\n\n@dataclass\nclass Square:\n    side: int\n\n\
     def main():\n    return [repr(Square(2)), Color.RED.name, Counter('hello'), sorted([3, 1, 2])]\n",
];

/// `module` with its functions in the order in which the scripts call them first; the others stay behind them in
/// their own order.
pub fn run(module: &[u8], work: &Path) -> Result<Vec<u8>> {
    let mut fingerprint = Fingerprint::default();
    fingerprint
        .add(module)
        .add(include_str!("layout.rs"))
        .add(include_str!("layout/order.rs"))
        .add(include_str!("layout/trace.rs"));
    cached(work, "ordered.wasm", &fingerprint, || reorder(module))
}

fn reorder(module: &[u8]) -> Result<Vec<u8>> {
    let mut trace = trace::Pass::default();
    let mut traced = Module::new();
    trace.parse_core_module(&mut traced, Parser::new(0), module)?;
    let program = Program::compile(&traced.finish())?;
    let mut first = Vec::new();
    for script in SCRIPTS {
        for function in calls(&program, script)? {
            if !first.contains(&function) {
                first.push(function);
            }
        }
    }
    ensure!(!first.is_empty(), "the scripts call no function");
    let mut order = order::Pass::new(&first, trace.functions());
    let mut ordered = Module::new();
    order.parse_core_module(&mut ordered, Parser::new(0), module)?;
    Ok(ordered.finish())
}

/// The functions that a script calls, in the order of their first calls, as numbers among those with code.
fn calls(program: &Program, script: &str) -> Result<Vec<u32>> {
    // Its output is of no interest.
    let mut guest = program.start(&mut WasiCtxBuilder::new())?;
    let length = u32::try_from(script.len())?;
    let alloc = guest.function::<u32, u32>("alloc")?;
    let at = alloc.call(&mut guest.store, length)?;
    guest.write(at, script.as_bytes())?;
    let run = guest.function::<(u32, u32, u32, u32), u32>("run")?;
    run.call(&mut guest.store, (at, length, 0, 0))?;
    for name in ["result_ptr", "result_len"] {
        let function = guest.function::<(), u32>(name)?;
        function.call(&mut guest.store, ())?;
    }
    let mut called: Vec<_> = guest
        .memory(trace::MEMORY)?
        .as_chunks::<4>()
        .0
        .iter()
        .zip(0..)
        .map(|(place, function)| (u32::from_le_bytes(*place), function))
        .filter(|(place, _)| *place > 0)
        .collect();
    called.sort_unstable();
    Ok(called.into_iter().map(|(_, function)| function).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A guest whose `run` calls the last of its functions first, and by its place in the table.
    const GUEST: &str = r#"(module
        (import "wasi_snapshot_preview1" "sched_yield" (func $imported (result i32)))
        (memory (export "memory") 1)
        (global (mut i32) (i32.const 0))
        (table 2 funcref)
        (elem (i32.const 0) $unused $last)
        (func $unused (export "unused") (result i32) (i32.const 1))
        (func $first (export "first") (result i32) (i32.const 2))
        (func (export "alloc") (param i32) (result i32) (i32.const 8))
        (func (export "run") (param i32 i32 i32 i32) (result i32)
            (drop (call $imported))
            (i32.add (call_indirect (result i32) (i32.const 1)) (call $first)))
        (func (export "result_ptr") (result i32) (i32.const 0))
        (func (export "result_len") (result i32) (i32.const 0))
        (func $last (export "last") (result i32) (i32.const 40)))"#;

    #[test]
    fn called_functions_come_first_and_do_what_they_did() -> Result<()> {
        let before = wat::parse_str(GUEST)?;
        let after = reorder(&before)?;
        let names = |module: &[u8]| -> Result<Vec<String>> {
            let mut names = Vec::new();
            for payload in Parser::new(0).parse_all(module) {
                if let wasmparser::Payload::ExportSection(exports) = payload? {
                    for export in exports {
                        let export = export?;
                        if export.kind == wasmparser::ExternalKind::Func {
                            names.push((export.index, export.name.to_owned()));
                        }
                    }
                }
            }
            names.sort();
            Ok(names.into_iter().map(|(_, name)| name).collect())
        };
        assert_eq!(
            names(&after)?,
            [
                "alloc",
                "run",
                "last",
                "first",
                "result_ptr",
                "result_len",
                "unused"
            ]
        );
        let mut guest = Program::compile(&after)?.start(&mut WasiCtxBuilder::new())?;
        let run = guest.function::<(u32, u32, u32, u32), u32>("run")?;
        assert_eq!(run.call(&mut guest.store, (0, 0, 0, 0))?, 42);
        Ok(())
    }
}
