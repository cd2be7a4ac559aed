//! Checks of the request head that hold for every route: the Host header, framing, and headers that
//! may be there once only.
//!
//! Where two readers could understand a request differently (a proxy and the service, say), it is
//! refused and its connection closed, as RFC 9112 demands. The names in ALLOWED_HOSTS keep pages of
//! other sites from reaching a service on loopback by DNS rebinding: a browser sends the name that
//! it believes to talk to.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HOST, HeaderName, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderValue, Version};

use super::answer::Error;
use super::health;
use crate::config::Host;

/// Headers of which two readers could each take another one. Authorization is not among them: the
/// response to two of those has a challenge of its own.
const SINGLE: [HeaderName; 1] = [CONTENT_TYPE];

/// Which hosts requests may name.
#[derive(Debug)]
pub(super) enum Hosts {
    /// All.
    Any,
    /// These, and those that always mean this machine.
    Only(Vec<Host>),
}

impl Hosts {
    /// Returns the rule for a listener at `address`. Without a list, only a service that listens on
    /// loopback and asks for no credential is at risk: nothing but its address protects it.
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

/// Refuses malformed heads and hosts that are not allowed.
pub(super) fn check(request: &Request, hosts: &Hosts) -> Result<(), Error> {
    single_headers(request.headers())?;
    framing(request.headers())?;
    let host = host(request)?;
    // Probes of platforms name an address that nobody can list beforehand, and learn nothing.
    let probe = health::PROBES.contains(&request.uri().path());
    match host.filter(|host| !probe && !hosts.allow(host)) {
        Some(host) => Err(Error::HostNotAllowed(host)),
        None => Ok(()),
    }
}

/// The host that the request is for; none only in HTTP/1.0, which browsers do not send.
fn host(request: &Request) -> Result<Option<Host>, Error> {
    let mut values = request.headers().get_all(HOST).iter();
    let named = match (values.next(), values.next()) {
        (Some(_), Some(_)) => return Err(malformed("there is more than one Host header")),
        (None, _) if request.version() == Version::HTTP_10 => None,
        (None, _) => return Err(malformed("there is no Host header")),
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
        .ok_or_else(|| malformed("the Host header is not a host with an optional port"))
}

fn single_headers(headers: &HeaderMap) -> Result<(), Error> {
    let repeated = SINGLE
        .iter()
        .find(|name| headers.get_all(*name).iter().count() > 1);
    match repeated {
        Some(name) => Err(malformed(&format!("there is more than one {name} header"))),
        None => Ok(()),
    }
}

/// Refuses every transfer coding but `chunked` alone. The connection cannot go on: another reader
/// could see the end of the request elsewhere.
fn framing(headers: &HeaderMap) -> Result<(), Error> {
    let chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if chunked(one) => Ok(()),
        _ => Err(malformed(
            "the only Transfer-Encoding that is supported is chunked, once",
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
    fn only_a_service_that_nothing_else_protects_is_closed_by_default() -> anyhow::Result<()> {
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
