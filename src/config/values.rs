//! Parsers for the values of settings: durations, sizes, counts, hosts.

use std::net::{IpAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use tracing::level_filters::LevelFilter;
use url::Url;

use super::Host;

/// CPython needs nearly this much before it runs a script.
pub(super) const MIN_MEMORY: usize = 20_000_000;
/// 32-bit WebAssembly cannot address more.
pub(super) const MAX_MEMORY: usize = 4 << 30;
/// Each entry has to be removed before the next run can take the slot, which takes microseconds.
pub(super) const MAX_ENTRIES: u32 = 2_000;
/// Keeps sums of instants and durations far from overflow, which would panic.
pub(super) const MAX_DURATION: Duration = Duration::from_hours(365 * 24);
/// Keeps sums of counts far from overflow; no machine comes near it.
pub(super) const MAX_COUNT: i64 = 1_000_000;
/// More proxies in a row do not occur.
const MAX_PROXIES: usize = 10;

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time <= MAX_DURATION => Ok(time),
        Ok(_) => Err("must be at most 365days".into()),
        Err(error) => Err(format!("{error}; write 500ms, 10s or 1m")),
    }
}

pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be more than zero".into()),
        time => Ok(time),
    }
}

pub(super) fn size(text: &str) -> Result<usize, String> {
    let size = ByteSize::from_str(text).map_err(|_| "not a size; write 500kB, 50MB or 1MiB")?;
    match usize::try_from(size.as_u64()) {
        Ok(0) => Err("must be more than zero".into()),
        // All sizes must fit into memory; this keeps sums from overflowing.
        Ok(bytes) if bytes <= 1 << 40 => Ok(bytes),
        _ => Err("must be at most 1TiB".into()),
    }
}

pub(super) fn memory_size(text: &str) -> Result<usize, String> {
    match size(text)? {
        ..MIN_MEMORY => Err("CPython needs at least 20MB to start".into()),
        bytes if bytes > MAX_MEMORY => Err("must be at most 4GiB".into()),
        bytes => Ok(bytes),
    }
}

pub(super) fn count(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(number) if (1..=MAX_COUNT).contains(&i64::from(number)) => Ok(number),
        _ => Err(format!("must be a whole number from 1 to {MAX_COUNT}")),
    }
}

pub(super) fn entries(text: &str) -> Result<u32, String> {
    match count(text)? {
        number if number <= MAX_ENTRIES => Ok(number),
        _ => Err(format!("must be at most {MAX_ENTRIES}")),
    }
}

pub(super) fn level(text: &str) -> Result<LevelFilter, String> {
    text.parse()
        .map_err(|_| "must be off, error, warn, info, debug or trace".into())
}

pub(super) fn proxies(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number <= MAX_PROXIES => Ok(number),
        _ => Err(format!("must be a whole number from 0 to {MAX_PROXIES}")),
    }
}

/// Parses a switch; all switches are parsed here.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("must be true or false (or yes, no, on, off, 1 or 0)".into()),
    }
}

/// Parses an address, or resolves a name. IPv4 is preferred because most clients use it.
pub(super) fn host(text: &str) -> Result<IpAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let found = (text, 0).to_socket_addrs();
    let found = found
        .map_err(|error| format!("not an address, and not a name that resolves to one: {error}"))?;
    let addresses = found.map(|address| address.ip());
    addresses
        .min_by_key(IpAddr::is_ipv6)
        .ok_or_else(|| "the name has no address".into())
}

pub(super) fn allowed_host(text: &str) -> Result<Host, String> {
    Host::alone(text.trim())
        .ok_or_else(|| "must be a name or an address without a port, or *".into())
}

/// Parses an origin as browsers send it.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let text = text.trim();
    let origin = Url::parse(text).map(|url| url.origin().ascii_serialization());
    match origin {
        Ok(origin) if origin == text && text.starts_with("http") => Ok(origin),
        _ => Err(
            "must be an origin as browsers send it: https://app.example.com, without a path and \
             without the usual port; * is not supported"
                .into(),
        ),
    }
}
