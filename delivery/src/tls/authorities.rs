//! Whom everyone trusts: the certificate authorities of the system, or others in their place.

use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;

/// Certificate authorities that are trusted where an endpoint brings none of its own. Cheap to clone.
///
/// Those of the system are read when the first https request needs them, once: it takes milliseconds, and a short program
/// that speaks plain http never needs them. A program that runs long calls [`Authorities::read`] at its start.
///
/// ```
/// use cicdcontext_delivery::{Policy, Sender, resolve::SystemResolver, tls::Authorities};
///
/// let sender = Sender::with(Policy::default(), std::sync::Arc::new(SystemResolver), Authorities::system());
/// assert!(sender.is_ok());
/// ```
#[derive(Clone)]
pub struct Authorities(Source);

#[derive(Clone)]
enum Source {
    Given(Arc<RootCertStore>),
    System(Arc<OnceLock<Arc<RootCertStore>>>),
}

impl Authorities {
    /// Those of the system; `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured. With none (an image without them) every https
    /// attempt fails as a TLS error: worth a warning at the start.
    pub fn system() -> Self {
        Self(Source::System(Arc::default()))
    }

    /// None: for connections without TLS.
    pub(crate) fn none() -> Self {
        RootCertStore::empty().into()
    }

    /// Reads them now instead of at the first request.
    #[must_use]
    pub fn read(self) -> Self {
        self.roots();
        self
    }

    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        match &self.0 {
            Source::Given(roots) => Arc::clone(roots),
            Source::System(read) => Arc::clone(read.get_or_init(|| Arc::new(of_system()))),
        }
    }
}

#[cfg(test)]
impl Authorities {
    pub(crate) fn are_read(&self) -> bool {
        match &self.0 {
            Source::Given(_) => true,
            Source::System(read) => read.get().is_some(),
        }
    }
}

impl From<RootCertStore> for Authorities {
    fn from(roots: RootCertStore) -> Self {
        Self(Source::Given(Arc::new(roots)))
    }
}

fn of_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Systems carry old certificates that no parser takes; the others still count.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
