//! Certificates on both sides, and receivers that speak TLS wrongly or too old.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use cicdcontext_delivery::TlsMaterial;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion, version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const HOST: &str = "hooks.chat.example";

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority() -> Authority {
    // Two of one name would be taken for the same one, with a signature that does not fit.
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let mut parameters = CertificateParams::default();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    parameters.distinguished_name.push(DnType::CommonName, format!("authority {number} of the tests"));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate of `authority` and its key, as PEM.
fn leaf(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> (rcgen::Certificate, KeyPair) {
    let mut parameters = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    change(&mut parameters);
    let key = KeyPair::generate().unwrap();
    (parameters.signed_by(&key, authority).unwrap(), key)
}

fn trusting(authority: &Authority) -> TlsMaterial {
    TlsMaterial::default().trust(authority.pem().as_bytes()).unwrap()
}

fn with_certificate(material: TlsMaterial, (certificate, key): &(rcgen::Certificate, KeyPair)) -> TlsMaterial {
    material.client_certificate(certificate.pem().as_bytes(), &key.serialize_pem().into()).unwrap()
}

/// A receiver behind TLS on a thread of its own that answers `over tls`.
pub(crate) struct TlsReceiver {
    pub(crate) port: u16,
    heads: mpsc::Receiver<String>,
}

impl TlsReceiver {
    fn start(
        (certificate, key): (rcgen::Certificate, KeyPair),
        clients: Option<&Authority>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let configuration = Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, heads) = mpsc::channel();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&configuration)).unwrap();
                let (mut stream, told) = (StreamOwned::new(connection, socket.unwrap()), told.clone());
                std::thread::spawn(move || {
                    let mut head = [0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut head) {
                        let _ = told.send(String::from_utf8_lossy(&head[..length]).into_owned());
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nover tls");
                    }
                    // Closing with bytes unread would take the alert from the client again.
                    let _ = stream.sock.read_to_end(&mut Vec::new());
                });
            }
        });
        Self { port, heads }
    }

    pub(crate) fn plain(authority: &Authority) -> Self {
        Self::start(leaf(authority, |_| ()), None, rustls::ALL_VERSIONS)
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.try_iter().collect()
    }
}

fn tls_sender(roots: RootCertStore) -> Sender {
    let names =
        Names::default().with("hooks.chat.example.", &[&["127.0.0.1"]]).with("other.example.", &[&["127.0.0.1"]]);
    Sender::with(Policy::parse(&["127.0.0.1"], &[]).unwrap(), Arc::new(names), roots).unwrap()
}

fn roots(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    roots
}

async fn sent(sender: &Sender, host: &str, port: u16, material: TlsMaterial) -> Result<Answer, AttemptError> {
    let url = format!("https://{host}:{port}/canary").parse().unwrap();
    let destination = Destination::new(url, shop()).tls(material);
    sender.attempt(&destination, &post(&destination)).await
}

