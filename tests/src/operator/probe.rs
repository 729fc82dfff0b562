//! One GET over plain HTTP to a server on loopback: what probes and metrics need, without an HTTP client.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A server on loopback answers sooner, or is asked again.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Status and body of the answer.
pub(super) async fn get(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    timeout(TIMEOUT, exchange(address, path)).await.map_err(late)?
}

async fn exchange(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    // HTTP/1.0: the answer is not chunked and ends with the connection.
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer"))?;
    Ok((status, body.to_owned()))
}
