//! An endpoint's own certificates: whom it trusts, and who it is. Parsed once, used for many connections.
//!
//! TLS 1.2 is the least that is spoken. Must not know where the PEM texts were read from.

mod authorities;

use std::fmt;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub use authorities::Authorities;

/// The largest PEM text, in bytes: about as much as a Secret or ConfigMap holds.
pub const MAX_PEM: usize = 1024 * 1024;
/// The most certificates of a CA bundle, or of a client certificate's chain.
pub const MAX_CERTIFICATES: usize = 512;
/// Sessions to resume; one client only ever speaks to one host.
const RESUMED_SESSIONS: usize = 8;

/// Certificates of an endpoint's connections. The default trusts whom the [`crate::Sender`] trusts and shows no
/// certificate of its own. Cheap to clone.
///
/// ```
/// use cicdcontext_delivery::TlsMaterial;
///
/// let error = TlsMaterial::default().trust(b"not a certificate").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "read the CA bundle: it holds no certificate; write PEM blocks that begin with -----BEGIN CERTIFICATE-----"
/// );
/// ```
#[derive(Clone, Default)]
pub struct TlsMaterial {
    trust: Option<Trust>,
    client: Option<ClientCertificate>,
}

#[derive(Clone)]
struct Trust {
    roots: Arc<RootCertStore>,
    hash: [u8; 32],
}

#[derive(Clone)]
struct ClientCertificate {
    certified: Arc<CertifiedKey>,
    hash: [u8; 32],
}

/// Tells TLS materials apart, without holding them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint {
    trust: Option<[u8; 32]>,
    client: Option<[u8; 32]>,
}

/// Why PEM texts are not certificates of an endpoint. Texts show nothing of a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Too much text.
    #[error("read {what}: it has {actual} bytes; the limit is {MAX_PEM}")]
    TooLarge {
        /// What was read.
        what: &'static str,
        /// Bytes.
        actual: usize,
    },
    /// Too many certificates.
    #[error("read {0}: it holds more than {MAX_CERTIFICATES} certificates; keep those that are needed")]
    TooMany(&'static str),
    /// No certificate in it.
    #[error("read {0}: it holds no certificate; write PEM blocks that begin with -----BEGIN CERTIFICATE-----")]
    NoCertificate(&'static str),
    /// A block that is not PEM.
    #[error("read {what}: certificate {number} is not PEM; write base64 between its BEGIN and END lines")]
    Pem {
        /// What was read.
        what: &'static str,
        /// Which certificate, from 1.
        number: usize,
    },
    /// A block that is not a certificate.
    #[error("read {what}: certificate {number} is not one ({problem}); replace it")]
    Certificate {
        /// What was read.
        what: &'static str,
        /// Which certificate, from 1.
        number: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// No usable key.
    #[error(
        "read the client certificate's key: {0}; write one PEM block PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY without a passphrase"
    )]
    Key(&'static str),
    /// The key belongs to another certificate.
    #[error("use the client certificate: its key belongs to another certificate; renew both together")]
    OtherKey,
}

const BUNDLE: &str = "the CA bundle";
const CLIENT: &str = "the client certificate";

impl TlsMaterial {
    /// Trusts these certificate authorities (PEM) **instead of** the sender's.
    pub fn trust(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        let certificates = certificates(BUNDLE, pem)?;
        let hash = hash(certificates.iter().map(AsRef::as_ref));
        let mut roots = RootCertStore::empty();
        for (index, certificate) in certificates.into_iter().enumerate() {
            let wrong = |error: rustls::Error| TlsError::Certificate {
                what: BUNDLE,
                number: index + 1,
                problem: error.to_string(),
            };
            roots.add(certificate).map_err(wrong)?;
        }
        self.trust = Some(Trust { roots: Arc::new(roots), hash });
        Ok(self)
    }

    /// Shows this certificate (PEM, the leaf first, then its chain) to receivers that ask for one. It goes to the
    /// endpoint's own URL only. Whether it has expired is up to the receiver.
    pub fn client_certificate(mut self, certificate: &[u8], key: &SecretString) -> Result<Self, TlsError> {
        let chain = certificates(CLIENT, certificate)?;
        let pem = key.expose_secret().as_bytes();
        if pem.len() > MAX_PEM {
            return Err(TlsError::TooLarge { what: "the client certificate's key", actual: pem.len() });
        }
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
            pem::Error::NoItemsFound => TlsError::Key("it holds none"),
            _ => TlsError::Key("it is not PEM"),
        })?;
        let hash = hash(chain.iter().map(AsRef::as_ref).chain([key.secret_der()]));
        let certified = CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider());
        let certified = certified.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::OtherKey,
            rustls::Error::InvalidCertificate(problem) => {
                TlsError::Certificate { what: CLIENT, number: 1, problem: format!("{problem:?}") }
            }
            _ => TlsError::Key("it is of a kind that is not supported"),
        })?;
        self.client = Some(ClientCertificate { certified: Arc::new(certified), hash });
        Ok(self)
    }

    /// Whether there is neither a CA bundle nor a client certificate.
    pub fn is_default(&self) -> bool {
        self.trust.is_none() && self.client.is_none()
    }

    /// The same trust without the client certificate: for another URL than the endpoint's own.
    pub(crate) fn anonymous(&self) -> Self {
        Self { trust: self.trust.clone(), client: None }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let trust = self.trust.as_ref().map(|trust| trust.hash);
        Fingerprint { trust, client: self.client.as_ref().map(|client| client.hash) }
    }

    /// The configuration of connections to one host. `authorities` are trusted, and read, only if there is no CA bundle.
    pub(crate) fn configuration(&self, authorities: &Authorities) -> Result<ClientConfig, rustls::Error> {
        // Named here instead of taken from the process: no order of initialisation to get wrong.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = self.trust.as_ref().map_or_else(|| authorities.roots(), |trust| Arc::clone(&trust.roots));
        let builder = ClientConfig::builder_with_provider(provider)
            // 1.2 and 1.3; there is nothing older in rustls.
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let mut configuration = match &self.client {
            None => builder.with_no_client_auth(),
            Some(client) => builder
                .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::clone(&client.certified)))),
        };
        // A session of its own for each client: one that was opened with a certificate is not resumed without.
        configuration.resumption = Resumption::in_memory_sessions(RESUMED_SESSIONS);
        // One exchange at a time per connection: then it is known how far an exchange came when it breaks.
        configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(configuration)
    }
}

impl fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsMaterial")
            .field("authorities", &self.trust.as_ref().map(|trust| trust.roots.len()))
            .field("client_certificate", &self.client.is_some())
            .finish()
    }
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    if pem.len() > MAX_PEM {
        return Err(TlsError::TooLarge { what, actual: pem.len() });
    }
    let mut found = Vec::new();
    for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
        if index == MAX_CERTIFICATES {
            return Err(TlsError::TooMany(what));
        }
        found.push(certificate.map_err(|_| TlsError::Pem { what, number: index + 1 })?);
    }
    if found.is_empty() { Err(TlsError::NoCertificate(what)) } else { Ok(found) }
}

/// A hash of the parts that no other cut into parts has.
fn hash<'a>(parts: impl Iterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
