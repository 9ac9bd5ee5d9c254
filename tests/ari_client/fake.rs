//! A server on loopback that answers as a test says, down to what no honest server does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dialdeck::ari::{Client, Connection, Password};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// One request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// As sent, header names in any case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.split('?').next() == Some(path)
    }

    /// Of one who asks whether anybody is connected to the application.
    pub(crate) fn is_probe(&self) -> bool {
        self.path.contains("dialdeck-probe") || self.path.contains("dd-probe")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What the server does about it.
pub(crate) enum Reply {
    Json(u16, String),
    Bytes(Vec<u8>),
    /// Announces more than it sends.
    Cut(Vec<u8>, usize),
    /// Never answers.
    Hang,
    /// Closes without an answer.
    Close,
    /// Becomes a WebSocket, handed to the test.
    WebSocket,
}

impl Reply {
    pub(crate) fn ok(json: &str) -> Self {
        Self::Json(200, json.to_owned())
    }
}

pub(crate) type ServerSocket = WebSocketStream<TcpStream>;

pub(crate) struct Fake {
    pub(crate) port: u16,
    pub(crate) asked: mpsc::UnboundedReceiver<Asked>,
    pub(crate) sockets: mpsc::UnboundedReceiver<ServerSocket>,
    /// The most connections that were open at once.
    pub(crate) most_connections: Arc<AtomicUsize>,
}

struct Shared<F> {
    answer: F,
    asked: mpsc::UnboundedSender<Asked>,
    sockets: mpsc::UnboundedSender<ServerSocket>,
    open: AtomicUsize,
    most: Arc<AtomicUsize>,
}

impl Fake {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let (asked_tx, asked) = mpsc::unbounded_channel();
        let (sockets_tx, sockets) = mpsc::unbounded_channel();
        let most_connections = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared {
            answer,
            asked: asked_tx,
            sockets: sockets_tx,
            open: AtomicUsize::new(0),
            most: Arc::clone(&most_connections),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self {
            port,
            asked,
            sockets,
            most_connections,
        }
    }

    pub(crate) fn client(&self) -> Client {
        client(self.port, Duration::from_secs(2))
    }

    /// All requests so far.
    pub(crate) fn asked_so_far(&mut self) -> Vec<Asked> {
        std::iter::from_fn(|| self.asked.try_recv().ok()).collect()
    }
}

pub(crate) fn connection(port: u16, timeout: Duration) -> Connection {
    Connection {
        url: format!("http://127.0.0.1:{port}").parse().expect("a URL"),
        username: "dialdeck".into(),
        password: Password::new("hunter2"),
        app: "outbound_dialer".into(),
        ca: None,
        timeout,
    }
}

pub(crate) fn client(port: u16, timeout: Duration) -> Client {
    Client::new(&connection(port, timeout)).expect("a good connection")
}

async fn serve<F: Fn(&Asked) -> Reply>(mut stream: TcpStream, shared: Arc<Shared<F>>) {
    let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most.fetch_max(open, Ordering::SeqCst);
    while let Some(asked) = read_request(&mut stream).await {
        let reply = (shared.answer)(&asked);
        let _ = shared.asked.send(asked.clone());
        let go_on = match reply {
            Reply::Json(status, json) => {
                let head = head(status, json.len(), "application/json");
                write(&mut stream, &[head.as_bytes(), json.as_bytes()]).await
            }
            Reply::Bytes(bytes) => {
                let head = head(200, bytes.len(), "audio/wav");
                write(&mut stream, &[head.as_bytes(), &bytes]).await
            }
            Reply::Cut(bytes, announced) => {
                let head = head(200, announced, "audio/wav");
                write(&mut stream, &[head.as_bytes(), &bytes]).await;
                false
            }
            Reply::Hang => std::future::pending().await,
            Reply::Close => false,
            Reply::WebSocket => {
                upgrade(stream, &asked, &shared.sockets).await;
                return;
            }
        };
        if !go_on {
            break;
        }
    }
    shared.open.fetch_sub(1, Ordering::SeqCst);
}

async fn write(stream: &mut TcpStream, pieces: &[&[u8]]) -> bool {
    for piece in pieces {
        if stream.write_all(piece).await.is_err() {
            return false;
        }
    }
    true
}

fn head(status: u16, length: usize, kind: &str) -> String {
    format!(
        "HTTP/1.1 {status} Status\r\nContent-Length: {length}\r\nContent-Type: {kind}\r\nLocation: /ari/elsewhere\r\n\r\n"
    )
}

async fn upgrade(
    mut stream: TcpStream,
    asked: &Asked,
    sockets: &mpsc::UnboundedSender<ServerSocket>,
) {
    let key = asked.header("sec-websocket-key").expect("a WebSocket key");
    let accept = derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    if write(&mut stream, &[head.as_bytes()]).await {
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        let _ = sockets.send(socket);
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut words = head.split(' ');
    let mut asked = Asked {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        head,
        body: String::new(),
    };
    let length = asked
        .header("content-length")
        .map_or(0, |v| v.parse().expect("a length"));
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    asked.body = String::from_utf8(bytes[end..end + length].to_vec()).ok()?;
    Some(asked)
}
