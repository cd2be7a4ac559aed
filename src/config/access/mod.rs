//! Who may call, and how often.

mod keys;
mod oidc;
mod rate;

use clap::Args;

use super::values::{boolean, count, proxies};
use keys::KeySettings;
pub use keys::Secret;
use oidc::OidcSettings;
pub use oidc::{Allowed, Oidc, cannot_be_overheard};
use rate::RateSettings;
pub use rate::{Rate, RateLimit};

/// The settings. Without keys and without an issuer, anyone may call.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Who may call, and how often")]
pub(super) struct AccessSettings {
    #[command(flatten)]
    keys: KeySettings,

    #[command(flatten)]
    oidc: OidcSettings,

    /// Whether to refuse to start without keys and without an issuer: true or false.
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

    /// Scripts of one caller that may run or wait at once. One more is answered 429 at once.
    ///
    /// Callers are told apart as for RATE_LIMIT. Half of MAX_CONCURRENT leaves room for others.
    ///
    /// [default: no limit]
    #[arg(long, env, value_parser = count)]
    max_concurrent_per_caller: Option<u32>,

    /// Proxies in front of the service, each of which appends to X-Forwarded-For whom it has heard
    /// from. 0 means that the header is not looked at, because anyone can send it.
    #[arg(long, env, default_value = "0", value_parser = proxies)]
    trusted_proxies: usize,
}

/// Who may call, and how often.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Keys, any of which is enough.
    pub keys: Vec<Secret>,
    /// Whose ID tokens are enough, too.
    pub oidc: Option<Oidc>,
    /// How often each caller may call.
    pub rate: Option<RateLimit>,
    /// How many scripts of one caller may run or wait at once.
    pub concurrent_per_caller: Option<u32>,
    /// How many proxies tell the address of the caller.
    pub trusted_proxies: usize,
}

impl AccessSettings {
    /// Reads the keys and puts together what belongs together.
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
                "REQUIRE_AUTH is set, but anyone could call: set API_KEYS_FILE, API_KEYS or \
                 OIDC_ISSUER"
                    .into(),
            );
        }
        Ok(access)
    }
}

impl Access {
    /// Whether callers must say who they are.
    #[must_use]
    pub fn authenticates(&self) -> bool {
        !self.keys.is_empty() || self.oidc.is_some()
    }
}
