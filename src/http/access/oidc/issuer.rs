//! The issuer of ID tokens: fetches its keys, and fetches them again when they are old or one is missing.

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

/// Keys are refreshed after this time, so a revoked key stays valid for at most this long.
const MAX_AGE: Duration = Duration::from_mins(10);
/// Keys stay valid for this long while the issuer cannot be reached.
const MAX_STALE_AGE: Duration = Duration::from_hours(24);
/// Interval between two fetches, so that invalid tokens cannot cause more of them.
const MIN_INTERVAL: Duration = Duration::from_secs(5);
/// Timeout of each of the two requests of a fetch.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a response of the issuer.
const MAX_RESPONSE: u64 = 1 << 20;

/// An issuer of ID tokens, with a cache of its keys.
pub(super) struct Issuer {
    name: String,
    agent: Agent,
    /// The runtime of fetches. On that of a connection, its thread would wait for them at shutdown.
    runtime: Handle,
    cached: RwLock<Option<Cached>>,
    /// Held during a fetch. Holds the time of the last one.
    fetching: Arc<Mutex<Option<Instant>>>,
}

#[derive(Clone)]
struct Cached {
    keys: Arc<KeySet>,
    since: Instant,
}

/// The discovery document, as far as it is used.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Issuer {
    /// Starts to fetch the keys. The certificate of the issuer has to be from one of `authorities`, or by
    /// default from one that browsers trust.
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
            cached: RwLock::default(),
            fetching: Arc::default(),
        });
        let first = Arc::clone(&issuer);
        tokio::spawn(async move { first.keys(None).await });
        issuer
    }

    /// Returns the keys, refreshed if they lack the one with this id; `None` if there are none.
    pub(super) async fn keys(self: &Arc<Self>, id: Option<&str>) -> Option<Arc<KeySet>> {
        let fetching = Arc::clone(&self.fetching);
        match self.cached() {
            Some(cached) if cached.keys.has(id) => {
                // One request refreshes the keys, the others use the cached ones meanwhile.
                if cached.since.elapsed() > MAX_AGE
                    && let Ok(fetching) = fetching.try_lock_owned()
                {
                    self.refresh(fetching).await;
                }
            }
            _ => self.refresh(fetching.lock_owned().await).await,
        }
        self.cached().map(|cached| cached.keys)
    }

    fn cached(&self) -> Option<Cached> {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        let usable = |cached: &&Cached| cached.since.elapsed() < MAX_STALE_AGE;
        cached.as_ref().filter(usable).cloned()
    }

    /// Fetches the keys, unless they were fetched a moment ago.
    async fn refresh(self: &Arc<Self>, mut fetching: OwnedMutexGuard<Option<Instant>>) {
        if fetching.is_some_and(|last| last.elapsed() < MIN_INTERVAL) {
            return;
        }
        let issuer = Arc::clone(self);
        // A task of its own, because a client that disconnects must not cancel the fetch.
        let task = self.runtime.spawn_blocking(move || {
            issuer.fetch_and_cache();
            *fetching = Some(Instant::now());
        });
        // This fails only when the service ends.
        let _ = task.await;
    }

    fn fetch_and_cache(&self) {
        match self.fetch() {
            Ok(keys) => {
                tracing::debug!(issuer = self.name, keys = keys.len(), "fetched keys");
                let since = Instant::now();
                let keys = Arc::new(keys);
                let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
                *cached = Some(Cached { keys, since });
            }
            Err(error) => tracing::warn!("cannot fetch the keys of OIDC_ISSUER: {error:#}"),
        }
    }

    fn fetch(&self) -> anyhow::Result<KeySet> {
        let base = self.name.trim_end_matches('/');
        let discovery = format!("{base}/.well-known/openid-configuration");
        let Discovery { issuer, jwks_uri } = self.get(&discovery)?;
        ensure!(
            issuer == self.name,
            "{discovery} names the issuer {issuer:?}: if that is the right one, set OIDC_ISSUER to it"
        );
        let safe = Url::parse(&jwks_uri).is_ok_and(|address| is_secure_origin(&address));
        ensure!(
            safe,
            "{discovery} names the address {jwks_uri:?} for its keys, which is not https"
        );
        let published: Published = self.get(&jwks_uri)?;
        let keys = KeySet::new(published);
        ensure!(keys.len() > 0, "{jwks_uri} has no usable key");
        Ok(keys)
    }

    fn get<T: DeserializeOwned>(&self, address: &str) -> anyhow::Result<T> {
        let response = self.agent.get(address).call();
        let mut response = response.with_context(|| format!("cannot get {address}"))?;
        let body = response.body_mut().with_config().limit(MAX_RESPONSE);
        let text = body.read_to_string();
        let text = text.with_context(|| format!("cannot read {address}"))?;
        serde_json::from_str(&text).with_context(|| format!("cannot parse {address}"))
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
