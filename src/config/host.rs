//! Hosts: names and addresses in URLs and in the Host header.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A host without its port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Host {
    /// `*`: every host, in lists of hosts.
    #[default]
    Any,
    /// A name, in lower case.
    Name(String),
    /// An IP address.
    Address(IpAddr),
}

impl Host {
    /// Parses the value of a Host header: a host, optionally followed by a colon and a port.
    #[must_use]
    pub fn with_port(text: &str) -> Option<Self> {
        // The colons of an IPv6 address are within brackets.
        let end = match text.strip_prefix('[') {
            Some(rest) => rest.find(']')? + 2,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, port) = text.split_at(end);
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.is_empty() || digits.parse::<u16>().is_ok(),
            None => port.is_empty(),
        };
        // Parsing a number accepts a plus sign, too.
        let valid = port && !text[end..].contains('+');
        Self::alone(host).filter(|host| valid && *host != Self::Any)
    }

    /// Parses a host without a port, or `*`.
    #[must_use]
    pub fn alone(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        if let Some(inside) = text.strip_prefix('[') {
            let address: Ipv6Addr = inside.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(address.into()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::Address(address));
        }
        // A trailing dot only marks the name as fully qualified.
        let name = text.strip_suffix('.').unwrap_or(text);
        let valid = !name.is_empty() && name.bytes().all(is_name_byte);
        valid.then(|| Self::Name(name.to_ascii_lowercase()))
    }

    /// Whether the host is always this machine, independent of name servers.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Any => false,
            Self::Name(name) => name == "localhost",
            Self::Address(address) => address.to_canonical().is_loopback(),
        }
    }
}

/// Whether a byte is allowed in the name of a host (RFC 3986).
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_parsed_as_in_urls() {
        let cases = [
            ("localhost", Some("localhost")),
            ("LocalHost:8080", Some("localhost")),
            ("localhost.", Some("localhost")),
            ("localhost:", Some("localhost")),
            ("127.0.0.1:80", Some("127.0.0.1")),
            ("[::1]", Some("[::1]")),
            ("[0:0::1]:8080", Some("[::1]")),
            ("a_b-c.example", Some("a_b-c.example")),
            ("", None),
            (":80", None),
            (".", None),
            ("*", None),
            ("a b", None),
            ("a/b", None),
            ("user@a", None),
            ("a:b", None),
            ("a:+1", None),
            ("a:65536", None),
            ("a:1:2", None),
            ("::1", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[::1]:x", None),
            ("[a.example]", None),
            ("ä", None),
        ];
        for (text, host) in cases {
            let read = Host::with_port(text).map(|host| host.to_string());
            assert_eq!(read.as_deref(), host, "{text:?}");
        }
    }

    #[test]
    fn only_localhost_and_loopback_addresses_are_loopback() {
        let cases = [
            ("localhost", true),
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("0.0.0.0", false),
            ("10.0.0.1", false),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
            ("2130706433", false),
            ("*", false),
        ];
        for (text, loopback) in cases {
            let found = Host::alone(text).map(|host| host.is_loopback());
            assert_eq!(found, Some(loopback), "{text}");
        }
    }
}
