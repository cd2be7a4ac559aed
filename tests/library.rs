//! The stored code of the standard library matches its sources.

mod common;

use common::Server;
use serde_json::{Value, json};

/// The number of runs that compare the modules.
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
fn the_library_matches_its_sources() {
    let server = Server::start(&[("CPU_LIMIT", "60s"), ("WALL_LIMIT", "120s")]);
    let mut ready = 0;
    for part in 0..PARTS {
        let script = COMPARE.replace("PARTS", &PARTS.to_string());
        let response = server.execute(&script.replace("PART", &part.to_string()));
        let result = &response.json()["result"];
        assert_eq!(result["different"], json!([]), "{result}");
        assert!(result["modules"].as_u64() > Some(500), "{result}");
        ready += result["ready"].as_u64().unwrap_or_default();
    }
    // All but what the snapshot has imported lies ready.
    assert!(ready > 350, "{ready}");
}

/// Names that a module's functions may use although they are not there: they are for another platform, or the functions
/// look first whether it is.
const NAMES_ELSEWHERE: [&str; 31] = [
    "asyncio.selector_events._SelectorSocketTransport._get_sendmsg_buffer: SC_IOV_MAX",
    "asyncio.sslproto.SSLProtocol._do_handshake: SSLAgainErrors",
    "asyncio.sslproto.SSLProtocol._do_read__buffered: SSLAgainErrors",
    "asyncio.sslproto.SSLProtocol._do_read__copied: SSLAgainErrors",
    "asyncio.sslproto.SSLProtocol._do_shutdown: SSLAgainErrors",
    "asyncio.sslproto.SSLProtocol._do_write: SSLAgainErrors",
    "getpass.unix_getpass: termios",
    "getpass.win_getpass: msvcrt",
    "http.client._create_https_context: ssl",
    "imaplib.IMAP4.starttls: ssl",
    "multiprocessing.connection.Client: PipeClient",
    "multiprocessing.connection.Listener.__init__: PipeListener",
    "multiprocessing.connection._xml_dumps: xmlrpclib",
    "multiprocessing.connection._xml_loads: xmlrpclib",
    "os._execvpe: execv",
    "os._execvpe: execve",
    "poplib.POP3.stls: ssl",
    "rlcompleter.Completer.complete: readline",
    "smtplib.SMTP.starttls: ssl",
    "subprocess.Popen.__init__: Handle",
    "subprocess.Popen.__init__: msvcrt",
    "subprocess.Popen._execute_child: _fork_exec",
    "subprocess.Popen._on_error_fd_closer: Handle",
    "unittest.main.TestProgram._getDiscoveryArgParser: argparse",
    "unittest.main.TestProgram._getMainArgParser: argparse",
    "unittest.main.TestProgram._getParentArgParser: argparse",
    "urllib.request.build_opener: HTTPSHandler",
    "urllib.request.urlopen: HTTPSHandler",
    "webbrowser.register_standard_browsers: IOSBrowser",
    "webbrowser.register_standard_browsers: MacOSXOSAScript",
    "webbrowser.register_standard_browsers: WindowsDefault",
];

/// The server for a look at much of the library at once.
fn generous_server() -> Server {
    Server::start(&[
        ("CPU_LIMIT", "60s"),
        ("WALL_LIMIT", "120s"),
        ("MEMORY_LIMIT", "200MB"),
    ])
}

fn lines(server: &Server, script: &str) -> Vec<String> {
    let response = server.execute(script).json();
    let Value::Array(lines) = &response["result"] else {
        panic!("{response}");
    };
    let lines = lines.iter().filter_map(Value::as_str);
    lines.map(str::to_owned).collect()
}

#[test]
fn functions_name_only_what_exists() {
    let server = generous_server();
    let mut missing = Vec::new();
    for part in 0..PARTS {
        let script = include_str!("library/names.py").replace("PARTS", &PARTS.to_string());
        missing.extend(lines(&server, &script.replace("PART", &part.to_string())));
    }
    missing.retain(|line| !NAMES_ELSEWHERE.contains(&&**line));
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Changes that the start-up makes to modules on purpose: registrations of one module with another, caches, and
/// what the sandbox does in another way. Each is the beginning of a path.
const CHANGED: [&str; 20] = [
    "_collections_abc.ByteString: ",
    "asyncio.base_events.BaseEventLoop: ",
    "asyncio.base_events.ssl: ",
    "asyncio.coroutines._iscoroutine_typecache: ",
    "asyncio.selector_events.BaseSelectorEventLoop: ",
    "asyncio.selector_events.ssl: ",
    "asyncio.sslproto.ssl: ",
    "copyreg.dispatch_table: ",
    "encodings._cache: ",
    "inspect._shadowed_dict_from_weakref_mro_tuple: ",
    "linecache.cache: ",
    "logging.Logger.manager.loggerDict: ",
    "logging._loggerClass.manager.loggerDict: ",
    "os.__all__",
    "re.RegexFlag._value2member_map_: ",
    "re._cache",
    "re._compile_template: ",
    "selectors.DefaultSelector: ",
    "selectors.PollSelector: ",
    "tempfile.tempdir: ",
];

#[test]
fn modules_are_as_if_just_imported() {
    let mut changed = lines(&generous_server(), include_str!("library/state.py"));
    changed.retain(|line| !CHANGED.iter().any(|path| line.starts_with(path)));
    assert!(changed.is_empty(), "{changed:#?}");
}
