//! Who issues the tokens: looks up its keys, and again when they are old or one is missing.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use url::Url;

use super::key_set::{KeySet, Published};
use super::signature::use_ring;
use crate::config::is_secure_origin;

/// After this time the keys are looked up again: it is how long a key that was withdrawn goes on.
const FRESH: Duration = Duration::from_mins(10);
/// When the issuer cannot be reached, the last keys are good for this long.
const USABLE: Duration = Duration::from_hours(24);
/// Between two look-ups, whatever tokens strangers send.
const PAUSE: Duration = Duration::from_secs(5);
/// How long one look-up may take; there are two, one after the other.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of one answer.
const LONGEST_ANSWER: u64 = 1 << 20;

/// One who issues tokens.
pub(super) struct Issuer {
    name: String,
    agent: Agent,
    /// Where look-ups go on. The threads of connections must not have to wait for them at the end.
    runtime: Handle,
    known: RwLock<Option<Known>>,
    /// Who holds it looks the keys up. Holds when that was done last.
    turn: Arc<Mutex<Option<Instant>>>,
}

#[derive(Clone)]
struct Known {
    keys: Arc<KeySet>,
    since: Instant,
}

/// What is of interest in the discovery document.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Issuer {
    /// Begins to look up the keys, where the certificate is from one of `authorities`, or without
    /// them, from one that browsers trust.
    pub(super) fn new(
        name: String,
        authorities: Option<Vec<CertificateDer<'static>>>,
    ) -> Arc<Self> {
        use_ring();
        let config = Agent::config_builder()
            .https_only(name.starts_with("https:"))
            .tls_config(TlsConfig::builder().root_certs(roots(authorities)).build())
            .max_redirects(0)
            .timeout_global(Some(TIMEOUT));
        let issuer = Arc::new(Self {
            name,
            agent: config.build().into(),
            runtime: Handle::current(),
            known: RwLock::default(),
            turn: Arc::default(),
        });
        let first = Arc::clone(&issuer);
        tokio::spawn(async move { first.keys(None).await });
        issuer
    }

    /// The keys, with the one of this id if there is one; `None` if they cannot be had.
    pub(super) async fn keys(self: &Arc<Self>, id: Option<&str>) -> Option<Arc<KeySet>> {
        let turn = Arc::clone(&self.turn);
        match self.known() {
            Some(known) if known.keys.has(id) => {
                // While one looks them up again, the others go on with what there is.
                if known.since.elapsed() > FRESH
                    && let Ok(turn) = turn.try_lock_owned()
                {
                    self.look_up(turn).await;
                }
            }
            _ => self.look_up(turn.lock_owned().await).await,
        }
        self.known().map(|known| known.keys)
    }

    fn known(&self) -> Option<Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let usable = |known: &&Known| known.since.elapsed() < USABLE;
        known.as_ref().filter(usable).cloned()
    }

    /// Looks the keys up, unless that was done a moment ago.
    async fn look_up(self: &Arc<Self>, mut turn: OwnedMutexGuard<Option<Instant>>) {
        if turn.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        let issuer = Arc::clone(self);
        // Goes on without the caller: one who hangs up must not keep the keys from being renewed.
        let look_up = self.runtime.spawn_blocking(move || {
            issuer.renew();
            *turn = Some(Instant::now());
        });
        // It fails only when the service ends.
        let _ = look_up.await;
    }

    fn renew(&self) {
        match self.fetch() {
            Ok(keys) => {
                tracing::debug!(issuer = self.name, keys = keys.len(), "looked up keys");
                let since = Instant::now();
                let keys = Arc::new(keys);
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                *known = Some(Known { keys, since });
            }
            Err(error) => tracing::warn!("cannot look up the keys of OIDC_ISSUER: {error:#}"),
        }
    }

    fn fetch(&self) -> anyhow::Result<KeySet> {
        let base = self.name.trim_end_matches('/');
        let discovery = format!("{base}/.well-known/openid-configuration");
        let Discovery { issuer, jwks_uri } = self.get(&discovery)?;
        ensure!(
            issuer == self.name,
            "{discovery} is of the issuer {issuer:?}: if it is the right one, OIDC_ISSUER must be the same"
        );
        let safe = Url::parse(&jwks_uri).is_ok_and(|address| is_secure_origin(&address));
        ensure!(
            safe,
            "{discovery} gives the address {jwks_uri:?} for its keys, which is not https"
        );
        let published: Published = self.get(&jwks_uri)?;
        let keys = KeySet::new(published);
        ensure!(keys.len() > 0, "{jwks_uri} has no key that can be used");
        Ok(keys)
    }

    fn get<T: DeserializeOwned>(&self, address: &str) -> anyhow::Result<T> {
        let response = self.agent.get(address).call();
        let mut response = response.with_context(|| format!("cannot get {address}"))?;
        let body = response.body_mut().with_config().limit(LONGEST_ANSWER);
        let text = body.read_to_string();
        let text = text.with_context(|| format!("cannot read {address}"))?;
        serde_json::from_str(&text).with_context(|| format!("cannot understand {address}"))
    }
}

fn roots(authorities: Option<Vec<CertificateDer<'static>>>) -> RootCerts {
    match authorities {
        Some(authorities) => authorities
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .into(),
        None => RootCerts::WebPki,
    }
}
