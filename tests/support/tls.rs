//! A TLS server before an Asterisk or an engine, that shows whatever certificate it is told,
//! or none, to requests and to the event stream each as it is told, and looks for passwords.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::proxy::Kind;

/// How the server behaves to a new connection.
#[derive(Clone)]
pub(crate) enum Face {
    /// Shows a certificate, and passes on what comes if the client is content with it.
    Certificate(Arc<ServerConfig>),
    /// Shows one that no client may be content with, and passes nothing on.
    Bad(Arc<ServerConfig>),
    /// Answers in plain HTTP, as a web server does that was told no TLS.
    PlainHttp,
    /// Takes all and says nothing.
    Silent,
}

/// What came over connections.
#[derive(Default)]
struct Seen {
    /// Connections that came to no request, of requests and of the event stream.
    refused: [usize; 2],
    /// Pieces with a login on those, which there must never be.
    leaks: usize,
    /// Pieces with a login on good ones.
    logins: usize,
    /// Connections that were taken for those of the other kind.
    mistaken: usize,
}

/// The server. Everything ends when it is dropped.
pub(crate) struct Front {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

struct Shared {
    addr: SocketAddr,
    behind: SocketAddr,
    faces: Mutex<[Face; 2]>,
    cuts: watch::Sender<u64>,
    seen: Mutex<Seen>,
}

const KINDS: [Kind; 2] = [Kind::Events, Kind::Rest];

impl Front {
    /// Before the server at `behind`, with this certificate.
    pub(crate) fn start(behind: SocketAddr, good: Arc<ServerConfig>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let face = Face::Certificate(good);
        let shared = Arc::new(Shared {
            addr,
            behind,
            faces: Mutex::new([face.clone(), face]),
            cuts: watch::Sender::default(),
            seen: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(Arc::clone(&accepting), client));
            }
        });
        Self {
            addr,
            shared,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.addr)
    }

    /// From now on it behaves so to new connections of this kind.
    pub(crate) fn show(&self, kind: Kind, face: &Face) {
        self.shared.faces.lock().expect("no panic")[kind as usize] = face.clone();
    }

    /// To both kinds.
    pub(crate) fn show_all(&self, face: &Face) {
        for kind in KINDS {
            self.show(kind, face);
        }
    }

    /// Ends all connections.
    pub(crate) fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many connections of this kind came to no request.
    pub(crate) fn refused(&self, kind: Kind) -> usize {
        self.seen(|seen| seen.refused[kind as usize])
    }

    /// No login came before the client had made sure of the server, and this server would have
    /// seen it.
    pub(crate) fn assert_no_leak(&self) {
        self.seen(|seen| {
            assert_eq!(
                seen.leaks, 0,
                "a login went to a server that is not trusted"
            );
            assert_eq!(seen.mistaken, 0, "requests and events are not told apart");
        });
    }

    /// Whether any login came over a connection that the client trusts.
    pub(crate) fn saw_a_login(&self) -> bool {
        self.seen(|seen| seen.logins > 0)
    }

    fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.shared.seen.lock().expect("no panic"))
    }
}

async fn serve(shared: Arc<Shared>, client: TcpStream) {
    let mut cut = shared.cuts.subscribe();
    tokio::select! {
        () = shared.handle(client) => {}
        _ = cut.changed() => {}
    }
}

impl Shared {
    async fn handle(&self, client: TcpStream) {
        let Some(kind) = kind_of(&client).await else {
            return;
        };
        let face = self.faces.lock().expect("no panic")[kind as usize].clone();
        match face {
            Face::Certificate(config) => match TlsAcceptor::from(config).accept(client).await {
                Ok(stream) => self.relay(kind, stream).await,
                Err(_) => self.note(|seen| seen.refused[kind as usize] += 1),
            },
            Face::Bad(config) => match TlsAcceptor::from(config).accept(client).await {
                Ok(stream) => self.refuse(kind, stream, b"").await,
                Err(_) => self.note(|seen| seen.refused[kind as usize] += 1),
            },
            Face::PlainHttp => self.refuse(kind, client, BAD_REQUEST).await,
            Face::Silent => self.refuse(kind, client, b"").await,
        }
    }

    /// Looks at all that comes, to the end.
    async fn refuse(
        &self,
        kind: Kind,
        mut client: impl AsyncRead + AsyncWrite + Unpin,
        answer: &[u8],
    ) {
        self.note(|seen| seen.refused[kind as usize] += 1);
        let mut bytes = vec![0; 65_536];
        while let Ok(length @ 1..) = client.read(&mut bytes).await {
            if has_login(&bytes[..length]) {
                self.note(|seen| seen.leaks += 1);
            }
            if client.write_all(answer).await.is_err() {
                return;
            }
        }
    }

    async fn relay(&self, kind: Kind, client: impl AsyncRead + AsyncWrite) {
        let Ok(behind) = TcpStream::connect(self.behind).await else {
            return;
        };
        let (mut from_behind, mut to_behind) = behind.into_split();
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let up = async {
            let mut bytes = vec![0; 65_536];
            let mut first = true;
            while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
                self.look(kind, &bytes[..length], std::mem::take(&mut first));
                let passed = self.as_its_own_host(&bytes[..length]);
                if to_behind.write_all(&passed).await.is_err() {
                    return;
                }
            }
        };
        let down = async {
            let _ = tokio::io::copy(&mut from_behind, &mut to_client).await;
            let _ = to_client.shutdown().await;
        };
        tokio::select! {
            () = up => {}
            () = down => {}
        }
    }

    fn look(&self, kind: Kind, bytes: &[u8], first: bool) {
        let events = bytes.starts_with(b"GET /ari/events");
        self.note(|seen| {
            seen.logins += usize::from(has_login(bytes));
            seen.mistaken += usize::from(first && events != (kind == Kind::Events));
        });
    }

    /// The name of the server behind in the place of our own, as nginx does it for `Host`. It
    /// stands in one piece, since the client writes a request's head at once.
    fn as_its_own_host(&self, bytes: &[u8]) -> Vec<u8> {
        let ours = self.addr.to_string().into_bytes();
        match bytes.windows(ours.len()).position(|w| w == ours) {
            Some(at) => {
                let (before, rest) = bytes.split_at(at);
                let behind = self.behind.to_string();
                [before, behind.as_bytes(), &rest[ours.len()..]].concat()
            }
            None => bytes.to_vec(),
        }
    }

    fn note(&self, what: impl FnOnce(&mut Seen)) {
        what(&mut self.seen.lock().expect("no panic"));
    }
}

const BAD_REQUEST: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// By the beginning of the handshake, which stays where it is: the HTTP client names its
/// protocol there (ALPN), the WebSocket's does not. What comes later shows whether that holds.
async fn kind_of(client: &TcpStream) -> Option<Kind> {
    let mut bytes = vec![0; 16_384];
    loop {
        let length = client.peek(&mut bytes).await.ok()?;
        let mut acceptor = Acceptor::default();
        acceptor.read_tls(&mut &bytes[..length]).ok()?;
        match acceptor.accept() {
            Ok(Some(accepted)) => {
                return Some(match accepted.client_hello().alpn() {
                    Some(_) => Kind::Rest,
                    None => Kind::Events,
                });
            }
            // Not all of it is here.
            Ok(None) if length > 0 => tokio::time::sleep(Duration::from_millis(5)).await,
            _ => return None,
        }
    }
}

fn has_login(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    text.contains("authorization:") || text.contains("api_key")
}
