//! Checks of the request head that hold for every route: the Host header, framing, and headers that
//! must not be repeated.
//!
//! A request that two readers (such as a proxy and the service) could understand differently is
//! rejected and its connection closed, as RFC 9112 demands. `ALLOWED_HOSTS` keeps pages of other sites
//! from reaching a service on loopback by DNS rebinding: the browser sends the name under which it
//! looked up the address.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HOST, HeaderName, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderValue, Version};

use super::error::Error;
use super::health;
use crate::config::Host;

/// Headers that must not be repeated, because two readers could each use a different one. A repeated
/// Authorization header has a response of its own.
const SINGLE: [HeaderName; 1] = [CONTENT_TYPE];

/// The hosts that requests may name.
#[derive(Debug)]
pub(super) enum Hosts {
    /// All.
    Any,
    /// These, and the names of loopback.
    Only(Vec<Host>),
}

impl Hosts {
    /// Returns the hosts that a listener at `address` accepts. Without a list, only a service that
    /// listens on loopback without authentication needs the check: only its address protects it.
    pub(super) fn for_listener(
        allowed: Option<&[Host]>,
        address: IpAddr,
        authenticates: bool,
    ) -> Self {
        match allowed {
            Some(hosts) if hosts.contains(&Host::Any) => Self::Any,
            Some(hosts) => Self::Only(hosts.to_vec()),
            None if address.to_canonical().is_loopback() && !authenticates => {
                Self::Only(Vec::new())
            }
            None => Self::Any,
        }
    }

    fn allow(&self, host: &Host) -> bool {
        match self {
            Self::Any => true,
            Self::Only(hosts) => host.is_loopback() || hosts.contains(host),
        }
    }
}

/// Rejects malformed heads and hosts that are not allowed.
pub(super) fn check(request: &Request, hosts: &Hosts) -> Result<(), Error> {
    single_headers(request.headers())?;
    framing(request.headers())?;
    let host = host(request)?;
    // Platforms probe by an address that cannot be listed beforehand, and the probes reveal nothing.
    let probe = health::PROBES.contains(&request.uri().path());
    match host.filter(|host| !probe && !hosts.allow(host)) {
        Some(host) => Err(Error::HostNotAllowed(host)),
        None => Ok(()),
    }
}

/// Returns the host that the request names; none only in HTTP/1.0, which browsers do not use.
fn host(request: &Request) -> Result<Option<Host>, Error> {
    let mut values = request.headers().get_all(HOST).iter();
    let named = match (values.next(), values.next()) {
        (Some(_), Some(_)) => {
            return Err(malformed("there is more than one Host header: send one"));
        }
        (None, _) if request.version() == Version::HTTP_10 => None,
        (None, _) => return Err(malformed("there is no Host header: send one")),
        (Some(value), None) => Some(read_host(value)?),
    };
    // The authority of a request target takes precedence over the header.
    match request.uri().authority() {
        Some(authority) => read_host(authority.as_str()).map(Some),
        None => Ok(named),
    }
}

fn read_host(value: impl AsRef<[u8]>) -> Result<Host, Error> {
    let text = str::from_utf8(value.as_ref()).ok();
    text.and_then(Host::with_port)
        .ok_or_else(|| malformed("the Host header is malformed: send a host with an optional port"))
}

fn single_headers(headers: &HeaderMap) -> Result<(), Error> {
    let repeated = SINGLE
        .iter()
        .find(|name| headers.get_all(*name).iter().count() > 1);
    match repeated {
        Some(name) => Err(malformed(&format!(
            "there is more than one {name} header: send one"
        ))),
        None => Ok(()),
    }
}

/// Rejects every transfer coding but a single `chunked`: another reader could see the end of the
/// request elsewhere.
fn framing(headers: &HeaderMap) -> Result<(), Error> {
    let chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if chunked(one) => Ok(()),
        _ => Err(malformed(
            "the Transfer-Encoding is not supported: send the body with a Content-Length, or once chunked",
        )),
    }
}

fn malformed(problem: &str) -> Error {
    Error::MalformedHead(problem.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_only_loopback_without_authentication_checks_hosts() -> anyhow::Result<()> {
        let listed = Host::alone("executor.example").map(|host| vec![host]);
        let any = Host::alone("*").map(|host| vec![host]);
        let cases = [
            (None, "127.0.0.1", false, false),
            (None, "::1", false, false),
            (None, "::ffff:127.0.0.1", false, false),
            (None, "127.0.0.1", true, true),
            (None, "0.0.0.0", false, true),
            (None, "10.0.0.1", false, true),
            (listed.as_deref(), "10.0.0.1", false, false),
            (listed.as_deref(), "10.0.0.1", true, false),
            (any.as_deref(), "127.0.0.1", false, true),
        ];
        let other = Host::alone("evil.example").ok_or_else(|| anyhow::anyhow!("it is a host"))?;
        for (allowed, address, authenticates, open) in cases {
            let hosts = Hosts::for_listener(allowed, address.parse()?, authenticates);
            assert_eq!(hosts.allow(&other), open, "{allowed:?} {address}");
            assert!(hosts.allow(&Host::Address(address.parse()?)) || !open);
        }
        Ok(())
    }
}
