//! Keys and certificates of one cluster, made anew for each start. It knows no files and no Kubernetes objects.

use std::net::{IpAddr, Ipv4Addr};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::CertificateDer;

use super::ClusterError;

/// First address of the range that Services get theirs from: the API server's own Service.
const SERVICE_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// Everything secret and public that the servers need, as PEM.
pub(super) struct Pki {
    pub(super) authority: String,
    pub(super) authority_der: CertificateDer<'static>,
    /// Certificate and key of both servers, valid for loopback and for the API server's Service.
    pub(super) server: String,
    pub(super) server_key: String,
    /// Signs the tokens of ServiceAccounts.
    pub(super) service_account_key: String,
    /// Verifies them. kube-apiserver derives a public key only from the older private key formats.
    pub(super) service_account_public_key: String,
}

impl Pki {
    pub(super) fn generate() -> Result<Self, ClusterError> {
        let authority = CertifiedIssuer::self_signed(authority_parameters(), KeyPair::generate()?)?;
        let server_key = KeyPair::generate()?;
        let server = server_parameters()?.signed_by(&server_key, &authority)?;
        let service_account = KeyPair::generate()?;
        Ok(Self {
            authority: authority.pem(),
            authority_der: authority.der().clone(),
            server: server.pem(),
            server_key: server_key.serialize_pem(),
            service_account_key: service_account.serialize_pem(),
            service_account_public_key: service_account.public_key_pem(),
        })
    }
}

fn authority_parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, "cicdcontext test cluster");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

fn server_parameters() -> Result<CertificateParams, ClusterError> {
    let names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    let mut parameters = CertificateParams::new(names.map(String::from))?;
    parameters.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), SERVICE_ADDRESS];
    parameters.subject_alt_names.extend(addresses.map(SanType::IpAddress));
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cluster_has_keys_of_its_own() {
        let (one, other) = (Pki::generate().unwrap(), Pki::generate().unwrap());
        assert_ne!(one.authority, other.authority);
        assert_ne!(one.server_key, other.server_key);
        assert_ne!(one.service_account_key, other.service_account_key);
    }

    #[test]
    fn the_keys_are_in_the_form_that_kubernetes_reads() {
        let pki = Pki::generate().unwrap();
        for key in [&pki.server_key, &pki.service_account_key] {
            assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"), "{key}");
        }
        let public = pki.service_account_public_key;
        assert!(public.starts_with("-----BEGIN PUBLIC KEY-----"), "{public}");
    }
}
