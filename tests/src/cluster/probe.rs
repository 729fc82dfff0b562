//! Asks a server on loopback one question over HTTP and reads its short answer: what waiting for readiness needs,
//! without an asynchronous runtime.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, IpAddr, ServerName},
};

use super::ClusterError;

/// A server that cannot answer on loopback within this time is asked again.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Answers to readiness requests are a few lines; more is not read.
const MOST: u64 = 64 * 1024;

/// Trusts one cluster's certificate authority and presents one token.
#[derive(Clone)]
pub(super) struct Probe {
    tls: Arc<ClientConfig>,
    token: String,
}

/// Status and text of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Probe {
    pub(super) fn new(authority: CertificateDer<'static>, token: String) -> Result<Self, ClusterError> {
        let mut roots = RootCertStore::empty();
        roots.add(authority)?;
        // The provider is named here because a library must not install one for the whole process.
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: Arc::new(tls), token })
    }

    /// GET over TLS, with the token.
    pub(super) fn https(&self, port: u16, path: &str) -> io::Result<Answer> {
        let name = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST.into()));
        let connection = ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        ask(StreamOwned::new(connection, connect(port)?), path, &format!("Authorization: Bearer {}\r\n", self.token))
    }
}

/// GET in the clear.
pub(super) fn http(port: u16, path: &str) -> io::Result<Answer> {
    ask(connect(port)?, path, "")
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

fn ask(mut stream: impl Read + Write, path: &str, headers: &str) -> io::Result<Answer> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    match stream.take(MOST).read_to_end(&mut answer) {
        // A server that is being killed closes without a farewell; what it said counts.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
        result => drop(result?),
    }
    parse(&String::from_utf8_lossy(&answer))
}

fn parse(answer: &str) -> io::Result<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "the answer is not HTTP"))?;
    Ok(Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_split_into_status_and_body() {
        let answer = parse("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        assert_eq!(answer, Answer { status: 200, body: "ok".to_owned() });
    }

    #[test]
    fn an_answer_that_is_not_http_is_an_error() {
        assert_eq!(parse("SSH-2.0-x").unwrap_err().to_string(), "the answer is not HTTP");
    }
}
