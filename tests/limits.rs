//! Each limit, exceeded by a script that would otherwise continue.
//!
//! The limits are low, so that the tests are fast; each response names the value that was set.

mod common;

use common::{HELLO, Server};

/// A script whose `main` has this body.
fn main_of(body: &str) -> String {
    let lines: String = body.lines().map(|line| format!("    {line}\n")).collect();
    format!("def main():\n{lines}")
}

/// Runs a script that must fail with this kind and this error, and then another one, which must succeed.
fn assert_rejected(server: &Server, script: &str, kind: &str, error: &str) -> common::Response {
    let response = server.execute(script);
    assert_eq!(response.status, 400, "{response:?}");
    assert_eq!(
        (response.kind(), &*response.error()),
        (kind, error),
        "{script}"
    );
    assert_eq!(server.execute(HELLO).status, 200);
    response
}

#[test]
fn cpu_time() {
    let server = Server::start(&[("CPU_LIMIT", "300ms"), ("WALL_LIMIT", "60s")]);
    let endless = [
        "while True: pass",
        "9 ** 9 ** 9",
        "import re\nre.match('(a*)*b', 'a' * 64)",
        "max(iter(lambda: 0, 1))",
        "sum(1 for _ in iter(int, 1))",
        "import itertools, collections\ncollections.deque(itertools.count(), maxlen=0)",
        "class D:\n    def __del__(self):\n        while True: pass\nD()",
        "class K:\n    __hash__ = lambda self: 1\n    def __eq__(self, other):\n        while True: pass\n{K(): 1, K(): 2}",
    ];
    for body in endless {
        let error = "CPU time limit of 0.3 s exceeded";
        assert_rejected(&server, &main_of(body), "cpu_limit", error);
    }
    // At the top level of the script, too.
    let error = "CPU time limit of 0.3 s exceeded";
    assert_rejected(&server, "while True: pass", "cpu_limit", error);
}

#[test]
fn cpu_time_is_not_spent_by_waiting() {
    let server = Server::start(&[("CPU_LIMIT", "300ms"), ("WALL_LIMIT", "60s")]);
    let response = server.execute(&main_of("import time\ntime.sleep(0.6)\nreturn 1"));
    assert_eq!(response.status, 200, "{response:?}");
}

#[test]
fn wall_clock() {
    let server = Server::start(&[("WALL_LIMIT", "200ms")]);
    let waiting = [
        "import time\ntime.sleep(1e6)",
        "import select\nselect.select([], [], [], 1e6)",
        "import select\nselect.poll().poll(10**9)",
        "import asyncio\nasyncio.run(asyncio.sleep(1e6))",
        "import asyncio\nasyncio.run(asyncio.Event().wait())",
        "import time\nwhile True: time.sleep(0.001)",
    ];
    for body in waiting {
        let error = "wall-clock limit of 0.2 s exceeded";
        assert_rejected(&server, &main_of(body), "wall_limit", error);
    }
}

#[test]
fn memory() {
    let server = Server::start(&[]);
    let hungry = [
        "return len('x' * 10**9)",
        "kept = []\nwhile True: kept.append(bytearray(1 << 20))",
        "kept = []\nwhile True: kept = [kept, kept]",
        "return len(bytearray(60_000_000))",
        "return len(list(range(10**9)))",
        "return len({n: str(n) for n in range(10**9)})",
    ];
    for body in hungry {
        let error = "memory limit of 50 MB exceeded";
        assert_rejected(&server, &main_of(body), "memory_limit", error);
    }
}

#[test]
fn a_memory_error_can_be_caught() {
    let server = Server::start(&[]);
    let body = "try:\n    'x' * 10**9\nexcept MemoryError:\n    return 'caught'";
    assert!(server.execute(&main_of(body)).body.contains("caught"));
}

#[test]
fn two_thirds_of_the_memory_are_the_scripts() {
    let server = Server::start(&[]);
    let large = [
        "return len(bytearray(33_500_000))",
        "return len([n for n in range(1_000_000)])",
        "return len({n: str(n) for n in range(200_000)})",
    ];
    for body in large {
        let response = server.execute(&main_of(body));
        assert_eq!(response.status, 200, "{body}: {response:?}");
    }
}

#[test]
fn less_memory_is_less() {
    let server = Server::start(&[("MEMORY_LIMIT", "24MB")]);
    let script = main_of("return len(bytearray(20_000_000))");
    let error = "memory limit of 24 MB exceeded";
    assert_rejected(&server, &script, "memory_limit", error);
}

#[test]
fn output() {
    let server = Server::start(&[("STDOUT_LIMIT", "1KiB"), ("STDERR_LIMIT", "2kB")]);
    let script = main_of("while True: print('0123456789')");
    let error = "stdout limit of 1 KiB exceeded";
    let response = assert_rejected(&server, &script, "output_limit", error);
    let stdout = response.json()["stdout"].as_str().map(str::len);
    assert_eq!(stdout, Some(1024));

    let script = main_of("import sys\nwhile True: print('0123456789', file=sys.stderr)");
    let error = "stderr limit of 2 kB exceeded";
    let response = assert_rejected(&server, &script, "output_limit", error);
    let stderr = response.json()["stderr"].as_str().map(str::len);
    assert_eq!(stderr, Some(2000));

    let response = server.execute(&main_of("print('x' * 1023)"));
    assert_eq!(response.status, 200, "{response:?}");
}

