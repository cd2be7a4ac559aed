//! The public keys of an issuer.

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The algorithms that tokens may be signed with. With a symmetric one, the public key would be the secret.
pub(super) const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// More keys than any issuer has. A token that names no key is checked with all of them.
const MAX_KEYS: usize = 50;

/// A JSON Web Key Set as it is published. Keys are parsed one by one, because some may be of a kind that
/// is not supported.
#[derive(Deserialize)]
pub(super) struct Published {
    keys: Vec<Value>,
}

/// The supported keys of an issuer.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Key>);

/// A key and its algorithms.
#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    pub(super) key: DecodingKey,
    pub(super) algorithms: Vec<Algorithm>,
}

impl KeySet {
    pub(super) fn new(published: Published) -> Self {
        let keys = published.keys.into_iter().filter_map(Key::new);
        Self(keys.take(MAX_KEYS).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is a key for a token that names this one, or none.
    pub(super) fn has(&self, id: Option<&str>) -> bool {
        self.0.iter().any(|key| key.is(id))
    }

    /// Returns the keys that a token may be signed with.
    pub(super) fn matching(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &Key> {
        let keys = self.0.iter().filter(move |key| key.is(id));
        keys.filter(move |key| key.algorithms.contains(&algorithm))
    }
}

impl Key {
    fn new(published: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(published).ok()?;
        if !matches!(
            jwk.common.public_key_use,
            None | Some(PublicKeyUse::Signature)
        ) {
            return None;
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        let mut algorithms = key.family().algorithms().to_vec();
        if let Some(only) = jwk.common.key_algorithm {
            let only = Algorithm::try_from(only).ok()?;
            algorithms.retain(|algorithm| *algorithm == only);
        }
        algorithms.retain(|algorithm| ALGORITHMS.contains(algorithm));
        (!algorithms.is_empty()).then_some(Self {
            id: jwk.common.key_id,
            key,
            algorithms,
        })
    }

    fn is(&self, id: Option<&str>) -> bool {
        id.is_none_or(|id| self.id.as_deref() == Some(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_asymmetric_signature_keys_are_accepted() -> Result<(), serde_json::Error> {
        let rsa = |more: Value| {
            let mut key = json!({"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"});
            if let (Some(key), Value::Object(more)) = (key.as_object_mut(), more) {
                key.extend(more);
            }
            key
        };
        let cases = [
            (rsa(json!({})), 6),
            (rsa(json!({"use": "sig"})), 6),
            (rsa(json!({"alg": "RS256", "use": "sig"})), 1),
            (rsa(json!({"use": "enc"})), 0),
            (rsa(json!({"alg": "RSA-OAEP"})), 0),
            (rsa(json!({"alg": "HS256"})), 0),
            (rsa(json!({"alg": "ES256"})), 0),
            (rsa(json!({"alg": "none"})), 0),
            (rsa(json!({"n": "not base64!"})), 0),
            (json!({"kty": "oct", "kid": "a", "k": "c2VjcmV0"}), 0),
            (
                json!({"kty": "oct", "kid": "a", "k": "c2VjcmV0", "alg": "HS256"}),
                0,
            ),
            (
                json!({"kty": "EC", "kid": "a", "crv": "P-256", "x": "AQ", "y": "AQ"}),
                2,
            ),
            (
                json!({"kty": "OKP", "kid": "a", "crv": "Ed25519", "x": "AQ"}),
                1,
            ),
            (json!({"kty": "AKP", "kid": "a"}), 0),
            (json!("a"), 0),
        ];
        for (key, algorithms) in cases {
            let published = serde_json::from_value(json!({"keys": [null, key]}))?;
            let set = KeySet::new(published);
            assert_eq!(set.has(Some("a")), algorithms > 0, "{key}");
            assert!(!set.has(Some("b")), "{key}");
            let taken = set.0.iter().map(|key| key.algorithms.len()).sum::<usize>();
            assert_eq!(taken, algorithms, "{key}");
        }
        Ok(())
    }
}
