//! The code of the standard library is what its sources say, however it is stored.

mod common;

use common::Server;
use serde_json::json;

/// The modules are looked at in so many runs.
const PARTS: usize = 16;

/// Compares the code of every sixteenth module with what its source compiles to.
const COMPARE: &str = r#"
import _archive, operator, types
from _sandbox.importer import ArchiveImporter

FIELDS = """
co_argcount co_posonlyargcount co_kwonlyargcount co_nlocals co_stacksize co_flags co_firstlineno
co_code co_linetable co_exceptiontable co_filename co_name co_qualname
""".split()
NAMES = "co_names co_varnames co_freevars co_cellvars".split()

def same_constants(ours, others):
    return len(ours) == len(others) and all(map(same_constant, ours, others))

def same_constant(ours, other):
    if type(ours) is not type(other):
        return False
    if isinstance(ours, types.CodeType):
        return same_code(ours, other)
    if isinstance(ours, tuple):
        return same_constants(ours, other)
    if isinstance(ours, str) and ours.isascii() and ours.replace("_", "a").isalnum():
        return ours is other  # It could be a name, so it is interned.
    # Sets may be in another order, and numbers that are equal may differ.
    return ours == other and hash(ours) == hash(other) and (isinstance(ours, frozenset) or repr(ours) == repr(other))

# Names are interned: equal ones are one object.
def same_names(ours, others):
    return ours == others and all(map(operator.is_, ours, others))

def same_code(ours, other):
    return (all(getattr(ours, field) == getattr(other, field) for field in FIELDS)
            and all(same_names(getattr(ours, field), getattr(other, field)) for field in NAMES)
            and same_constants(ours.co_consts, other.co_consts))

def module_name(path):
    return path.removesuffix(".pyc").removesuffix("/__init__").replace("/", ".")

def main():
    names = [module_name(path) for path in _archive.paths() if path.endswith(".pyc")]
    different, ready = [], 0
    for name in names[PART::PARTS]:
        code = ArchiveImporter.get_code(name)
        source = ArchiveImporter.get_source(name)
        if not same_code(code, compile(source, code.co_filename, "exec", dont_inherit=True)):
            different.append(name)
        ready += ArchiveImporter.get_code(name) is code
    return {"modules": len(names), "different": different, "ready": ready}
"#;

#[test]
fn the_library_is_what_its_sources_say() {
    let server = Server::start(&[("CPU_LIMIT", "60s"), ("WALL_LIMIT", "120s")]);
    let mut ready = 0;
    for part in 0..PARTS {
        let script = COMPARE.replace("PARTS", &PARTS.to_string());
        let answer = server.execute(&script.replace("PART", &part.to_string()));
        let result = &answer.json()["result"];
        assert_eq!(result["different"], json!([]), "{result}");
        assert!(result["modules"].as_u64() > Some(500), "{result}");
        ready += result["ready"].as_u64().unwrap_or_default();
    }
    // All but what the snapshot has imported lies ready.
    assert!(ready > 350, "{ready}");
}
