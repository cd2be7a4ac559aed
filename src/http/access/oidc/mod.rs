//! OpenID Connect ID tokens.
//!
//! | file | holds |
//! |---|---|
//! | `issuer` | who issues the tokens: looking up its keys, and when to do it again |
//! | `key_set` | the keys, and which algorithms each of them is for |
//! | `signature` | the cryptography |

mod issuer;
mod key_set;
mod signature;

use std::sync::Arc;

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Validation, decode, decode_header, get_current_timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::Refusal;
use super::caller::Caller;
use crate::config::{self, Allowed};
use issuer::Issuer;
use key_set::{ALGORITHMS, Key};

/// Seconds that the clocks of the issuer and of this machine may differ.
const LEEWAY: u64 = 30;
/// Bytes a subject may have, by the standard.
const LONGEST_SUBJECT: usize = 255;

/// Tells good tokens from bad ones.
pub(super) struct Oidc {
    issuer: Arc<Issuer>,
    validation: Validation,
    allowed: Allowed,
}

/// What is of interest besides that which [`Validation`] checks.
#[derive(Deserialize)]
struct Claims {
    /// At most one by RFC 7519; [`Validation`] would take an array, too.
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
        // Each key brings its own.
        validation.algorithms.clear();
        Self {
            issuer: Issuer::new(settings.issuer, settings.authorities),
            validation,
            allowed: settings.allowed,
        }
    }

    /// Finds out whose token it is.
    pub(super) async fn verify(&self, token: &str) -> Result<Caller, Refusal> {
        let no_token = Refusal::InvalidToken("it is neither a key nor an ID token");
        let header = decode_header(token).map_err(|_| no_token)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Refusal::InvalidToken("its algorithm is not accepted"));
        }
        // RFC 7515: extensions that have to be understood make a token invalid where they are not.
        if header.crit.is_some() {
            return Err(Refusal::InvalidToken("its header has critical extensions"));
        }
        let kid = header.kid.as_deref();
        let keys = self.issuer.keys(kid).await;
        let keys = keys.ok_or(Refusal::IssuerUnavailable)?;
        let mut refusal = Refusal::InvalidToken("it is signed with a key its issuer does not have");
        for key in keys.matching(kid, header.alg) {
            match self.check(token, key) {
                Ok(claims) => return self.admit(claims),
                Err(error) => refusal = Refusal::InvalidToken(reason(&error)),
            }
        }
        Err(refusal)
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
        if !(1..=LONGEST_SUBJECT).contains(&claims.sub.len()) {
            return Err(ErrorKind::InvalidSubject.into());
        }
        Ok(claims)
    }

    fn admit(&self, claims: Claims) -> Result<Caller, Refusal> {
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
            Err(Refusal::NotAllowed)
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
