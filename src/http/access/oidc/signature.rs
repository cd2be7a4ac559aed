//! Signature checks with ring, which is also used for TLS: one library for all cryptography.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

/// Installs ring as the provider for tokens and for TLS. It may be called again.
pub(super) fn use_ring() {
    static TOKENS: CryptoProvider = CryptoProvider {
        signer_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
        verifier_factory: verifier,
        // Only for deriving public keys.
        key_utils: KeyUtils::new_unimplemented(),
    };
    // Each fails if a provider is already installed.
    let _ = TOKENS.install_default();
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The check of the signatures of an algorithm.
#[derive(Clone, Copy)]
enum Check {
    Rsa(&'static RsaParameters),
    /// For an elliptic curve. The key is the bytes of a point.
    Curve(&'static dyn VerificationAlgorithm),
}

struct SignedWith {
    algorithm: Algorithm,
    check: Check,
    key: DecodingKey,
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let check = match algorithm {
        Algorithm::RS256 => Check::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Check::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Check::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Check::Rsa(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Check::Rsa(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Check::Rsa(&RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => Check::Curve(&ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Check::Curve(&ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => Check::Curve(&ED25519),
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    };
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(Box::new(SignedWith {
        algorithm: *algorithm,
        check,
        key: key.clone(),
    }))
}

impl Verifier<Vec<u8>> for SignedWith {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        match (self.check, self.key.kind()) {
            (Check::Rsa(check), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(check, message, signature)
            }
            (Check::Curve(check), DecodingKeyKind::SecretOrDer(point)) => {
                UnparsedPublicKey::new(check, point).verify(message, signature)
            }
            // Unreachable: key sets hold only these kinds.
            _ => return Err(Error::new()),
        }
        // ring does not report a reason.
        .map_err(|_| Error::new())
    }
}

impl JwtVerifier for SignedWith {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
