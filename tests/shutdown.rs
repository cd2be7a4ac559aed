//! Shutdown: on SIGTERM admitted requests finish, others are rejected, and each gets a response.

mod common;

use common::{HELLO, Server, execute};

fn sleep(seconds: u32) -> String {
    format!("import time\ndef main():\n    time.sleep({seconds})\n    return 'done'\n")
}

#[test]
fn an_idle_service_exits_cleanly() {
    let mut server = Server::start(&[("SHUTDOWN_GRACE", "10m")]);
    let mut idle = server.connect();
    idle.send(execute(HELLO));
    assert_eq!(idle.response().status, 200);
    server.terminate();
    assert!(server.ended().success());
    assert!(idle.is_closed());
}

#[test]
fn runs_in_progress_finish_while_new_ones_are_rejected() {
    let mut server = Server::start(&[]);
    let mut running = server.begin(&sleep(5));

    server.terminate();
    server.wait_for_log("shutting down");
    let turned_away = server.execute(HELLO);
    assert_eq!(
        (turned_away.status, turned_away.kind()),
        (503, "shutting_down")
    );
    assert_eq!(turned_away.header("retry-after"), Some("1"));
    assert_eq!(turned_away.header("connection"), Some("close"));
    assert!(turned_away.error().contains("shutting down"));

    assert_eq!(running.response().body, r#"{"result":"done","stdout":""}"#);
    assert!(server.ended().success());
}

#[test]
fn runs_that_outlast_the_grace_are_cancelled_with_a_response() {
    let mut server = Server::start(&[("WALL_LIMIT", "10m"), ("SHUTDOWN_GRACE", "50ms")]);
    let mut running = server.begin(&sleep(600));

    server.terminate();
    let response = running.response();
    assert_eq!((response.status, response.kind()), (503, "shutting_down"));
    server.wait_for_log("kind=\"cancelled\"");
    assert!(server.ended().success());
}
