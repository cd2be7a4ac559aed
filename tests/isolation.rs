//! Isolation: runs share a process and nothing else.

mod common;

use std::thread;

use common::Server;

/// Leaves marks everywhere and returns the marks it found.
fn marking_script(mark: usize) -> String {
    format!(
        "
import builtins, json, os, random, sys, tempfile, time

def main():
    found = [os.listdir(), os.environ.get('MARK'), getattr(builtins, 'MARK', None),
             getattr(json, 'MARK', None), 'mark' in sys.modules, tempfile.tempdir]
    with open('mine', 'w') as file:
        file.write('{mark}')
    os.environ['MARK'] = builtins.MARK = json.MARK = '{mark}'
    sys.modules['mark'] = json
    tempfile.tempdir = '{mark}'
    print('{mark}')
    time.sleep(0.02)
    with open('mine') as file:
        return [found, os.listdir(), int(file.read()), json.MARK]
"
    )
}

#[test]
fn many_scripts_at_once_see_only_themselves() {
    let server = Server::start(&[]);
    thread::scope(|scope| {
        for worker in 0..16 {
            let server = &server;
            scope.spawn(move || {
                for turn in 0..20 {
                    let mark = worker * 1000 + turn;
                    let response = server.execute(&marking_script(mark));
                    let nothing = serde_json::json!([[], null, null, null, false, "/tmp"]);
                    let expected = serde_json::json!({
                        "result": [nothing, ["mine"], mark, mark.to_string()],
                        "stdout": format!("{mark}\n"),
                    });
                    assert_eq!(response.json(), expected);
                }
            });
        }
    });
}

#[test]
fn nothing_random_repeats() {
    let server = Server::start(&[]);
    let script = "
import os, random, secrets, tempfile, uuid

def main():
    return [random.random(), random.Random().random(), random.SystemRandom().random(),
            os.urandom(8).hex(), secrets.token_hex(8), str(uuid.uuid4()),
            tempfile.NamedTemporaryFile().name, random.sample(range(10**6), 3)]
";
    let runs: Vec<_> = (0..8)
        .map(|_| server.execute(script).json()["result"].clone())
        .collect();
    for (at, run) in runs.iter().enumerate() {
        for other in &runs[at + 1..] {
            for (value, other) in run
                .as_array()
                .into_iter()
                .flatten()
                .zip(other.as_array().into_iter().flatten())
            {
                assert_ne!(value, other);
            }
        }
    }
    assert_eq!(runs[0].as_array().map(Vec::len), Some(8));
}

/// A thousand nested directories: removing them by descending opens as many.
#[cfg(target_os = "linux")]
#[test]
fn removing_a_deep_tree_takes_no_descriptors_of_others() {
    use common::command_after;
    use common::footprint::{left_in, settles};

    let root = tempfile::tempdir().expect("there is room for files");
    let settings = [
        ("TEMP_ROOT", root.path().to_str().expect("the path is text")),
        ("MAX_CONCURRENT", "2"),
        ("MAX_QUEUE", "2"),
        ("MAX_CONNECTIONS", "10"),
    ];
    let server = Server::start_as(command_after("ulimit -n 600"), &settings);
    let script = "
import os

def main():
    at = 3
    for _ in range(1000):
        os.mkdir('d', dir_fd=at)
        below = os.open('d', os.O_RDONLY, dir_fd=at)
        if at != 3:
            os.close(at)
        at = below
";
    for _ in 0..4 {
        assert_eq!(server.execute(script).status, 200);
    }
    settles(|| left_in(root.path()), |count| *count == 0);
}
