//! Guests share the processor fairly, and each pays for its own use only.

mod common;

use std::thread;

use common::{HELLO, Server};

const SPIN: &str = "def main():\n    while True: pass\n";

fn twice_the_cores() -> usize {
    2 * thread::available_parallelism().map_or(1, usize::from)
}

#[test]
fn busy_guests_do_not_delay_others() {
    let server = Server::start(&[("CPU_LIMIT", "1h"), ("WALL_LIMIT", "1h")]);
    let spinning: Vec<_> = (0..twice_the_cores()).map(|_| server.begin(SPIN)).collect();
    for _ in 0..50 {
        assert_eq!(server.execute(HELLO).status, 200);
        assert_eq!(
            server
                .raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .status,
            200
        );
    }
    // They are still running: none had to end for the others to be served.
    for connection in &spinning {
        assert!(!connection.responds_within(std::time::Duration::from_millis(1)));
    }
}

#[test]
fn waiting_for_the_processor_is_not_using_it() {
    let server = Server::start(&[("CPU_LIMIT", "3s"), ("WALL_LIMIT", "1h")]);
    // Some tenths of a second each; all of them together take longer than the limit of one.
    let script = "def main():\n    for _ in range(6_000_000): pass\n    return 'done'\n";
    thread::scope(|scope| {
        let runs: Vec<_> = (0..8 * twice_the_cores())
            .map(|_| scope.spawn(|| server.execute(script)))
            .collect();
        for run in runs {
            let response = run.join().expect("the client does not panic");
            assert_eq!(response.status, 200, "{response:?}");
        }
    });
}
