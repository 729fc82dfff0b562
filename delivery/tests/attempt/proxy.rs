//! Through a proxy of the operator: a small one on loopback that connects every host to one receiver.

use std::sync::atomic::{AtomicUsize, Ordering};

use cicdcontext_delivery::{Proxy, TlsMaterial};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::tls::{TlsReceiver, authority};
use super::*;

/// What the proxy says to every request.
#[derive(Clone, Copy)]
enum Says {
    /// A tunnel to this port of loopback; or, without CONNECT, an answer of its own.
    Serves(u16),
    /// This, and it closes.
    Only(&'static str),
}

struct SmallProxy {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl SmallProxy {
    async fn start(says: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heads, connections) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicUsize>::default());
        let (seen, count) = (Arc::clone(&heads), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, says, Arc::clone(&seen)));
            }
        });
        Self { port, heads, connections }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, says: Says, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let tunnel = head.starts_with("CONNECT ");
    heads.lock().unwrap().push(head);
    match says {
        Says::Only(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
            while matches!(stream.read(&mut [0; 512]).await, Ok(1..)) {}
        }
        Says::Serves(port) if tunnel => {
            let mut receiver = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut receiver).await;
        }
        Says::Serves(_) => {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\nconnection: close\r\n\r\nfrom behind";
            stream.write_all(answer).await.unwrap();
            while matches!(stream.read(&mut [0; 512]).await, Ok(1..)) {}
        }
    }
}

fn proxy(port: u16) -> Proxy {
    let proxy = Proxy::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    proxy.credentials("robot".into(), "canary-word".into()).unwrap()
}

/// Knows no names and has no rules: a proxy's address is not judged by them.
fn strict(names: Names) -> (Sender, Arc<Names>) {
    sender_with(names, &[])
}

