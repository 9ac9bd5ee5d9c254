//! A TCP proxy between a dialer and its Asterisk that tells the event stream from requests,
//! breaks either or both on command, and writes down every originate with its time.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// What goes over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The WebSocket with Asterisk's events.
    Events,
    /// Requests.
    Rest,
}

/// What is wrong with the connections of a kind. What is held back is not lost: it goes on
/// when the fault is over, however late that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// No byte passes, in either direction.
    Stalled,
    /// Nothing reaches Asterisk.
    Deaf,
    /// Nothing comes from Asterisk.
    Mute,
    /// New connections end at once.
    Refused,
}

/// A request to call somebody, as it came from the dialer.
#[derive(Debug, Clone)]
pub(crate) struct Originate {
    /// When it was read here: the dialer may have written it earlier.
    pub(crate) at: SystemTime,
    pub(crate) number: String,
}

/// The proxy. Everything ends when it is dropped.
pub(crate) struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

struct Shared {
    asterisk: SocketAddr,
    /// Of the event stream, and of requests.
    faults: watch::Sender<[Fault; 2]>,
    /// How often the connections of a kind were cut.
    cuts: [watch::Sender<u64>; 2],
    originates: Mutex<Vec<Originate>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ToAsterisk,
    FromAsterisk,
}

impl Fault {
    fn lets_pass(self, way: Way) -> bool {
        match self {
            Self::None | Self::Refused => true,
            Self::Stalled => false,
            Self::Deaf => way == Way::FromAsterisk,
            Self::Mute => way == Way::ToAsterisk,
        }
    }
}

impl Proxy {
    /// In front of the Asterisk at `asterisk`, without faults.
    pub(crate) fn start(asterisk: SocketAddr) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            asterisk,
            faults: watch::Sender::default(),
            cuts: [watch::Sender::default(), watch::Sender::default()],
            originates: Mutex::default(),
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

    /// What the dialer takes for its Asterisk.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// From now on this is wrong with the connections of these kinds.
    pub(crate) fn inflict(&self, kinds: &[Kind], fault: Fault) {
        self.shared.faults.send_modify(|faults| {
            for kind in kinds {
                faults[*kind as usize] = fault;
            }
        });
    }

    /// Ends the open connections of these kinds.
    pub(crate) fn cut(&self, kinds: &[Kind]) {
        for kind in kinds {
            self.shared.cuts[*kind as usize].send_modify(|cuts| *cuts += 1);
        }
    }

    /// Each originate of a call to a person that came from the dialer.
    pub(crate) fn originates(&self) -> Vec<Originate> {
        self.shared.originates.lock().expect("no panic").clone()
    }
}

async fn serve(shared: Arc<Shared>, mut client: TcpStream) {
    let mut first = vec![0; 65_536];
    let Ok(length @ 1..) = client.read(&mut first).await else {
        return;
    };
    first.truncate(length);
    let kind = if first.starts_with(b"GET /ari/events") {
        Kind::Events
    } else {
        Kind::Rest
    };
    if shared.faults.borrow()[kind as usize] == Fault::Refused {
        return;
    }
    let mut cut = shared.cuts[kind as usize].subscribe();
    let Ok(asterisk) = TcpStream::connect(shared.asterisk).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_asterisk, to_asterisk) = asterisk.into_split();
    shared.note(&first);
    let up = shared.pump(kind, Way::ToAsterisk, first, from_client, to_asterisk);
    let down = shared.pump(
        kind,
        Way::FromAsterisk,
        Vec::new(),
        from_asterisk,
        to_client,
    );
    tokio::select! {
        _ = async { tokio::join!(up, down) } => {}
        _ = cut.changed() => {}
    }
}

impl Shared {
    /// Each request comes in one piece, since the dialer writes none before the last was
    /// answered.
    fn note(&self, bytes: &[u8]) {
        let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or(bytes);
        let line = String::from_utf8_lossy(line);
        let to_a_person = line
            .strip_prefix("POST /ari/channels?")
            .and_then(|query| query.split_once("endpoint=PJSIP%2F"));
        if let Some((_, number)) = to_a_person {
            let at = SystemTime::now();
            let number = number.chars().take_while(char::is_ascii_digit).collect();
            let mut originates = self.originates.lock().expect("no panic");
            originates.push(Originate { at, number });
        }
    }

    async fn pump(
        &self,
        kind: Kind,
        way: Way,
        mut bytes: Vec<u8>,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
    ) {
        let mut faults = self.faults.subscribe();
        let mut buffer = vec![0; 65_536];
        loop {
            let passes = |all: &[Fault; 2]| all[kind as usize].lets_pass(way);
            let over = faults.wait_for(passes).await.is_err();
            if over || to.write_all(&bytes).await.is_err() {
                return;
            }
            let Ok(length @ 1..) = from.read(&mut buffer).await else {
                // The end is held back like everything else.
                let _ = faults.wait_for(passes).await;
                let _ = to.shutdown().await;
                return;
            };
            bytes.clear();
            bytes.extend_from_slice(&buffer[..length]);
            if way == Way::ToAsterisk {
                self.note(&bytes);
            }
        }
    }
}
