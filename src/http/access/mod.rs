//! Who may send scripts, and how often: decided by the head of a request, before its body is read.
//!
//! | file | holds |
//! |---|---|
//! | `bearer` | the credential in the head of a request |
//! | `keys` | static keys |
//! | `oidc` | ID tokens and the keys of who issues them |
//! | `caller` | who calls, also without a credential |
//! | `rate` | how often each caller may |
//! | `shares` | how many runs each caller may have at once |
//! | `refusal` | what callers are told who may not |

mod bearer;
mod caller;
mod keys;
mod oidc;
mod rate;
mod refusal;
mod shares;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use super::App;
use super::answer::Error;
use crate::config;
use caller::address;
pub(super) use caller::{Caller, Peer};
use keys::Keys;
use oidc::Oidc;
use rate::Limiter;
pub(super) use refusal::Refusal;
pub(super) use shares::Share;
use shares::Shares;

/// The guard at the door.
pub(super) struct Access {
    keys: Keys,
    oidc: Option<Oidc>,
    limiter: Option<Limiter>,
    shares: Option<Shares>,
    trusted_proxies: usize,
}

impl Access {
    /// Begins to look up the keys of the issuer, if there is one.
    pub(super) fn new(config: &config::Access) -> Self {
        Self {
            keys: Keys::new(&config.keys),
            oidc: config.oidc.clone().map(Oidc::new),
            limiter: config.rate.map(Limiter::new),
            shares: config.concurrent_per_caller.map(Shares::new),
            trusted_proxies: config.trusted_proxies,
        }
    }

    /// Whether everyone may call as often as they want.
    pub(super) fn is_open(&self) -> bool {
        !self.authenticates() && self.limiter.is_none() && self.shares.is_none()
    }

    /// Counts one more request of `caller` as inside, if that is limited.
    pub(super) fn share(&self, caller: Option<&Caller>) -> Result<Option<Share>, Refusal> {
        match (&self.shares, caller) {
            (Some(shares), Some(caller)) => shares.take(caller).map(Some),
            _ => Ok(None),
        }
    }

    fn authenticates(&self) -> bool {
        !self.keys.is_empty() || self.oidc.is_some()
    }

    async fn admit(&self, head: &Parts) -> Result<Caller, Refusal> {
        let caller = self.identify(head).await?;
        if let Some(limiter) = &self.limiter {
            limiter.check(caller.clone())?;
        }
        Ok(caller)
    }

    /// Who calls: anyone, or if the service asks, somebody who may send scripts.
    async fn identify(&self, head: &Parts) -> Result<Caller, Refusal> {
        if !self.authenticates() {
            return Ok(Caller::Address(address(head, self.trusted_proxies)));
        }
        let token = bearer::token(&head.headers)?;
        if let Some(number) = self.keys.find(token) {
            return Ok(Caller::Key(number));
        }
        match &self.oidc {
            Some(oidc) => oidc.verify(token).await,
            None => Err(Refusal::InvalidToken("it is not one of the keys")),
        }
    }
}

/// The layer around the route that takes scripts. Tells it who calls.
pub(super) async fn guard(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let (mut head, body) = request.into_parts();
    let caller = app.access.admit(&head).await?;
    head.extensions.insert(caller);
    Ok(next.run(Request::from_parts(head, body)).await)
}

/// The layer around routes that only those may use who may send scripts, as often as they want.
pub(super) async fn known(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let (head, body) = request.into_parts();
    app.access.identify(&head).await?;
    Ok(next.run(Request::from_parts(head, body)).await)
}
