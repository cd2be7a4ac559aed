//! The identity of callers: by credential, or by address.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The network part of an IPv6 address, which identifies a customer; they choose the rest themselves.
const IPV6_NETWORK: u128 = !0 << 64;

/// The identity of a caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::http) enum Caller {
    /// By the index of the API key.
    Key(usize),
    /// By the subject of the ID token.
    Subject(Arc<str>),
    /// By address, without authentication.
    Address(IpAddr),
    /// Everyone else, once the table of callers is full.
    Others,
}

impl Caller {
    /// Returns the name of an authenticated caller for the log.
    pub(in crate::http) fn name(&self) -> Option<String> {
        match self {
            Self::Key(index) => Some(format!("key {}", index + 1)),
            Self::Subject(subject) => Some(format!("subject {subject}")),
            Self::Address(_) | Self::Others => None,
        }
    }
}

/// The address of the other end of the connection, in the extensions of every request.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Peer(pub(in crate::http) IpAddr);

/// Returns the address of the client, behind this number of trusted proxies.
pub(super) fn address(head: &Parts, proxies: usize) -> IpAddr {
    let peer = head.extensions.get::<Peer>();
    let peer = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.0);
    network(forwarded_for(&head.headers, proxies).unwrap_or(peer))
}

/// Each proxy appends the address of its peer. Entries further to the left are not trustworthy.
fn forwarded_for(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let lists = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let mut entries = lists.flat_map(|list| list.as_bytes().rsplit(|byte| *byte == b','));
    let entry = std::str::from_utf8(entries.nth(proxies.checked_sub(1)?)?);
    let entry = entry.ok()?.trim();
    // Some proxies append the port.
    let with_port = || entry.parse().map(|address: SocketAddr| address.ip());
    entry.parse().or_else(|_| with_port()).ok()
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderValue, Request};

    #[test]
    fn only_entries_of_trusted_proxies_count() -> Result<(), Box<dyn std::error::Error>> {
        let peer = "192.0.2.9";
        let cases: &[(usize, &[&[u8]], &str)] = &[
            (0, &[], peer),
            (0, &[b"198.51.100.1"], peer),
            (1, &[], peer),
            (1, &[b"198.51.100.1"], "198.51.100.1"),
            (1, &[b"made up, 198.51.100.1"], "198.51.100.1"),
            (1, &[b"203.0.113.5", b"198.51.100.1"], "198.51.100.1"),
            (2, &[b"203.0.113.5", b"198.51.100.1"], "203.0.113.5"),
            (2, &[b"1.1.1.1,203.0.113.5 , 10.0.0.1"], "203.0.113.5"),
            (3, &[b"203.0.113.5, 10.0.0.1"], peer),
            (1, &[b"\xff, 198.51.100.1"], "198.51.100.1"),
            (1, &[b"198.51.100.1, \xff"], peer),
            (1, &[b"198.51.100.1, unknown"], peer),
            (1, &[b"198.51.100.1:4711"], "198.51.100.1"),
            (1, &[b"[2001:db8::1]:4711"], "2001:db8::"),
            (1, &[b"2001:db8:0:0:1:2:3:4"], "2001:db8::"),
            (1, &[b"::ffff:198.51.100.1"], "198.51.100.1"),
        ];
        for (proxies, lists, expected) in cases {
            let (mut head, ()) = Request::new(()).into_parts();
            head.extensions.insert(Peer(peer.parse()?));
            for list in *lists {
                let list = HeaderValue::from_bytes(list)?;
                head.headers.append(X_FORWARDED_FOR, list);
            }
            let expected: IpAddr = expected.parse()?;
            assert_eq!(address(&head, *proxies), expected, "{proxies} {lists:?}");
        }
        Ok(())
    }
}
