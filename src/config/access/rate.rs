//! Settings for the rate limit of each caller.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::config::values::count;

/// The settings.
#[derive(Debug, Clone, Args)]
pub(super) struct RateSettings {
    /// How often each caller may send a script, such as 10/s, 600/m or 5000/h.
    ///
    /// A caller is a key, the subject of a token or, where anyone may call, an address.
    ///
    /// [default: no limit]
    #[arg(long, env)]
    rate_limit: Option<Rate>,

    /// How many scripts a caller may send at once after a pause [default: the number in RATE_LIMIT].
    #[arg(long, env, value_parser = count)]
    rate_burst: Option<u32>,
}

/// A token bucket's rate and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Default))]
pub struct RateLimit {
    /// The average rate.
    pub rate: Rate,
    /// How many requests may come at once after a pause.
    pub burst: u32,
}

/// A number of requests in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Default))]
pub struct Rate {
    /// The number of requests.
    pub count: u32,
    /// The period.
    pub period: Duration,
    unit: &'static str,
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.unit)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = "write 10/s, 600/m or 5000/h";
        let (number, unit) = text.split_once('/').ok_or(wrong)?;
        let (unit, seconds) = match unit.trim() {
            "s" => ("s", 1),
            "m" => ("m", 60),
            "h" => ("h", 3600),
            _ => return Err(wrong.into()),
        };
        Ok(Self {
            count: count(number.trim())?,
            period: Duration::from_secs(seconds),
            unit,
        })
    }
}

impl RateSettings {
    pub(super) fn resolve(&self) -> Result<Option<RateLimit>, String> {
        match (self.rate_limit, self.rate_burst) {
            (Some(rate), burst) => Ok(Some(RateLimit {
                rate,
                burst: burst.unwrap_or(rate.count),
            })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err("RATE_BURST is set, but RATE_LIMIT is not".into()),
        }
    }
}

impl RateLimit {
    /// Returns the time after which a caller that has used up its burst may send another request.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.rate.period / self.rate.count
    }
}
