//! OpenID Connect ID tokens.
//!
//! | file | holds |
//! |---|---|
//! | `issuer` | the issuer of the tokens: fetching and caching its keys |
//! | `key_set` | the public keys, and the algorithms of each |
//! | `signature` | checking signatures |

mod issuer;
mod key_set;
mod signature;

use std::sync::Arc;

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Validation, decode, decode_header, get_current_timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::caller::Caller;
use super::rejection::Rejection;
use crate::config::{self, Allowed};
use issuer::Issuer;
use key_set::{ALGORITHMS, Key};

/// Seconds by which the clocks of the issuer and of this machine may differ.
const LEEWAY: u64 = 30;
/// Bytes of a subject, by the standard.
const MAX_SUBJECT: usize = 255;

/// Verifies ID tokens.
pub(super) struct Oidc {
    issuer: Arc<Issuer>,
    validation: Validation,
    allowed: Allowed,
}

/// The claims that are used besides those that [`Validation`] checks.
#[derive(Deserialize)]
struct Claims {
    /// A single string by RFC 7519; [`Validation`] would accept an array, too.
    #[serde(rename = "iss")]
    _iss: Option<String>,
    sub: String,
    iat: Option<f64>,
    email: Option<String>,
    /// A boolean, but some issuers write it as a string.
    #[serde(default)]
    email_verified: Value,
}

impl Oidc {
    pub(super) fn new(settings: config::Oidc) -> Self {
        let mut validation = Validation::default();
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&settings.audiences);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        // Each key has its own.
        validation.algorithms.clear();
        Self {
            issuer: Issuer::new(settings.issuer, settings.authorities),
            validation,
            allowed: settings.allowed,
        }
    }

    /// Verifies a token and returns its subject.
    pub(super) async fn verify(&self, token: &str) -> Result<Caller, Rejection> {
        let no_token = Rejection::InvalidToken("it is neither a key nor an ID token");
        let header = decode_header(token).map_err(|_| no_token)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Rejection::InvalidToken("its algorithm is not accepted"));
        }
        // RFC 7515: a token with a critical extension that is not understood is invalid.
        if header.crit.is_some() {
            return Err(Rejection::InvalidToken(
                "its header has critical extensions",
            ));
        }
        let kid = header.kid.as_deref();
        let keys = self.issuer.keys(kid).await;
        let keys = keys.ok_or(Rejection::IssuerUnavailable)?;
        let mut rejection =
            Rejection::InvalidToken("it is signed with a key its issuer does not have");
        for key in keys.matching(kid, header.alg) {
            match self.check(token, key) {
                Ok(claims) => return self.authorize(claims),
                Err(error) => rejection = Rejection::InvalidToken(reason(&error)),
            }
        }
        Err(rejection)
    }

    fn check(&self, token: &str, key: &Key) -> Result<Claims, Error> {
        let validation = Validation {
            algorithms: key.algorithms.clone(),
            ..self.validation.clone()
        };
        let claims: Claims = decode(token, &key.key, &validation)?.claims;
        let latest = get_current_timestamp() + LEEWAY;
        #[allow(clippy::cast_precision_loss)]
        if claims.iat.is_some_and(|issued| issued > latest as f64) {
            return Err(ErrorKind::ImmatureSignature.into());
        }
        if !(1..=MAX_SUBJECT).contains(&claims.sub.len()) {
            return Err(ErrorKind::InvalidSubject.into());
        }
        Ok(claims)
    }

    fn authorize(&self, claims: Claims) -> Result<Caller, Rejection> {
        let allowed = match &self.allowed {
            Allowed::All => true,
            Allowed::Only { emails, subjects } => {
                let email = claims.verified_email();
                subjects.contains(&claims.sub) || email.is_some_and(|it| emails.contains(&it))
            }
        };
        if allowed {
            Ok(Caller::Subject(claims.sub.into()))
        } else {
            Err(Rejection::NotAllowed)
        }
    }
}

impl Claims {
    fn verified_email(&self) -> Option<String> {
        let verified = match &self.email_verified {
            Value::Bool(verified) => *verified,
            Value::String(text) => text == "true",
            _ => false,
        };
        let email = self.email.as_ref().filter(|_| verified);
        email.map(|email| email.to_ascii_lowercase())
    }
}

fn reason(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::InvalidSignature => "its signature is wrong",
        ErrorKind::ExpiredSignature => "it has expired",
        ErrorKind::ImmatureSignature => "it is not valid yet",
        ErrorKind::InvalidIssuer => "it is from another issuer",
        ErrorKind::InvalidAudience => "it is meant for another audience",
        ErrorKind::MissingRequiredClaim(_) => "it lacks one of exp, iss, aud and sub",
        _ => "it is malformed",
    }
}
