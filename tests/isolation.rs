//! Runs that share a process share nothing else.

mod common;

use std::thread;

use common::Server;

/// Leaves its mark everywhere and says what marks it found.
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
                    let answer = server.execute(&marking_script(mark));
                    let nothing = serde_json::json!([[], null, null, null, false, "/tmp"]);
                    let expected = serde_json::json!({
                        "result": [nothing, ["mine"], mark, mark.to_string()],
                        "stdout": format!("{mark}\n"),
                    });
                    assert_eq!(answer.json(), expected);
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