#[tokio::test]
async fn a_ca_bundle_is_trusted_in_place_of_the_sender_s_authorities() {
    let (ours, theirs) = (authority(), authority());
    let port = TlsReceiver::plain(&ours).port;
    let (knows_ours, knows_nobody) = (tls_sender(roots(&ours)), tls_sender(RootCertStore::empty()));
    for (sender, material, good) in [
        (&knows_ours, TlsMaterial::default(), true),
        (&knows_nobody, TlsMaterial::default(), false),
        (&knows_nobody, trusting(&ours), true),
        (
            &knows_nobody,
            TlsMaterial::default().trust(format!("{}{}", theirs.pem(), ours.pem()).as_bytes()).unwrap(),
            true,
        ),
        (&knows_ours, trusting(&theirs), false),
    ] {
        match sent(sender, HOST, port, material).await {
            Ok(answer) => assert!(good && answer.body == b"over tls"),
            Err(error) => {
                let text = "agree on TLS with https://hooks.chat.example: invalid peer certificate: UnknownIssuer";
                assert!(!good && error.to_string() == text, "{error}");
                assert_eq!(classify(&Err(error), SystemTime::now()).reason(), "TlsFailed");
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_wrong_is_refused_before_a_byte_of_the_request() {
    let ours = authority();
    let self_signed = rcgen::generate_simple_self_signed(vec![HOST.to_owned()]).unwrap();
    let expired = leaf(&ours, |parameters| {
        parameters.not_before = date_time_ymd(2019, 1, 1);
        parameters.not_after = date_time_ymd(2020, 1, 1);
    });
    let future = leaf(&ours, |parameters| parameters.not_before = date_time_ymd(2999, 1, 1));
    let for_clients =
        leaf(&ours, |parameters| parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    for (certificate, host, told) in [
        (expired, HOST, "invalid peer certificate: certificate expired"),
        (future, HOST, "invalid peer certificate: certificate not valid yet"),
        (
            leaf(&ours, |_| ()),
            "other.example",
            "invalid peer certificate: certificate not valid for name \"other.example\"",
        ),
        ((self_signed.cert, self_signed.signing_key), HOST, "invalid peer certificate: UnknownIssuer"),
        (for_clients, HOST, "invalid peer certificate: certificate does not allow extended key usage for server"),
    ] {
        let receiver = TlsReceiver::start(certificate, None, rustls::ALL_VERSIONS);
        let error = sent(&tls_sender(roots(&ours)), host, receiver.port, TlsMaterial::default()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(&format!("agree on TLS with https://{host}: {told}")), "{text}");
        assert_eq!((error.label(), error.may_have_been_sent(), receiver.heads().len()), ("Tls", false, 0));
        assert!(!text.contains("canary"), "{text}");
        assert!(matches!(
            classify(&Err(error), SystemTime::now()),
            Class::Retry { reason: "TlsFailed", retry_after: None }
        ));
    }
}

#[tokio::test]
async fn tls_1_2_is_spoken_and_tls_1_1_is_not() {
    let ours = authority();
    let receiver = TlsReceiver::start(leaf(&ours, |_| ()), None, &[&version::TLS12]);
    assert!(sent(&tls_sender(roots(&ours)), HOST, receiver.port, TlsMaterial::default()).await.is_ok());
    // rustls has nothing older: a server that has nothing newer is spoken in bytes. One tells that it cannot, the other
    // one chooses 1.1 all the same.
    let alert = [0x15, 3, 2, 0, 2, 2, 70].to_vec();
    let hello = [&[2, 0, 0, 38, 3, 2][..], &[7; 32], &[0, 0xc0, 0x13, 0]].concat();
    let hello = [&[0x16, 3, 2, 0, 42][..], &hello].concat();
    for (answer, told) in [(alert, "received fatal alert: ProtocolVersion"), (hello, "ServerDoesNotSupportTls12Or13")] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            stream.write_all(&answer).await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
        });
        let error = sent(&tls_sender(roots(&ours)), HOST, port, TlsMaterial::default()).await.unwrap_err();
        assert_eq!((error.label(), error.may_have_been_sent()), ("Tls", false), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_the_endpoint_s_own_url_alone() {
    let (ours, clients) = (authority(), authority());
    let certificate = leaf(&clients, |_| ());
    let foreign = leaf(&authority(), |_| ());
    for (versions, refused) in [(&[&version::TLS12][..], "Tls"), (&[&version::TLS13], "Lost")] {
        let receiver = TlsReceiver::start(leaf(&ours, |_| ()), Some(&clients), versions);
        let sender = tls_sender(RootCertStore::empty());
        let own = with_certificate(trusting(&ours), &certificate);
        assert!(sent(&sender, HOST, receiver.port, own.clone()).await.is_ok());
        assert!(receiver.heads()[0].starts_with("POST /canary HTTP/1.1\r\n"));
        // With the same sender: neither another endpoint nor another URL uses the connection, or resumes the session.
        let without = sent(&sender, HOST, receiver.port, trusting(&ours)).await.unwrap_err();
        let wrong = sent(&sender, HOST, receiver.port, with_certificate(trusting(&ours), &foreign)).await.unwrap_err();
        let url: url::Url = format!("https://{HOST}:{}/respond", receiver.port).parse().unwrap();
        let destination = Destination::new(url.clone(), shop()).tls(own);
        let outgoing = Outgoing::to(&destination, "POST").unwrap().url(url).build("msg-1", 0).unwrap();
        let elsewhere = sender.attempt(&destination, &outgoing).await.unwrap_err();
        for (error, told) in [
            (without, "received fatal alert: "),
            (wrong, "received fatal alert: "),
            (elsewhere, "received fatal alert: "),
        ] {
            assert!(error.label() == refused && error.to_string().contains(told), "{error}");
        }
        assert!(receiver.heads().is_empty(), "none of them was served");
    }
}
