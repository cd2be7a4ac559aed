//! Settings for OpenID Connect: which ID tokens are accepted.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::Args;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::{Host, Url};

/// Anyone with an account at this issuer can get a token for any audience.
const GOOGLE: &str = "https://accounts.google.com";

/// The settings.
#[derive(Debug, Clone, Args)]
pub(super) struct OidcSettings {
    /// Issuer of OpenID Connect ID tokens that callers may send instead of a key, such as
    /// https://accounts.google.com. The service fetches its public keys.
    #[arg(long, env, value_parser = issuer)]
    oidc_issuer: Option<String>,

    /// Accepted audiences (`aud`) of tokens, separated by commas: usually the address of this service.
    #[arg(long, env, value_delimiter = ',')]
    oidc_audience: Vec<String>,

    /// Verified e-mail addresses whose tokens are accepted, such as those of service accounts; separated by
    /// commas [default: all].
    #[arg(long, env, value_delimiter = ',')]
    oidc_allowed_emails: Vec<String>,

    /// Subjects (`sub`) whose tokens are accepted, besides the e-mail addresses; separated by commas
    /// [default: all].
    #[arg(long, env, value_delimiter = ',')]
    oidc_allowed_subjects: Vec<String>,

    /// PEM file with the certificate authorities to trust for the issuer [default: those that browsers
    /// trust].
    #[arg(long, env)]
    ssl_cert_file: Option<PathBuf>,
}

/// Which ID tokens are accepted.
#[derive(Debug, Clone)]
pub struct Oidc {
    /// The claim `iss`, under which the keys are published.
    pub issuer: String,
    /// Accepted values of the claim `aud`.
    pub audiences: Vec<String>,
    /// Holders whose tokens are accepted.
    pub allowed: Allowed,
    /// Certificates of the authorities to trust; without, those that browsers trust.
    pub authorities: Option<Vec<CertificateDer<'static>>>,
}

/// Holders whose tokens are accepted.
#[derive(Debug, Clone)]
pub enum Allowed {
    /// Everyone.
    All,
    /// Those with one of these.
    Only {
        /// Verified e-mail addresses, in lower case.
        emails: HashSet<String>,
        /// Subjects.
        subjects: HashSet<String>,
    },
}

impl OidcSettings {
    pub(super) fn resolve(&self) -> Result<Option<Oidc>, String> {
        let lists = [
            ("OIDC_AUDIENCE", &self.oidc_audience),
            ("OIDC_ALLOWED_EMAILS", &self.oidc_allowed_emails),
            ("OIDC_ALLOWED_SUBJECTS", &self.oidc_allowed_subjects),
        ];
        for (name, list) in lists {
            // Most likely a variable that was not filled in: it must not let anyone in.
            if list.iter().any(|item| item.trim().is_empty()) {
                return Err(format!("{name} has an empty item"));
            }
            if !list.is_empty() && self.oidc_issuer.is_none() {
                return Err(format!("{name} is set, but OIDC_ISSUER is not"));
            }
        }
        let Some(issuer) = self.oidc_issuer.clone() else {
            return Ok(None);
        };
        if self.oidc_audience.is_empty() {
            return Err(
                "OIDC_ISSUER is set, but OIDC_AUDIENCE is not: tokens for other services would be \
                 accepted"
                    .into(),
            );
        }
        let allowed = self.allowed();
        if issuer.trim_end_matches('/') == GOOGLE && matches!(allowed, Allowed::All) {
            return Err(format!(
                "OIDC_ISSUER is {GOOGLE}, where anyone can get a token for any audience: set \
                 OIDC_ALLOWED_EMAILS or OIDC_ALLOWED_SUBJECTS"
            ));
        }
        Ok(Some(Oidc {
            issuer,
            audiences: trimmed(&self.oidc_audience).map(str::to_owned).collect(),
            allowed,
            authorities: self
                .ssl_cert_file
                .as_deref()
                .map(certificates)
                .transpose()?,
        }))
    }

    fn allowed(&self) -> Allowed {
        let emails = trimmed(&self.oidc_allowed_emails);
        let emails: HashSet<_> = emails.map(str::to_ascii_lowercase).collect();
        let subjects = trimmed(&self.oidc_allowed_subjects);
        let subjects: HashSet<_> = subjects.map(str::to_owned).collect();
        if emails.is_empty() && subjects.is_empty() {
            Allowed::All
        } else {
            Allowed::Only { emails, subjects }
        }
    }
}

/// Reads the certificates in a file.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let name = path.display();
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates: Vec<_> = certificates
        .map_err(|error| format!("SSL_CERT_FILE is {name}, which cannot be read: {error}"))?;
    if certificates.is_empty() {
        return Err(format!(
            "SSL_CERT_FILE is {name}, which contains no certificate"
        ));
    }
    Ok(certificates)
}

fn trimmed(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(|item| item.trim())
}

fn issuer(text: &str) -> Result<String, String> {
    let problem = "must be a URL such as https://accounts.google.com; http is allowed for this \
                   machine only";
    let address = Url::parse(text).map_err(|_| problem)?;
    let plain = address.query().is_none() && address.fragment().is_none();
    if plain && address.username().is_empty() && is_secure_origin(&address) {
        Ok(text.into())
    } else {
        Err(problem.into())
    }
}

/// Whether nobody else can read the traffic to this address: `https`, or `http` to this machine.
#[must_use]
pub fn is_secure_origin(address: &Url) -> bool {
    let loopback = match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match address.scheme() {
        "https" => true,
        "http" => loopback,
        _ => false,
    }
}