#[tokio::test]
async fn https_goes_through_a_tunnel_that_sees_the_host_alone() {
    let ours = authority();
    let receiver = TlsReceiver::plain(&ours);
    let through = SmallProxy::start(Says::Serves(receiver.port)).await;
    let (sender, names) = strict(Names::default());
    let material = TlsMaterial::default().trust(ours.pem().as_bytes()).unwrap();
    let url = format!("https://hooks.chat.example:{}/canary", receiver.port).parse().unwrap();
    let destination = Destination::new(url, shop()).tls(material).proxy(proxy(through.port));
    let answer = sender.attempt(&destination, &post(&destination)).await.unwrap();
    assert_eq!(answer.body, b"over tls");
    let asked = through.heads().remove(0);
    assert!(asked.starts_with(&format!("CONNECT hooks.chat.example:{} HTTP/1.1\r\n", receiver.port)), "{asked}");
    let lower = asked.to_ascii_lowercase();
    assert!(lower.contains("\r\nproxy-authorization: basic cm9ib3q6y2fuyxj5lxdvcmq=\r\n"), "{asked}");
    assert!(!lower.contains("canary") && !lower.contains("webhook"), "{asked}");
    let head = receiver.heads().remove(0).to_ascii_lowercase();
    assert!(head.starts_with("post /canary http/1.1\r\n") && !head.contains("proxy"), "{head}");
    assert!(names.asked.lock().unwrap().is_empty(), "names are the proxy's to resolve");
    // The tunnel is kept; another proxy, or none, is another way.
    sender.attempt(&destination, &post(&destination)).await.unwrap();
    assert_eq!(through.connections.load(Ordering::SeqCst), 1);
    let other = SmallProxy::start(Says::Serves(receiver.port)).await;
    let destination = destination.proxy(proxy(other.port));
    sender.attempt(&destination, &post(&destination)).await.unwrap();
    assert_eq!(other.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn http_goes_with_the_whole_url_and_the_proxy_s_name_is_looked_up() {
    let through = SmallProxy::start(Says::Serves(0)).await;
    let (sender, names) = strict(Names::default().with("proxy.example.", &[&["127.0.0.1"]]));
    let by_name = Proxy::parse(&format!("http://Proxy.Example:{}", through.port)).unwrap();
    let by_name = by_name.credentials("robot".into(), "canary-word".into()).unwrap();
    let destination = to("http://hooks.chat.example:8080/ci?a=b").proxy(by_name);
    let answer = sender.attempt(&destination, &post(&destination)).await.unwrap();
    assert_eq!(answer.body, b"from behind");
    let asked = through.heads().remove(0);
    assert!(asked.starts_with("POST http://hooks.chat.example:8080/ci?a=b HTTP/1.1\r\n"), "{asked}");
    for line in
        ["host: hooks.chat.example:8080", "proxy-authorization: Basic cm9ib3Q6Y2FuYXJ5LXdvcmQ=", "webhook-id: msg-1"]
    {
        assert!(asked.contains(&format!("\r\n{line}\r\n")), "{line} in {asked}");
    }
    assert_eq!(*names.asked.lock().unwrap(), ["proxy.example."]);
}

#[tokio::test]
async fn what_is_forbidden_is_not_asked_of_a_proxy_either() {
    use RefusalReason as Why;
    let through = SmallProxy::start(Says::Serves(0)).await;
    let (sender, names) = sender_with(Names::default(), &["*.corp.internal"]);
    for (url, reason) in [
        ("http://127.0.0.1/canary", Why::Loopback),
        ("http://0x7f.1/canary", Why::Loopback),
        ("http://[::ffff:127.0.0.1]/canary", Why::Loopback),
        ("http://169.254.169.254/canary", Why::Metadata),
        ("http://10.0.0.7/canary", Why::Private),
        ("http://localhost/canary", Why::Loopback),
        ("http://LocalHost./canary", Why::Loopback),
        ("http://a.localhost/canary", Why::Loopback),
        ("http://metadata.google.internal/canary", Why::Metadata),
        ("http://metadata/canary", Why::Metadata),
        ("http://kubernetes.default.svc/canary", Why::Forbidden),
        ("http://kubernetes.default.svc.cluster.local/canary", Why::Forbidden),
        ("http://kubernetes/canary", Why::Forbidden),
        ("http://vault.bank.svc/canary", Why::Private),
        ("http://vault.bank.svc.cluster.local./canary", Why::Private),
        ("http://vault/canary", Why::Private),
        ("http://db.other.internal/canary", Why::Private),
        ("http://canary@hooks.chat.example/", Why::UserInformation),
    ] {
        let destination = to(url).proxy(proxy(through.port));
        let error = sender.attempt(&destination, &post(&destination)).await.expect_err(url);
        let AttemptError::Egress(refusal) = &error else { panic!("{url}: {error:?}") };
        assert_eq!(refusal.reason, reason, "{url}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    let plain = Destination::new("http://hooks.chat.example/".parse().unwrap(), shop()).proxy(proxy(through.port));
    assert_eq!(sender.attempt(&plain, &post(&plain)).await.unwrap_err().label(), "Egress", "http is not allowed here");
    assert_eq!((through.connections.load(Ordering::SeqCst), names.asked.lock().unwrap().len()), (0, 0));
    // A Service of the own namespace, and what a rule names, may be asked for.
    for url in ["http://receiver.shop.svc/", "http://db.corp.internal/"] {
        let destination = to(url).proxy(proxy(through.port));
        assert!(sender.attempt(&destination, &post(&destination)).await.is_ok(), "{url}");
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_serve_is_named_without_its_credentials() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let denies = "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";
    for (url, says, sent, told) in [
        ("https://hooks.chat.example/canary", None, false, "Connection refused"),
        ("https://hooks.chat.example/canary", Some(denies), false, "it asks for other credentials"),
        (
            "https://hooks.chat.example/canary",
            Some("HTTP/1.1 403 Forbidden\r\n\r\n"),
            false,
            "it does not connect to that host",
        ),
        ("https://hooks.chat.example/canary", Some(""), false, "it closed the connection"),
        ("http://hooks.chat.example/canary", None, false, "Connection refused"),
        ("http://hooks.chat.example/canary", Some(denies), true, "it asks for other credentials"),
    ] {
        let port = match says {
            None => closed,
            Some(text) => SmallProxy::start(Says::Only(text)).await.port,
        };
        let destination = to(url).proxy(proxy(port));
        let (sender, _) = strict(Names::default());
        let error = sender.attempt(&destination, &post(&destination)).await.expect_err(url);
        let target = url.strip_suffix("/canary").unwrap();
        let start = format!("reach {target} through the operator's proxy http://127.0.0.1:{port}: {told}");
        let text = error.to_string();
        assert!(text.starts_with(&start) && !text.contains("canary"), "{text}");
        assert_eq!((error.label(), error.may_have_been_sent()), ("Proxy", sent), "{text}");
        assert_eq!(classify(&Err(error), SystemTime::now()), Class::Retry { reason: "ProxyFailed", retry_after: None });
    }
}

#[tokio::test]
async fn credentials_that_a_proxy_echoes_are_taken_out() {
    let echo = "HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\nrobot:canary-word cm9ib3Q6Y2FuYXJ5LXdvcmQ=";
    let through = SmallProxy::start(Says::Only(echo)).await;
    let destination = to("http://hooks.chat.example/").proxy(proxy(through.port));
    let result = strict(Names::default()).0.attempt(&destination, &post(&destination)).await;
    assert_eq!(classify(&result, SystemTime::now()), Class::Retry { reason: "ServerError", retry_after: None });
    let body = String::from_utf8(result.unwrap().body).unwrap();
    assert!(body.starts_with("robot:*** ") && !body.contains("Y2FuYXJ5"), "{body}");
}

#[tokio::test]
async fn an_https_proxy_is_trusted_by_the_sender_s_authorities_and_takes_no_certificates_of_endpoints() {
    let ours = authority();
    let receiver = TlsReceiver::plain(&ours);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ours.der().clone()).unwrap();
    let names = Names::default().with("hooks.chat.example.", &[&["127.0.0.1"]]);
    let sender = Sender::with(Policy::default(), Arc::new(names), roots).unwrap();
    // The receiver's certificate is made out for this name: it plays the proxy.
    let through = Proxy::parse(&format!("https://hooks.chat.example:{}", receiver.port)).unwrap();
    let destination = to("http://elsewhere.example/ci").proxy(through);
    assert_eq!(sender.attempt(&destination, &post(&destination)).await.unwrap().body, b"over tls");
    assert!(receiver.heads()[0].starts_with("POST http://elsewhere.example/ci HTTP/1.1\r\n"));
    let material = TlsMaterial::default().trust(ours.pem().as_bytes()).unwrap();
    let destination = destination.tls(material);
    let error = sender.attempt(&destination, &post(&destination)).await.unwrap_err();
    let told = format!(
        "use the endpoint's tls behind proxy https://hooks.chat.example:{}: certificates meant for the endpoint would \
         be used with the proxy, too; use a proxy whose URL starts with http://, through which TLS goes to the endpoint \
         alone",
        receiver.port
    );
    assert_eq!((error.to_string(), error.label()), (told, "Request"));
}

/// Runs itself again in an environment that names a proxy, since a process cannot change its own.
#[tokio::test]
async fn a_proxy_of_the_environment_is_not_used() {
    const AGAIN: &str = "CICDCONTEXT_TEST_WITH_PROXY_VARIABLES";
    if std::env::var_os(AGAIN).is_some() {
        let receiver = Receiver::start(vec![ok("direct")]).await;
        let answer = attempt(&format!("http://{}/", receiver.address)).await.unwrap();
        assert_eq!((answer.body.as_slice(), receiver.connections()), (&b"direct"[..], 1));
        return;
    }
    let through = SmallProxy::start(Says::Serves(0)).await;
    let url = format!("http://127.0.0.1:{}", through.port);
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "proxy::a_proxy_of_the_environment_is_not_used"]).env(AGAIN, "1").env_remove("NO_PROXY");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        again.env(name, &url);
    }
    let output = tokio::task::spawn_blocking(move || again.env_remove("no_proxy").output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert_eq!(through.connections.load(Ordering::SeqCst), 0);
}
