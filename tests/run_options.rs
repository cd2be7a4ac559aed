//! The command `run` with input, options and an output directory.

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Output, Stdio};

use common::{Server, command, post};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory with `script.py` and files for it.
fn directory(script: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("there is room for files");
    let write = |name: &str, contents: &[u8]| {
        fs::write(directory.path().join(name), contents).expect("there is room for a file");
    };
    write("script.py", script.as_bytes());
    write("text.csv", "a,ä\n".as_bytes());
    write("bytes.bin", b"\xff\0");
    directory
}

/// Runs `script.py` of `directory` with these options, there.
fn run(directory: &Path, options: &[&str], stdin: &[u8]) -> Output {
    let mut child = command()
        .args(["run", "script.py"])
        .args(options)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("stdin is piped");
    // The program may not read all of it.
    let _ = pipe.write_all(stdin);
    drop(pipe);
    child.wait_with_output().expect("the program ends")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it is text")
}

/// Checks that a run with `options` prints the body of the response to `request`.
fn same_as_request(script: &str, options: &[&str], stdin: &str, mut request: Value) {
    let directory = directory(script);
    let output = run(directory.path(), options, stdin.as_bytes());
    request["script"] = json!(script);
    let server = Server::start(&[]);
    let headers = "Content-Type: application/json\r\n";
    let response = server.raw(post(headers, &request.to_string()));
    assert_eq!(response.status, 200, "{}", response.body);
    let printed = text(&output.stdout);
    let errors = text(&output.stderr);
    assert_eq!(printed, format!("{}\n", response.body), "{errors}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn files_stdin_and_options_are_those_of_a_request() {
    let script = "\
import os, random, sys, time
def main():
    with open('made', 'w') as file: file.write('made')
    print(sys.stdin.read(), file=sys.stderr)
    files = {name: open(name, 'rb').read().hex() for name in sorted(os.listdir()) if name != 'sub'}
    return [files, os.listdir('sub'), random.random(), time.gmtime()[:3]]
";
    let options = [
        "--file=text.csv",
        "--file=sub/other=bytes.bin",
        "--stdin",
        "--limit=cpu=1s",
        "--limit=stdout=1kB",
        "--seed=7",
        "--time=2026-01-31T09:30:00Z",
        "--include=files",
        "--include=stderr",
        "--include=kind",
    ];
    let request = json!({
        "files": {"text.csv": "a,ä\n", "sub/other": {"base64": "/wA="}},
        "stdin": "line ü\n",
        "options": {
            "limits": {"cpu": "1s", "stdout": "1kB"},
            "seed": 7,
            "time": "2026-01-31T09:30:00Z",
            "include": ["files", "stderr", "kind"],
        },
    });
    same_as_request(script, &options, "line ü\n", request);
}

#[test]
fn an_absolute_path_has_its_last_part_as_its_name() {
    let directory = directory("import os\ndef main():\n    return os.listdir()\n");
    let path = directory.path().join("text.csv");
    let argument = format!("--file={}", path.display());
    let output = run(directory.path(), &[&argument], b"");
    assert_eq!(
        text(&output.stdout),
        "{\"result\":[\"text.csv\"],\"stdout\":\"\"}\n"
    );
}

#[test]
fn a_lower_limit_is_named_in_the_error() {
    let directory = directory("def main():\n    while True: pass\n");
    let output = run(directory.path(), &["--limit", "cpu=100ms"], b"");
    let body: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(body["error"], "CPU time limit of 0.1 s exceeded");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn files_made_are_written_to_the_output_directory() {
    let script = "\
import os
def main():
    os.makedirs('a/b')
    open('a/b/c', 'wb').write(b'\\xff\\0')
    open('text.csv', 'a').write('more')
    print('out')
    return 1 / 0
";
    let directory = directory(script);
    let options = ["--out=new/out", "--file=text.csv", "--file=bytes.bin"];
    let output = run(directory.path(), &options, b"");
    // The response has no `files` unless they are included, and files are written on failures, too.
    let body: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(body["error"], "ZeroDivisionError: division by zero");
    assert_eq!(body.get("files"), None);
    assert_eq!(output.status.code(), Some(1));
    let out = directory.path().join("new/out");
    assert_eq!(
        fs::read(out.join("a/b/c")).ok().as_deref(),
        Some(&b"\xff\0"[..])
    );
    assert_eq!(
        fs::read_to_string(out.join("text.csv")).ok().as_deref(),
        Some("a,ä\nmore")
    );
    // It has not been changed.
    assert!(!out.join("bytes.bin").exists());
}

#[test]
fn nothing_outside_of_the_output_directory_is_written() {
    let script = "\
import os
def main():
    os.mkdir('directory')
    for name in ['directory/file', 'link', 'fifo', 'fine']:
        open(name, 'w').write('overwritten')
";
    let directory = directory(script);
    let [out, outside] = ["out", "outside"].map(|name| directory.path().join(name));
    for path in [&out, &outside] {
        fs::create_dir(path).expect("there is room");
    }
    fs::write(outside.join("file"), "as it was").expect("there is room");
    symlink(&outside, out.join("directory")).expect("links can be made");
    symlink(outside.join("file"), out.join("link")).expect("links can be made");
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mkfifoat(rustix::fs::CWD, out.join("fifo"), mode).expect("pipes can be made");
    let output = run(directory.path(), &["--out=out"], b"");
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("directory/file"), "{errors}");
    let kept = fs::read_to_string(outside.join("file"));
    assert_eq!(kept.ok().as_deref(), Some("as it was"));
    let written = fs::read_to_string(out.join("fine"));
    assert_eq!(written.ok().as_deref(), Some("overwritten"), "{errors}");
}

#[test]
fn omitted_files_are_reported() {
    let directory = directory("def main():\n    open('large', 'w').write('x' * 2000)\n");
    let options = ["--out=out", "--limit=files=1kB"];
    let output = run(directory.path(), &options, b"");
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("large: its 2000 bytes exceed"), "{errors}");
}

#[test]
fn invalid_options_are_usage_errors() {
    let cases = [
        ("--arg=text", "a string needs double quotes"),
        ("--kwarg=1", "no `=` after the name"),
        ("--kwarg=x=y", "not JSON"),
        ("--env=x", "no `=` after the name"),
        ("--env==x", "`options.env`: a name is empty"),
        ("--file=nonexistent", "cannot open nonexistent"),
        ("--file=../x=text.csv", "it contains '..'"),
        ("--file=/x=text.csv", "it is absolute"),
        ("--file=.", "cannot read ."),
        ("--limit=cpu", "no `=` after the name"),
        ("--limit=cpu=1h", "CPU_LIMIT is 5 s"),
        ("--limit=size=1", "unknown field `size`"),
        ("--seed=-1", "--seed"),
        ("--time=now", "not a time of RFC 3339"),
        ("--include=all", "unknown variant `all`"),
        ("--stdin", "standard input is not UTF-8: see byte 1"),
    ];
    let directory = directory("def main(): pass");
    for (option, expected) in cases {
        let output = run(directory.path(), &[option], b"x\xff");
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{option}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{option}: {errors}");
        assert!(errors.contains(expected), "{option}: {errors}");
        assert_eq!(text(&output.stdout), "", "{option}");
    }
}
