//! `https` and `wss`, with a certificate authority of the test's own. The key beside this
//! file belongs to no host but loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use dialdeck::ari::link::{AppVerdict, Link, LinkConfig, LinkEvent, LinkTiming, Occasion};
use dialdeck::ari::{AriError, Client, Gate, Originate, TlsTrouble};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::fake::connection;

const CA: &[u8] = include_bytes!("ca.pem");

type Tls = BufReader<StreamOwned<ServerConnection, TcpStream>>;

/// A server of a thread a connection, which ends with the test's process.
fn start() -> u16 {
    start_slow(Duration::ZERO, mpsc::unbounded_channel().0)
}

/// The same, with so long a wait before each handshake; tells the path of each request.
fn start_slow(handshake_after: Duration, asked: mpsc::UnboundedSender<String>) -> u16 {
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("server.key")).unwrap();
    let certificate = CertificateDer::from_pem_slice(include_bytes!("server.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            let tls = BufReader::new(StreamOwned::new(tls, stream));
            let asked = asked.clone();
            std::thread::spawn(move || {
                std::thread::sleep(handshake_after);
                serve(tls, &asked);
            });
        }
    });
    port
}

/// Answers until the connection ends, or becomes a WebSocket that is never written to.
fn serve(mut tls: Tls, asked: &mpsc::UnboundedSender<String>) {
    while let Some((path, key)) = read_head(&mut tls) {
        // Most tests don't look.
        let _ = asked.send(path.clone());
        let reply = match key {
            Some(key) => format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
                derive_accept_key(key.as_bytes())
            ),
            None if path == "/ari/channels" => {
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]".into()
            }
            None if path.starts_with("/ari/channels?") || path.ends_with("eventFilter") => {
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".into()
            }
            None => "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}".into(),
        };
        if tls.get_mut().write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

fn read_head(tls: &mut Tls) -> Option<(String, Option<String>)> {
    let (mut path, mut key, mut length) = (None, None, 0);
    for line in tls.by_ref().lines() {
        let line = line.ok()?;
        if line.is_empty() {
            tls.read_exact(&mut vec![0; length]).ok()?;
            return Some((path?, key));
        }
        let lower = line.to_ascii_lowercase();
        if path.is_none() {
            path = line.split(' ').nth(1).map(str::to_owned);
        } else if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        } else if lower.starts_with("sec-websocket-key:") {
            key = line.split_once(':').map(|(_, v)| v.trim().to_owned());
        }
    }
    None
}

fn client(port: u16, ca: Option<&[u8]>) -> Client {
    let mut connection = connection(port, Duration::from_secs(5));
    connection.url = format!("https://127.0.0.1:{port}").parse().unwrap();
    connection.ca = ca.map(|pem| {
        CertificateDer::pem_slice_iter(pem)
            .map(Result::unwrap)
            .collect()
    });
    Client::new(&connection).unwrap()
}

#[tokio::test]
async fn https_and_wss_work_with_the_ca_file() {
    let client = client(start(), Some(CA));
    assert_eq!(client.channels().await, Ok(vec![]));
    let (tx, mut events) = mpsc::channel(8);
    let config = LinkConfig {
        check: Arc::new(|_, _, _| AppVerdict::Connect),
        occasion: Occasion::First,
        timing: LinkTiming::default(),
    };
    let _link = Link::spawn(client, config, tx);
    let event = tokio::time::timeout(Duration::from_secs(10), events.recv()).await;
    assert_eq!(event, Ok(Some(LinkEvent::Up { left_over: None })));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_before_the_password_leaves() {
    // An authority that has not signed the server's certificate, so that this does not hang
    // on what the system trusts.
    let client = client(start(), Some(include_bytes!("../fixtures/ca.pem")));
    let error = client.channels().await.unwrap_err();
    let untrusted = TlsTrouble::Untrusted;
    assert!(
        matches!(&error, AriError::Tls { why, .. } if *why == untrusted),
        "{error}"
    );
}

#[tokio::test]
async fn an_originate_whose_gate_was_shut_while_its_connection_was_being_opened_is_not_sent() {
    let (tell, mut asked) = mpsc::unbounded_channel();
    let client = client(start_slow(Duration::from_millis(500), tell), Some(CA));
    let gate = Gate::default();
    gate.set_open(true);
    let originate = Originate {
        channel_id: "dd-a".into(),
        endpoint: "PJSIP/1@t".into(),
        ..Originate::default()
    };
    let shutting = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        gate.set_open(false);
    };
    let (sent, ()) = tokio::join!(client.originate_through(&gate, &originate), shutting);
    let error = sent.unwrap_err();
    assert!(matches!(error, AriError::Withheld { .. }), "{error}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(asked.try_recv().ok(), None);

    gate.set_open(true);
    assert_eq!(client.originate_through(&gate, &originate).await, Ok(()));
    let path = asked.recv().await.unwrap();
    assert!(path.starts_with("/ari/channels?"), "{path}");
    assert_eq!(client.stats().outages, 0, "nothing was wrong with Asterisk");
}