#[test]
fn result_size() {
    let server = Server::start(&[("RESULT_LIMIT", "1kB")]);
    let error = "result limit of 1 kB exceeded";
    assert_rejected(&server, &main_of("return 'x' * 999"), "output_limit", error);
    let response = server.execute(&main_of("return 'x' * 998"));
    assert_eq!(response.status, 200, "{response:?}");
}

#[test]
fn result_depth() {
    let server = Server::start(&[("RESULT_DEPTH", "3")]);
    let error = "main() returned a value that is not JSON-serializable: \
                 it is nested deeper than the limit of 3 levels";
    let script = main_of("return [[{'a': []}]]");
    assert_rejected(&server, &script, "not_serializable", error);
    let response = server.execute(&main_of("return [[{'a': 1}]]"));
    assert_eq!(response.status, 200, "{response:?}");
}

#[test]
fn recursion() {
    let server = Server::start(&[]);
    let script = "def main():\n    return main()\n";
    let error = "RecursionError: maximum recursion depth exceeded";
    assert_rejected(&server, script, "exception", error);
}

#[test]
fn recursion_without_pythons_limit() {
    let server = Server::start(&[("CPU_LIMIT", "2s")]);
    let scripts = [
        "def f(): return f()\nf()",
        "class A:\n    def __getattr__(self, name): return getattr(self, name + 'x')\nA().x",
        "deep = []\nfor _ in range(10**6): deep = [deep]\nreturn repr(deep)",
        "deep = '(' * 10**5 + ')' * 10**5\neval(deep)",
        "import json\njson.loads('[' * 10**6)",
    ];
    for body in scripts {
        let script = main_of(&format!("import sys\nsys.setrecursionlimit(10**9)\n{body}"));
        let response = server.execute(&script);
        let kinds = ["crashed", "exception", "memory_limit", "cpu_limit"];
        assert!(kinds.contains(&response.kind()), "{body}: {response:?}");
        assert_eq!(server.execute(HELLO).status, 200);
    }
}

#[test]
fn open_files() {
    let server = Server::start(&[("OPEN_FILES_LIMIT", "7")]);
    let body = "import errno
kept = []
for turn in range(3):
    try:
        for n in range(100): kept.append(open(f'file{n}', 'w'))
    except OSError as error:
        assert error.errno == errno.EMFILE
    yield len(kept)
    kept.pop().close()
    kept.append(open('again', 'w'))
    yield len(kept)
    kept.clear()";
    let lines: String = body.lines().map(|line| format!("    {line}\n")).collect();
    let script = format!("def counts():\n{lines}\ndef main():\n    return list(counts())\n");
    assert_eq!(
        server.execute(&script).json()["result"],
        serde_json::json!([3, 3, 3, 3, 3, 3])
    );
}

#[test]
fn bytes_in_the_directory() {
    let server = Server::start(&[("DISK_LIMIT", "100kB")]);
    // Each way to grow gets just as far; each way to shrink gives the room back.
    let script = "
import errno, os

def limited(grow):
    try:
        grow()
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
        return True
    return False

def write(name, size, mode='wb', at=0):
    with open(name, mode, buffering=0) as file:
        file.seek(at)
        file.write(bytes(size))

def grow_by_pwrite(at):
    file = os.open('sparse', os.O_CREAT | os.O_RDWR)
    try:
        os.pwrite(file, b'x', at)
    finally:
        os.close(file)

def main():
    seen = []
    write('full', 100_000)
    seen.append(limited(lambda: write('more', 1)))
    write('full', 100_000, 'r+b')
    seen.append(limited(lambda: write('full', 1, 'ab')))
    os.truncate('full', 99_999)
    write('more', 1, 'ab')
    os.rename('more', 'full')
    seen.append(limited(lambda: os.truncate('full', 100_001)))
    seen.append(limited(lambda: write('full', 1, 'r+b', at=1 << 40)))
    seen.append(limited(lambda: grow_by_pwrite(100_000)))
    os.truncate('full', 100_000)
    file = open('full')
    os.remove('full')
    seen.append(limited(lambda: write('more', 1)))
    file.close()
    write('full', 100_000)
    open('full', 'w').close()
    write('other', 100_000)
    return seen
";
    let response = server.execute(script);
    assert_eq!(
        response.json()["result"],
        serde_json::json!([true, true, true, true, true, true]),
        "{response:?}"
    );
}

