//! Access control by the head of a request, before its body is read: authentication, authorization, rate
//! limits and concurrency limits of callers.
//!
//! | file | holds |
//! |---|---|
//! | `bearer` | the credential in the head of a request |
//! | `keys` | static API keys |
//! | `oidc` | OpenID Connect ID tokens |
//! | `caller` | the identity of a caller, by credential or by address |
//! | `rate_limit` | the rate limit of each caller |
//! | `concurrency` | the limit on runs of each caller at once |
//! | `rejection` | responses to callers that are not authorized or exceed a limit |

mod bearer;
mod caller;
mod concurrency;
mod keys;
mod oidc;
mod rate_limit;
mod rejection;

use axum::http::request::Parts;

use crate::config;
use caller::address;
pub(super) use caller::{Caller, Peer};
pub(super) use concurrency::CallerPermit;
use concurrency::ConcurrencyLimiter;
use keys::Keys;
use oidc::Oidc;
use rate_limit::RateLimiter;
pub(super) use rejection::Rejection;

/// Access control: who may send scripts, how often, and how many at once.
pub(super) struct Access {
    keys: Keys,
    oidc: Option<Oidc>,
    rate_limiter: Option<RateLimiter>,
    concurrency_limiter: Option<ConcurrencyLimiter>,
    trusted_proxies: usize,
}

impl Access {
    /// Builds the access control; starts to fetch the keys of the OIDC issuer, if there is one.
    pub(super) fn new(config: &config::Access) -> Self {
        Self {
            keys: Keys::new(&config.keys),
            oidc: config.oidc.clone().map(Oidc::new),
            rate_limiter: config.rate.map(RateLimiter::new),
            concurrency_limiter: config.concurrent_per_caller.map(ConcurrencyLimiter::new),
            trusted_proxies: config.trusted_proxies,
        }
    }

    /// Whether everyone may send scripts without limits.
    pub(super) fn is_open(&self) -> bool {
        !self.authenticates() && self.rate_limiter.is_none() && self.concurrency_limiter.is_none()
    }

    /// Returns a permit for one more run of `caller`; none if that is not limited.
    pub(super) fn caller_permit(
        &self,
        caller: Option<&Caller>,
    ) -> Result<Option<CallerPermit>, Rejection> {
        match (&self.concurrency_limiter, caller) {
            (Some(limiter), Some(caller)) => limiter.acquire(caller).map(Some),
            _ => Ok(None),
        }
    }

    fn authenticates(&self) -> bool {
        !self.keys.is_empty() || self.oidc.is_some()
    }

    /// Authenticates the caller of a request and counts it against the rate limit.
    pub(super) async fn authorize(&self, head: &Parts) -> Result<Caller, Rejection> {
        let caller = self.authenticate(head).await?;
        if let Some(limiter) = &self.rate_limiter {
            limiter.check(caller.clone())?;
        }
        Ok(caller)
    }

    /// Returns the caller of a request: by credential if authentication is on, or else by address.
    pub(super) async fn authenticate(&self, head: &Parts) -> Result<Caller, Rejection> {
        if !self.authenticates() {
            return Ok(Caller::Address(address(head, self.trusted_proxies)));
        }
        let token = bearer::token(&head.headers)?;
        if let Some(number) = self.keys.find(token) {
            return Ok(Caller::Key(number));
        }
        match &self.oidc {
            Some(oidc) => oidc.verify(token).await,
            None => Err(Rejection::InvalidToken("it is not one of the keys")),
        }
    }
}
