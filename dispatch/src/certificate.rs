//! From `spec.tls` to certificates of a connection, read by name when a request needs them.

use cicdcontext_crds::endpoint::{SecretKeyReference, Tls};
use cicdcontext_delivery::{TlsMaterial, tls::TlsError};
use secrecy::ExposeSecret;

use crate::{
    destination::DestinationError,
    secret::{Secrets, Vault},
};

/// Keys of a Secret of type kubernetes.io/tls.
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// Whom the endpoint trusts, and who it is.
pub(crate) async fn material(tls: &Tls, secrets: &mut Secrets<impl Vault>) -> Result<TlsMaterial, DestinationError> {
    let mut material = TlsMaterial::default();
    if let Some(source) = &tls.ca {
        let (pem, origin) = match (&source.secret_key_ref, &source.config_map_key_ref) {
            (Some(reference), _) => (secrets.value(reference).await?, of_secret(reference)),
            (None, Some(reference)) => {
                let origin = format!("key {:?} of ConfigMap {}", reference.key, reference.name);
                (secrets.config_map_value(reference).await?, origin)
            }
            (None, None) => return Ok(material),
        };
        let wrong = |error: TlsError| DestinationError::material("tls.ca", origin, &error);
        material = material.trust(pem.expose_secret().as_bytes()).map_err(wrong)?;
    }
    if let Some(name) = &tls.client_certificate_secret_name {
        let reference = |key: &str| SecretKeyReference { name: name.clone(), key: key.to_owned() };
        let certificate = secrets.value(&reference(CERTIFICATE)).await?;
        let key = secrets.value(&reference(KEY)).await?;
        let of_key = |error: &TlsError| matches!(error, TlsError::Key(_));
        let wrong = |error: TlsError| {
            let origin = of_secret(&reference(if of_key(&error) { KEY } else { CERTIFICATE }));
            DestinationError::material("tls.clientCertificateSecretName", origin, &error)
        };
        material = material.client_certificate(certificate.expose_secret().as_bytes(), &key).map_err(wrong)?;
    }
    Ok(material)
}

/// Where a value came from, for people.
pub(crate) fn of_secret(reference: &SecretKeyReference) -> String {
    format!("key {:?} of Secret {}", reference.key, reference.name)
}