#[test]
fn entries_in_the_directory() {
    let server = Server::start(&[("ENTRIES_LIMIT", "3")]);
    let script = "
import errno, os

def limited(make):
    try:
        make()
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
        return True
    return False

def main():
    os.mkdir('directory')
    open('directory/file', 'w').close()
    open('file', 'w').close()
    seen = [limited(lambda: open('fourth', 'w')), limited(lambda: os.mkdir('fourth'))]
    open('file', 'w').close()
    os.rename('directory/file', 'file')
    open('third', 'w').close()
    seen.append(limited(lambda: open('fourth', 'w')))
    os.rmdir('directory')
    os.mkdir('third directory')
    seen.append(limited(lambda: open('fourth', 'w')))
    os.remove('file')
    open('third', 'w').close()
    return seen
";
    let response = server.execute(script);
    assert_eq!(
        response.json()["result"],
        serde_json::json!([true, true, true, true]),
        "{response:?}"
    );
}

#[test]
fn host_calls() {
    let server = Server::start(&[("HOST_CALLS_LIMIT", "1000")]);
    let error = "host call limit of 1000 exceeded";
    for count in ["10_000", "10**9"] {
        let script = main_of(&format!(
            "import time\nfor _ in range({count}): time.monotonic()"
        ));
        assert_rejected(&server, &script, "host_call_limit", error);
    }
    let script = main_of("import time\nfor _ in range(500): time.monotonic()");
    assert_eq!(server.execute(&script).status, 200);
}

#[test]
fn sleeping_is_not_free() {
    let server = Server::start(&[("CPU_LIMIT", "50ms"), ("WALL_LIMIT", "1h")]);
    let script = main_of("import os, time\nwhile True: os.write(1, b'.'), time.sleep(1e-4)");
    let response = server.execute(&script);
    assert_eq!(response.kind(), "cpu_limit", "{response:?}");
    // Each of them costs 30 microseconds, and the script something too.
    let slept = response.json()["stdout"].as_str().map_or(0, str::len);
    assert!((1..1_667).contains(&slept), "{slept} times");
}

#[test]
fn long_paths() {
    let server = Server::start(&[]);
    // As in Linux, where the zero byte at the end counts. The guest does not ask its host then.
    let script = "
import errno, os

def error_of(length):
    path = 'x/../' * 800
    path += 'd' * (length - len(path))
    try:
        os.mkdir(path)
    except OSError as error:
        return errno.errorcode[error.errno]
    os.rmdir(path)

def main():
    os.mkdir('x')
    return [error_of(4095), error_of(4096)]
";
    let response = server.execute(script);
    let expected = serde_json::json!([null, "ENAMETOOLONG"]);
    assert_eq!(response.json()["result"], expected, "{response:?}");
}

#[test]
fn links() {
    let server = Server::start(&[]);
    let script = "
import errno, os

def rejected(link):
    try:
        link('file', 'link')
    except OSError as error:
        return error.errno == errno.EPERM

def main():
    open('file', 'w').close()
    return [rejected(os.link), rejected(os.symlink), os.listdir()]
";
    let response = server.execute(script);
    let expected = serde_json::json!([true, true, ["file"]]);
    assert_eq!(response.json()["result"], expected, "{response:?}");
}

#[test]
fn waiting_for_many_things() {
    let server = Server::start(&[]);
    // No descriptor has such a number: the error shows whether it was looked up. One more event that is
    // waited for is the end of the time.
    let script = "
import errno, select

def error_of(count):
    poll = select.poll()
    for number in range(count):
        poll.register(1000 + number, select.POLLIN)
    try:
        poll.poll(0)
    except OSError as error:
        return errno.errorcode[error.errno]

def main():
    return [error_of(63), error_of(64)]
";
    let response = server.execute(script);
    let expected = serde_json::json!(["EBADF", "EINVAL"]);
    assert_eq!(response.json()["result"], expected, "{response:?}");
}

#[test]
fn flushing_to_disk() {
    let server = Server::start(&[]);
    // A stream has no disk that could do it: success means that the host was not called.
    let script = main_of("import os\nos.fsync(1)\nos.fdatasync(1)\nreturn 'done'");
    let response = server.execute(&script);
    assert_eq!(response.json()["result"], "done", "{response:?}");
}

#[test]
fn nesting_of_the_source() {
    let server = Server::start(&[]);
    // Deeper than the compiler can go: it must say so, and not run out of its stack.
    let sources = [
        "'if a: 0\\n' + 'elif a: 0\\n' * n",
        "'+'.join(['x'] * n)",
        "'x' + '.y' * n",
        "'not ' * n + 'x'",
        "'-' * n + 'x'",
        "'(' * n + ')' * n",
        "'x' + '[0]' * n",
        "'lambda: ' * n + 'x'",
        "'[x for x in ' * n + 'x' + ']' * n",
    ];
    for source in sources {
        let body = format!(
            "for n in [100, 500, 800, 1100, 1500, 2500, 4000, 20_000]:\n    \
             try: compile({source}, 'nested', 'exec')\n    \
             except (RecursionError, SyntaxError, MemoryError): pass"
        );
        let response = server.execute(&main_of(&body));
        assert_eq!(response.status, 200, "{source}: {response:?}");
    }
}
