//! Asks the service that runs here whether it is well.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use python_executor::config::Service;

/// A service that does not answer for so long is not well.
const PATIENCE: Duration = Duration::from_secs(5);
/// The answer is far shorter; if it is not, it is not ours.
const MOST_ANSWER: u64 = 64 << 10;

/// Asks whether the service lives, or whether it is ready, and prints what it says.
///
/// # Errors
/// When it does not answer, or says no.
pub fn healthcheck(service: &Service, ready: bool) -> anyhow::Result<ExitCode> {
    let path = if ready { "/readyz" } else { "/healthz" };
    ensure!(
        service.port != 0,
        "PORT is 0, so nobody knows where the service listens: set it"
    );
    let address = SocketAddr::new(reachable(service.host), service.port);
    let answer = ask(address, path).with_context(|| format!("no answer from http://{address}"))?;

    let (head, said) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or("no status");
    ensure!(status == "200", "http://{address}{path}: {status} {said}");
    println!("{said}");
    Ok(ExitCode::SUCCESS)
}

/// Where to reach a service that listens on `host`.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    }
}

/// The whole answer, as it comes. With version 1.0 of HTTP it ends where the connection does.
fn ask(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.take(MOST_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}
