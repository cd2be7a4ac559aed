//! The command `healthcheck`: requests `/healthz` or `/readyz` from the service on this machine.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use python_executor::config::Service;

/// After this time without a response, the service counts as unhealthy.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The service's own responses are far shorter.
const MAX_RESPONSE: u64 = 64 << 10;

/// Requests liveness, or with `ready` readiness, and prints the response.
///
/// # Errors
/// When there is no response, or its status is not 200.
pub fn healthcheck(service: &Service, ready: bool) -> anyhow::Result<ExitCode> {
    let path = if ready { "/readyz" } else { "/healthz" };
    ensure!(
        service.port != 0,
        "PORT is 0, so the port of the service is unknown: set PORT"
    );
    let address = SocketAddr::new(reachable(service.host), service.port);
    let response =
        get(address, path).with_context(|| format!("no response from http://{address}"))?;

    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
    let status = head.split(' ').nth(1).unwrap_or("no status");
    ensure!(status == "200", "http://{address}{path}: {status} {body}");
    println!("{body}");
    Ok(ExitCode::SUCCESS)
}

/// Returns the address at which to reach a service that listens on `host`.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    }
}

/// Returns the whole response to a GET request. With HTTP/1.0 it ends with the connection.
fn get(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
    let mut response = String::new();
    stream.take(MAX_RESPONSE).read_to_string(&mut response)?;
    Ok(response)
}
