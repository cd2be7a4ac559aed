//! Access settings: authentication and rate limits.

mod keys;
mod oidc;
mod rate;

use clap::Args;

use super::values::{boolean, count, proxies};
use keys::KeySettings;
pub use keys::Secret;
use oidc::OidcSettings;
pub use oidc::{Allowed, Oidc, is_secure_origin};
use rate::RateSettings;
pub use rate::{Rate, RateLimit};

/// The settings. Without keys and without an issuer, there is no authentication.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub(super) struct AccessSettings {
    #[command(flatten)]
    keys: KeySettings,

    #[command(flatten)]
    oidc: OidcSettings,

    /// Whether the service requires keys or an issuer to start: true or false.
    #[arg(
        long,
        env,
        value_parser = boolean,
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true"
    )]
    require_auth: bool,

    #[command(flatten)]
    rate: RateSettings,

    /// Scripts of one caller that may run or wait at once. Further ones are rejected with 429 at once.
    ///
    /// Callers are distinguished as for RATE_LIMIT. Half of MAX_CONCURRENT leaves room for others.
    ///
    /// [default: no limit]
    #[arg(long, env, value_parser = count)]
    max_concurrent_per_caller: Option<u32>,

    /// Number of proxies in front of the service, each of which appends the address of its client to
    /// X-Forwarded-For. With 0 the header is ignored, because anyone can send it.
    #[arg(long, env, default_value = "0", value_parser = proxies)]
    trusted_proxies: usize,
}

/// Authentication and rate limits.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Accepted keys.
    pub keys: Vec<Secret>,
    /// Accepted ID tokens.
    pub oidc: Option<Oidc>,
    /// Rate limit of each caller.
    pub rate: Option<RateLimit>,
    /// How many scripts of one caller may run or wait at once.
    pub concurrent_per_caller: Option<u32>,
    /// How many proxies append to `X-Forwarded-For`.
    pub trusted_proxies: usize,
}

impl AccessSettings {
    /// Reads the keys and certificates, and checks that the settings are consistent.
    pub(super) fn resolve(&self) -> Result<Access, String> {
        let access = Access {
            keys: self.keys.read()?,
            oidc: self.oidc.resolve()?,
            rate: self.rate.resolve()?,
            concurrent_per_caller: self.max_concurrent_per_caller,
            trusted_proxies: self.trusted_proxies,
        };
        if self.require_auth && !access.authenticates() {
            return Err(
                "REQUIRE_AUTH is set, but there is no authentication: set API_KEYS_FILE, API_KEYS or \
                 OIDC_ISSUER"
                    .into(),
            );
        }
        Ok(access)
    }
}

impl Access {
    /// Whether callers must authenticate.
    #[must_use]
    pub fn authenticates(&self) -> bool {
        !self.keys.is_empty() || self.oidc.is_some()
    }
}
