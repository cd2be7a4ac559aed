//! An issuer of OpenID Connect ID tokens with keys of its own, on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair as TlsKey};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::common::TIMEOUT;

/// The audience of the tokens.
pub const AUDIENCE: &str = "https://executor.example";

/// Publishes keys until the test ends.
pub struct Issuer {
    /// Where it listens.
    pub address: SocketAddr,
    name: String,
    published: Arc<Mutex<Value>>,
    looked_up: Arc<AtomicU64>,
}

impl Issuer {
    /// Starts and publishes `keys`.
    pub fn start(keys: &[&SigningKey]) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), keys)
    }

    /// Starts at an address.
    pub fn start_at(address: SocketAddr, keys: &[&SigningKey]) -> Self {
        Self::serve(address, keys, None)
    }

    /// Starts with TLS, with a certificate from `authority`.
    pub fn start_secured(authority: &Authority, keys: &[&SigningKey]) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::serve(address, keys, Some(authority.server()))
    }

    fn serve(address: SocketAddr, keys: &[&SigningKey], tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
        let address = listener.local_addr().expect("it has an address");
        let name = match tls {
            Some(_) => format!("https://{address}"),
            None => name_at(address),
        };
        let issuer = Self {
            address,
            name: name.clone(),
            published: Arc::default(),
            looked_up: Arc::default(),
        };
        issuer.publish(keys);
        let published = Arc::clone(&issuer.published);
        let looked_up = Arc::clone(&issuer.looked_up);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let keys = published.lock().expect("no test has panicked here").clone();
                let _ = stream.set_read_timeout(Some(TIMEOUT));
                let count = match &tls {
                    Some(tls) => {
                        let session = ServerConnection::new(Arc::clone(tls));
                        let session = session.expect("the configuration is good");
                        respond(StreamOwned::new(session, stream), &name, &keys)
                    }
                    None => respond(stream, &name, &keys),
                };
                looked_up.fetch_add(count, Ordering::SeqCst);
            }
        });
        issuer
    }

    /// The value of `OIDC_ISSUER`.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// Publishes these keys and no others.
    pub fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.published()).collect();
        *self.published.lock().expect("no test has panicked here") = json!({ "keys": keys });
    }

    /// How often the keys were requested.
    pub fn looked_up(&self) -> u64 {
        self.looked_up.load(Ordering::SeqCst)
    }

    /// The claims of a good token, with some of them changed; null takes one away.
    pub fn claims(&self, changes: Value) -> Value {
        let mut claims = json!({
            "iss": self.name(), "aud": AUDIENCE, "sub": "someone", "iat": now(), "exp": now() + 300,
        });
        let all = claims.as_object_mut().expect("claims are an object");
        all.extend(changes.as_object().expect("changes are an object").clone());
        all.retain(|_, value| !value.is_null());
        claims
    }
}

/// A private certificate authority.
pub struct Authority {
    issuer: rcgen::Issuer<'static, TlsKey>,
    /// Its certificate, as PEM.
    pub certificate: String,
}

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let key = TlsKey::generate().expect("keys can be made");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("certificates can be made");
        Self {
            issuer: rcgen::Issuer::new(params, key),
            certificate: certificate.pem(),
        }
    }

    /// How a server on loopback speaks with a certificate from this authority.
    fn server(&self) -> Arc<ServerConfig> {
        let key = TlsKey::generate().expect("keys can be made");
        let params = CertificateParams::new(["127.0.0.1".into()]).expect("it is an address");
        let certificate = params.signed_by(&key, &self.issuer);
        let chain = vec![certificate.expect("certificates can be made").der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("the key is one");
        let server = ServerConfig::builder().with_no_client_auth();
        Arc::new(
            server
                .with_single_cert(chain, key)
                .expect("they belong together"),
        )
    }
}

/// The name of an issuer that listens at `address`.
pub fn name_at(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Responds to one request, and returns how often the keys were requested.
fn respond(mut stream: impl Read + Write, name: &str, keys: &Value) -> u64 {
    let mut lines = BufReader::new(&mut stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let _ = lines.find(String::is_empty);
    let (status, body, count) = match first.split(' ').nth(1) {
        Some("/.well-known/openid-configuration") => {
            let body = json!({"issuer": name, "jwks_uri": format!("{name}/keys")});
            ("200 OK", body, 0)
        }
        Some("/keys") => ("200 OK", keys.clone(), 1),
        _ => ("404 Not Found", Value::Null, 0),
    };
    let body = body.to_string();
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all((head + &body).as_bytes());
    count
}

/// Seconds since 1970.
pub fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("it is later than 1970").as_secs()
}

/// A key that tokens are signed with.
pub struct SigningKey {
    id: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl SigningKey {
    /// For RS256.
    pub fn rsa(id: &'static str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("keys can be made");
        let pair = Pair::Rsa(pair);
        Self { id, pair }
    }

    /// For ES256.
    pub fn ec(id: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let pair = Pair::Ec(pair.expect("keys can be made"));
        Self { id, pair }
    }

    /// The JSON Web Key.
    pub fn published(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                let [n, e] = [&public.n, &public.e].map(|part| encode(part));
                json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "n": n, "e": e})
            }
            Pair::Ec(pair) => {
                // 4 says that it is not compressed.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let [x, y] = [x, y].map(encode);
                json!({"kty": "EC", "crv": "P-256", "kid": self.id, "x": x, "y": y})
            }
        }
    }

    /// A token with the header that belongs to this key.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({"alg": self.algorithm(), "kid": self.id}), claims)
    }

    /// A token that is signed with this key, whatever its header says.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &random,
                    message.as_bytes(),
                    &mut signature,
                )
                .expect("messages can be signed");
                signature
            }
            Pair::Ec(pair) => {
                let signature = pair.sign(&random, message.as_bytes());
                signature.expect("messages can be signed").as_ref().to_vec()
            }
        };
        format!("{message}.{}", encode(&signature))
    }

    /// The bytes that everyone can know, as they may be taken for a secret by mistake.
    pub fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ec(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
        }
    }
}

/// A token that is signed with a secret.
pub fn hs256(secret: &[u8], header: &Value, claims: &Value) -> String {
    let message = message(header, claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", encode(tag.as_ref()))
}

/// A token without the signature.
pub fn message(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| encode(part.to_string().as_bytes()));
    format!("{header}.{claims}")
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
